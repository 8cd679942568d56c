"""The contract of readers: each declares what it claims, which options it takes and how it reads.

`reader_of` asks the readers in the order of their table; `refuse_other_options` names the first option that does not go
with what was found. Both happen before anything but a folder's names or a file's first lines is read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bakeoff.data.dataset import Dataset
from bakeoff.data.options import ReadingOptions
from bakeoff.errors import OptionError, printable

#: What to do about an option that does not go with the data, unless the reader knows better.
LEAVE_IT_OUT = "leave it out"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One kind of source that a reader takes: a name, a file, a folder or an object. All that is said must hold.

    Attributes:
        names: gives the names (no files) that are claimed.
        endings: of files, in lower case.
        folders: whether folders are claimed.
        objects: whether an object in memory is claimed.
        needs, without: options that must be given, and that must not.
        looks: a look at the path itself, where ending or folder alone do not decide.
    """

    names: Callable[[], Sequence[str]] | None = None
    endings: tuple[str, ...] = ()
    folders: bool = False
    objects: Callable[[Any], bool] | None = None
    needs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    looks: Callable[[Path], bool] | None = None

    def takes(self, source: Any, options: ReadingOptions) -> bool:
        """Whether the source (a name, an existing path or an object) is claimed under these options."""
        given = options.given()
        if any(given[name] is None for name in self.needs):
            return False
        if any(given[name] is not None for name in self.without):
            return False
        if isinstance(source, str):
            return self.names is not None and source in self.names()
        if not isinstance(source, Path):
            return self.objects is not None and self.objects(source)
        is_kind = self.folders if source.is_dir() else source.suffix.lower() in self.endings
        return is_kind and (self.looks is None or self.looks(source))


class Read(Protocol):
    """How a reader reads: a dataset from a source that it claimed, with the seed of the splits and a name."""

    def __call__(self, source: Any, options: ReadingOptions, *, seed: int, name: str | None) -> Dataset: ...


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What reads one kind of data.

    Attributes:
        described: the kind in a sentence ("a table"). plural: the same of many ("tables").
        claims: what it takes; one is enough.
        options: names of the `ReadingOptions` that it takes; all others are refused.
        kinds: values of the option `kind` that it takes.
        instead: option -> what to do instead of giving it, as the end of a sentence.
        read: reads what it claimed. Raises `DataError` or `OptionError`.
    """

    described: str
    plural: str
    claims: tuple[Claim, ...]
    options: frozenset[str]
    kinds: tuple[str, ...] = ()
    instead: Mapping[str, str] = field(default_factory=dict)
    read: Read

    def takes(self, source: Any, options: ReadingOptions) -> bool:
        """Whether one of its claims holds."""
        return any(claim.takes(source, options) for claim in self.claims)

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of files that it claims without conditions."""
        plain = [claim for claim in self.claims if claim.looks is None and not claim.needs]
        return tuple(ending for claim in plain for ending in claim.endings)


def reader_of(source: Any, options: ReadingOptions, readers: Iterable[Reader]) -> Reader | None:
    """The first reader that claims the source, or None."""
    return next((reader for reader in readers if reader.takes(source, options)), None)


def refuse_other_options(reader: Reader, options: ReadingOptions, readers: Iterable[Reader]) -> None:
    """Raises `OptionError` for the first option that the reader does not take, naming the kinds of data that do."""
    for option, value in options.given().items():
        if value is None:
            continue
        if option not in reader.options:
            others = [other.plural for other in readers if option in other.options]
            raise OptionError(
                f"The option '{option}' does not go with {reader.described}: it is for {_joined(others, 'and')}. "
                f"{_capitalised(reader.instead.get(option, LEAVE_IT_OUT))}."
            )
        if option == "kind" and value not in reader.kinds:
            takes = _joined([f"'{kind}'" for kind in reader.kinds], "or")
            raise OptionError(
                f"{_capitalised(reader.described)} can be read as kind {takes}, not '{printable(value)}': "
                "give that, or leave 'kind' out."
            )


def _joined(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]
