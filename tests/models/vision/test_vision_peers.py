"""Our vision networks against the publishers' code: random weights, saved by them, read by us, give the same logits.

Run with `pytest -m peers` in an environment that has the peers: see docs/networks.md. A peer that is missing fails
the test; nothing is skipped.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from bakeoff import models
from bakeoff.data.schema import Classes, Image, Schema
from bakeoff.errors import ModelError
from torchvision_peer import make_torchvision_importable

pytestmark = pytest.mark.peers

CLASSES = 7
#: float32 rounding, in units of the largest logit.
TOLERANCE = 1e-5


def schema(side: int = 96, channels: int = 3) -> Schema:
    return Schema(
        input=Image(channels=channels, height=side, width=side),
        target=Classes(names=tuple(map(str, range(CLASSES)))),
    )


def torchvision_network(name: str, **options: Any) -> nn.Module:
    make_torchvision_importable()
    import torchvision

    if name == "vit_ti_16":  # torchvision publishes no ViT as small as this, but its class makes one
        return torchvision.models.VisionTransformer(224, 16, 12, 3, 192, 768, num_classes=CLASSES, **options)
    return torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **options)


def timm_network(name: str, **options: Any) -> nn.Module:
    make_torchvision_importable()
    import timm

    return timm.create_model(name, pretrained=False, num_classes=CLASSES, **options)


def randomised(module: nn.Module, side: int) -> nn.Module:
    """Random numbers in every tensor, so that no two may be exchanged unseen, and batch statistics that fit them."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if tensor.ndim > 1:
            tensor.copy_(torch.randn(tensor.shape, generator=generator) / max(tensor[0].numel(), 64) ** 0.5)
        elif tensor.is_floating_point():
            noise = 0.2 * (torch.rand(tensor.shape, generator=generator) - 0.5)
            tensor.copy_(1 + noise if name.endswith("weight") else noise)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    with torch.no_grad():
        module.train()(pictures(side))
    return module.eval()


def pictures(side: int, count: int = 3) -> Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def largest_difference(ours: nn.Module, theirs: nn.Module, side: int) -> float:
    """Between the logits of both, in units of the largest."""
    with torch.no_grad():
        expected: Any = theirs(pictures(side))
        expected = getattr(expected, "logits", expected)
        return float((ours.eval()(pictures(side)) - expected).abs().max() / expected.abs().max())


def assert_same_outputs(
    name: str, theirs: nn.Module, file: Path, side: int, layout: str, **options: Any
) -> None:
    """The same logits through the file; another value of any one tensor would be seen."""
    ours = models.load(name, file, schema=schema(side), layout=layout, **options)
    assert (
        models.load(name, file, schema=schema(side), **options).state_dict().keys()
        == ours.state_dict().keys()
    )
    assert largest_difference(ours, theirs, side) < TOLERANCE
    for tensor in ours.state_dict().values():
        if tensor.ndim > 1:
            with torch.no_grad():
                tensor.mul_(1.1)
            break
    assert largest_difference(ours, theirs, side) > 1e-4


def through_a_file(theirs: nn.Module, folder: Path) -> Path:
    path = folder / "model.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in theirs.state_dict().items()}, path)
    return path


@pytest.mark.parametrize(
    "name",
    [
        *("alexnet", "vgg11", "vgg13_bn", "googlenet", "resnet18", "resnet50", "resnet101"),
        *("efficientnet_b0", "efficientnet_b5", "vit_ti_16"),
    ],
)
def test_torchvisions_weights_give_torchvisions_logits(name: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"googlenet": {"aux_logits": False, "init_weights": False}}.get(name, {})
    side = 224 if name.startswith("vit") else 96
    theirs = randomised(torchvision_network(name, **options), side)
    layout = "torchvision without auxiliary heads" if name == "googlenet" else "torchvision"
    assert_same_outputs(name, theirs, through_a_file(theirs, tmp_path), side, layout)


def test_googlenets_auxiliary_heads_give_torchvisions_logits(tmp_path: Path) -> None:
    theirs = randomised(torchvision_network("googlenet", init_weights=False), 96)
    ours = models.load("googlenet", through_a_file(theirs, tmp_path), schema=schema(), auxiliary=True)
    for module in (*theirs.modules(), *ours.modules()):
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    x = pictures(96)
    main, first, second = ours.train().forward_with_auxiliary(x)  # type: ignore[operator]
    expected = theirs.train()(x)
    for one, other in (
        (main, expected.logits),
        (first, expected.aux_logits1),
        (second, expected.aux_logits2),
    ):
        assert (one - other).abs().max() < 1e-4 * other.abs().max()
    assert (first - expected.aux_logits2).abs().max() > 1e-2 * first.abs().max()


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        *(("resnet18", "resnet18"), ("resnet50", "resnet50"), ("efficientnet_b0", "efficientnet_b0")),
        *(
            ("efficientnet_b5", "efficientnet_b5"),
            ("vgg11_bn", "vgg11_bn"),
            ("vit_ti_16", "vit_tiny_patch16_224"),
        ),
    ],
)
def test_timms_weights_give_timms_logits(name: str, theirs: str, tmp_path: Path) -> None:
    side = 224 if name.startswith(("vit", "vgg")) else 96
    module = randomised(timm_network(theirs), side)
    assert_same_outputs(name, module, through_a_file(module, tmp_path), side, "timm")


def transformers_network(name: str) -> nn.Module:
    make_torchvision_importable()
    import transformers

    if name.startswith("vit"):
        size = (192, 3)
        config = transformers.ViTConfig(
            hidden_size=size[0],
            num_attention_heads=size[1],
            intermediate_size=4 * size[0],
            num_labels=CLASSES,
        )
        return transformers.ViTForImageClassification(config)
    if name.startswith("resnet"):
        depths, kind = {"resnet18": ([2, 2, 2, 2], "basic"), "resnet50": ([3, 4, 6, 3], "bottleneck")}[name]
        sizes = [64, 128, 256, 512] if kind == "basic" else [256, 512, 1024, 2048]
        config = transformers.ResNetConfig(
            depths=depths, layer_type=kind, hidden_sizes=sizes, num_labels=CLASSES
        )
        return transformers.ResNetForImageClassification(config)
    width, depth, last = {"efficientnet_b0": (1.0, 1.0, 1280), "efficientnet_b1": (1.0, 1.1, 1280)}[name]
    config = transformers.EfficientNetConfig(
        width_coefficient=width, depth_coefficient=depth, hidden_dim=last, num_labels=CLASSES
    )
    return transformers.EfficientNetForImageClassification(config)


@pytest.mark.parametrize("name", ["vit_ti_16", "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b1"])
def test_transformers_weights_give_transformers_logits(name: str, tmp_path: Path) -> None:
    side = 224 if name.startswith("vit") else 128
    theirs = randomised(transformers_network(name), side)
    theirs.save_pretrained(tmp_path)  # the names of the published files, whatever they are in memory
    assert_same_outputs(name, theirs, tmp_path, side, "huggingface")


def test_the_symmetric_padding_would_not_give_hugging_faces_logits(tmp_path: Path) -> None:
    theirs = randomised(transformers_network("efficientnet_b0"), 128)
    theirs.save_pretrained(tmp_path)
    ours = models.load("efficientnet_b0", tmp_path, schema=schema(128), padding="symmetric", epsilon=1e-3)
    assert largest_difference(ours, theirs, 128) > 1e-3
    loaded = models.load("efficientnet_b0", tmp_path, schema=schema(128))
    again = models.build("efficientnet_b0", schema(128), **loaded.build_options)  # type: ignore[arg-type]
    again.load_state_dict(loaded.state_dict())
    assert largest_difference(again, theirs, 128) < TOLERANCE


def test_positions_are_resized_as_timm_resizes_them(tmp_path: Path) -> None:
    theirs = randomised(timm_network("vit_tiny_patch16_224"), 224)
    path = through_a_file(theirs, tmp_path)
    from timm.layers import resample_abs_pos_embed

    ours = models.load("vit_ti_16", path, schema=schema(160))
    expected = resample_abs_pos_embed(theirs.pos_embed, [10, 10], antialias=False)
    got: Tensor = ours.places  # type: ignore[assignment]
    assert got.shape == (1, 101, 192)
    assert (got - expected).abs().max() < 1e-5


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    path = through_a_file(timm_network("resnet18"), tmp_path)
    with pytest.raises(ModelError, match=r"missing .*stages\.0\.2\.convolution1\.weight"):
        models.load("resnet34", path, schema=schema())
