"""The table of score drops: from test outputs before and after each change to one `Cell` an entrant and change."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.interventions.catalogue import Intervention, intervention
from bakeoff.data.interventions.kinds import Control
from bakeoff.explain.biases import sentences
from bakeoff.explain.biases.records import Cell
from bakeoff.explain.biases.score_drops import Pair, ScoreDrop, score_drops, with_claims
from bakeoff.messages.statement import Statement
from bakeoff.study.design import classical
from bakeoff.study.results.seed_results import SeedResults
from bakeoff.tasks.metrics.registry import Metric, MetricContext

#: Probability that no control of a table is reported as broken by chance alone.
CONTROL_LEVEL = 0.99


class DropTable:
    """The drop of each entrant's score by each change.

    Args:
        dataset: unchanged.
        changes: in the order of the table.
        results: by (entrant, change), with None for the unchanged data; more may be added later.
        seed: of the interventions.
        metric, context: of the scores.
    """

    def __init__(
        self,
        dataset: Dataset,
        changes: Sequence[Intervention],
        results: Mapping[tuple[str, str | None], SeedResults],
        *,
        seed: int,
        metric: Metric,
        context: MetricContext,
    ) -> None:
        self.dataset, self.changes, self.results, self.seed = dataset, changes, results, seed
        self.metric, self.context = metric, context
        self.targets = dataset.targets_at(dataset.splits.test)

    def before(self) -> dict[str, tuple[NDArray[np.float32], ...]]:
        """Test outputs of every entrant on the unchanged data, one array a seed."""
        return {
            name: result.outputs
            for (name, change), result in self.results.items()
            if change is None and result.outputs
        }

    @cached_property
    def baselines(self) -> dict[str, NDArray[np.float32]]:
        """Test outputs of the baselines, by name."""
        train = np.sort(self.dataset.splits.train)
        return {
            plain.name: plain.fit(self.dataset, train, 0, [None], math.inf)[0].test
            for plain in classical.entrants(self.dataset.schema)
            if plain.kind == "baseline"
        }

    def cells(self) -> tuple[Cell, ...]:
        """All finished cells; `shown` is decided by Holm's procedure over those that are not controls."""
        before = self.before()
        places = [
            (change, name)
            for change in self._all_changes()
            for name in before
            if (result := self.results.get((name, change.name))) is not None and result.outputs
        ]
        pairs = [
            self.pair(before[name], self.results[name, change.name].outputs, change)
            for change, name in places
        ]
        found = score_drops(pairs, self.metric, context=self.context)
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
                control=change.control is not None,
                loss=replace(loss, shown=claims.get(index, False)),
                tested=tested.get((name, change.name)),
            )
            for index, ((change, name), loss) in enumerate(zip(places, found, strict=True))
        )

    def pair(
        self,
        before: Sequence[NDArray[np.float32]],
        after: Sequence[NDArray[np.float32]],
        change: Intervention,
    ) -> Pair:
        """Outputs before and after a change, with the targets that each is held against."""
        return Pair(
            before=before, after=after, targets=self.targets, targets_after=self._targets_after(change)
        )

    def _targets_after(self, change: Intervention) -> NDArray[Any]:
        if not change.changes_targets:
            return self.targets
        return change(self.dataset, seed=self.seed).targets_at(self.dataset.splits.test)

    def _tested(
        self, before: dict[str, tuple[NDArray[np.float32], ...]], places: Sequence[Any]
    ) -> dict[Any, Any]:
        keys, pairs = [], []
        for change, name in places:
            outputs = self.results[name, None].tested.get(change.name)
            if outputs:
                keys.append((name, change.name))
                pairs.append(self.pair(before[name], outputs, change))
        return (
            dict(zip(keys, score_drops(pairs, self.metric, context=self.context), strict=True))
            if pairs
            else {}
        )

    def _all_changes(self) -> list[Intervention]:
        """The planned changes and the numbers of last steps that were tried besides, in the order of the table."""
        names = dict.fromkeys(change.name for change in self.changes)
        names |= dict.fromkeys(change for _, change in self.results if change is not None)
        made = [intervention(name, self.dataset.schema) for name in names]
        kinds = list(dict.fromkeys(change.kind for change in made))
        return sorted(made, key=lambda change: (kinds.index(change.kind), change.amount or 0))

    def broken(self, cells: Sequence[Cell]) -> tuple[Statement, ...]:
        """Controls with a result that they cannot have, at `CONTROL_LEVEL` for all of them together."""
        made: list[tuple[float, Statement]] = []
        for cell in cells:
            control = intervention(cell.change, self.dataset.schema).control
            if control is Control.SAME_SCORE:
                values = {"entrant": cell.entrant, **sentences.figures(cell.loss, self.metric)}
                made.append((cell.loss.p_value, Statement(key="why.broken.column_order", values=values)))
            elif control is Control.NO_SIGNAL:
                gain = self._above_baseline(cell)
                p_value = gain.p_value / 2 if gain.loss > 0 else 1.0
                values = {"entrant": cell.entrant, **sentences.figures(gain, self.metric)}
                made.append((p_value, Statement(key="why.broken.signal", values=values)))
        claims = with_claims([p_value for p_value, _ in made], level=CONTROL_LEVEL)
        return tuple(statement for (_, statement), claim in zip(made, claims, strict=True) if claim)

    def _above_baseline(self, cell: Cell) -> ScoreDrop:
        """The gain over the best baseline of an entrant that was trained on shuffled labels."""
        change = intervention(cell.change, self.dataset.schema)
        targets = self._targets_after(change)
        scored = {name: self.metric.score(o, targets, self.context) for name, o in self.baselines.items()}
        best = max(scored, key=lambda name: self.metric.sign * scored[name])
        outputs = self.results[cell.entrant, cell.change].outputs
        pair = Pair(
            before=outputs,
            after=[self.baselines[best]] * len(outputs),
            targets=targets,
            targets_after=targets,
        )
        return score_drops([pair], self.metric, context=self.context)[0]

    def failures(self) -> dict[str, Statement]:
        """The trainings that failed, with the reason."""
        return {
            f"{name}/{change or 'as they are'}": result.failure
            for (name, change), result in self.results.items()
            if result.failure
        }
