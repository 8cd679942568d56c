"""Whether every example is tested once, in folds, and in how many: what the user wants, and what the data allow."""

from dataclasses import dataclass

from bakeoff.data.dataset import Dataset
from bakeoff.data.folds import with_folds
from bakeoff.errors import DataError
from bakeoff.study.protocol import CV_FOLDS, CV_FOLDS_WITHOUT_CLOCK, CV_MOST_EXAMPLES


@dataclass(frozen=True, kw_only=True)
class FoldChoice:
    """The numbers of folds that a run chooses from.

    Attributes:
        counts: the best first; () for a single split.
        reason: a key under "study.cv.".
    """

    counts: tuple[int, ...]
    reason: str


def choose_folds(dataset: Dataset, cv: str | int, *, seed: int, has_clock: bool) -> FoldChoice:
    """The choice that these data allow; a test split that came with them is respected.

    Args:
        cv: "auto", "no", or a number of folds.
        seed: of the folds.
        has_clock: whether the budget will decide which number is affordable.

    Raises:
        DataError: the data are too few for the number that was asked for.
    """
    if cv == "no":
        return FoldChoice(counts=(), reason="off")
    if dataset.splits.how == "given":
        return FoldChoice(counts=(), reason="given")
    if isinstance(cv, int):
        with_folds(dataset, cv, seed=seed)
        return FoldChoice(counts=(cv,), reason="asked")
    if len(dataset) > CV_MOST_EXAMPLES:
        return FoldChoice(counts=(), reason="large")
    wanted = CV_FOLDS if has_clock else CV_FOLDS_WITHOUT_CLOCK
    counts = tuple(count for count in wanted if _can_be_divided(dataset, count, seed))
    return FoldChoice(counts=counts, reason="affordable" if counts else "few")


def _can_be_divided(dataset: Dataset, count: int, seed: int) -> bool:
    try:
        with_folds(dataset, count, seed=seed)
    except DataError:
        return False
    return True
