"""The conformance suite of readers: what each reader of `bakeoff.data.readers` must do.

    import pytest
    from bakeoff.testing.readers import READER_CHECKS, ReaderCase

    @pytest.mark.parametrize("check", READER_CHECKS, ids=lambda check: check.__name__)
    def test_my_reader(check):
        check(MY_READER, ReaderCase(source="data.xyz", new="data.xyz", foreign=[]))

A check takes a reader and a `ReaderCase`; it returns nothing, or raises `AssertionError` with a sentence that says what
is wrong. The checks:

    check_declaration        options and kinds are ones that exist, and somebody takes each option
    check_claims             it claims its own source, and none of the foreign ones
    check_options            an option that it does not take is refused by name before it reads, with who takes it
    check_reading            the source becomes a `Dataset` of sound shapes, the same for the same seed
    check_new_data           its encoder, through JSON, reads the new data to the inputs of the dataset
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bakeoff.data.dataset import Dataset
from bakeoff.data.load import read_new
from bakeoff.data.options import KINDS, ReadingOptions
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.readers import READERS
from bakeoff.data.readers.base import Reader, reader_of, refuse_other_options
from bakeoff.errors import OptionError

#: A value for each option that is right wherever the option is taken.
_VALUES: dict[str, Any] = {
    "target": "y",
    "time": "day",
    "horizon": 2,
    "window": 4,
    "group": "patient",
    "size": 8,
    "kind": KINDS[0],
    "task": "classes",
    "text": "note",
    "tokenizer": "folder",
    "decimal": "comma",
    "dates": "dmy",
    "order": "day",
}


@dataclass(frozen=True, kw_only=True)
class ReaderCase:
    """What a reader is tried on.

    Attributes:
        source: an existing path, a built-in name (a string) or an object that it claims.
        options: of `load`, with which it reads the source.
        foreign: sources of other readers, which it must not claim under these options.
        new: the source as new data; None where new data look otherwise (a forecast's).
    """

    source: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    foreign: Sequence[Any] = ()
    new: Any = None

    @property
    def reading(self) -> ReadingOptions:
        """The options as a record."""
        return ReadingOptions(**self.options)

    def read(self, reader: Reader, seed: int = 0) -> Dataset:
        """The dataset that the reader makes of the source."""
        return reader.read(self.source, self.reading, seed=seed, name=None)


def check_declaration(reader: Reader, case: ReaderCase) -> None:
    """It declares options and kinds that exist, and the steps of `instead` are about options that it does not take."""
    known = set(ReadingOptions().given())
    unknown = (reader.options | set(reader.instead)) - known
    assert not unknown, f"{reader.described}: no option is called {sorted(unknown)}"
    both = reader.options & set(reader.instead)
    assert not both, f"{reader.described} takes {sorted(both)}, and says what to do instead"
    assert set(reader.kinds) <= set(KINDS), f"{reader.described}: {reader.kinds} are not all of {KINDS}"
    assert bool(reader.kinds) == ("kind" in reader.options), (
        f"{reader.described}: kinds without option 'kind'"
    )


def check_claims(reader: Reader, case: ReaderCase) -> None:
    """It is the first of the table to claim its source, and it does not claim what others read."""
    table = READERS if reader in READERS else (reader, *READERS)
    assert reader_of(case.source, case.reading, table) is reader, f"{reader.described}: claimed by another"
    for foreign in case.foreign:
        assert not reader.takes(foreign, case.reading), f"{reader.described} claims {foreign!r}"


def check_options(reader: Reader, case: ReaderCase) -> None:
    """Each option that it does not take is refused by name, without reading, and the kinds that take it are named."""
    table = READERS if reader in READERS else (reader, *READERS)
    untouched = replace(reader, read=_must_not_read)
    for option in set(_VALUES) - reader.options:
        said = _refusal(untouched, ReadingOptions(**{option: _VALUES[option]}), table)
        assert said.startswith(f"The option '{option}' does not go with {reader.described}: "), said
        assert any(other.plural in said for other in table if option in other.options), said
    for kind in set(KINDS) - set(reader.kinds) if reader.kinds else ():
        said = _refusal(untouched, ReadingOptions(kind=kind), table)
        assert f"not '{kind}'" in said, said
    refuse_other_options(reader, case.reading, table)


def check_reading(reader: Reader, case: ReaderCase) -> None:
    """The dataset has as many inputs as targets, of the schema's shape, splits that do not overlap, and an encoder."""
    dataset = case.read(reader)
    assert len(dataset.inputs) == len(dataset.targets), f"{reader.described}: inputs and targets differ"
    if not isinstance(dataset.inputs, PackedGraphs):
        shape = tuple(dataset.inputs.shape[1:])
        assert shape == dataset.schema.input.shape, f"{reader.described}: another shape"
    parts = dataset.splits
    indices = np.concatenate([parts.train, parts.validation, parts.test])
    assert len(np.unique(indices)) == len(indices), f"{reader.described}: an example is in two splits"
    assert dataset.encoder is not None, f"{reader.described}: new data could not be read without an encoder"
    again = case.read(reader)
    assert again.fingerprint == dataset.fingerprint, f"{reader.described}: a second reading differs"


def check_new_data(reader: Reader, case: ReaderCase) -> None:
    """The encoder's JSON record alone reads the source again, to the same inputs."""
    if case.new is None:
        return
    dataset = case.read(reader)
    assert dataset.encoder is not None
    record = json.loads(json.dumps(dataset.encoder.to_json()))
    found = read_new(record, case.new, schema=dataset.schema)
    if isinstance(dataset.inputs, PackedGraphs):
        assert isinstance(found.inputs, PackedGraphs)
        assert found.inputs.equals(dataset.inputs), reader.described
    else:
        np.testing.assert_array_equal(np.asarray(found.inputs), np.asarray(dataset.inputs), reader.described)


def _refusal(reader: Reader, options: ReadingOptions, table: Sequence[Reader]) -> str:
    try:
        refuse_other_options(reader, options, table)
    except OptionError as error:
        return str(error)
    raise AssertionError(f"{reader.described}: {options} was not refused")


def _must_not_read(source: Any, options: ReadingOptions, *, seed: int, name: str | None) -> Dataset:
    raise AssertionError("It was read before its options were checked.")


READER_CHECKS: tuple[Callable[[Reader, ReaderCase], None], ...] = (
    check_declaration,
    check_claims,
    check_options,
    check_reading,
    check_new_data,
)
