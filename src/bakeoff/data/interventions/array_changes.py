"""How the examples of a dataset are changed: the arithmetic behind the interventions.

Each function takes a block of raw inputs and gives the changed block; nothing here knows splits or targets.
Letters: B examples of a block, C channels, H height, W width, T steps, P positions, F features.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.schema import Image, Tokens

Array = NDArray[Any]
#: (raw inputs [B, ...], true lengths [B] or None, generator of this block) -> inputs [B, ...].
Change = Callable[[Array, NDArray[np.int64] | None, np.random.Generator], Array]

#: Examples that are changed at once, so that the full set is not held in memory twice.
BLOCK = 2048


def mapped(dataset: Dataset, change: Change, *, seed: int) -> Array:
    """All inputs changed, block by block; the random numbers of a block depend on the seed and its start only."""
    blocks = []
    for start in range(0, len(dataset.inputs), BLOCK):
        part = slice(start, start + BLOCK)
        lengths = None if dataset.lengths is None else np.asarray(dataset.lengths[part])
        blocks.append(change(dataset.rows_at(part), lengths, np.random.default_rng((seed, start))))
    return np.concatenate(blocks)


def positions(dataset: Dataset) -> int:
    """Pixels, time steps or tokens of an example."""
    shape = dataset.schema.input.shape
    return shape[-2] * shape[-1] if isinstance(dataset.schema.input, Image) else shape[-1]


def reorder(x: Array, order: NDArray[np.int64], lengths: NDArray[np.int64] | None) -> Array:
    """Inputs with position p taken from `order[p]`; padding stays at the end.

    Args:
        x: [B, C, H, W], [B, C, T] or [B, T].
        order: [P] for all examples, or [B, P], one each. Padded positions of shorter examples are moved to the end.
        lengths: true lengths [B], None where all are complete.
    """
    each = np.broadcast_to(order, (len(x), order.shape[-1]))
    if lengths is not None:
        real_first = np.argsort(each >= lengths[:, None], axis=1, kind="stable")
        each = np.take_along_axis(each, real_first, axis=1)
    if x.ndim == 4:
        flat = x.reshape(*x.shape[:2], -1)
        return np.take_along_axis(flat, each[:, None, :], axis=2).reshape(x.shape)
    return np.take_along_axis(x, each[:, None, :] if x.ndim == 3 else each, axis=x.ndim - 1)


def block_permutation(dataset: Dataset, side: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A permutation [P] within blocks of `side` steps, or of `side` x `side` pixels."""
    if not isinstance(dataset.schema.input, Image):
        count = positions(dataset)
        blocks = np.arange(count) // side
    else:
        _, height, width = dataset.schema.input.shape
        rows, columns = np.divmod(np.arange(height * width), width)
        blocks = rows // side * (width // side + 1) + columns // side
    order = np.empty(len(blocks), dtype=np.int64)
    for block in np.unique(blocks):
        members = np.flatnonzero(blocks == block)
        order[members] = rng.permutation(members)
    return order


def rolled(x: Array, lengths: NDArray[np.int64] | None, rng: np.random.Generator) -> Array:
    """Each series moved around by a random number of steps; each image by up to a quarter of its sides."""
    if x.ndim == 4:
        _, _, height, width = x.shape
        down = rng.integers(-(height // 4), height // 4 + 1, len(x))
        right = rng.integers(-(width // 4), width // 4 + 1, len(x))
        rows = (np.arange(height) - down[:, None]) % height
        columns = (np.arange(width) - right[:, None]) % width
        return x[
            np.arange(len(x))[:, None, None, None],
            np.arange(x.shape[1])[None, :, None, None],
            rows[:, None, :, None],
            columns[:, None, None, :],
        ]
    full_lengths = np.full(len(x), x.shape[-1]) if lengths is None else np.maximum(lengths, 1)
    start = (rng.random(len(x)) * full_lengths).astype(np.int64)
    steps = np.arange(x.shape[-1])
    order = np.where(steps < full_lengths[:, None], (steps + start[:, None]) % full_lengths[:, None], steps)
    return np.take_along_axis(x, order[:, None, :], axis=2)


def turned(x: Array, lengths: NDArray[np.int64] | None, rng: np.random.Generator) -> Array:
    """Each image rotated by a random multiple of 90 degrees; of 180 degrees where it is not square."""
    square = x.shape[2] == x.shape[3]
    quarters = rng.integers(0, 4, len(x)) if square else 2 * rng.integers(0, 2, len(x))
    out = x.copy()
    for turn in np.unique(quarters[quarters > 0]):
        chosen = quarters == turn
        out[chosen] = np.rot90(x[chosen], int(turn), axes=(2, 3))
    return out


def mirrored(x: Array, lengths: NDArray[np.int64] | None, rng: np.random.Generator) -> Array:
    """Each image mirrored left to right, or not, at random."""
    flip = rng.random(len(x)) < 0.5
    out = x.copy()
    out[flip] = x[flip][..., ::-1]
    return out


def maybe_reversed(x: Array, lengths: NDArray[np.int64] | None, rng: np.random.Generator) -> Array:
    """Each series or text reversed, or not, at random."""
    flip = rng.random(len(x)) < 0.5
    backwards = np.arange(x.shape[-1])[::-1].copy()
    out = x.copy()
    out[flip] = reorder(x[flip], backwards, None if lengths is None else lengths[flip])
    return out


def shuffled_anew(x: Array, lengths: NDArray[np.int64] | None, rng: np.random.Generator) -> Array:
    """The steps of each series, or the tokens of each text, in a random order of its own."""
    return reorder(x, np.argsort(rng.random((len(x), x.shape[-1])), axis=1), lengths)


def last_steps(x: Array, lengths: NDArray[np.int64] | None, *, keep: int, fill: Array) -> Array:
    """Series [B, C, T] whose steps before the last `keep` real ones are `fill` [C]."""
    ends = np.full(len(x), x.shape[-1]) if lengths is None else lengths
    gone = np.arange(x.shape[-1]) < (ends - keep)[:, None]
    return np.where(gone[:, None, :], fill[:, None].astype(x.dtype), x)


def last_tokens(x: Array, lengths: NDArray[np.int64], *, keep: int) -> Array:
    """Texts [B, T] of which only the last `keep` real tokens are left, at the front."""
    first = np.maximum(lengths - keep, 0)[:, None] + np.arange(x.shape[1])
    taken = np.take_along_axis(x, np.minimum(first, x.shape[1] - 1), axis=1)
    return np.where(first < lengths[:, None], taken, 0).astype(x.dtype)


def halved(x: Array) -> Array:
    """Images or series at half their resolution, each value the mean of two steps or of 2 x 2 pixels, size kept."""
    axes = (2, 3) if x.ndim == 4 else (2,)
    out = x.astype(np.float32)
    for axis in axes:
        pair = np.arange(out.shape[axis]) // 2
        starts = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
        sums = np.add.reduceat(out, starts, axis=axis)
        sizes = np.bincount(pair).astype(np.float32)
        shape = [1] * out.ndim
        shape[axis] = -1
        out = np.take(sums / sizes.reshape(shape), pair, axis=axis)
    return out


def filtered(x: Array, *, keep_low: bool, part: float = 0.25) -> Array:
    """Images or series without their high frequencies (above `part` of the highest one), or without the low ones.

    The mean of each channel (frequency zero) does not change.
    """
    axes = (2, 3) if x.ndim == 4 else (2,)
    grids = np.meshgrid(*(np.fft.fftfreq(x.shape[axis]) for axis in axes), indexing="ij")
    distance = np.sqrt(sum(grid**2 for grid in grids))
    low = distance <= part * 0.5
    passed = low if keep_low else ~low
    passed[(0,) * len(axes)] = True
    spectrum = np.fft.fftn(x.astype(precision_of(x)), axes=axes) * passed
    return np.fft.ifftn(spectrum, axes=axes).real.astype(precision_of(x))


def noisy(x: Array, rng: np.random.Generator, *, deviation: Array) -> Array:
    """Inputs plus Gaussian noise of a standard deviation per channel or feature [C]."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return (x + rng.standard_normal(x.shape) * deviation.reshape(shape)).astype(precision_of(x))


def precision_of(x: Array) -> type[np.floating[Any]]:
    """float64 for inputs that are kept so (float32 would round a large offset), else float32."""
    return np.float64 if x.dtype == np.float64 else np.float32


def words_replaced(x: Array, rng: np.random.Generator, *, vocabulary_size: int, part: float) -> Array:
    """Texts in which that part of the real tokens is replaced by random ones."""
    chosen = (rng.random(x.shape) < part) & (x != 0)
    return np.where(chosen, rng.integers(1, max(vocabulary_size, 2), x.shape), x).astype(x.dtype)


def channel_statistics(dataset: Dataset) -> tuple[Array, Array]:
    """Mean and standard deviation of each channel or feature of the training split, from the dataset's scaling."""
    assert not isinstance(dataset.schema.input, Tokens)
    assert dataset.scaling is not None
    return dataset.scaling.mean, dataset.scaling.std
