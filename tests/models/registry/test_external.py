"""`timm:NAME` and `hf:NAME`: without the packages a sentence; with them (peers) networks like any other."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bakeoff import models
from bakeoff.data.schema import Classes, Image, Schema, Tokens
from bakeoff.errors import MissingExtraError, ModelError
from bakeoff.models.weights import save_tensors
from bakeoff.testing import CHECKS, check_gradients, check_meta, check_wrong_size
from torchvision_peer import make_torchvision_importable

PICTURES = Schema(input=Image(channels=1, height=48, width=48), target=Classes(names=("a", "b", "c")))
TEXTS = Schema(input=Tokens(vocabulary_size=50, length=9), target=Classes(names=("a", "b", "c")))


@pytest.mark.parametrize(
    ("name", "package"), [("timm:resnet18", "timm"), ("hf:owner/name:pretrained", "transformers")]
)
def test_a_missing_package_names_the_extra(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"needs the package '{package}'.*bakeoff\[hub\]"):
        models.build(name, PICTURES)


def test_a_name_must_stand_after_the_colon() -> None:
    with pytest.raises(ModelError, match=r"'timm:' names no network: write timm:NAME"):
        models.card("timm:")
    with pytest.raises(ModelError, match=r"'hf::pretrained' names no network"):
        models.card("hf::pretrained")


@pytest.mark.peers
@pytest.mark.parametrize("check", [check for check in CHECKS if check not in (check_meta, check_wrong_size)])
@pytest.mark.parametrize(
    ("name", "options"), [("timm:resnet10t", {"zero_init_last": False}), ("timm:vit_tiny_patch16_224", {})]
)
def test_timms_networks_conform(name: str, options: dict[str, Any], check: Any) -> None:
    make_torchvision_importable()
    check(name, PICTURES, **options)


@pytest.mark.peers
def test_a_network_whose_scales_start_at_zero_is_reported() -> None:
    """timm starts the last scale of each block at zero, so nothing reaches what stands before it: the check sees it."""
    make_torchvision_importable()
    with pytest.raises(
        AssertionError, match=r"the gradient of 'layer1\.0\.conv1\.weight' is zero everywhere"
    ):
        check_gradients("timm:resnet10t", PICTURES)


@pytest.mark.peers
def test_timms_names_are_checked() -> None:
    make_torchvision_importable()
    with pytest.raises(ModelError, match=r"timm has no network called 'resnet18x'\. Did you mean .*resnet18"):
        models.card("timm:resnet18x")


@pytest.fixture
def tiny_bert(tmp_path: Path) -> Path:
    make_torchvision_importable()
    import transformers

    config = transformers.BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.peers
@pytest.mark.parametrize("check", [check for check in CHECKS if check not in (check_meta, check_wrong_size)])
def test_hugging_faces_networks_conform(check: Any, tiny_bert: Path) -> None:
    check(f"hf:{tiny_bert}", TEXTS)


@pytest.mark.peers
def test_published_weights_come_with_pretrained_and_the_head_is_new(tiny_bert: Path) -> None:
    from safetensors.torch import load_file

    published = load_file(tiny_bert / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    word = "network.bert.embeddings.word_embeddings.weight"
    pretrained = models.build(f"hf:{tiny_bert}:pretrained", TEXTS, seed=0)
    assert torch.equal(pretrained.state_dict()[word], published)
    assert not torch.equal(models.build(f"hf:{tiny_bert}", TEXTS, seed=0).state_dict()[word], published)
    x = torch.tensor([[4, 7, 2, 0, 0, 0, 0, 0, 0]])
    with torch.no_grad():
        assert pretrained.eval()(x).shape == (1, 3)
        assert torch.allclose(pretrained(x), pretrained(x[:, :3]), atol=1e-6), "padding is masked out"


@pytest.mark.peers
def test_published_weights_refuse_texts_of_another_vocabulary(tiny_bert: Path) -> None:
    """Random weights may learn any words; published ones would be read at the wrong places of their table."""
    others = replace(TEXTS, input=Tokens(vocabulary_size=40, length=9))
    models.build(f"hf:{tiny_bert}", others)
    with pytest.raises(ModelError, match=r"knows 50 tokens and this data has 40.*its own tokenizer"):
        models.build(f"hf:{tiny_bert}:pretrained", others)


def test_a_package_that_is_there_and_broken_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    with pytest.raises(
        MissingExtraError, match=r"'timm' is installed and cannot be imported \(operator torchvision::nms"
    ):
        models.card("timm:resnet18")


@pytest.mark.peers
def test_a_hub_id_is_read_from_what_the_hub_left_on_this_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """huggingface_hub's own cache, as a download leaves it, without a network; and an id that is not there."""
    from huggingface_hub import constants

    network = models.build("resnet20_cifar", models.card("resnet20_cifar").example, seed=5)
    snapshot = tmp_path / "models--owner--name" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    save_tensors(network.state_dict(), snapshot / "model.safetensors")
    (tmp_path / "models--owner--name" / "refs").mkdir()
    (tmp_path / "models--owner--name" / "refs" / "main").write_text("a" * 40)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    loaded = models.load("resnet20_cifar", "owner/name")
    assert torch.equal(loaded.head.weight, network.head.weight)
    with pytest.raises(ModelError, match="'owner/other' cannot be fetched from the Hugging Face hub"):
        models.load("resnet20_cifar", "owner/other")
