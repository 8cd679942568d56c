"""What may be said of who is best, whether a network is needed and which is the cheapest good one, and no more.

`judge` reads a `Ranking`, in which everything has been tested, and picks the sentences whose evidence is there.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.messages.statement import Statement
from bakeoff.study.analysis.planning import what_would_decide
from bakeoff.study.analysis.uncertainty import Ranking
from bakeoff.study.design.states import EntrantState
from bakeoff.study.results.records import Deciding, EntrantResult, count
from bakeoff.tasks.metrics.registry import Metric


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The first sentences of a verdict, and what they rest on.

    Attributes:
        compared: whether two entrants beside the baseline were judged, so that there is something to be best of.
        cheapest, needs_network, deciding: as in `Verdict`.
    """

    statements: tuple[Statement, ...]
    compared: bool
    cheapest: str | None
    needs_network: bool
    deciding: Deciding | None = None


def judge(entrants: Sequence[EntrantResult], standing: Ranking, measure: Metric) -> Judgement:
    """Pick the sentences.

    Args:
        entrants: all of them, judged or not.
        standing: of the judged ones.
    """
    return _Judge(entrants, standing, measure).judgement()


class _Judge:
    def __init__(self, entrants: Sequence[EntrantResult], standing: Ranking, measure: Metric) -> None:
        self.entrants = {entrant.name: entrant for entrant in entrants}
        self.standing, self.measure = standing, measure
        judged = [name for name in standing.scores if self.entrants[name].kind != "baseline"]
        self.real = sorted(judged, key=lambda name: -measure.sign * standing.scores[name].score)
        self.networks = [name for name in self.real if self.entrants[name].kind == "network"]
        self.classical = [name for name in self.real if self.entrants[name].kind != "network"]
        self.nothing_shown = standing.baseline is not None and not standing.above_baseline

    def judgement(self) -> Judgement:
        compared = len(self.real) > 1
        first = self._first() if compared else self._too_few()
        choice, deciding = self._choice() if compared and not self.nothing_shown else ((), None)
        leads = bool(self.networks) and self.entrants[self.standing.leader].kind == "network"
        others = [name for name in self.standing.scores if self.entrants[name].kind != "network"]
        return Judgement(
            statements=(first, *self._seeds(), *choice),
            compared=compared,
            cheapest=self._cheapest(),
            needs_network=leads
            and not self.nothing_shown
            and all(name in self.standing.better for name in others),
            deciding=deciding,
        )

    def _first(self) -> Statement:
        """Who is best, who leads and who may be it too, or that nothing was shown to beat the baseline."""
        standing = self.standing
        values = self._figures(standing.leader) | {"count": len(self.real), "missing": self._missing()}
        if self.nothing_shown:
            assert standing.baseline is not None
            values |= self._figures(standing.top) | {
                "baseline": standing.baseline,
                "baseline_score": self._score(standing.baseline),
                "margin": self._amount(standing.margin),
            }
            inside = standing.loses_at_most[standing.baseline] <= standing.margin
            return Statement(key="verdict.nothing_there" if inside else "verdict.nothing", values=values)
        if standing.winner:
            return Statement(key="verdict.winner", values=values | {"scope": self._scope()})
        values["others"] = self._probabilities(
            name for name in standing.candidates if name != standing.leader
        )
        values["probability"] = probability(standing.probability_best[standing.leader])
        if standing.top == standing.leader:
            return Statement(key="verdict.leads", values=values)
        ahead = standing.difference(standing.top, standing.leader)
        values |= {"top": standing.top, "gap": self._amount(abs(ahead.estimate))}
        worst = ahead.low if self.measure.higher_is_better else -ahead.high
        key = "verdict.chosen_far_behind" if worst > 0 else "verdict.chosen_behind"
        return Statement(key=key, values=values)

    def _too_few(self) -> Statement:
        """With fewer than two entrants there is nothing to be best of."""
        standing = self.standing
        if not self.real:
            assert standing.baseline is not None
            return Statement(key="verdict.only_baseline", values=self._figures(standing.baseline))
        values = self._figures(self.real[0])
        if standing.baseline is None:
            return Statement(key="verdict.alone", values=values)
        values |= {"baseline": standing.baseline, "baseline_score": self._score(standing.baseline)}
        key = "verdict.alone_above" if standing.above_baseline else "verdict.alone_not_above"
        return Statement(key=key, values=values)

    def _seeds(self) -> tuple[Statement, ...]:
        """Whose chance in training is not known, or is taken from elsewhere."""
        if not self.networks:
            return ()
        if self.standing.seeds_unknown:
            return (Statement(key="verdict.one_seed", values={}),)
        borrowed = [name for name in self.standing.seeds_borrowed if name in self.networks]
        if borrowed:
            return (Statement(key="verdict.borrowed", values={"names": ", ".join(borrowed)}),)
        return ()

    def _choice(self) -> tuple[tuple[Statement, ...], Deciding | None]:
        """What to take: no network, the cheapest good one with what it saves, or what would decide."""
        best = self.classical[0] if self.classical else None
        if self.networks and best is not None:
            good = [name for name in self.classical if self._is_good(name)]
            if good and self.entrants[self._rival(good[0])].undertrained:
                return (self._undertrained(good[0]),), None
            if good:
                return (self._no_network(good[0]),), None
            if best not in self.standing.better:
                rival = self._rival(best)
                deciding = self._deciding(rival, best)
                values = self._pair(rival, best) | {"deciding": self._what_decides(deciding)}
                return (Statement(key="verdict.network_open", values=values),), deciding
        said = self._cheapest_said()
        others = [name for name in self.standing.candidates if name != self.standing.leader]
        if self.standing.winner or not others or others[0] in self.standing.practically_equal:
            return said, None
        return said, self._deciding(self.standing.leader, others[0])

    def _no_network(self, name: str) -> Statement:
        values = {"name": name, "score": self._score(name), "margin": self._amount(self.standing.margin)}
        network = self.networks[0]
        ahead = self.measure.sign * (self.standing.scores[network].score - self.standing.scores[name].score)
        values |= {"network": network, "network_score": self._score(network), "scope": self._scope()}
        return Statement(key="verdict.no_network" if ahead > 0 else "verdict.no_network_leads", values=values)

    def _undertrained(self, name: str) -> Statement:
        """An entrant without a network is good enough, but the best network may have been improving still."""
        network = self._rival(name)
        entrant = self.entrants[network]
        values = self._pair(network, name) | {
            "steps": f"{entrant.steps:,}",
            "protocol": f"{entrant.protocol_steps:,}",
        }
        return Statement(key="verdict.network_undertrained", values=values)

    def _scope(self) -> Statement | str:
        """That networks are compared and not their families, where all were trained on the same examples."""
        return "" if self.standing.training_sets > 1 else Statement(key="verdict.scope", values={})

    def _rival(self, classical: str) -> str:
        """The network that a classical entrant is weighed against: the leader, or the best on test."""
        leader = self.standing.leader
        return leader if leader in self.networks else self.networks[0]

    def _pair(self, first: str, second: str) -> dict[str, Any]:
        return {
            "first": first,
            "first_score": self._score(first),
            "second": second,
            "second_score": self._score(second),
        }

    def _deciding(self, first: str, second: str) -> Deciding:
        gap = self.standing.difference(first, second)
        return what_would_decide(
            first,
            second,
            gap=self.measure.sign * gap.estimate,
            margin=self.standing.margin,
            example_variance=gap.example_variance,
            seed_variance=gap.seed_variance,
            examples=self.standing.examples,
            seeds=self.standing.seeds,
        )

    def _what_decides(self, deciding: Deciding) -> Statement:
        now, smallest = f"{self.standing.examples:,}", self._amount(deciding.smallest)
        values: dict[str, Any] = {"now": now, "smallest": smallest}
        if deciding.examples is None or deciding.seeds is None:
            return Statement(key="verdict.deciding.beyond", values=values)
        values |= {"examples": f"{_rounded(deciding.examples):,}", "seeds": deciding.seeds}
        if deciding.seeds > self.standing.seeds:
            return Statement(key="verdict.deciding.seeds", values=values)
        return Statement(key="verdict.deciding.examples", values=values)

    def _cheapest_said(self) -> tuple[Statement, ...]:
        leader, cheapest = self.standing.leader, self._cheapest()
        assert cheapest is not None
        flops = self.entrants[cheapest].flops_per_example
        if flops is None:
            return ()
        values: dict[str, Any] = {
            "cheapest": cheapest,
            "score": self._score(cheapest),
            "flops": count(flops),
            "margin": self._amount(self.standing.margin),
        }
        leader_flops = self.entrants[leader].flops_per_example
        if cheapest == leader:
            least = cheapest == min(self.real, key=self._cost)
            return (
                Statement(key="verdict.cheapest_is_best" if least else "verdict.no_cheaper", values=values),
            )
        if not leader_flops:
            return ()
        values |= {
            "times": times(leader_flops / max(flops, 1)),
            "leader": leader,
            "leader_score": self._score(leader),
        }
        return (Statement(key="verdict.cheapest", values=values),)

    def _cheapest(self) -> str | None:
        """The least costly to predict with of the leader and those shown to lose less than the margin."""
        baseline = self.standing.baseline
        if self.nothing_shown:
            assert baseline is not None
            return baseline if self.standing.loses_at_most[baseline] <= self.standing.margin else None
        good = [name for name in self.real if name == self.standing.leader or self._is_good(name)]
        return min(good, key=self._cost) if good else None

    def _is_good(self, name: str) -> bool:
        return name == self.standing.winner or self.standing.loses_at_most[name] <= self.standing.margin

    def _cost(self, name: str) -> tuple[float, float, float]:
        """What a prediction costs; unknown costs come last."""
        entrant = self.entrants[name]
        flops, parameters = entrant.flops_per_example, entrant.parameters
        return (
            math.inf if flops is None else flops,
            math.inf if parameters is None else parameters,
            entrant.train_seconds,
        )

    def _missing(self) -> Statement | str:
        """Those that could not be judged, as a part of the sentence that names the best."""
        names = [
            entrant.name
            for entrant in self.entrants.values()
            if not entrant.judged and entrant.state != EntrantState.PRUNED and entrant.kind != "baseline"
        ]
        return Statement(key="verdict.missing", values={"names": ", ".join(names)}) if names else ""

    def _figures(self, name: str) -> dict[str, Any]:
        estimate = self.standing.scores[name]
        return {
            "leader": name,
            "metric": Statement(key=f"verdict.metric.{self.measure.name}", values={}),
            "score": self.measure.show(estimate.score),
            "low": self.measure.show(estimate.low),
            "high": self.measure.show(estimate.high),
        }

    def _score(self, name: str) -> str:
        return self.measure.show(self.standing.scores[name].score)

    def _probabilities(self, names: Any) -> str:
        shares: Mapping[str, float] = self.standing.probability_best
        return ", ".join(f"{name} {probability(shares[name])}" for name in names)

    def _amount(self, amount: float) -> Statement | str:
        return score_difference(self.measure, amount)


def score_difference(metric: Metric, amount: float) -> Statement | str:
    """A difference of two scores: in points of a share, or in the metric's unit."""
    if not metric.percent:
        return f"{amount:.2g}"
    points = f"{100 * amount:.1f}".removesuffix(".0")
    return Statement(key="verdict.points", values={"points": points})


def probability(share: float) -> str:
    """In percent; never quite certain.

    >>> probability(0.2349), probability(0.004), probability(0.9999)
    ('23 %', '< 1 %', '> 99 %')
    """
    if share > 0.99:
        return "> 99 %"
    return "< 1 %" if share < 0.005 else f"{100 * share:.0f} %"


def times(factor: float) -> str:
    """A factor with two digits, or whole."""
    return f"{factor:,.0f}" if factor >= 10 else f"{factor:.2g}"


def _rounded(number: int) -> int:
    """With two digits, as no estimate of a sample size is better."""
    digits = max(len(str(number)) - 2, 0)
    return math.ceil(number / 10**digits) * 10**digits
