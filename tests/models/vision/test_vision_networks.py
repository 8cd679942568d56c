"""The networks for images: published sizes to the last parameter, and each network's own idea."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bakeoff import models
from bakeoff.data.schema import Classes, Image, Schema, Value
from bakeoff.errors import ModelError, OptionError
from bakeoff.models.layers.image_stem import cifar
from bakeoff.models.vision.efficientnet import SCALES, compound_scaling, scaled_channels, scaled_repeats
from bakeoff.models.vision.lenet import TABLE, squash

PNET = Path(__file__).parents[2] / "data" / "pnet"


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(name: str, schema: Schema | None = None, **options: object) -> nn.Module:
    with torch.device("meta"):
        return models.build(name, schema or models.card(name).example, **options)  # type: ignore[arg-type]


# From the papers' authors, torchvision's model pages, DeiT's table (ViT-Ti, ViT-S), and for the CIFAR networks
# Idelbayev's count of the paper's own networks.
PUBLISHED = {
    "alexnet": 61_100_840,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "vgg16_bn": 138_365_992,
    "googlenet": 6_624_904,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnet20_cifar": 269_722,
    "resnet56_cifar": 853_018,
    "resnet110_cifar": 1_727_962,
    "efficientnet_b0": 5_288_548,
    "efficientnet_b1": 7_794_184,
    "efficientnet_b4": 19_341_616,
    "efficientnet_b7": 66_347_960,
    "vit_ti_16": 5_717_416,
    "vit_s_16": 22_050_664,
    "vit_b_16": 86_567_656,
    "vit_b_32": 88_224_232,
    "vit_l_16": 304_326_632,
}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_parameters_equal_the_published_count_exactly(name: str, parameters: int) -> None:
    assert count(on_meta(name)) == parameters
    eleven = replace(models.card(name).example, target=Classes(names=tuple(map(str, range(1001)))))
    assert count(on_meta(name, eleven)) > parameters


def test_googlenet_with_auxiliary_heads_has_the_published_count() -> None:
    assert count(on_meta("googlenet", auxiliary=True)) == 13_004_888


def test_the_auxiliary_heads_of_googlenet_learn() -> None:
    network = models.build("googlenet", cifar(), seed=0, auxiliary=True)
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    sum(logits.square().sum() for logits in network.forward_with_auxiliary(x)).backward()  # type: ignore[operator]
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())
    assert network(x).shape == (2, 10)


def test_lenet5_has_the_60000_weights_of_the_paper_layer_by_layer() -> None:
    layers = {name: count(layer) for name, layer in on_meta("lenet5").named_children() if name != "head"}
    assert layers == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert sum(layers.values()) == 60_000


def test_lenets_third_layer_sees_only_the_maps_of_its_table() -> None:
    layer = models.build("lenet5", models.card("lenet5").example, seed=0).c3
    x = torch.zeros(1, 6, 5, 5, requires_grad=True)
    for after, seen in enumerate(TABLE):
        (gradient,) = torch.autograd.grad(layer(x)[0, after].sum(), x)
        assert {before for before in range(6) if gradient[0, before].any()} == set(seen)
    assert len(set(TABLE)) == 16


def test_lenets_sigmoid_is_one_at_one() -> None:
    assert float(squash(torch.tensor(1.0))) == pytest.approx(1.0, abs=1e-4)
    assert float(torch.tanh(torch.tensor(1.0))) != pytest.approx(1.0, abs=0.1)


def test_mnists_28_pixels_are_centred_on_32_as_in_the_paper() -> None:
    small = models.build(
        "lenet5", Schema(input=Image(channels=1, height=28, width=28), target=cifar().target), seed=0
    )
    large = models.build("lenet5", models.card("lenet5").example, seed=0)
    x = torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(small(x), large(F.pad(x, (2, 2, 2, 2))))
    assert not torch.equal(small(x), large(F.pad(x, (4, 0, 4, 0))))


@pytest.mark.parametrize("depth", [18, 50])
def test_a_plain_twin_is_the_resnet_without_its_shortcuts(depth: int) -> None:
    names = {name for name, _ in on_meta(f"resnet{depth}").named_parameters() if "shortcut" not in name}
    assert names == {name for name, _ in on_meta(f"plain{depth}").named_parameters()}
    assert names != {name for name, _ in on_meta(f"resnet{depth}").named_parameters()}


def test_a_block_that_adds_nothing_passes_its_input_on_and_a_plain_one_does_not() -> None:
    blocks = [
        models.build(f"{kind}20_cifar", cifar(), seed=0).stages[0][0].eval() for kind in ("resnet", "plain")
    ]
    x = torch.rand(2, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    for block in blocks:
        nn.init.zeros_(block.norm2.weight)
    assert torch.equal(blocks[0](x), x)
    assert not blocks[1](x).any()


def test_a_shortcut_of_option_a_takes_every_second_pixel_and_learns_nothing() -> None:
    shortcut = models.build("resnet20_cifar", cifar(), seed=0).stages[1][0].shortcut
    x = torch.rand(1, 16, 4, 4, generator=torch.Generator().manual_seed(0))
    y = shortcut(x)
    assert y.shape == (1, 32, 2, 2)
    assert torch.equal(y[:, 8:24], x[:, :, ::2, ::2])
    assert not y[:, :8].any()
    assert not list(shortcut.parameters())


def test_compound_scaling_gives_the_published_sizes_before_rounding() -> None:
    """The coefficients of B0 ... B7 are those of the authors' code; it made the depths of the large ones rounder."""
    for coefficient, (name, published) in zip((0, 0.5, 1, 2, 3.5, 5, 6, 7), SCALES.items(), strict=True):
        scale = compound_scaling(coefficient)
        assert scale.width == pytest.approx(published.width, rel=0.06), name
        assert scale.resolution == pytest.approx(published.resolution, rel=0.05), name
        assert scale.depth == pytest.approx(published.depth, rel=0.17), name
    assert compound_scaling(3).width != pytest.approx(SCALES["efficientnet_b7"].width, rel=0.06)
    one = compound_scaling(1)
    assert one.depth * one.width**2 * (one.resolution / 224) ** 2 == pytest.approx(2, rel=0.05)
    with pytest.raises(OptionError, match="0 or more, and -1"):
        compound_scaling(-1)


def test_scaled_channels_are_multiples_of_eight_and_never_a_tenth_less() -> None:
    assert [scaled_channels(channels, 1.1) for channels in (16, 24, 40, 320)] == [16, 24, 48, 352]
    assert all(
        scaled_channels(c, w / 10) >= 0.9 * c * w / 10 for c in range(8, 400, 8) for w in range(10, 21)
    )
    assert [scaled_repeats(n, 1.1) for n in (1, 2, 3, 4)] == [2, 3, 4, 5]


def test_stochastic_depth_leaves_out_whole_examples_in_training_only() -> None:
    block = models.build("efficientnet_b0", cifar(), seed=0).stages[6 - 1][1]
    assert block.adds
    block.drop = 0.5
    x = torch.rand(64, 192, 2, 2, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        same = (block.train()(x) == x).flatten(1).all(1)
    assert 20 < int(same.sum()) < 44
    assert not (block.eval()(x) == x).flatten(1).all(1).any()


@pytest.mark.parametrize(
    ("name", "side"), [("vgg11", 100), ("alexnet", 160), ("resnet18", 97), ("vit_ti_16", 100)]
)
def test_other_sizes_channels_and_targets_are_taken(name: str, side: int) -> None:
    schema = Schema(input=Image(channels=2, height=side, width=side + 30), target=Value(size=3))
    with torch.device("meta"):
        assert models.build(name, schema)(torch.empty(2, 2, side, side + 30)).shape == (2, 3)


def test_a_width_is_refused_where_the_paper_fixed_the_shape() -> None:
    with pytest.raises(ModelError, match=r"'resnet18' has the shape .* width=7 was asked"):
        models.build("resnet18", cifar(), width=7)
    assert models.build("resnet20_cifar", cifar(), width=4).head.in_features == 16


def test_patches_larger_than_the_image_are_refused() -> None:
    with pytest.raises(OptionError, match="patch must be from 1 to the image's 32 pixels, and 33"):
        models.build("vit_ti_16", cifar(), patch=33)


def test_the_published_pnet_tells_faces_from_background() -> None:
    """facenet-pytorch's weights on scikit-image's `lfw_subset`, at P-Net's 12 x 12; with shuffled classes, chance."""
    network = models.load("pnet", PNET / "pnet.pt").eval()
    images = torch.from_numpy(np.load(PNET / "lfw_subset.npz")["images"]).float()[:, None]
    x = (F.interpolate(images, size=(12, 12), mode="area") - 127.5) / 128
    is_face = torch.arange(200) < 100
    with torch.no_grad():
        said = network(x.expand(-1, 3, -1, -1)).argmax(1) == 1
    assert float((said == is_face).float().mean()) >= 0.985
    shuffled = is_face[torch.randperm(200, generator=torch.Generator().manual_seed(0))]
    assert float((said == shuffled).float().mean()) < 0.7


def test_pnet_slides_over_a_picture() -> None:
    """The map's answer for a window is the answer for that window alone: a fully convolutional network."""
    network = models.load("pnet", PNET / "pnet.pt").eval()
    x = torch.randn(1, 3, 24, 20, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits, boxes = network.forward_maps(x)  # type: ignore[operator]
        assert logits.shape[2:] == boxes.shape[2:] == (7, 5)
        assert torch.allclose(logits[:, :, 2, 1], network(x[:, :, 4:16, 2:14]), atol=1e-5)
        assert not torch.allclose(logits[:, :, 2, 1], network(x[:, :, 5:17, 2:14]), atol=1e-3)
        assert torch.allclose(network(x), logits.mean((2, 3)), atol=1e-5)
    with pytest.raises(ModelError, match="built without boxes"):
        models.build("pnet", models.card("pnet").example).forward_maps(x)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "least", "other"),
    [
        *(("googlenet", 31, 100), ("googlenet", 4, 32), ("alexnet", 63, 100), ("alexnet", 15, 32)),
        *(
            ("vgg11", 32, 100),
            ("resnet18", 1, 100),
            ("efficientnet_b0", 1, 100),
            ("lenet5", 1, 100),
            ("pnet", 12, 100),
        ),
    ],
)
def test_the_least_side_is_really_the_least(name: str, least: int, other: int) -> None:
    def try_height(height: int) -> None:
        schema = Schema(input=Image(channels=3, height=height, width=other), target=cifar().target)
        with torch.device("meta"):
            assert models.build(name, schema).eval()(torch.empty(2, 3, height, other)).shape == (2, 10)

    try_height(least)
    if least > 1:
        with pytest.raises(ModelError, match=rf"'{name}' needs images of at least {least} x {least} pixels"):
            try_height(least - 1)
