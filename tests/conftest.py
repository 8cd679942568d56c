"""Fixtures of many files of tests: what has to be undone after one. Datasets and other examples: examples.py."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakeoff.messages import set_language
from bakeoff.study.workers.local import LocalExecutor
from bakeoff.study.workers.startup import compiled_operators


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


class FakeClock:
    """Time as a test wants it: it stands still, but for sleeping and for `each_look_seconds` at every look.

    Attributes:
        now: in seconds, of `time.monotonic`.
        each_look_seconds: what passes between two looks at the clock, as if something was computed.
    """

    def __init__(self) -> None:
        self.now, self.each_look_seconds = 1000.0, 0.0

    def monotonic(self) -> float:
        self.now += self.each_look_seconds
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """A clock of the test's own in this process, so that what it shows does not depend on who else uses the machine."""
    fake = FakeClock()
    monkeypatch.setattr(time, "monotonic", fake.monotonic)
    monkeypatch.setattr(time, "sleep", fake.sleep)
    monkeypatch.setattr("bakeoff.study.comparison.run.slowdown", lambda: 1.0)
    return fake


class LastingWorkers(LocalExecutor):
    """Workers that whoever closes them leaves to the next comparison: to import PyTorch takes seconds each time."""

    def close(self) -> None:
        if self._running or self._suspects:
            self.restart()
        self._shared = {}

    def end(self) -> None:
        super().close()


@pytest.fixture(scope="session")
def workers() -> Iterator[LastingWorkers]:
    """An executor for `pool=` of comparisons that are not about how workers start and end, or what they search."""
    lasting = LastingWorkers(workers=2, environment=compiled_operators(wait=True))
    yield lasting
    lasting.end()


@pytest.fixture(autouse=True)
def _language_of_the_environment() -> Iterator[None]:
    """A language that a test, or a command that it calls, has chosen ends with the test."""
    yield
    set_language(None)
