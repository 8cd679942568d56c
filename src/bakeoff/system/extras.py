"""Packages that are not installed by default, fetched when something needs them."""

import importlib
from types import ModuleType

from bakeoff.errors import MissingExtraError


def package(name: str, extra: str) -> ModuleType:
    """The package of this name, which the extra `bakeoff[extra]` brings.

    Raises:
        MissingExtraError: it is not installed, or cannot be imported: torchvision of another torch, say.
    """
    try:
        return importlib.import_module(name)
    except Exception as error:  # a broken package raises anything
        if isinstance(error, ModuleNotFoundError) and error.name == name.partition(".")[0]:
            raise MissingExtraError(name, extra) from error
        raise MissingExtraError(name, extra, reason=first_line(error)) from error


def root_cause(error: BaseException) -> BaseException:
    """The error that an import failed from: a package that imports its parts late tells only that it could not.

    >>> failed = ImportError("Could not import module 'Bert'")
    >>> failed.__cause__ = RuntimeError("operator nms does not exist")
    >>> root_cause(failed)
    RuntimeError('operator nms does not exist')
    """
    while isinstance(error, ImportError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def first_line(error: BaseException) -> str:
    """What another package's error says, short enough to stand in a sentence of ours.

    >>> first_line(ValueError("no such model.\\nTraceback ..."))
    'no such model'
    """
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__
