"""Files of weights: whole, under any name, and told where they are damaged or the disk is full."""

import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bakeoff.errors import StoreError
from bakeoff.models.weights.files import read_weights, write_weights

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3)}


def test_what_is_written_is_read_by_safetensors_itself(tmp_path: Path) -> None:
    write_weights(TENSORS, tmp_path / "w.safetensors")
    for found in (load_file(tmp_path / "w.safetensors"), read_weights(tmp_path / "w.safetensors")):
        assert {name: tensor.tolist() for name, tensor in found.items()} == {
            name: tensor.tolist() for name, tensor in TENSORS.items()
        }


def test_a_name_that_is_no_text_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"w\xff\xe8.safetensors")
    write_weights(TENSORS, path)
    assert read_weights(path)["b"] == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:4],
        lambda data: b"",
        lambda data: (2**60).to_bytes(8, "little") + data[8:],
        lambda data: (100_000).to_bytes(8, "little") + b"[" * 100_000,
        lambda data: b"hello" * 100,
    ],
    ids=["half", "4 bytes", "empty", "huge header", "deep header", "text"],
)
def test_a_damaged_file_is_one_sentence(damage, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_weights(TENSORS, path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=r"are damaged .*train the network again") as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_nothing_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match=r"No space left.*free some space or name another place"):
        write_weights(TENSORS, tmp_path / "w.safetensors")
    assert not list(tmp_path.iterdir())
