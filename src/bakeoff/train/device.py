"""Where networks can be trained on this machine. Loads torch only when asked."""

from typing import TYPE_CHECKING

from bakeoff.errors import OptionError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def check_name(name: str) -> None:
    """Check the name of a device, without importing torch.

    Raises:
        OptionError: there is no device of this name.
    """
    if name not in DEVICES:
        raise OptionError(f"There is no device called '{name}': choose auto, cpu, cuda or mps.")


def choose_device(name: str = "auto") -> "torch.device":
    """The device of this name; "auto" is CUDA, else Apple's, else the CPU.

    Raises:
        OptionError: an unknown name, or a device that this machine does not have.
    """
    import torch

    check_name(name)
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    if not there[name]:
        raise OptionError(f"This machine has no '{name}' device that torch can use: choose 'auto' or 'cpu'.")
    return torch.device(name)


def rivals(name: str) -> tuple[str, ...]:
    """The devices that a network may be trained on: the named one, or for "auto" the CPU and this machine's other one.

    >>> rivals("cpu")
    ('cpu',)
    """
    if name != "auto":
        return (name,)
    return tuple(dict.fromkeys(("cpu", choose_device().type)))


def describe(name: str) -> str:
    """What computes on this device, for the record; "" for the CPU (see `kernels.native.describe`)."""
    import torch

    if name == "cuda":
        return f"torch on {torch.cuda.get_device_name()}"
    return "" if name == "cpu" else f"torch on {name}"
