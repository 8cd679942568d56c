"""A flat table of tensors from a file, a folder or the Hugging Face hub. Nothing is ever unpickled freely."""

import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bakeoff.errors import MissingExtraError, ModelError, StoreError
from bakeoff.models.weights.files import read_weights, write_weights
from bakeoff.system.files import opened, refuse_special

#: Where a folder keeps its weights, best first; an index names the parts of a large model.
FILES_IN_A_FOLDER = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".npz")
#: Keys under which training programs keep the weights among other things.
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


def read_tensors(source: str | Path) -> dict[str, Tensor]:
    """All tensors of a published file, on the CPU, under the names that stand there.

    Args:
        source: a `.safetensors`, `.pt`, `.pth`, `.bin`, `.ckpt` or `.npz` file, a folder that has
            `model.safetensors` or `pytorch_model.bin` (whole or in parts), or a Hugging Face id
            `owner/name` or `owner/name@revision`.

    Raises:
        ModelError: no such file, of an unknown kind, damaged, or with more in it than tensors.
        MissingExtraError: a hub id without the package `huggingface_hub`.
    """
    path = Path(source)
    refuse_special(path, ModelError)
    if path.is_dir():
        return _read_folder(path)
    if path.is_file():
        return _read_file(path)
    if _HUB_ID.fullmatch(str(source)) and path.suffix not in _ENDINGS:
        return _read_folder(_fetch(str(source)))
    raise ModelError(
        f"There are no weights at '{source}': give a file ({', '.join(_ENDINGS)}), a folder with "
        f"{FILES_IN_A_FOLDER[0]} or {FILES_IN_A_FOLDER[2]}, or a Hugging Face id of the form owner/name."
    )


def save_tensors(tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Write tensors as safetensors; tensors that share memory are written out each."""
    write_weights(tensors, Path(path))


def _read_folder(folder: Path) -> dict[str, Tensor]:
    for name in FILES_IN_A_FOLDER:
        path = folder / name
        if path.is_file():
            return _read_parts(path) if name.endswith(".json") else _read_file(path)
    raise ModelError(
        f"The folder '{folder}' has none of {', '.join(FILES_IN_A_FOLDER)}: name the file itself."
    )


def _read_parts(index: Path) -> dict[str, Tensor]:
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    except (ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"'{index}' is not an index of weight files ({error}): fetch it again.") from error
    tensors: dict[str, Tensor] = {}
    for name in names:
        if Path(name).name != name or not (index.parent / name).is_file():
            raise ModelError(f"'{index}' names the part '{name}', which is not beside it: fetch it too.")
        tensors |= _read_file(index.parent / name)
    return tensors


def _read_file(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix == ".npz":
        return _read_npz(path)
    if path.suffix in _ENDINGS:
        return _read_torch(path)
    raise ModelError(f"'{path}' ends in '{path.suffix}': weights are read from {', '.join(_ENDINGS)}.")


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return read_weights(path)
    except StoreError as error:
        raise ModelError(f"'{path}' is not a whole safetensors file ({error}): fetch it again.") from error


def _read_npz(path: Path) -> dict[str, Tensor]:
    import numpy as np

    try:
        with opened(path, ModelError) as stream, np.load(stream, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(np.array(arrays[name])) for name in arrays.files}
    except (ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"'{path}' is not a NumPy file of plain arrays ({error}).") from error


def _read_torch(path: Path) -> dict[str, Tensor]:
    """A PyTorch state dict. `weights_only=True`: a file that wants to run code is refused, not run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of foreign pickles; what it does not know it refuses
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"'{path}' holds more than tensors, and reading it could run its code ({reason}): ask its "
            "publisher for safetensors or a plain state dict."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ModelError(f"'{path}' is not a whole PyTorch file ({error}): fetch it again.") from error
    return _only_tensors(content, path)


def _only_tensors(content: Any, path: Path) -> dict[str, Tensor]:
    while isinstance(content, Mapping):
        inner = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ModelError(
            f"'{path}' is not a table of named tensors: save it with torch.save(module.state_dict(), path)."
        )
    tensors = {str(name): tensor for name, tensor in content.items()}
    if tensors and all(name.startswith("module.") for name in tensors):  # saved from inside DataParallel
        return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors


def _fetch(hub_id: str) -> Path:
    """The folder of a hub id on this disk, fetched where it is not there yet: weights and their index
    only.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError
    except ImportError as error:
        raise MissingExtraError("huggingface_hub", "hub") from error
    name, _, revision = hub_id.partition("@")
    try:
        folder = snapshot_download(
            name, revision=revision or None, allow_patterns=_wanted_patterns(name, revision)
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"'{hub_id}' cannot be fetched from the Hugging Face hub ({reason}).") from error
    return Path(folder)


def _wanted_patterns(name: str, revision: str) -> list[str]:
    """safetensors where the hub has them, else the PyTorch files; both where the hub cannot be asked
    (offline).
    """
    from huggingface_hub import HfApi

    safe, old = ["model*.safetensors", "model.safetensors.index.json"], ["pytorch_model*.bin*"]
    try:
        files = HfApi().list_repo_files(name, revision=revision or None)
    except Exception:
        return safe + old
    return safe if any(file.startswith("model") and file.endswith(".safetensors") for file in files) else old
