"""Weights in safetensors files, through Python's own files.

The package would map a file into memory, where a file that is cut short meanwhile ends the whole process (SIGBUS), and
it takes no name that is no text. So a file is read as bytes, and written under another name before it is renamed.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from bakeoff.errors import StoreError, printable
from bakeoff.system.extras import first_line
from bakeoff.system.files import atomic_write, opened


def write_weights(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors by name; those that share memory are written out each.

    Raises:
        StoreError: the file cannot be written.
    """
    from safetensors.torch import save

    data = save({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()})
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(data)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors by name.

    Raises:
        StoreError: the file is damaged, or something else than a file.
        OSError: it is not there, or may not be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    with opened(path, StoreError) as file:
        data = file.read()
    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise StoreError(
            f"The weights in '{printable(str(path), most=200)}' are damaged ({printable(first_line(error))}): train "
            "the network again."
        ) from error
