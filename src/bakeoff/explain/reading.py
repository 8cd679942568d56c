"""From the outputs of a study over changed data to `Why`: losses, claims, memory, controls, sentences."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.interventions import Intervention, intervention
from bakeoff.errors import BudgetError
from bakeoff.explain import sentences
from bakeoff.explain.evidence import Cell, Memory, Taking, Why
from bakeoff.explain.strength import Loss, Pair, losses, with_claims
from bakeoff.explain.study import ChangedStudy, memory_to_try
from bakeoff.study import classical
from bakeoff.study.metrics import Metric, MetricContext
from bakeoff.study.records import Statement
from bakeoff.study.uncertainty import Standing, standing

#: While closing in on the memory, a shorter one "hurts" where its loss is this improbable as chance.
_HURTS = 0.01


class Reading:
    """From the outputs of a study to `Why`."""

    def __init__(self, study: ChangedStudy, metric: Metric, context: MetricContext) -> None:
        self.study, self.metric, self.context = study, metric, context
        self.dataset = study.dataset
        self.targets = self.dataset.targets_at(self.dataset.splits.test)

    def why(self, begun: float) -> Why:
        self._baselines = self._baseline_outputs()
        before = {
            name: r.outputs
            for (name, change), r in self.study.results.items()
            if change is None and r.outputs
        }
        if not before:
            raise BudgetError("No entrant finished its training in the time allowed: give a larger --budget.")
        found = self._standing(before)
        entrants = self._taking(found, before)
        memory = self._memory(entrants[0].name)
        cells = self._cells(before)
        learned = any(name in before for name in found.above_baseline)
        baseline = found.scores[found.baseline].score if found.baseline else math.nan
        tied = tuple(name for name in found.candidates if name in before)
        if learned:
            memory = self._spoken_memory(memory, cells)
            said = sentences.statements(cells, entrants, baseline, memory, self.metric)
            advice = sentences.advice(cells, entrants, tied or (entrants[0].name,), memory, self.metric)
        else:
            memory, advice = None, ()
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
            statements=said,
            advice=advice,
            broken=self._broken(cells),
            left_out=self._left_out(),
            steps=self.study.plan.steps,
            seeds=len(self.study.plan.seeds),
            seconds=time.monotonic() - begun,
        )

    def _baseline_outputs(self) -> dict[str, NDArray[np.float32]]:
        train = np.sort(self.dataset.splits.train)
        return {
            plain.name: plain.fit(self.dataset, train, 0, [None], math.inf)[0].test
            for plain in classical.entrants(self.dataset.schema)
            if plain.kind == "baseline"
        }

    def _standing(self, before: dict[str, tuple[NDArray[np.float32], ...]]) -> Standing:
        outputs: dict[str, Sequence[NDArray[np.float32]]] = {name: [o] for name, o in self._baselines.items()}
        return standing(
            outputs | before, self.targets, self.metric, baselines=list(self._baselines), context=self.context
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

    def _cells(self, before: dict[str, tuple[NDArray[np.float32], ...]]) -> tuple[Cell, ...]:
        """All finished cells, with Holm's claims over those that are no controls."""
        places = [
            (change, name)
            for change in self._all_changes()
            for name in before
            if (result := self.study.results.get((name, change.name))) is not None and result.outputs
        ]
        pairs = [
            self._pair(before[name], self.study.results[name, change.name].outputs, change)
            for change, name in places
        ]
        found = losses(pairs, self.metric, context=self.context)
        tested = self._tested(before, places)
        counted = [index for index, (change, _) in enumerate(places) if not change.control]
        claims = dict(zip(counted, with_claims([found[index].p_value for index in counted]), strict=True))
        return tuple(
            Cell(
                entrant=name,
                change=change.name,
                kind=change.kind,
                assumption=change.assumption,
                amount=change.amount,
                control=change.control,
                loss=replace(loss, shown=claims.get(index, False)),
                tested=tested.get((name, change.name)),
            )
            for index, ((change, name), loss) in enumerate(zip(places, found, strict=True))
        )

    def _pair(
        self,
        before: Sequence[NDArray[np.float32]],
        after: Sequence[NDArray[np.float32]],
        change: Intervention,
    ) -> Pair:
        return Pair(
            before=before, after=after, targets=self.targets, targets_after=self._targets_after(change)
        )

    def _targets_after(self, change: Intervention) -> NDArray[Any]:
        if change.kind != "shuffle_labels":
            return self.targets
        return change(self.dataset, seed=self.study.seed).targets_at(self.dataset.splits.test)

    def _tested(
        self, before: dict[str, tuple[NDArray[np.float32], ...]], places: Sequence[Any]
    ) -> dict[Any, Any]:
        keys, pairs = [], []
        for change, name in places:
            outputs = self.study.results[name, None].tested.get(change.name)
            if outputs:
                keys.append((name, change.name))
                pairs.append(self._pair(before[name], outputs, change))
        return dict(zip(keys, losses(pairs, self.metric, context=self.context), strict=True)) if pairs else {}

    def _all_changes(self) -> list[Intervention]:
        """Those of the plan, and the lengths of memory that were tried besides, in the order of the table."""
        names = dict.fromkeys(change.name for change in self.study.changes)
        names |= dict.fromkeys(change for _, change in self.study.results if change is not None)
        made = [intervention(name, self.dataset.schema) for name in names]
        kinds = list(dict.fromkeys(change.kind for change in made))
        return sorted(made, key=lambda change: (kinds.index(change.kind), change.amount or 0))

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

    def _amounts(self, name: str) -> list[int]:
        prefix = "keep_last_"
        return [
            int(change.removeprefix(prefix))
            for (who, change), result in self.study.results.items()
            if who == name and change is not None and change.startswith(prefix) and result.outputs
        ]

    def _hurts(self, name: str, amount: int) -> bool:
        change = intervention(f"keep_last_{amount}", self.dataset.schema)
        pair = self._pair(
            self.study.results[name, None].outputs, self.study.results[name, change.name].outputs, change
        )
        loss = losses([pair], self.metric, context=self.context)[0]
        return loss.loss > 0 and loss.p_value < _HURTS

    def _time_for(self, name: str) -> bool:
        if self.study.deadline is None:
            return True
        return time.monotonic() + 1.5 * self.study.results[name, None].seconds + 1.0 < self.study.deadline

    def _broken(self, cells: Sequence[Cell]) -> tuple[Statement, ...]:
        """Controls that came out as they cannot, at `LEVEL` for all of them together."""
        made: list[tuple[float, Statement]] = []
        for cell in cells:
            if cell.assumption == "column_order":
                values = {"entrant": cell.entrant, **sentences.figures(cell.loss, self.metric)}
                made.append((cell.loss.p_value, Statement(key="why.broken.column_order", values=values)))
            elif cell.assumption == "signal":
                gain = self._above_baseline(cell)
                p_value = gain.p_value / 2 if gain.loss > 0 else 1.0
                values = {"entrant": cell.entrant, **sentences.figures(gain, self.metric)}
                made.append((p_value, Statement(key="why.broken.signal", values=values)))
        claims = with_claims([p_value for p_value, _ in made], level=0.99)
        return tuple(statement for (_, statement), claim in zip(made, claims, strict=True) if claim)

    def _above_baseline(self, cell: Cell) -> Loss:
        """How far an entrant trained on shuffled labels is above the best baseline on them."""
        change = intervention(cell.change, self.dataset.schema)
        targets = self._targets_after(change)
        scored = {name: self.metric.score(o, targets, self.context) for name, o in self._baselines.items()}
        best = max(scored, key=lambda name: self.metric.sign * scored[name])
        outputs = self.study.results[cell.entrant, cell.change].outputs
        pair = Pair(
            before=outputs,
            after=[self._baselines[best]] * len(outputs),
            targets=targets,
            targets_after=targets,
        )
        return losses([pair], self.metric, context=self.context)[0]

    def _left_out(self) -> dict[str, str]:
        out = dict.fromkeys(self.study.plan.left_out, "no time")
        out |= self.study.faults
        out |= {
            f"{name}/{change or 'as they are'}": r.fault
            for (name, change), r in self.study.results.items()
            if r.fault
        }
        return out
