"""Published weights: every tensor in its place, or an error that names it; and no file gets to run code."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from bakeoff import models
from bakeoff.data.schema import Classes, Image, Schema
from bakeoff.errors import MissingExtraError, ModelError
from bakeoff.models.layers.image_stem import cifar
from bakeoff.models.weights import (
    Changed,
    Cut,
    Layout,
    Part,
    load_tensors,
    read_tensors,
    save_tensors,
    transposed,
)


def tensors() -> dict[str, Tensor]:
    return {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.0, 2.0])}


def write(folder: Path, ending: str) -> Path:
    """The same tensors in each kind of file, as each kind's own library writes it."""
    path = folder / f"weights{ending}"
    if ending == ".safetensors":
        save_file(tensors(), path)
    elif ending == ".npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in tensors().items()})
    else:
        torch.save(tensors(), path)
    return path


@pytest.mark.parametrize("ending", [".safetensors", ".npz", ".pt", ".pth", ".bin", ".ckpt"])
def test_every_kind_of_file_gives_its_tensors(ending: str, tmp_path: Path) -> None:
    found = read_tensors(write(tmp_path, ending))
    assert found.keys() == tensors().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors().items())


@pytest.mark.parametrize("ending", [".safetensors", ".npz", ".pt"])
def test_half_a_file_is_refused_in_one_sentence(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path, ending)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match="is not a"):
        read_tensors(path)


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model"])
def test_weights_among_other_things_are_found(wrapper: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    wrapped = {f"module.{name}": tensor for name, tensor in tensors().items()}
    torch.save({"epoch": 3, wrapper: wrapped}, path)
    assert read_tensors(path).keys() == tensors().keys()


class Attack:
    """What a hostile file holds: an object whose unpickling calls a function."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def test_a_file_that_would_run_code_is_refused_and_not_run(tmp_path: Path) -> None:
    path, target = tmp_path / "weights.pt", tmp_path / "it_ran"
    torch.save({"weight": Attack(target)}, path)
    with pytest.raises(ModelError, match="reading it could run its code"):
        read_tensors(path)
    assert not target.exists()
    torch.load(path, weights_only=False)  # the attack is a real one
    assert target.exists()


def test_a_numpy_file_of_objects_is_refused(tmp_path: Path) -> None:
    path, target = tmp_path / "weights.npz", tmp_path / "it_ran"
    np.savez(path, weight=np.array([Attack(target)], dtype=object))
    with pytest.raises(ModelError, match="not a NumPy file of plain arrays"):
        read_tensors(path)
    assert not target.exists()


def test_a_plain_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(pickle.dumps({"weight": Attack(tmp_path / "it_ran")}))
    with pytest.raises(ModelError, match=r"weights\.bin"):
        read_tensors(path)
    assert not (tmp_path / "it_ran").exists()


def test_a_folder_gives_its_safetensors_before_its_pickle(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    assert read_tensors(tmp_path).keys() == {"weight"}
    save_file(tensors(), tmp_path / "model.safetensors")
    assert read_tensors(tmp_path).keys() == {"weight", "bias"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"has none of model\.safetensors"):
        read_tensors(tmp_path / "empty")


def test_a_large_model_in_parts_is_read_whole_or_its_missing_part_is_named(tmp_path: Path) -> None:
    for part, (name, tensor) in enumerate(tensors().items()):
        save_file({name: tensor}, tmp_path / f"model-{part}.safetensors")
    index = {"weight_map": {name: f"model-{part}.safetensors" for part, name in enumerate(tensors())}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert read_tensors(tmp_path).keys() == tensors().keys()
    (tmp_path / "model-1.safetensors").unlink()
    with pytest.raises(ModelError, match=r"names the part 'model-1\.safetensors', which is not beside it"):
        read_tensors(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(
        '{"weight_map": {"weight": "../secret.safetensors"}}'
    )
    with pytest.raises(ModelError, match=r"'\.\./secret\.safetensors', which is not beside it"):
        read_tensors(tmp_path)


def test_a_place_without_weights_says_what_may_stand_there() -> None:
    with pytest.raises(ModelError, match="There are no weights at 'nowhere/at/all'"):
        read_tensors("nowhere/at/all")
    with pytest.raises(ModelError, match="a Hugging Face id of the form owner/name"):
        read_tensors("weights.safetensors")


def test_a_hub_id_without_the_hubs_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'bakeoff\[hub\]'"):
        read_tensors("google/vit-base-patch16-224")


class Small(nn.Module):
    """Two layers and a head, for the rules of renaming."""

    def __init__(self) -> None:
        super().__init__()
        self.joined = nn.Linear(2, 6)
        self.query, self.key = nn.Linear(2, 3), nn.Linear(2, 3)
        self.head = nn.Linear(2, 4)


def theirs() -> dict[str, Tensor]:
    """`Small` as another publisher may have it: parts apart, two joined, one transposed, one that means nothing."""
    return {
        **{f"net.attention.{word}.weight": torch.full((2, 2), float(i)) for i, word in enumerate("qkv")},
        **{f"net.attention.{word}.bias": torch.full((2,), float(i)) for i, word in enumerate("qkv")},
        "net.both.weight": torch.arange(12.0).reshape(2, 6),
        "net.both.bias": torch.arange(6.0),
        "net.classifier.weight": torch.full((4, 2), 7.0),
        "net.classifier.bias": torch.full((4,), 7.0),
        "net.position_ids": torch.arange(3),
    }


LAYOUTS = {
    "theirs": Layout(
        prefixes=("net.",),
        rules={
            **{f"attention.{word}.{{p}}": Part("joined.{p}", i, of=3) for i, word in enumerate("qkv")},
            "both.weight": Cut(("query.weight", "key.weight"), transposed),
            "both.{p}": Cut(("query.{p}", "key.{p}")),
            "classifier.{p}": "head.{p}",
            "position_ids": None,
        },
    ),
    "others": Layout(rules={"fc.weight": Changed("head.weight", transposed)}),
}


def test_parts_are_joined_in_order_and_wholes_are_cut() -> None:
    module = Small()
    assert load_tensors(module, theirs(), layouts=LAYOUTS) == "theirs"
    assert module.joined.bias.tolist() == [0, 0, 1, 1, 2, 2]
    assert module.query.bias.tolist() == [0, 1, 2]
    assert module.key.bias.tolist() == [3, 4, 5]
    assert module.key.weight.tolist() == [[3, 9], [4, 10], [5, 11]]
    assert module.head.bias.tolist() == [7, 7, 7, 7]


def test_a_missing_tensor_is_named_in_both_languages_and_nothing_is_loaded() -> None:
    module, found = Small(), theirs()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    del found["net.classifier.bias"]
    with pytest.raises(
        ModelError, match=r"'theirs'\): missing 'head.bias' \(theirs: 'classifier.bias'\): give"
    ):
        load_tensors(module, found, layouts=LAYOUTS)
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


def test_a_missing_part_is_a_missing_tensor() -> None:
    found = theirs()
    del found["net.attention.k.weight"]
    with pytest.raises(ModelError, match=r"missing 'joined.weight' \(theirs: 'attention.q.weight \+ "):
        load_tensors(Small(), found, layouts=LAYOUTS)


def test_a_surplus_tensor_is_named() -> None:
    with pytest.raises(ModelError, match=r"surplus 'net.extra.weight'"):
        load_tensors(Small(), {**theirs(), "net.extra.weight": torch.zeros(1)}, layouts=LAYOUTS)
    with pytest.raises(ModelError, match=r"surplus 'extra'"):
        load_tensors(Small(), {**Small().state_dict(), "extra": torch.zeros(1)}, layouts=LAYOUTS)


def test_a_wrong_shape_is_named_with_both_shapes_and_what_to_do() -> None:
    found = {**theirs(), "net.classifier.bias": torch.zeros(9)}
    message = r"'head.bias' .*has shape \[9\] in the file and \[4\] here \(for other classes than published"
    with pytest.raises(ModelError, match=message):
        load_tensors(Small(), found, layouts=LAYOUTS)


def test_a_new_head_is_left_as_it_was_and_all_else_is_loaded() -> None:
    module = Small()
    before = module.head.weight.clone()
    found = {**theirs(), "net.classifier.weight": torch.zeros(9, 2), "net.classifier.bias": torch.zeros(9)}
    load_tensors(module, found, layouts=LAYOUTS, new_head=True)
    assert torch.equal(module.head.weight, before)
    assert module.key.bias.tolist() == [3, 4, 5]
    load_tensors(
        module, {n: t for n, t in found.items() if "classifier" not in n}, layouts=LAYOUTS, new_head=True
    )


def test_tied_tensors_may_come_under_either_name() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(5, 2)
            self.head = nn.Linear(2, 5, bias=False)
            self.head.weight = self.embedding.weight

    for name in ("embedding.weight", "head.weight"):
        module = Tied()
        load_tensors(module, {name: torch.ones(5, 2)})
        assert bool((module.embedding.weight == 1).all())
    with pytest.raises(ModelError, match=r"missing 'embedding\.weight', 'head\.weight'"):
        load_tensors(Tied(), {})


def test_an_unknown_layout_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"no layout called 'their' .* Did you mean 'theirs'"):
        load_tensors(Small(), theirs(), layouts=LAYOUTS, layout="their")


def test_half_precision_files_load_into_float32(tmp_path: Path) -> None:
    network = models.build("resnet20_cifar", cifar(), seed=0)
    halves = {n: t.bfloat16() if t.is_floating_point() else t for n, t in network.state_dict().items()}
    save_tensors(halves, tmp_path / "model.safetensors")
    loaded = models.load("resnet20_cifar", tmp_path)
    assert loaded.head.weight.dtype == torch.float32
    assert torch.allclose(loaded.head.weight, network.head.weight, rtol=0.01)


def test_published_names_of_a_whole_network_go_there_and_back(tmp_path: Path) -> None:
    """Every tensor of every layout of the named networks has a name of the publisher's that leads back to it."""
    for name in ("alexnet", "vgg13_bn", "resnet50", "efficientnet_b1", "vit_ti_16"):
        card = models.card(name)
        with torch.device("meta"):
            state = models.build(card, card.example).state_dict()
        for publisher, layout in card.layouts.items():
            named = {ours: layout.theirs(ours) for ours in state}
            assert all(named.values()), (
                name,
                publisher,
                [ours for ours, one in named.items() if one is None],
            )
            for ours, one in named.items():
                first = str(one).split(" + ")[0]
                found = layout.rename({first: state[ours]})
                assert not found.unknown, (name, publisher, ours, first)


@pytest.mark.parametrize("small", [False, True])
def test_a_published_network_keeps_its_first_layers_on_small_images(small: bool, tmp_path: Path) -> None:
    """Under a publisher's names: the stem for photographs, or that for small images where the file has it."""
    card = models.card("resnet18")
    published = models.build(card, cifar(), seed=2, small=small)
    named = {str(card.layouts["torchvision"].theirs(name)): t for name, t in published.state_dict().items()}
    save_tensors(named, tmp_path / "model.safetensors")
    assert (tmp_path / "model.safetensors").stat().st_size > 40e6
    network = models.load("resnet18", tmp_path, schema=cifar())
    assert network.stem.convolution.kernel_size == ((3, 3) if small else (7, 7))
    assert network.build_options["small"] is small
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network.eval()(x), published.eval()(x))
    assert models.build("resnet18", cifar()).stem.convolution.kernel_size == (3, 3)


def test_fine_tuning_takes_everything_but_the_head(tmp_path: Path) -> None:
    photographs = Image(channels=3, height=96, width=96)
    published = models.build("resnet18", Schema(input=photographs, target=cifar().target), seed=3)
    save_tensors(published.state_dict(), tmp_path / "model.safetensors")
    two = Schema(input=photographs, target=Classes(names=("a", "b")))
    network = models.load("resnet18", tmp_path, schema=two, new_head=True)
    assert torch.equal(network.stem.convolution.weight, published.stem.convolution.weight)
    assert network.head.out_features == 2
    with pytest.raises(
        ModelError, match=r"'head.weight' has shape \[10, 512\] in the file and \[2, 512\] here"
    ):
        models.load("resnet18", tmp_path, schema=two)


def test_of_many_wrong_shapes_the_first_few_are_named_and_the_last_layer_above_all() -> None:
    def network(width: int) -> nn.Module:
        layers = nn.Sequential(*(nn.Linear(width, width) for _ in range(4)))
        layers.add_module("head", nn.Linear(width, 2))
        return layers

    with pytest.raises(ModelError) as raised:
        load_tensors(network(3), network(4).state_dict())
    assert str(raised.value).count("has shape") == 3
    assert "6 more of another shape: give the weights of this very network." in str(raised.value)
    assert "'head.weight' has shape [2, 4] in the file and [2, 3] here (for other classes" in str(
        raised.value
    )
