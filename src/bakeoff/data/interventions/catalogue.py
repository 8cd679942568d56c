"""Interventions: pure changes of a dataset, each of which removes one assumption about it.

The drop of a network's score when it is trained again on the changed data measures how much it depends on that
assumption. Splits and targets do not change (except where labels are shuffled), so that scores before and after are
paired, and everything random depends on the seed only.

    >>> from bakeoff import load
    >>> digits = load("digits")
    >>> shuffled = intervention("permute_positions", digits.schema)(digits, seed=0)
    >>> (shuffled.inputs[0].sum() == digits.inputs[0].sum()).item(), (shuffled.targets == digits.targets).all().item()
    (True, True)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bakeoff.data.dataset import Dataset
from bakeoff.data.interventions.kinds import KEEP_LAST, KINDS, Apply, Control, Kind
from bakeoff.data.schema import Graph, Image, Schema, Series, Table, Tokens
from bakeoff.errors import DataError, suggest


@dataclass(frozen=True, kw_only=True)
class Intervention:
    """A change of data that removes one assumption.

    Attributes:
        name: with its amount, as in "keep_last_12".
        kind: the name without its amount.
        assumption: what no longer holds (a key under "why.assumption.").
        inputs: the kinds of input that it can change.
        amount: steps, or the side of a block; None where there is none.
        control: what is known of the result beforehand; None where nothing is.
        rank: interventions with a high rank are left out first where time is short.
        drawn: whether it is random for each example, so that another seed gives another training set.
        changes_targets: whether targets change too, so that an answer before and one after have different truths.
        keeps_past: whether it suits forecasts (see `bakeoff.data.interventions.kinds`).
    """

    name: str
    kind: str
    assumption: str
    inputs: tuple[type, ...]
    apply: Apply
    amount: int | None = None
    control: Control | None = None
    rank: int = 0
    drawn: bool = False
    changes_targets: bool = False
    keeps_past: bool = False

    def applies(self, schema: Schema) -> bool:
        """Whether it can change this kind of data."""
        if schema.target.looks_ahead and not self.keeps_past:
            return False
        return isinstance(schema.input, self.inputs)

    def __call__(self, dataset: Dataset, *, seed: int) -> Dataset:
        """The changed dataset; the given one stays as it is.

        Raises:
            DataError: it does not apply to this kind of data; the message lists those that do.
        """
        if not self.applies(dataset.schema):
            raise DataError(_does_not_apply(self.kind, dataset.schema))
        changed = self.apply(dataset, self.amount or 0, seed)
        return changed.changed(name=f"{dataset.name}+{self.name}", encoder=None, findings=())


def interventions(schema: Schema) -> tuple[Intervention, ...]:
    """All interventions that apply to this kind of data, with their usual amounts, the most informative first."""
    return tuple(sorted(_all(schema), key=lambda change: change.rank))


#: For each kind of input the most informative changes, in order.
_MOST_INFORMATIVE: dict[type, tuple[str, ...]] = {
    Image: ("permute_positions", "random_shift", "mirror"),
    Series: ("permute_positions", "random_shift", "reverse_time"),
    Tokens: ("bag_of_words", "permute_positions", "reverse_time"),
    Table: ("rotate_features", "shuffle_columns"),
    Graph: ("rewire", "remove_edges", "renumber_nodes"),
}


def most_informative(schema: Schema) -> tuple[Intervention, ...]:
    """The most informative interventions for this kind of data, where there is no time for all of them."""
    if schema.target.looks_ahead:
        length = schema.input.shape[-1]
        amounts = dict.fromkeys(max(length // part, 1) for part in (4, 16))
        return (
            *(keep_last(amount, schema) for amount in amounts),
            intervention("permute_positions", schema),
        )
    return tuple(intervention(name, schema) for name in _MOST_INFORMATIVE[type(schema.input)])


def _all(schema: Schema) -> Iterator[Intervention]:
    for name, kind in KINDS.items():
        made = _make(name, kind, None)
        if made.applies(schema):
            for amount in kind.amounts(schema) if kind.amounts else (None,):
                yield _make(name, kind, amount)


def intervention(name: str, schema: Schema) -> Intervention:
    """The intervention of this name ("mirror", "keep_last_12"), for this kind of data.

    Raises:
        DataError: no such name, an amount that is missing or has no place, or it does not apply to this kind of data.
    """
    match = re.fullmatch(r"(.*?)(?:_(\d+))?", name)
    assert match is not None
    kind, amount = match[1], match[2]
    if kind not in KINDS:
        raise DataError(f"There is no intervention called '{name}'. {suggest(kind, KINDS)}")
    if (amount is None) != (KINDS[kind].amounts is None) or amount == "0":
        rule = (
            "takes no number"
            if KINDS[kind].amounts is None
            else f"needs a number of at least 1, as in '{kind}_8'"
        )
        raise DataError(f"The intervention '{kind}' {rule}; '{name}' was given.")
    made = _make(kind, KINDS[kind], None if amount is None else int(amount))
    if not made.applies(schema):
        raise DataError(_does_not_apply(kind, schema))
    return made


def keep_last(steps: int, schema: Schema) -> Intervention:
    """The intervention that leaves only so many of the last steps or tokens."""
    return intervention(f"{KEEP_LAST}_{steps}", schema)


def _make(name: str, kind: Kind, amount: int | None) -> Intervention:
    return Intervention(
        name=name if amount is None else f"{name}_{amount}",
        kind=name,
        assumption=kind.assumption,
        inputs=kind.inputs,
        apply=kind.apply,
        amount=amount,
        control=kind.control,
        rank=kind.rank,
        drawn=kind.drawn,
        changes_targets=kind.changes_targets,
        keeps_past=kind.keeps_past,
    )


def _does_not_apply(kind: str, schema: Schema) -> str:
    usable = dict.fromkeys(change.kind for change in _all(schema))
    what = f"{type(schema.input).__name__} to {type(schema.target).__name__}"
    return f"The intervention '{kind}' does not apply to {what}; those that do: {', '.join(usable)}."
