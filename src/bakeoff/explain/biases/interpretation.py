"""From the outputs of a study over changed data to `Why`: losses, claims, memory, controls, sentences."""

import math
import time
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.interventions.catalogue import intervention
from bakeoff.errors import BudgetError
from bakeoff.explain.biases import sentences
from bakeoff.explain.biases.drop_table import LossTable
from bakeoff.explain.biases.perturbation_study import ChangedStudy, memory_to_try
from bakeoff.explain.biases.records import Cell, Memory, Taking, Why
from bakeoff.explain.biases.score_drops import losses
from bakeoff.explain.biases.width_check import look_at, size_advice, try_sizes
from bakeoff.messages.statement import Statement
from bakeoff.study.analysis.uncertainty import Standing, standing
from bakeoff.tasks.metrics.registry import Metric, MetricContext

#: While closing in on the memory, a shorter one "hurts" where its loss is this improbable as chance.
_HURTS = 0.01


class Reading:
    """From the outputs of a study to `Why`."""

    def __init__(
        self, study: ChangedStudy, metric: Metric, context: MetricContext, *, sizes: bool = False
    ) -> None:
        self.sizes, self.study, self.metric, self.context = sizes, study, metric, context
        self.dataset = study.dataset
        self.table = LossTable(
            study.dataset, study.changes, study.results, seed=study.seed, metric=metric, context=context
        )

    def why(self, begun: float) -> Why:
        before = self.table.before()
        if not before:
            raise BudgetError("No entrant finished its training in the time allowed: give a larger --budget.")
        found = self._standing(before)
        entrants = self._taking(found, before)
        best = entrants[0].name
        memory = self._memory(best)
        cells = self.table.cells()
        learned = any(name in before for name in found.above_baseline)
        baseline = found.scores[found.baseline].score if found.baseline else math.nan
        tied = tuple(name for name in found.candidates if name in before)
        if learned:
            memory = self._spoken_memory(memory, cells)
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
            left_out=dict.fromkeys(self.study.plan.left_out, "no time")
            | self.study.faults
            | self.table.faults(),
            steps=self.study.plan.steps,
            seeds=len(self.study.plan.seeds),
            seconds=time.monotonic() - begun,
        )

    def _standing(self, before: dict[str, tuple[NDArray[np.float32], ...]]) -> Standing:
        baselines = self.table.baselines
        outputs: dict[str, Sequence[NDArray[np.float32]]] = {name: [o] for name, o in baselines.items()}
        return standing(
            outputs | before,
            self.table.targets,
            self.metric,
            baselines=list(baselines),
            context=self.context,
        )

    def _taking(self, found: Standing, before: dict[str, Any]) -> tuple[Taking, ...]:
        family = {entrant.name: entrant.family for entrant in self.study.entrants}
        made = [
            Taking(
                name=name,
                family=family[name],
                setting=self.study.settings.get(name),
                **vars(found.scores[name]),
            )
            for name in before
        ]
        return tuple(sorted(made, key=lambda one: -self.metric.sign * one.score))

    def _memory(self, best: str) -> Memory | None:
        """Close in on the number of last steps that the best entrant needs, as long as there is time."""
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
            following = memory_to_try(self.dataset, too_few, enough or length)
            if following is None or not self._time_for(best):
                return (
                    None
                    if enough is None
                    else Memory(entrant=best, enough=enough, too_few=too_few, length=length)
                )
            before = len(self.study.results)
            self.study.train_table([entrant], [following])
            if len(self.study.results) == before or not self.study.results[best, following.name].outputs:
                return (
                    None
                    if enough is None
                    else Memory(entrant=best, enough=enough, too_few=too_few, length=length)
                )

    def _spoken_memory(self, memory: Memory | None, cells: Sequence[Cell]) -> Memory | None:
        """Only where the loss below it is shown over the whole table."""
        if memory is None:
            return None
        shown = [
            c.loss.shown
            for c in cells
            if c.entrant == memory.entrant and c.change == f"keep_last_{memory.too_few}"
        ]
        return memory if any(shown) else None

    def _fields(self, before: Collection[str], memory: Memory | None) -> dict[str, int]:
        """What a unit of each convolutional network sees, where it is known how much is needed."""
        if memory is None or not self.study.has_time(1.0):
            return {}
        looked = look_at(self.study, list(before), field=True)
        return {
            name: found.receptive_field
            for name, found in looked.items()
            if found.receptive_field is not None and name != memory.entrant
        }

    def _amounts(self, name: str) -> list[int]:
        prefix = "keep_last_"
        return [
            int(change.removeprefix(prefix))
            for (who, change), result in self.study.results.items()
            if who == name and change is not None and change.startswith(prefix) and result.outputs
        ]

    def _hurts(self, name: str, amount: int) -> bool:
        change = intervention(f"keep_last_{amount}", self.dataset.schema)
        pair = self.table.pair(
            self.study.results[name, None].outputs, self.study.results[name, change.name].outputs, change
        )
        loss = losses([pair], self.metric, context=self.context)[0]
        return loss.loss > 0 and loss.p_value < _HURTS

    def _time_for(self, name: str) -> bool:
        return self.study.has_time(self.study.results[name, None].seconds)
