"""What PyTorch has once for the whole process and a stack needs otherwise: random numbers, and how attention runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from bakeoff.system.patches import PROCESS_LOCK


@contextmanager
def without_fused_attention() -> Iterator[None]:
    """Inside, attention runs as single steps in the whole process: its fused forms cannot be vectorised."""
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)


class random_numbers_of:  # noqa: N801
    """Inside, torch's global generator has the state of this one, which is advanced; then it is put back.

    That generator is one for the whole process and the only one that `nn.Dropout` draws from: `PROCESS_LOCK` is held.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def __enter__(self) -> None:
        PROCESS_LOCK.acquire()
        self._outer = torch.get_rng_state()
        torch.set_rng_state(self._generator.get_state())

    def __exit__(self, *_: object) -> None:
        try:
            self._generator.set_state(torch.get_rng_state())
            torch.set_rng_state(self._outer)
        finally:
            PROCESS_LOCK.release()


def dropout_seed(seed: int) -> int:
    """The seed of a replica's dropout: another random stream than that of its weights and batches."""
    return int(np.random.SeedSequence((seed, 0xD209)).generate_state(1, np.uint64)[0] >> 1)
