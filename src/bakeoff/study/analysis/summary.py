"""From finished trials to the summary of a comparison: scores, curves, forecasts, the ranking and the verdict.

Here, and nowhere before, the outputs on the test split are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.folds import fold_labels, pooled
from bakeoff.messages.statement import Statement, because
from bakeoff.study.analysis.fold_runs import fold_runs
from bakeoff.study.analysis.learning_curves import CurveFit, crossover, fit_curve, fit_rungs, forecast
from bakeoff.study.analysis.uncertainty import Ranking, rank_entrants
from bakeoff.study.analysis.verdict import Crossover, CurvePoint, EntrantResult, Verdict, conclude
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Definition, full_steps
from bakeoff.study.design.states import (
    STATE_BY_OMISSION,
    STATE_BY_TRIAL,
    EntrantState,
    Omission,
    TrialState,
)
from bakeoff.study.design.trial import TrialResult
from bakeoff.study.protocol import BATCH_EXAMPLES
from bakeoff.study.results.comparison import Mistake, TrialSummary
from bakeoff.study.results.outcome import Outcome
from bakeoff.study.results.records import SPOKEN_MULTIPLE
from bakeoff.tasks.metrics.registry import METRICS, Metric, MetricContext
from bakeoff.tasks.outputs import Outputs, dense
from bakeoff.tasks.registry import task_of

#: Bootstrap replicates for the interval of a curve point below full size (full size takes `resampling.FEWEST` or more).
CURVE_REPLICATES = 200
#: Test examples shown as the leader's worst mistakes.
MISTAKES = 24


class Summary:
    """Everything that the verdict and the report say, made from an `Outcome`.

    Attributes:
        verdict: the answer. entrants: best first, the unjudged last.
        folds: on whose test parts everybody is judged; () for the test split.
        tested: [N], indices of the examples that everybody is judged on, in the order of all outputs.
        ranking: of the judged entrants; None where nobody was judged.
    """

    def __init__(
        self,
        dataset: Dataset,
        entrants: Sequence[Entrant],
        definition: Definition,
        outcome: Outcome,
        *,
        margin: float | None = None,
        leaks: Sequence[Finding] = (),
    ) -> None:
        self._margin = margin
        self._dataset, self._definition, self._outcome = dataset, definition, outcome
        self._entrants = {entrant.name: entrant for entrant in entrants}
        self._task = task_of(dataset.schema)
        self._metric: Metric = METRICS[definition.metric]
        self._context = MetricContext(seasonal_scale=dataset.seasonal_scale)
        found = fold_runs(outcome)
        self.folds = found.folds
        self._seen = pooled(dataset, self.folds) if self.folds else dataset
        self.tested = self._seen.splits.test
        self._truth = dataset.targets_at(self.tested)
        self._validation_truth = dataset.targets_at(self._seen.splits.validation)
        self._full = definition.sizes[-1]
        self._chosen = {name: found.runs.get(name, {}) for name in self._entrants}
        judged = {name: runs[self._full] for name, runs in self._chosen.items() if runs.get(self._full)}
        self.judged = judged
        self.validation = {name: self._on_validation(runs) for name, runs in judged.items()}
        self.ranking = self._ranking(judged, None, validation=self.validation) if judged else None
        results, fits = self._results()
        self.entrants = tuple(sorted(results, key=self._best_first))
        self.verdict: Verdict = conclude(
            self.entrants,
            self.ranking,
            metric=definition.metric,
            crossovers=self._crossovers(fits),
            leaks=leaks,
        )

    def _on_validation(self, runs: Sequence[TrialResult]) -> float:
        return float(np.mean([self._score(run.validation_outputs, self._validation_truth) for run in runs]))  # type: ignore[arg-type]

    def _elsewhere(self, name: str) -> list[list[float]]:
        """Test scores of several seeds at the smaller sizes, which say how much a seed matters."""
        smaller = [runs for size, runs in self._chosen[name].items() if size != self._full and len(runs) > 1]
        return [[self._score(_test(run), self._truth) for run in runs] for runs in smaller]

    def _ranking(
        self,
        judged: Mapping[str, Sequence[TrialResult]],
        replicates: int | None,
        validation: Mapping[str, float] | None = None,
    ) -> Ranking:
        return rank_entrants(
            {name: [_test(result) for result in runs] for name, runs in judged.items()},
            self._truth,
            self._metric,
            baselines=[name for name in judged if self._entrants[name].kind == "baseline"],
            deterministic=[
                name for name in judged if self._entrants[name].kind == "classical" and len(judged[name]) == 1
            ],
            margin=self._margin,
            context=self._context,
            groups=self._task.resampled_together(self._seen, self.tested, self._errors(judged)),
            folds=fold_labels(self._dataset, self.folds) if self.folds else None,
            validation=validation,
            elsewhere={name: self._elsewhere(name) for name, runs in judged.items() if len(runs) == 1},
            replicates=replicates,
            seed=self._definition.seed,
        )

    def _errors(self, judged: Mapping[str, Sequence[TrialResult]]) -> NDArray[np.float64]:
        """Errors on the test examples, a mean over seeds, [N, entrants]."""
        means = [
            np.mean([self._task.errors(_test(run), self._truth) for run in runs], axis=0)
            for runs in judged.values()
        ]
        return np.stack(means, axis=1)

    def _results(self) -> tuple[list[EntrantResult], dict[str, CurveFit]]:
        points = self._curve_points()
        baselines = [name for name in self.judged if self._entrants[name].kind == "baseline"]
        chance = None
        if baselines and self.ranking is not None:
            known = [self.ranking.scores[name].score for name in baselines]
            chance = max(known) if self._metric.higher_is_better else min(known)
        results, fits = [], {}
        for name, entrant in self._entrants.items():
            if name not in self.judged:
                unjudged = self._unjudged(entrant, points[name], chance)
                results.append(replace(unjudged, **self._training(name)))
                continue
            fit = None
            if entrant.kind != "baseline":
                fit = fits[name] = fit_curve(
                    points[name],
                    self._metric,
                    chance=chance,
                    training=self._training_points(name),
                    seed=self._definition.seed,
                )
            results.append(replace(self._judged(entrant, points[name], fit), **self._training(name)))
        return results, fits

    def _curve_points(self) -> dict[str, list[CurvePoint]]:
        """Each entrant's curve; the interval of a point is over examples and seeds."""
        points: dict[str, list[CurvePoint]] = {name: [] for name in self._entrants}
        for size in self._definition.sizes:
            here = {name: runs[size] for name, runs in self._chosen.items() if runs.get(size)}
            if not here:
                continue
            ranking = self.ranking if size == self._full else self._ranking(here, CURVE_REPLICATES)
            assert ranking is not None
            for name, runs in here.items():
                estimate = ranking.scores[name]
                points[name].append(
                    CurvePoint(
                        examples=size,
                        score=estimate.score,
                        low=estimate.low,
                        high=estimate.high,
                        seeds=tuple(self._score(_test(run), self._truth) for run in runs),
                    )
                )
        return points

    def _training_points(self, name: str) -> list[CurvePoint]:
        """Mean scores of a network on its own training examples, by size; those that every seed has."""
        points = []
        for size, runs in self._chosen[name].items():
            scores = [run.training_score for run in runs if run.training_score is not None]
            if len(scores) == len(runs):
                mean = float(np.mean(scores))
                points.append(CurvePoint(examples=size, score=mean, low=mean, high=mean, seeds=tuple(scores)))
        return points

    def _score(self, outputs: Outputs, truth: NDArray[np.generic]) -> float:
        return self._metric.score(outputs, truth, self._context)

    def _judged(self, entrant: Entrant, curve: Sequence[CurvePoint], fit: CurveFit | None) -> EntrantResult:
        assert self.ranking is not None
        name, runs = entrant.name, self.judged[entrant.name]
        estimate = self.ranking.scores[name]
        metrics = {
            metric.name: float(
                np.mean([metric.score(_test(run), self._truth, self._context) for run in runs])
            )
            for metric in self._task.metrics(self._context)
        }
        return EntrantResult(
            name=name,
            kind=entrant.kind,  # type: ignore[arg-type]
            family=entrant.family,
            score=estimate.score,
            low=estimate.low,
            high=estimate.high,
            validation_score=self.validation[name],
            parameters=runs[0].parameters,
            flops_per_example=runs[0].flops_per_example,
            train_seconds=self._seconds(name),
            learning_rate=self._outcome.best_setting[name] if entrant.kind == "network" else None,
            curve=tuple(curve),
            training_curve=tuple(self._training_points(name)),
            forecast=forecast(fit) if fit is not None else (),
            forecast_withheld=fit.no_forecast if fit is not None else None,
            more_helps=None if fit is None or fit.no_forecast else fit.helps(SPOKEN_MULTIPLE * fit.examples),
            metrics=metrics,
            judged=True,
            state=EntrantState.FINISHED
            if len(runs) == self._definition.seeds or entrant.kind == "baseline"
            else EntrantState.PARTIAL,
        )

    def _training(self, name: str) -> dict[str, Any]:
        """The fields of `EntrantResult` about a network's trainings (steps, FLOPs, seconds); {} for others."""
        steps, profile = self._outcome.steps.get(name), self._outcome.profiles.get(name)
        if steps is None or profile is None:
            return {}
        flops = profile.training_flops
        taken = [
            result.seconds
            for result in self._outcome.results
            if result.trial.entrant == name and result.trial.examples == self._full and result.state.counts
        ]
        is_seconds = self._definition.equal == "seconds"
        protocol = full_steps(self._full)
        is_cut = self._definition.steps is None and not is_seconds and steps < protocol
        return {
            "steps": steps,
            "training_flops": None if flops is None else steps * min(BATCH_EXAMPLES, self._full) * flops,
            "training_seconds": float(np.median(taken)) if taken else None,
            "allowed_seconds": steps * profile.seconds_per_step if is_seconds else None,
            "capped": name in self._outcome.allocation.capped,
            "protocol_steps": protocol if is_cut else None,
            "undertrained": is_cut and self._took_all_steps(name),
        }

    def _took_all_steps(self, name: str) -> bool:
        """Whether a training at full size, with the chosen setting, ended because its steps were over."""
        return any(
            result.state is TrialState.FINISHED
            for result in self._outcome.results
            if result.trial.entrant == name
            and result.trial.examples == self._full
            and result.trial.setting == self._outcome.best_setting.get(name)
        )

    def _seconds(self, name: str) -> float:
        return float(sum(result.seconds for result in self._outcome.results if result.trial.entrant == name))

    def _unjudged(self, entrant: Entrant, curve: Sequence[CurvePoint], chance: float | None) -> EntrantResult:
        """The result of an entrant without a score: the reason, the seconds needed, its curve on fewer examples."""
        profile = self._outcome.profiles.get(entrant.name)
        empty = EntrantResult(
            name=entrant.name,
            kind=entrant.kind,  # type: ignore[arg-type]
            family=entrant.family,
            parameters=profile.parameters if profile else None,
            flops_per_example=profile.flops_per_example if profile else None,
            train_seconds=self._seconds(entrant.name),
            curve=tuple(curve),
            judged=False,
            state=EntrantState.NOT_STARTED,
        )
        skip = next((entry for entry in self._outcome.skipped if entry.entrant == entrant.name), None)
        if skip is not None and skip.what in STATE_BY_OMISSION:
            return replace(
                empty,
                state=STATE_BY_OMISSION[skip.what],
                reason=self._leads_to(curve, chance) or skip.reason
                if skip.what == Omission.PRUNED
                else skip.reason,
                needed_seconds=skip.seconds,
            )
        tried = [result for result in self._outcome.results if result.trial.entrant == entrant.name]
        for state, ending in STATE_BY_TRIAL.items():
            found = next((result for result in tried if result.state is state), None)
            if found is not None:
                needed = None
                if state is TrialState.STOPPED:
                    done = max(found.steps_done, 1)
                    size = self._full / found.trial.examples
                    needed = 2 * size * self._seconds(entrant.name) * max(found.trial.steps / done, 1.0)
                return replace(empty, state=ending, reason=found.reason, needed_seconds=needed)
        return empty

    def _leads_to(self, curve: Sequence[CurvePoint], chance: float | None) -> Statement | None:
        """A sentence with the score forecast for all examples, from test scores on fewer; None without a forecast."""
        fit = fit_rungs(curve, self._metric, chance=chance, seed=self._definition.seed)
        if fit.withheld is not None:
            return None
        score, low, high = map(self._metric.show, fit.predict(self._full))
        return because("leads_to", score=score, low=low, high=high)

    def _best_first(self, result: EntrantResult) -> tuple[bool, float]:
        return (not result.judged, 0.0 if result.score is None else -self._metric.sign * result.score)

    def _crossovers(self, fits: Mapping[str, CurveFit]) -> list[Crossover]:
        """The networks whose learning curve is expected to pass the leader's, fewest additional examples first."""
        if self.ranking is None or self.ranking.leader not in fits:
            return []
        leader = self.ranking.leader
        found = [
            crossover(fits[name], fits[leader], names=(name, leader))
            for name in fits
            if name != leader and self._entrants[name].kind == "network"
        ]
        crossing = [entry for entry in found if entry.examples is not None and entry.ahead == leader]
        return sorted(crossing, key=lambda entry: entry.examples or 0.0)

    def champion_trial(self) -> TrialResult | None:
        """The full-size training that is handed over: of the leader, or where it is no network of the network that
        validation puts first. With folds it stands for those of all folds."""
        networks = [e.name for e in self.entrants if e.judged and e.kind == "network"]
        if not networks:
            return None
        leader = self.verdict.winner or self.verdict.leader
        first = max(networks, key=lambda name: self._metric.sign * self.validation[name])
        name = leader if leader in networks else first
        return self._best_seed(self.judged[name])

    def _best_seed(self, runs: Sequence[TrialResult]) -> TrialResult:
        """The seed with the best validation score: the network handed over is not chosen on the test split."""

        def on_validation(run: TrialResult) -> tuple[float, float]:
            assert run.validation_outputs is not None
            return self._task.preference(
                self._metric, run.validation_outputs, self._validation_truth, self._context
            )

        return max(runs, key=on_validation)

    def test_outputs(self) -> dict[str, NDArray[np.float32]]:
        """Each judged entrant's best seed on the test split."""
        return {name: dense(_test(self._best_seed(runs))) for name, runs in self.judged.items()}

    def mistakes(self) -> tuple[Mistake, ...]:
        """The leader's `MISTAKES` most confident wrong classes, or its largest errors, worst first."""
        if self.verdict.leader is None:
            return ()
        outputs = _test(self._best_seed(self.judged[self.verdict.leader]))
        return tuple(
            Mistake(
                index=int(self.tested[one.place]),
                truth=self._task.text(one.truth),
                answer=self._task.text(one.answer),
                confidence=one.confidence,
            )
            for one in self._task.worst(outputs, self._truth, most=MISTAKES)
        )

    def trials(self) -> tuple[TrialSummary, ...]:
        """Every training, in the order of the entrants."""
        return tuple(self._summary(result) for result in self._outcome.results)

    def _summary(self, result: TrialResult) -> TrialSummary:
        score, trial = None, result.trial
        if result.validation_outputs is not None:
            splits = self._dataset.splits if trial.fold is None else self._dataset.folds[trial.fold]
            score = self._score(result.validation_outputs, self._dataset.targets_at(splits.validation))
        return TrialSummary(
            entrant=trial.entrant,
            examples=trial.examples,
            seed=trial.seed,
            fold=trial.fold,
            setting=trial.setting,
            steps=result.steps_done,
            state=str(result.state),
            reason=result.reason,
            validation_score=score,
            training_score=result.training_score,
            seconds=result.seconds,
            history=result.history,
        )


def _test(result: TrialResult) -> Outputs:
    assert result.test_outputs is not None
    return result.test_outputs
