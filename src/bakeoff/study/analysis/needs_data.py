"""Which class or group needs data most: the score of each with an interval that is honest about few examples.

A share of hits has Wilson's interval, a mean error Student's (which is unknown for one example). Which part needs data
most is only said where that is shown: it is tested against all other examples together, at a level shared by the
parts (Bonferroni). Where it is not, the record says how many test examples of the worst part would show the
difference that was seen, if it is real.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bakeoff.messages.statement import Statement
from bakeoff.study.analysis.rounding import about
from bakeoff.study.results.records import finite
from bakeoff.tasks.metrics.metric import Floats

#: Probability of the intervals, and of the claim about the worst part.
LEVEL = 0.95
#: Fewer examples of a part than this are not tested against the others.
FEWEST_TESTED = 5


@dataclass(frozen=True, kw_only=True)
class PartScore:
    """One class or group.

    Attributes:
        name: as in the data.
        tested: test examples of it. trained: training examples of it; None where unknown.
        score: share of hits, or mean error; None where none was tested.
        low, high: 95 % interval; 0 to 1 for a share and infinite for an error where nothing is known.
    """

    name: str
    tested: int
    trained: int | None
    score: float | None
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class NeedsData:
    """Scores by class or group, the worst first.

    Attributes:
        entrant: whose answers they are.
        shares: whether scores are shares of hits (more is better), or mean errors (less is better).
        parts: the worst first, untested ones last.
        worst: the part that is shown to be worse than the rest; None where nothing is shown.
        rest: score of all examples outside of the worst part (of the first part where none is shown).
        would_show: test examples of the first part that would show the difference seen; None where one is shown, or no
            difference was seen.
    """

    entrant: str
    shares: bool
    parts: tuple[PartScore, ...]
    worst: str | None = None
    rest: float | None = None
    would_show: int | None = None

    def statement(self) -> Statement | None:
        """What is to be said; None where there is nothing to compare."""
        first = self.parts[0] if self.parts else None
        if first is None or first.score is None or self.rest is None:
            return None
        values = {
            "entrant": self.entrant,
            "name": first.name,
            "score": self._show(first.score),
            "low": self._show(first.low),
            "high": self._show(first.high),
            "rest": self._show(self.rest),
            "tested": f"{first.tested:,}",
            "trained": "?" if first.trained is None else f"{first.trained:,}",
        }
        if self.worst is not None:
            key = "verdict.needs.worst" if first.trained is not None else "verdict.needs.worst_tested"
            return Statement(key=key, values=values)
        if self.would_show is None:
            return Statement(key="verdict.needs.alike", values={"entrant": self.entrant})
        return Statement(
            key="verdict.needs.undecided", values={**values, "would_show": about(self.would_show)}
        )

    def _show(self, value: float) -> str:
        return f"{100 * value:.1f} %" if self.shares else f"{value:#.4g}"

    def to_json(self) -> dict[str, Any]:
        said = self.statement()
        return finite({**asdict(self), "sentence": None if said is None else said.text()})


def needs_data(
    scores: NDArray[Any],
    parts: NDArray[Any],
    *,
    entrant: str,
    names: Sequence[str] | Mapping[Any, str] | None = None,
    trained: Mapping[Any, int] | None = None,
    shares: bool = True,
    level: float = LEVEL,
) -> NeedsData:
    """Score every class or group, and say which needs data most where that is shown.

    Args:
        scores: [N], of each test example: 1 for a hit and 0 for a miss (or the mean over seeds), or its error.
        parts: [N], the class or group of each.
        entrant: whose answers they are.
        names: of the parts, by their label; the labels themselves by default.
        trained: training examples of each part, by label. A part that was trained on and never tested is listed.
        shares: whether scores are shares of hits; else errors.

    >>> import numpy as np
    >>> hits = np.array([1] * 90 + [0] * 10 + [1] * 8 + [0] * 12)
    >>> found = needs_data(hits, np.repeat([0, 1], [100, 20]), entrant="mlp", names=("cat", "dog"))
    >>> found.worst, [(part.name, part.tested) for part in found.parts]
    ('dog', [('dog', 20), ('cat', 100)])
    """
    scores = np.asarray(scores, np.float64)
    parts = np.asarray(parts)
    labels = sorted({*parts.tolist(), *(trained or {})})
    found = [
        (label, _part(scores[parts == label], _name(label, names), trained, label, shares, level))
        for label in labels
    ]
    sign = 1.0 if shares else -1.0
    found.sort(key=lambda entry: math.inf if entry[1].score is None else sign * entry[1].score)
    record = NeedsData(entrant=entrant, shares=shares, parts=tuple(part for _, part in found))
    tested = [(label, part) for label, part in found if part.tested >= FEWEST_TESTED]
    if len(tested) < 2:
        return record
    # The worst that is shown stands first among those shown; the sentence speaks of the first part of the record.
    for label, part in tested:
        here = parts == label
        if _worse(scores[here], scores[~here], shares, 1 - (1 - level) / len(tested)):
            order = (part, *(other for other in record.parts if other is not part))
            rest = float(scores[~here].mean())
            return NeedsData(entrant=entrant, shares=shares, parts=order, worst=part.name, rest=rest)
    label, part = tested[0]
    here = parts == label
    order = (part, *(other for other in record.parts if other is not part))
    return NeedsData(
        entrant=entrant,
        shares=shares,
        parts=order,
        rest=float(scores[~here].mean()),
        would_show=_would_show(scores[here], scores[~here], shares, 1 - (1 - level) / len(tested)),
    )


def _name(label: Any, names: Sequence[str] | Mapping[Any, str] | None) -> str:
    return str(label) if names is None else names[label]


def _part(
    scores: Floats, name: str, trained: Mapping[Any, int] | None, label: Any, shares: bool, level: float
) -> PartScore:
    count = len(scores)
    low, high = interval(scores, shares, level)
    return PartScore(
        name=name,
        tested=count,
        trained=None if trained is None else int(trained.get(label, 0)),
        score=float(scores.mean()) if count else None,
        low=low,
        high=high,
    )


def interval(scores: Floats, shares: bool, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's interval of a share of hits, Student's of a mean error (0 and infinite where nothing is known).

    >>> import numpy as np
    >>> low, high = interval(np.array([1.0, 1.0, 1.0]), shares=True)
    >>> round(low, 3), high
    (0.438, 1.0)
    """
    count = len(scores)
    if shares:
        if count == 0:
            return 0.0, 1.0
        z = float(special.ndtri((1 + level) / 2))
        share = float(scores.mean())
        centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
        reach = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
        return max(centre - reach, 0.0), min(centre + reach, 1.0)
    if count < 2:
        return 0.0, math.inf
    reach = float(special.stdtrit(count - 1, (1 + level) / 2)) * float(scores.std(ddof=1)) / math.sqrt(count)
    return max(float(scores.mean()) - reach, 0.0), float(scores.mean()) + reach


def _worse(here: Floats, others: Floats, shares: bool, level: float) -> bool:
    """Whether this part is worse than the others at this one-sided level.

    Shares by the exact test of Fisher (hits rounded where they are means over seeds), errors by Welch's.
    """
    if len(others) < 2 or len(here) < 2:
        return False
    if shares:
        hits, other_hits = round(float(here.sum())), round(float(others.sum()))
        total, all_hits = len(here) + len(others), hits + other_hits
        return _hypergeometric(hits, total, all_hits, len(here)) < 1 - level
    variance = here.var(ddof=1) / len(here), others.var(ddof=1) / len(others)
    error = math.sqrt(sum(variance))
    if error == 0:
        return bool(here.mean() > others.mean())
    degrees = sum(variance) ** 2 / (variance[0] ** 2 / (len(here) - 1) + variance[1] ** 2 / (len(others) - 1))
    return bool((here.mean() - others.mean()) / error > float(special.stdtrit(degrees, level)))


def _hypergeometric(hits: int, total: int, all_hits: int, drawn: int) -> float:
    """Probability of so few hits or fewer among `drawn` of `total`, of which `all_hits` are hits."""
    ks = np.arange(max(0, drawn - (total - all_hits)), hits + 1)
    if len(ks) == 0:
        return 0.0

    def log_choose(n: Any, k: Any) -> Any:
        return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)

    logs = log_choose(all_hits, ks) + log_choose(total - all_hits, drawn - ks) - log_choose(total, drawn)
    return float(min(np.exp(logs).sum(), 1.0))


def _would_show(here: Floats, others: Floats, shares: bool, level: float) -> int | None:
    """Test examples of this part that show the difference seen, in half of the cases if it is real."""
    gap = float(others.mean() - here.mean()) * (1 if shares else -1)
    if gap <= 0 or len(here) < 2 or len(others) < 2:
        return None
    quantile = float(special.ndtri(level))
    left = (gap / quantile) ** 2 - float(others.var()) / len(others)
    variance = max(float(here.var()), 0.25 / (len(here) + 4) if shares else 0.0)
    if left <= 0:
        return None  # not with the other examples that there are
    return max(math.ceil(variance / left), len(here) + 1)
