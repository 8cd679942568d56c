"""Networks of one's own by name, wherever a name of the catalogue may stand.

    nets.py:Tower              the class or function `Tower` of the file `nets.py`; sub/nets.py:Tower, ./nets.py:Tower
    package.module:factory     the same of a module that Python can import

The class or function (the *factory*) is called with the data's `Schema` if it takes an argument without a default, else
with none, and returns a fresh `nn.Module` each time. A file is run once, from whatever folder; modules beside it are
found where nothing else has their name. Workers run the same file again.

Whatever a person's own code raises, `sys.exit` included, becomes one sentence here.
"""

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from torch import nn

from bakeoff.data.schema import Schema
from bakeoff.errors import BakeoffError, ModelError, printable, suggest
from bakeoff.models.registry.card import OWN_FAMILY, ModelCard
from bakeoff.system.extras import first_line

ENDING = ".py"
_FORM = "write file.py:NAME, or package.module:NAME for a module that Python can import"


@dataclass(frozen=True)
class Reference:
    """Where a factory is.

    Attributes:
        name: as it was typed.
        module: the dotted name of a module; empty where it is in a file.
        file: absolute; None where it is in a module.
        attribute: the factory's name there.
    """

    name: str
    module: str
    file: Path | None
    attribute: str

    def __str__(self) -> str:
        return printable(self.name, most=200)


def is_own(name: str) -> bool:
    """Whether a name is of the form of a network of one's own."""
    return ":" in name


def reference_of(name: str, file: str | Path | None = None) -> Reference:
    """The parts of `file.py:NAME` or `package.module:NAME`.

    Args:
        name: as it was typed.
        file: where the file is, if not where the name says, seen from the current folder.

    Raises:
        ModelError: it has another form.
    """
    place, _, attribute = name.rpartition(":")
    shown = printable(name, most=200)
    if not place or not attribute:
        missing = "no file or module before the colon" if not place else "nothing after the colon"
        raise ModelError(f"'{shown}' names {missing}: {_FORM}.")
    if not attribute.isidentifier():
        raise ModelError(
            f"'{shown}' names '{printable(attribute)}', which is no name of a class or function: {_FORM}."
        )
    if file is not None or place.endswith(ENDING) or "/" in place or "\\" in place:
        try:
            return Reference(name, "", Path(file or place).expanduser().resolve(), attribute)
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"'{shown}' names no file ({first_line(error)}): {_FORM}.") from error
    if not all(part.isidentifier() for part in place.split(".")):
        raise ModelError(
            f"'{shown}' names '{printable(place)}', which is neither a file nor a module: {_FORM}."
        )
    return Reference(name, place, None, attribute)


def own_card(name: str, file: str | Path | None = None) -> ModelCard:
    """The card of a network of one's own; `name` and `file` as for `reference_of`.

    Raises:
        ModelError: the name has another form, its code cannot be imported, or holds no such class or function.
    """
    reference = reference_of(name, file)
    factory = _factory(reference)
    return ModelCard(
        name=name.removeprefix("./"),
        family=OWN_FAMILY,
        year=0,
        paper="",
        summary="A network of the user's own.",
        biases=(),
        build=FactoryBuild(factory=factory, reference=reference),
        file=None if reference.file is None else str(reference.file),
    )


@dataclass(frozen=True)
class FactoryBuild:
    """`build(schema)` of a person's own factory; options go to it as keywords."""

    factory: Callable[..., Any]
    reference: Reference

    def __call__(self, schema: Schema, width: int | None = None, **options: Any) -> nn.Module:
        given = (schema,) if self._takes_schema() else ()
        try:
            module = self.factory(*given, **options)
        except BakeoffError:
            raise
        except (Exception, SystemExit) as error:
            raise ModelError(
                f"The factory '{self.reference}' failed with {_said(error)}: it is called with "
                f"{'the schema of the data' if given else 'no argument'} and returns an nn.Module; mend it there."
            ) from error
        if not isinstance(module, nn.Module):
            raise ModelError(
                f"The factory '{self.reference}' returned a {type(module).__name__}, not an nn.Module: name a class "
                "of networks, or a function that returns one."
            )
        return module

    def _takes_schema(self) -> bool:
        return any(
            p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
            for p in self.parameters().values()
        )

    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The factory's own; none where Python does not know them (some functions written in C)."""
        try:
            return inspect.signature(self.factory).parameters
        except (TypeError, ValueError):
            return {}

    def __reduce__(self) -> tuple[Any, ...]:
        """A worker process runs the same file; a module is found there by its name, as always."""
        if self.reference.file is None:
            return FactoryBuild, (self.factory, self.reference)
        return _build_of, (self.reference,)


def _build_of(reference: Reference) -> FactoryBuild:
    return FactoryBuild(factory=_factory(reference), reference=reference)


def _factory(reference: Reference) -> Callable[..., Any]:
    module = _module(reference)
    if not hasattr(module, reference.attribute):
        own = [
            name
            for name, value in vars(module).items()
            if callable(value) and not isinstance(value, nn.Module) and not name.startswith("_")
        ]
        where = _where(reference)
        raise ModelError(
            f"'{reference}' cannot be imported: {where} holds no '{printable(reference.attribute)}'. "
            f"{suggest(reference.attribute, own)}"
        )
    factory: Any = getattr(module, reference.attribute)
    if isinstance(factory, nn.Module):
        raise ModelError(
            f"'{reference}' is a network that is built already ({type(factory).__name__}), and each seed needs a fresh "
            f"one: name its class, or write a function that makes it (def make(): return ...) and name that."
        )
    if not callable(factory):
        raise ModelError(
            f"'{reference}' is a {type(factory).__name__}, not a class or function that makes an nn.Module: name "
            "one that does."
        )
    return factory  # type: ignore[no-any-return]


def _module(reference: Reference) -> ModuleType:
    """Import the module or run the file.

    Raises:
        ModelError: whatever its code raised.
    """
    if reference.file is not None and not reference.file.is_file():
        what = "is a folder" if reference.file.is_dir() else "is not there"
        raise ModelError(f"'{reference}' cannot be imported: '{_where(reference)}' {what}; {_FORM}.")
    if reference.file is not None and reference.file.suffix != ENDING:
        raise ModelError(
            f"'{reference}' cannot be imported: '{_where(reference)}' does not end in {ENDING}; {_FORM}."
        )
    try:
        if reference.file is not None:
            return _run_file(reference.file)
        return importlib.import_module(reference.module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _tell(reference, error)


def _run_file(file: Path) -> ModuleType:
    """The module that this file makes: run once, as long as it is not changed; its folder is searched last."""
    stat = file.stat()
    key = f"{file}\0{stat.st_mtime_ns}\0{stat.st_size}".encode("utf-8", "surrogateescape")
    name = f"bakeoff_own_{hashlib.blake2b(key, digest_size=8).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _tell(reference: Reference, error: BaseException) -> NoReturn:
    """The sentence about what a person's own code raised while it was imported."""
    begin = f"'{reference}' cannot be imported"
    if isinstance(error, BakeoffError):
        raise ModelError(f"{begin} ({first_line(error)}).") from error
    if isinstance(error, SyntaxError):
        where = f"{Path(error.filename).name}, line {error.lineno}" if error.filename else _where(reference)
        raise ModelError(
            f"{begin}: {printable(where)} is not valid Python ({printable(error.msg or 'syntax error')}); mend that "
            "line."
        ) from error
    if isinstance(error, SystemExit):
        said = f", with the words '{printable(str(error.code))}'" if isinstance(error.code, str) else ""
        raise ModelError(
            f"{begin}: its code ends the program while it is imported{said}; put what is to run as a program under "
            "`if __name__ == '__main__':`."
        ) from error
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is not None and reference.module and (reference.module + ".").startswith(missing + "."):
        raise ModelError(
            f"{begin} ({_said(error)}): is its folder this one, or on PYTHONPATH? A file is named as file.py:NAME."
        ) from error
    if missing is not None:
        raise ModelError(
            f"{begin}: it needs the module '{printable(missing)}', which Python does not find; install that, or put "
            "it beside the file."
        ) from error
    advice = "mend it there"
    if isinstance(error, ImportError) and "relative import" in str(error):
        advice = "a file of a package is named as package.module:NAME"
    raise ModelError(f"{begin}: its code fails with {_said(error)}; {advice}.") from error


def _where(reference: Reference) -> str:
    return printable(reference.module if reference.file is None else str(reference.file), most=200)


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"sys.exit({printable(repr(error.code))})"
    words = printable(first_line(error), most=300)
    return f"{type(error).__name__}: {words}" if words != type(error).__name__ else words
