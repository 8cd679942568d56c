"""The best that fits: who may be used where latency, size, arithmetic or memory are limited, and what the "
"limits cost."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from bakeoff.errors import OptionError, printable
from bakeoff.messages.statement import Statement
from bakeoff.study.analysis.judgement import score_difference
from bakeoff.study.results.records import EntrantResult, Verdict, finite
from bakeoff.tasks.metrics.registry import METRICS

_NUMBER = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zµ]*)\s*"
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_COUNTS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
_BYTES = {"": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a network may take at most; None where there is no limit.

    Attributes:
        latency_seconds: of one answer (batch 1) on one thread of this machine, its 95th percentile.
        parameters: learnable numbers.
        flops: of one answer; a multiply-add is 2.
        memory_bytes: held while one example is answered, parameters included.
    """

    latency_seconds: float | None = None
    parameters: float | None = None
    flops: float | None = None
    memory_bytes: float | None = None

    @property
    def given(self) -> dict[str, float]:
        """The limits that there are, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


NO_LIMITS = Limits()


def parse_limits(
    *, latency: str | None, parameters: str | None, flops: str | None, memory: str | None
) -> Limits:
    """Limits as typed: `2ms`, `1M`, `10M`, `50MB`.

    >>> parse_limits(latency="2ms", parameters="1M", flops=None, memory="50MB")
    Limits(latency_seconds=0.002, parameters=1000000.0, flops=None, memory_bytes=50000000.0)

    Raises:
        OptionError: one of them is no positive number with a unit of its kind.
    """
    return Limits(
        latency_seconds=_parsed(latency, "--max-latency", _SECONDS, "2ms or 0.5s"),
        parameters=_parsed(parameters, "--max-parameters", _COUNTS, "50k or 1M"),
        flops=_parsed(flops, "--max-flops", _COUNTS, "10M or 2G"),
        memory_bytes=_parsed(memory, "--max-memory", _BYTES, "500kB or 50MB"),
    )


def _parsed(text: str | None, flag: str, units: Mapping[str, float], example: str) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(_NUMBER, text.lower())
    if found is None or found[2] not in units or float(found[1]) <= 0:
        raise OptionError(f"{flag} is a number with its unit, as {example}, not '{printable(text)}'.")
    return float(found[1]) * units[found[2]]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one entrant takes; None where it was not measured.

    Attributes:
        latency_seconds: 95th percentile of one answer. median_seconds: its median.
        batch_seconds: median of the answers to a batch of 100, and batch_p95_seconds: its 95th percentile.
        parameters, flops, memory_bytes: see `Limits`.
    """

    latency_seconds: float | None = None
    median_seconds: float | None = None
    batch_seconds: float | None = None
    batch_p95_seconds: float | None = None
    parameters: float | None = None
    flops: float | None = None
    memory_bytes: float | None = None


@dataclass(frozen=True, kw_only=True)
class BestThatFits:
    """The answer to limits.

    Attributes:
        limits: what was asked.
        leader: who is put forward without limits.
        best: who is put forward among those that fit, by validation score; None where nobody is known to fit.
        fits, too_much, unknown: names, in the order of the results: within all limits, beyond one, not measured for
        one. needs: what each takes. statements: what is to be said.
    """

    limits: Limits
    leader: str
    best: str | None
    fits: tuple[str, ...]
    too_much: tuple[str, ...]
    unknown: tuple[str, ...]
    needs: Mapping[str, Needs]
    statements: tuple[Statement, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The statements as text."""
        return tuple(statement.text() for statement in self.statements)

    def to_json(self) -> dict[str, Any]:
        return finite({**asdict(self), "statements": None, "sentences": list(self.sentences)})


def best_that_fits(
    limits: Limits,
    needs: Mapping[str, Needs],
    results: Sequence[EntrantResult],
    verdict: Verdict,
    *,
    metric: str,
) -> BestThatFits | None:
    """Who is best within the limits, beside the leader without them.

    Args:
        needs: of each entrant that may be put forward.
        results: of the comparison.

    Returns:
        None where nobody was judged.
    """
    judged = [one for one in results if one.judged and one.kind != "baseline" and one.score is not None]
    leader = verdict.leader
    if leader is None or not judged:
        return None
    beyond = {one.name: _beyond(limits, needs.get(one.name, Needs())) for one in judged}
    fits = [one for one in judged if beyond[one.name] == ()]
    sign = METRICS[metric].sign
    fits.sort(key=lambda one: (one.name != leader, -sign * (one.validation_score or one.score or 0.0)))
    answer = BestThatFits(
        limits=limits,
        leader=leader,
        best=fits[0].name if fits else None,
        fits=tuple(one.name for one in judged if beyond[one.name] == ()),
        too_much=tuple(name for name, found in beyond.items() if found),
        unknown=tuple(name for name, found in beyond.items() if found is None),
        needs={one.name: needs.get(one.name, Needs()) for one in judged},
        statements=(),
    )
    by_name = {one.name: one for one in judged}
    statements = tuple(_statements(answer, by_name, verdict, metric, beyond))
    return BestThatFits(**{**vars(answer), "statements": statements})


def _beyond(limits: Limits, needs: Needs) -> tuple[str, ...] | None:
    """The limits that are broken; None where none is, but one of them was not measured."""
    known = {name: getattr(needs, name) for name in limits.given}
    broken = tuple(
        name for name, limit in limits.given.items() if known[name] is not None and known[name] > limit
    )
    return broken if broken or None not in known.values() else None


def _statements(
    answer: BestThatFits,
    results: Mapping[str, EntrantResult],
    verdict: Verdict,
    metric: str,
    beyond: Mapping[str, tuple[str, ...] | None],
) -> list[Statement]:
    show = METRICS[metric].show
    lead = results.get(answer.leader)
    said = []
    if answer.best is None:
        said.append(Statement(key="verdict.limits.nobody", values={"leader": answer.leader}))
    elif answer.best == answer.leader:
        said.append(Statement(key="verdict.limits.leader_fits", values={"leader": answer.leader}))
    else:
        best = results[answer.best]
        values = {
            "name": best.name,
            "score": show(best.score or 0.0),
            "low": show(best.low if best.low is not None else best.score or 0.0),
            "high": show(best.high if best.high is not None else best.score or 0.0),
            "leader": answer.leader,
            "lead": show(lead.score or 0.0) if lead is not None else "?",
        }
        loses = verdict.loses_at_most.get(best.name)
        key = "verdict.limits.best" if loses is None else "verdict.limits.best_bounded"
        bound: dict[str, Any] = {} if loses is None else {"loses": score_difference(METRICS[metric], loses)}
        said.append(Statement(key=key, values=values | bound))
    if answer.too_much:
        named = ", ".join(
            f"{name} ({_amounts(answer, name, beyond[name] or ())})" for name in answer.too_much
        )
        said.append(Statement(key="verdict.limits.too_much", values={"names": named}))
    if answer.unknown:
        said.append(Statement(key="verdict.limits.unknown", values={"names": ", ".join(answer.unknown)}))
    return said


def _amounts(answer: BestThatFits, name: str, broken: Sequence[str]) -> str:
    return ", ".join(shown(limit, getattr(answer.needs[name], limit)) for limit in broken)


def shown(limit: str, amount: float) -> str:
    """An amount with its unit.

    >>> shown("latency_seconds", 0.0031), shown("parameters", 1_250_000), shown("memory_bytes", 5e7)
    ('3.1 ms', '1.25 M parameters', '50 MB')
    """
    if limit == "latency_seconds":
        return f"{1000 * amount:.2g} ms" if amount < 1 else f"{amount:.2g} s"
    scale, sign = next(
        ((size, sign) for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if amount >= size), (1.0, "")
    )
    number = f"{amount / scale:.3g}"
    if limit == "memory_bytes":
        return f"{number} {sign}B"
    return f"{number} {sign}{' ' if sign else ''}{'parameters' if limit == 'parameters' else 'FLOPs'}"
