"""From the outputs of a study over changed data to `Why`: score drops, claims, memory length, controls, sentences."""

import math
import time
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.interventions.catalogue import Intervention, intervention, keep_last
from bakeoff.data.interventions.kinds import KEEP_LAST
from bakeoff.errors import BudgetError
from bakeoff.explain.biases import sentences
from bakeoff.explain.biases.drop_table import DropTable
from bakeoff.explain.biases.records import Cell, EntrantScore, MemoryLength, Why
from bakeoff.explain.biases.score_drops import score_drops
from bakeoff.explain.biases.width_check import look_at, size_advice, try_sizes
from bakeoff.messages.statement import Statement, because
from bakeoff.study.analysis.uncertainty import Ranking, rank_entrants
from bakeoff.study.schedule.perturbation_study import PerturbationStudy
from bakeoff.tasks.metrics.registry import Metric, MetricContext

#: In the bisection of the memory length, a length "hurts" where its score drop has a smaller p-value than this.
_HURTS = 0.01


class Interpretation:
    """Interprets the outputs of a study as `Why`.

    Args:
        study: whose table is trained; a few more trainings are made where there is time.
        metric, context: of the scores.
        sizes: whether the best network is also trained at half and at twice its width.
    """

    def __init__(
        self, study: PerturbationStudy, metric: Metric, context: MetricContext, *, sizes: bool = False
    ) -> None:
        self.sizes, self.study, self.metric, self.context = sizes, study, metric, context
        self.dataset = study.dataset
        self.table = DropTable(
            study.dataset,
            study.changes,
            study.results,
            seed=study.runner.definition.seed,
            metric=metric,
            context=context,
        )

    def why(self, started: float) -> Why:
        before = self.table.before()
        if not before:
            raise BudgetError("No entrant finished its training in the time allowed: give a larger --budget.")
        found = self._ranking(before)
        entrants = self._entrant_scores(found, before)
        best = entrants[0].name
        memory = self._memory(best)
        cells = self.table.cells()
        learned = any(name in before for name in found.above_baseline)
        baseline = found.scores[found.baseline].score if found.baseline else math.nan
        tied = tuple(name for name in found.candidates if name in before)
        if learned:
            memory = self._shown_memory(memory, cells)
            said = sentences.statements(cells, entrants, baseline, memory, self.metric)
            sizes = try_sizes(self.study, self.table, best) if self.sizes else ()
            family, *steps = sentences.advice(cells, entrants, tied or (best,), memory, self.metric)
            fields = sentences.receptive_advice(self._fields(before, memory), tied, memory)
            advice = (family, *size_advice(sizes, self.metric), *steps, *fields)
        else:
            memory, advice, sizes = None, (), ()
            shown = {"score": self.metric.show(entrants[0].score), "baseline": self.metric.show(baseline)}
            said = (Statement(key="why.no_signal", values={"entrant": entrants[0].name, **shown}),)
        return Why(
            name=self.dataset.name,
            metric=self.metric.name,
            entrants=entrants,
            baseline=baseline,
            tied=tied,
            cells=cells,
            memory=memory,
            sizes=sizes,
            statements=said,
            advice=advice,
            broken=self.table.broken(cells),
            left_out=dict.fromkeys(self.study.plan.left_out, because("unmeasured"))
            | self.study.failures
            | self.table.failures(),
            steps=self.study.plan.steps,
            seeds=len(self.study.plan.seeds),
            seconds=time.monotonic() - started,
        )

    def _ranking(self, before: dict[str, tuple[NDArray[np.float32], ...]]) -> Ranking:
        baselines = self.table.baselines
        return rank_entrants(
            {**{name: (outputs,) for name, outputs in baselines.items()}, **before},
            self.table.targets,
            self.metric,
            baselines=list(baselines),
            context=self.context,
            validation=dict.fromkeys(baselines, -self.metric.sign * math.inf) | self._on_validation(before),
        )

    def _on_validation(self, before: Collection[str]) -> dict[str, float]:
        """Each one's score on validation, by which it is chosen whom the sentences are about."""
        truth = self.dataset.targets_at(self.dataset.splits.validation)
        return {
            name: self.study.results[name, None].on_validation(self.metric, truth, self.context)
            for name in before
        }

    def _entrant_scores(self, found: Ranking, before: dict[str, Any]) -> tuple[EntrantScore, ...]:
        family = {entrant.name: entrant.family for entrant in self.study.entrants}
        made = [
            EntrantScore(
                name=name,
                family=family[name],
                setting=self.study.settings.get(name),
                **vars(found.scores[name]),
            )
            for name in before
        ]
        chosen = self._on_validation(before)
        return tuple(sorted(made, key=lambda one: -self.metric.sign * chosen[one.name]))

    def _memory(self, best: str) -> MemoryLength | None:
        """Bisect the number of last steps that the best entrant needs, as long as there is time."""
        entrant = next(one for one in self.study.entrants if one.name == best)
        length = self.dataset.schema.input.shape[-1]
        while True:
            hurts = {amount: self._hurts(best, amount) for amount in self._amounts(best)}
            too_few = max((amount for amount, hurt in hurts.items() if hurt), default=None)
            if too_few is None:
                return None
            enough = min(
                (amount for amount, hurt in hurts.items() if not hurt and amount > too_few), default=None
            )
            following = _memory_to_try(self.dataset, too_few, enough or length)
            if following is None or not self._time_for(best):
                return (
                    None
                    if enough is None
                    else MemoryLength(entrant=best, enough=enough, too_few=too_few, length=length)
                )
            before = len(self.study.results)
            self.study.train_table([entrant], [following])
            if len(self.study.results) == before or not self.study.results[best, following.name].outputs:
                return (
                    None
                    if enough is None
                    else MemoryLength(entrant=best, enough=enough, too_few=too_few, length=length)
                )

    def _shown_memory(self, memory: MemoryLength | None, cells: Sequence[Cell]) -> MemoryLength | None:
        """The memory length; None where the drop at `too_few` steps is not significant over the whole table."""
        if memory is None:
            return None
        shown = [
            c.loss.shown
            for c in cells
            if c.entrant == memory.entrant and c.kind == KEEP_LAST and c.amount == memory.too_few
        ]
        return memory if any(shown) else None

    def _fields(self, before: Collection[str], memory: MemoryLength | None) -> dict[str, int]:
        """The receptive field of each convolutional network, where the steps needed (`memory`) are known."""
        if memory is None or not self.study.has_time(1.0):
            return {}
        looked = look_at(self.study, list(before), field=True)
        return {
            name: found.receptive_field
            for name, found in looked.items()
            if found.receptive_field is not None and name != memory.entrant
        }

    def _amounts(self, name: str) -> list[int]:
        """Of the last steps, with which it was trained."""
        made = [
            intervention(change, self.dataset.schema)
            for (who, change), result in self.study.results.items()
            if who == name and change is not None and result.outputs
        ]
        return [change.amount for change in made if change.kind == KEEP_LAST and change.amount is not None]

    def _hurts(self, name: str, amount: int) -> bool:
        change = keep_last(amount, self.dataset.schema)
        pair = self.table.pair(
            self.study.results[name, None].outputs, self.study.results[name, change.name].outputs, change
        )
        loss = score_drops([pair], self.metric, context=self.context)[0]
        return loss.loss > 0 and loss.p_value < _HURTS

    def _time_for(self, name: str) -> bool:
        return self.study.has_time(self.study.results[name, None].seconds)


def _memory_to_try(dataset: Dataset, hurts: int, harmless: int) -> Intervention | None:
    """The number of last steps midway between one that hurts and one that does not; None where none lies between."""
    middle = (hurts + harmless) // 2
    return keep_last(middle, dataset.schema) if hurts < middle < harmless else None
