"""Data or labels? How many labels look wrong, from answers on examples that nobody was trained on.

Confident learning (Northcutt, Jiang & Chuang 2021, arXiv:1911.00068) counts held-out examples that are answered with
confidence and labelled otherwise. What a network gets wrong itself would be counted too, and is the larger part
wherever classes overlap; so we count only where two different entrants give the same answer, and only among the
examples of which they are surest: there little is left of their own errors, and wrong labels are as frequent as
anywhere, if they do not depend on how hard an example is. (Anchor points, Liu & Tao 2016, arXiv:1411.7718, are the
same idea.)

Where classes truly overlap even there, an ambiguous example cannot be told from a wrong label by anything that is
measured here: the sentence says "look wrong".
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.messages.statement import Statement
from bakeoff.study.analysis.needs_data import interval
from bakeoff.study.results.records import finite

#: Part of the held-out examples that is counted, the surest first. Further down lie the entrants' own errors: on
#: overlapping classes without a wrong label 0.7 saw 4 to 7 %. With 0.3 the interval held the planted share in 63 of
#: 64 cases (digits, breast cancer, two made-up tables; 0, 5, 10 and 20 % planted; four draws), on which it was also
#: chosen.
SUREST = 0.3
#: Where the rate falls among the surest of all, errors of the entrants are still in it: the interval reaches down
#: to this.
SUREST_OF_ALL = 0.15
#: With fewer counted examples nothing is said: one wrong label among ten may be chance.
FEWEST_COUNTED = 20
#: At most this many suspicious examples are listed.
MOST_LISTED = 12


@dataclass(frozen=True, kw_only=True)
class SuspiciousLabel:
    """One held-out example whose label two entrants contradict.

    Attributes:
        row: among the held-out examples.
        label, answer: class numbers.
        confidence: mean probability that the two give their answer.
    """

    row: int
    label: int
    answer: int
    confidence: float


@dataclass(frozen=True, kw_only=True)
class LabelNoise:
    """How many labels look wrong.

    Attributes:
        entrants: the two whose answers agree.
        counted: examples that were counted: the surest ones on which both agree. wrong: of them labelled otherwise.
        share: of labels that look wrong: wrong / counted, or the share that both contradict where that is less.
        low, high: 95 % interval of it. tested: all held-out examples.
        ceiling: the accuracy that such labels allow at most; None where the interval contains 0.
        suspicious: those to look at first, of all held-out examples.
        contradicted: how many of these there are altogether.
    """

    entrants: tuple[str, str]
    tested: int
    counted: int
    wrong: int
    share: float
    low: float
    high: float
    ceiling: float | None
    suspicious: tuple[SuspiciousLabel, ...]
    contradicted: int

    def statement(self) -> Statement:
        """What is to be said."""
        first, second = self.entrants
        values = {
            "first": first,
            "second": second,
            "tested": f"{self.tested:,}",
            "contradicted": f"{self.contradicted:,}",
            "counted": f"{self.counted:,}",
            "wrong": f"{self.wrong:,}",
            "share": f"{100 * self.share:.1f} %",
            "low": f"{100 * self.low:.1f}",
            "high": f"{100 * self.high:.1f} %",
        }
        if self.ceiling is None:
            return Statement(key="verdict.labels.none_shown", values=values)
        return Statement(
            key="verdict.labels.wrong", values={**values, "ceiling": f"{100 * self.ceiling:.1f} %"}
        )

    def to_json(self) -> dict[str, Any]:
        return finite({**asdict(self), "sentence": self.statement().text()})


def label_noise(
    outputs: Mapping[str, NDArray[Any]], truth: NDArray[Any], ranking: Sequence[str]
) -> LabelNoise | None:
    """Count the labels that look wrong.

    Args:
        outputs: class probabilities [N, K] of each entrant, on examples that it was not trained on.
        truth: [N], class numbers as labelled.
        ranking: names in `outputs`, the best first; the first two are asked.

    Returns:
        None where fewer than two entrants answered, or fewer than `FEWEST_COUNTED` examples can be counted.
    """
    if len(ranking) < 2:
        return None
    first, second = (np.asarray(outputs[name], np.float64) for name in ranking[:2])
    agreed = first.argmax(1) == second.argmax(1)
    mean = (first + second) / 2
    answer = mean.argmax(1)
    best_two = np.sort(mean, axis=1)[:, -2:]
    margin = best_two[:, 1] - best_two[:, 0]
    surest = [row for row in np.argsort(-margin, kind="stable") if agreed[row]]
    counted = surest[: round(SUREST * len(truth))]
    if len(counted) < FEWEST_COUNTED:
        return None
    misses = (answer[counted] != truth[counted]).astype(np.float64)
    low, high = interval(misses, shares=True)
    least, _ = interval(misses[: max(round(SUREST_OF_ALL * len(truth)), 1)], shares=True)
    contradicted = [row for row in surest if answer[row] != truth[row]]
    # Wrong labels are among those that both contradict, and not more than the better one gets wrong.
    share = min(float(misses.mean()), len(contradicted) / len(truth))
    _, most = interval((first.argmax(1) != truth).astype(np.float64), shares=True)
    low, high = _down_to_nothing(min(low, least, share)), min(high, most)
    return LabelNoise(
        entrants=(ranking[0], ranking[1]),
        tested=len(truth),
        counted=len(counted),
        wrong=int(misses.sum()),
        share=share,
        low=low,
        high=high,
        ceiling=1 - share if low > 0 else None,
        contradicted=len(contradicted),
        suspicious=tuple(
            SuspiciousLabel(
                row=int(row),
                label=int(truth[row]),
                answer=int(answer[row]),
                confidence=float(mean[row, answer[row]]),
            )
            for row in contradicted[:MOST_LISTED]
        ),
    )


def _down_to_nothing(low: float) -> float:
    """A lower end of less than half a percent is none: so many answers may be wrong of the best network."""
    return low if low >= 0.005 else 0.0
