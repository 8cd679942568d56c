"""Data or labels? How many labels look wrong, which they are, and what ceiling that sets.

*Which*: confident learning (Northcutt, Jiang & Chuang 2021, JAIR 70:1373; arXiv:1911.00068). From held-out
probabilities p [N, K] (nobody was trained on the example that it answers for) and given labels y:

    threshold  t_k = mean of p[n, k] over the examples labelled k
    example n looks like class k where p[n, k] >= t_k, the most probable such k where there are several
    its label looks wrong where it looks like a class that is not its own

*How many* cannot be had by counting those: a network's own mistakes look just like wrong labels, so that the count is
above 0 on clean data. Here the share is read where the network does not make mistakes: among the answers of which it
is surest. The answers of each class are put in order of their probability and cut in quarters. Where labels are wrong
at random, they contradict the surest answers as often as others; where the network errs, they contradict the surest
answers least. So

    high  upper bound of the contradictions in the surest part: wrong labels and the mistakes that are left
    low   lower bound of the contradictions less those mistakes

The surest part is a quarter, or a half where the second quarter is not contradicted more often. Mistakes become fewer
from quarter to quarter by about the same factor r: with contradictions a in the surest part, b and c in the two
quarters next to it, r = (b - a) / (c - b), and those left in the surest part are (b - a) r / (1 - r) (Aitken's
extrapolation; r at most a half, for the lower bound at least a half and at most two thirds). What no held-out answer
can tell from a wrong label - a class that the inputs do not settle, equally often everywhere - counts as one. Wrong
labels that follow the inputs (one kind of example always mislabelled) are not seen.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.messages.statement import Statement
from bakeoff.study.results.records import finite
from bakeoff.tasks.metrics.metric import Floats

#: Of the interval.
LEVEL = 0.95
#: Fewer examples than this say nothing of labels.
FEWEST_EXAMPLES = 40
#: Where even the surest answers are contradicted more often than this, the answers are too weak to judge labels by.
TOO_WEAK = 1 / 3
#: The second quarter joins the surest part where it is contradicted more often by at most so many standard errors.
_JOINS = 1.0
#: Bounds of the factor by which mistakes become fewer from quarter to quarter: of the estimate, and of the lower bound.
_LEFT, _LEFT_AT_LEAST = (0.0, 0.5), (0.5, 2 / 3)
_DRAWS = 4000


@dataclass(frozen=True, kw_only=True)
class LabelNoise:
    """How many labels look wrong, and which.

    Attributes:
        examples: judged.
        share: estimate of the part of all labels that is wrong; None where it is withheld.
        low, high: its 95 % interval.
        suspects: places of the labels that look wrong, the most doubtful first.
        looks_like: the class that each suspect looks like.
        surest: examples in the part that the share is read from.
        withheld: why there is no share (a key under "verdict.labels.withheld."), else None.
    """

    examples: int
    share: float | None = None
    low: float | None = None
    high: float | None = None
    suspects: tuple[int, ...] = ()
    looks_like: tuple[int, ...] = ()
    surest: int = 0
    withheld: str | None = None

    @property
    def ceiling(self) -> float | None:
        """The accuracy that an answer without a mistake would have against these labels."""
        return None if self.share is None else 1.0 - self.share

    @property
    def shown(self) -> bool:
        """Whether there are wrong labels for certain."""
        return self.low is not None and self.low > 0

    def statement(self) -> Statement:
        """What is to be said of the labels."""
        if self.withheld is not None:
            reason = Statement(key=f"verdict.labels.withheld.{self.withheld}", values={})
            return Statement(key="verdict.labels.withheld", values={"reason": reason})
        assert self.share is not None
        assert self.low is not None
        assert self.high is not None
        values = {
            "share": f"{100 * self.share:.1f} %",
            "low": f"{100 * self.low:.1f} %",
            "high": f"{100 * self.high:.1f} %",
            "ceiling": f"{100 * (1 - self.share):.1f} %",
            "suspects": f"{len(self.suspects):,}",
            "examples": f"{self.examples:,}",
        }
        return Statement(key="verdict.labels.wrong" if self.shown else "verdict.labels.clean", values=values)

    def to_json(self) -> dict[str, Any]:
        return finite({**asdict(self), "ceiling": self.ceiling, "sentence": self.statement().text()})


def label_noise(probabilities: NDArray[Any], labels: NDArray[Any], *, level: float = LEVEL) -> LabelNoise:
    """Judge labels by held-out answers.

    Args:
        probabilities: [N, K], of each class, by somebody who was not trained on the example. Rows sum to 1.
        labels: [N], 0 ... K-1.
        level: of the interval.

    >>> import numpy as np
    >>> answers = np.array([[0.9, 0.1], [0.2, 0.8], [0.95, 0.05], [0.1, 0.9]] * 50)
    >>> labels = answers.argmax(axis=1)
    >>> labels[0] = 1
    >>> found = label_noise(answers, labels)
    >>> found.suspects, found.looks_like
    ((0,), (0,))
    """
    probabilities = np.asarray(probabilities, np.float64)
    labels = np.asarray(labels, np.int64)
    count = len(labels)
    assert probabilities.ndim == 2
    assert len(probabilities) == count
    if count < FEWEST_EXAMPLES:
        return LabelNoise(examples=count, withheld="too_few")
    suspects, looks_like = suspicious(probabilities, labels)
    contradicted = probabilities.argmax(axis=1) != labels
    rng = np.random.default_rng(0)
    part, before, earlier = _surest_part(probabilities, contradicted)
    share = float(contradicted[part].mean())
    if share > TOO_WEAK:
        return LabelNoise(examples=count, surest=len(part), withheld="too_weak")
    draws = [_drawn(contradicted[here], rng) for here in (part, before, earlier)]
    wrong = draws[0] - _left(*draws, bounds=_LEFT_AT_LEAST)
    known = [float(contradicted[here].mean()) if len(here) else share for here in (part, before, earlier)]
    estimate = share - float(_left(*map(np.asarray, known), bounds=_LEFT))
    low = float(np.quantile(wrong, (1 - level) / 2))
    high = float(np.quantile(draws[0], (1 + level) / 2))
    return LabelNoise(
        examples=count,
        share=min(max(estimate, low, 0.0), high),
        low=max(low, 0.0),
        high=high,
        suspects=tuple(int(index) for index in suspects),
        looks_like=tuple(int(index) for index in looks_like),
        surest=len(part),
    )


def suspicious(
    probabilities: Floats, labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the labels that look wrong, the most doubtful first, and the classes that they look like.

    Off the diagonal of the confident joint, in order of the normalised margin p[given] - max p[other].
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels]
    thresholds = np.full(classes, np.inf)
    for index in range(classes):
        if (labels == index).any():
            thresholds[index] = own[labels == index].mean()
    confident = np.where(probabilities >= thresholds - 1e-12, probabilities, -np.inf)
    looks_like = confident.argmax(axis=1)
    wrong = np.flatnonzero(np.isfinite(confident.max(axis=1)) & (looks_like != labels))
    margin = own[wrong] - probabilities[wrong, looks_like[wrong]]
    wrong = wrong[np.argsort(margin, kind="stable")]
    return wrong, looks_like[wrong]


def _surest_part(
    probabilities: Floats, contradicted: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Places of the answers to read the share from, and of the two quarters next to them (empty at the end)."""
    answers = probabilities.argmax(axis=1)
    quarter = np.empty(len(answers), np.int64)
    for index in np.unique(answers):
        here = np.flatnonzero(answers == index)
        here = here[np.argsort(-probabilities[here, index], kind="stable")]
        quarter[here] = np.arange(len(here)) * 4 // len(here)
    first, second, third, last = (np.flatnonzero(quarter == index) for index in range(4))
    if len(second) == 0:
        return first, second, third
    pooled = float(contradicted[np.concatenate([first, second])].mean())
    error = np.sqrt(pooled * (1 - pooled) * (1 / len(first) + 1 / len(second)))
    if contradicted[second].mean() - contradicted[first].mean() > _JOINS * error + 1e-12:
        return first, second, third
    return np.concatenate([first, second]), third, last


def _drawn(contradicted: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Shares [D] that so many contradictions allow (Jeffreys' posterior)."""
    wrong = float(contradicted.sum())
    return rng.beta(wrong + 0.5, len(contradicted) - wrong + 0.5, _DRAWS)


def _left(surest: Floats, before: Floats, earlier: Floats, *, bounds: tuple[float, float]) -> Floats:
    """The mistakes that are left in the surest part, by the factor with which they became fewer up to it."""
    gained = np.maximum(before - surest, 0.0)
    lost = np.maximum(earlier - before, 1e-12)
    factor = np.clip(gained / lost, *bounds)
    # Over both steps together: where answers are contradicted equally often everywhere, there are no mistakes to lose.
    over_both = np.maximum(earlier - surest, 0.0) * factor**2 / (1 - factor**2)
    return np.minimum(gained * factor / (1 - factor), over_both)
