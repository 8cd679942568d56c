"""Checkpoints of a training: one safetensors file with tensors, and the facts as JSON in its header. Never a pickle.

The file is written under another name and then renamed, so that after `kill -9` the last complete checkpoint is there.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bakeoff.errors import StoreError
from bakeoff.system.files import refuse_special

_FACTS = "facts"


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts atomically: the complete file, or nothing.

    Raises:
        StoreError: the file cannot be written.
    """
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, partial, metadata={_FACTS: json.dumps(facts)})
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise StoreError(
            f"The checkpoint '{path}' cannot be written ({error}): free some space or choose another folder with --out."
        ) from error


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """What `save_checkpoint` wrote; None where there is no such file.

    Raises:
        StoreError: the file is not one that `save_checkpoint` wrote.
    """
    if not path.exists():
        return None
    refuse_special(path, StoreError)
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads(file.metadata()[_FACTS])
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"The checkpoint '{path}' cannot be read ({error}): remove it to train from the beginning."
        ) from error
