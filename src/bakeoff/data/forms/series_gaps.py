"""Missing values of series: gaps are bridged, missing ends are padding, and channels without any value are left out.

Letters: C channels, T steps.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Finding
from bakeoff.errors import DataError, listed


def live_channels(examples: Sequence[NDArray[np.floating[Any]]]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The channels that hold two different values somewhere, and the mean of the known values of each.

    All channels where none does: nothing can be said better than that of them.
    """
    channels = min(len(example) for example in examples)
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    total, count = np.zeros(channels), np.zeros(channels)
    for example in examples:
        own = example[:channels].astype(np.float64)
        known = np.isfinite(own)
        low = np.minimum(low, np.where(known, own, np.inf).min(axis=1, initial=np.inf))
        high = np.maximum(high, np.where(known, own, -np.inf).max(axis=1, initial=-np.inf))
        total += np.where(known, own, 0.0).sum(axis=1)
        count += known.sum(axis=1)
    live = np.flatnonzero(low < high)
    kept = live if len(live) else np.arange(channels)
    means = total / np.maximum(count, 1)
    return tuple(map(int, kept)), tuple(map(float, means[kept]))


def bridge_gaps(
    example: NDArray[np.floating[Any]], place: int, *, fills: Sequence[float]
) -> tuple[NDArray[np.floating[Any]], int]:
    """The example [C, T] up to its true length, with gaps interpolated (constant at the ends), and that length.

    Args:
        fills: [C], the value of a channel that has none here.

    Raises:
        DataError: it has an infinite value, or no value at all.
    """
    if np.isinf(example).any():
        raise DataError(
            f"Series {place + 1} has an infinite value: correct it, or write '?' where it is not known."
        )
    if np.isnan(example).all():
        raise DataError(f"Series {place + 1} is without a single value: leave that series out.")
    length = true_length(example)
    filled = example[:, :length].copy()
    steps = np.arange(length)
    for channel, fill in zip(filled, fills, strict=True):
        known = np.isfinite(channel)
        if not known.any():
            channel[:] = fill
        elif not known.all():
            channel[~known] = np.interp(steps[~known], steps[known], channel[known])
    return filled, length


def true_length(example: NDArray[np.floating[Any]]) -> int:
    """The step after the last one that has a value in any channel (missing values at the end are padding)."""
    known = np.flatnonzero(~np.isnan(example).all(axis=0))
    return int(known[-1]) + 1 if len(known) else 1


def channel_findings(examples: Sequence[NDArray[np.floating[Any]]], kept: Sequence[int]) -> list[Finding]:
    """The channels that are left out, and how often a channel that is used has no value in a whole series."""
    findings = []
    channels = len(examples[0])
    left_out = [place + 1 for place in range(channels) if place not in set(kept)]
    if left_out:
        values: dict[str, Any] = {"count": len(left_out), "of": channels, "names": listed(left_out)}
        findings.append(Finding(kind="dead_channels", severity="fault", values=values))
    empty = np.zeros(len(kept), np.int64)
    for example in examples:
        if len(example) == channels:
            empty += np.isnan(example[list(kept)]).all(axis=1)
    if empty.any():
        worst = int(empty.argmax())
        values = {"count": int(empty.sum()), "worst": kept[worst] + 1, "most": int(empty[worst])}
        findings.append(Finding(kind="channels_without_values", severity="warning", values=values))
    return findings


def gap_findings(
    examples: Sequence[NDArray[np.floating[Any]]], lengths: Sequence[int], kept: Sequence[int]
) -> list[Finding]:
    """That lengths differ, and how many values were bridged in the channels that are used."""
    findings = []
    if min(lengths) < max(lengths):
        values: dict[str, Any] = {"shortest": min(lengths), "longest": max(lengths)}
        findings.append(Finding(kind="series_padded", severity="note", values=values))
    gaps = []
    for example, length in zip(examples, lengths, strict=True):
        missing = np.isnan(example[list(kept), :length])
        gaps.append(int(missing[~missing.all(axis=1)].sum()))
    if sum(gaps):
        values = {"count": sum(gaps), "series": sum(gap > 0 for gap in gaps)}
        findings.append(Finding(kind="series_gaps", severity="note", values=values))
    return findings
