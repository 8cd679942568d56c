"""The facts that a run stores beside its jobs, each with its type: what was compared, how it is trained, from where.

A fact is read and written here only, so that its stored name and its form in JSON stand in one place. Packages above
may have facts of their own (`bakeoff.study.schedule.retraining_plan` has one).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bakeoff.study.design.jobs import Definition
from bakeoff.study.results.store import Store
from bakeoff.study.results.training_plan import TrainingPlan
from bakeoff.system.json_records import typed

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Fact(Generic[Value]):
    """One fact of a run.

    Attributes:
        name: under which it is stored.
        to_json, from_json: its form as JSON, and back; `from_json` gives None for what is no such value.
    """

    name: str
    to_json: Callable[[Value], Any]
    from_json: Callable[[Any], Value | None]

    def read(self, store: Store) -> Value | None:
        """Its value; None where it was never written.

        Raises:
            StoreError: the run holds something else under this name.
        """
        record = store.fact(self.name)
        with store.reading():
            return None if record is None else self.from_json(record)

    def write(self, store: Store, value: Value) -> None:
        """Store it in place of an earlier value."""
        store.put_fact(self.name, self.to_json(value))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _seconds(value: Any) -> float:
    seconds: float = typed(value, float, "spent_seconds")
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{seconds} seconds were not spent")
    return seconds


#: What is compared; an unfinished run with an equal one is continued.
DEFINITION = Fact(name="definition", to_json=Definition.to_json, from_json=Definition.from_json)
#: What was decided before the first training.
PLAN = Fact(name="plan", to_json=TrainingPlan.to_json, from_json=TrainingPlan.from_json)
#: Seconds of the budget that are spent, those of earlier processes of this run included.
SPENT_SECONDS = Fact[float](name="spent_seconds", to_json=float, from_json=_seconds)
#: Where the data were read from, by which later commands find them again: a built-in name, or an absolute path. It is
#: no proof of anything: a run's folder may come from a stranger.
SOURCE = Fact[str](name="source", to_json=str, from_json=_text)
