"""Real data, and one planted text, under `why`: MNIST-1D, two UCR series, digits, a table (see `why.py`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.explain.why import why
from bakeoff.study.pool import Pool

#: Of the planted reviews: words that praise and words that blame, and words that say nothing.
PRAISE, BLAME, FILLERS, WORDS = 12, 12, 60, 14


def negated_reviews(rng: np.random.Generator, count: int = 3000) -> tuple[list[str], list[str]]:
    """Reviews of one telling word among fillers, turned round by a "not" right before it in three of ten.

    Another three of ten have a "not" elsewhere, so that a bag of words knows that there is one and not what it turns:
    the order of words carries what the words alone do not.
    """
    texts, labels = [], []
    for _ in range(count):
        praises = bool(rng.random() < 0.5)
        word = f"good{rng.integers(PRAISE)}" if praises else f"bad{rng.integers(BLAME)}"
        words = [f"word{rng.integers(FILLERS)}" for _ in range(WORDS)]
        place = int(rng.integers(2, WORDS))
        words[place] = word
        kind = rng.random()
        if kind < 0.3:
            words[place - 1], praises = "not", not praises
        elif kind < 0.6:
            free = [p for p in range(WORDS) if p not in (place, place - 1)]
            words[int(rng.choice(free))] = "not"
        texts.append(" ".join(words))
        labels.append("praise" if praises else "blame")
    return texts, labels


def measure(
    data: Any, models: Sequence[str], changes: Sequence[str], pool: Pool, *, steps: int, **reading: Any
) -> dict[str, Any]:
    """The table of losses in points with its sentences."""
    found = why(
        data,
        models=list(models),
        changes=list(changes),
        budget_seconds=None,
        steps=steps,
        seeds=3,
        pool=pool,
        **reading,
    )
    cells = {
        f"{cell.entrant}/{cell.change}": [
            round(100 * value, 1)
            for value in (cell.loss.before, cell.loss.after, cell.loss.loss, cell.loss.low, cell.loss.high)
        ]
        for cell in found.cells
    }
    return {
        "models": list(models),
        "steps": steps,
        "cells": cells,
        "matters": list(found.matters()),
        "sentences": list(found.sentences),
        "seconds": round(found.seconds),
    }


def sets(
    ucr: Path | None, folder: Path
) -> dict[str, tuple[Any, Sequence[str], Sequence[str], int, dict[str, str]]]:
    """Data, networks, changes, steps and options of reading, by name. `ucr` holds NAME/NAME_TRAIN.ts of the archive."""
    series = ("permute_positions", "random_shift", "reverse_time")
    found: dict[str, tuple[Any, Sequence[str], Sequence[str], int, dict[str, str]]] = {
        "digits": (
            "digits",
            ("linear", "mlp", "cnn"),
            ("permute_positions", "random_shift", "mirror"),
            800,
            {},
        ),
        "table": ("breast_cancer", ("linear", "mlp"), ("rotate_features", "shuffle_columns"), 800, {}),
        "reviews": (
            _reviews_file(folder),
            ("linear", "mlp", "cnn", "gru"),
            ("bag_of_words", "permute_positions"),
            600,
            {"target": "label"},
        ),
    }
    if ucr is not None:
        found["ItalyPowerDemand"] = (str(ucr / "ItalyPowerDemand"), ("linear", "mlp", "cnn"), series, 600, {})
        found["OSULeaf"] = (str(ucr / "OSULeaf"), ("linear", "mlp", "cnn"), series, 800, {})
    return found


def _reviews_file(folder: Path) -> str:
    path = folder / "reviews.csv"
    texts, labels = negated_reviews(np.random.default_rng(0))
    lines = ["text,label", *(f"{text},{label}" for text, label in zip(texts, labels, strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)
