"""The trainings of all folds as if they were one: each example's output is that of the network that never saw it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bakeoff.study.design.states import TrialState
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.results.outcome import Outcome
from bakeoff.tasks.outputs import Outputs

#: An entrant's completed trainings at its chosen settings: training size -> one result a seed.
Runs = Mapping[int, Sequence[TrialResult]]


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldRuns:
    """Each entrant's completed trainings, over all folds together.

    Attributes:
        folds: on whose test parts everybody is judged; () where there are none.
        runs: by entrant; with folds each result has the outputs of all of `folds`, one after another.
    """

    folds: tuple[int, ...]
    runs: Mapping[str, Runs]


def fold_runs(outcome: Outcome) -> FoldRuns:
    """Everybody's completed trainings; with folds, over those that most entrants have finished.

    An entrant that has not finished one of these is not judged: it would be on other, perhaps easier, examples.
    """
    by_point = {entrant.name: _by_point(entrant.name, outcome) for entrant in outcome.entrants}
    folds = _judged_folds(by_point, outcome) if outcome.definition.folds else (None,)
    runs = {name: _over(folds, points, outcome, name) for name, points in by_point.items()}
    return FoldRuns(folds=tuple(fold for fold in folds if fold is not None), runs=runs)


_Points = dict[tuple[int, int], dict[int | None, TrialResult]]


def _by_point(name: str, outcome: Outcome) -> _Points:
    """One entrant's completed trials at the setting of their fold: (examples, seed) -> fold -> result."""
    chosen = outcome.fold_settings.get(name)
    points: _Points = {}
    for result in outcome.results:
        trial = result.trial
        if trial.entrant != name or not result.counts:
            continue
        setting = outcome.best_setting.get(name) if chosen is None else chosen.get(trial.fold)
        known = name in outcome.best_setting if chosen is None else trial.fold in chosen
        if known and trial.setting == setting:
            points.setdefault((trial.examples, trial.seed), {}).setdefault(trial.fold, result)
    return points


def _judged_folds(by_point: Mapping[str, _Points], outcome: Outcome) -> tuple[int | None, ...]:
    full = outcome.definition.sizes[-1]
    finished = [
        {fold for (size, _), folds in points.items() if size == full for fold in folds}
        for points in by_point.values()
    ]
    begun = [folds for folds in finished if folds]
    return tuple(
        fold for fold in outcome.definition.fold_numbers if 2 * sum(fold in one for one in begun) > len(begun)
    )


def _over(folds: Sequence[int | None], points: _Points, outcome: Outcome, name: str) -> Runs:
    found: dict[int, list[TrialResult]] = {}
    for (size, _), by_fold in sorted(points.items()):
        if folds and all(fold in by_fold for fold in folds):
            parts = [by_fold[fold] for fold in folds]
            whole = parts[0] if folds == (None,) else _pooled(parts, outcome.best_setting[name])
            found.setdefault(size, []).append(whole)
    return found


def _pooled(parts: Sequence[TrialResult], setting: float | None) -> TrialResult:
    """One result of all folds, in their order."""
    ended = {part.state for part in parts}
    return replace(
        parts[0],
        trial=replace(parts[0].trial, fold=None, setting=setting),
        state=TrialState.FINISHED if TrialState.FINISHED in ended else TrialState.EARLY,
        seconds=sum(part.seconds for part in parts),
        validation_outputs=Outputs.joined([p.validation_outputs for p in parts if p.validation_outputs]),
        test_outputs=Outputs.joined([p.test_outputs for p in parts if p.test_outputs]),
    )
