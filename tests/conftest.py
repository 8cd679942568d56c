"""Fixtures of many files of tests: what has to be undone after one. Datasets and other examples: examples.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bakeoff.messages import set_language


@pytest.fixture
def english() -> Iterator[None]:
    """Sentences in English, whatever the environment says; the choice is undone afterwards."""
    set_language("en")
    yield
    set_language(None)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, empty. It has no compiled operators: those take a minute to build."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BAKEOFF_CACHE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _language_of_the_environment() -> Iterator[None]:
    """A language that a test, or a command that it calls, has chosen ends with the test."""
    yield
    set_language(None)
