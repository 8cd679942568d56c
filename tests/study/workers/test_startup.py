"""Workers that load while the program does: the last one leaves the core to those before it."""

import time
from pathlib import Path

import pytest

from bakeoff.study.workers import startup, training
from bakeoff.study.workers.executor import TaskContext
from bakeoff.study.workers.requests import WarmUpRequest
from bakeoff.train.kernels import compilation


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(training, "set_up_torch", lambda: None)  # this process computes as it did
    return tmp_path / "loaded"


def seconds(is_first: bool, is_last: bool, loaded: Path) -> float:
    started = time.monotonic()  # of the fixture `clock`: nothing but waiting takes time
    request = WarmUpRequest(is_first=is_first, is_last=is_last, loaded=loaded)
    startup.warm_up(request, TaskContext())
    return time.monotonic() - started


@pytest.mark.usefixtures("clock")
def test_the_last_worker_waits_for_the_first_and_not_for_ever(loaded: Path) -> None:
    seconds(False, False, loaded)  # whoever is neither says nothing
    assert seconds(False, True, loaded) == pytest.approx(startup._LONGEST_WAIT_SECONDS, abs=0.03)
    assert seconds(True, False, loaded) == 0
    assert seconds(False, True, loaded) == 0


def test_a_single_worker_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bool, bool]] = []

    class Noted:
        def __init__(self, workers: int, environment: dict[str, str]) -> None:
            self.workers, self.folder = workers, Path()

        def submit(self, task: object, request: WarmUpRequest) -> None:
            asked.append((request.is_first, request.is_last))

    monkeypatch.setattr(startup, "LocalExecutor", Noted)
    monkeypatch.setattr(compilation, "begin_build", lambda: None)
    startup.start_workers(1, wait_for_operators=False)
    startup.start_workers(3, wait_for_operators=False)
    assert asked == [(True, False), (True, False), (False, False), (False, True)]


def test_nobody_waits_for_a_build_under_a_clock_and_it_is_built_once_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path))
    monkeypatch.delenv("BAKEOFF_NATIVE", raising=False)
    monkeypatch.setattr(compilation, "compiler", lambda: "/usr/bin/cc")
    monkeypatch.setattr(compilation, "version", lambda program: "cc 1")
    monkeypatch.setattr(compilation, "begin_build", lambda: done.append("started"))

    def build() -> None:
        done.append("built")
        place = compilation.place()
        assert place is not None
        place.parent.mkdir(parents=True)
        place.touch()

    monkeypatch.setattr(compilation, "build", build)
    assert startup.compiled_operators(wait=False) == {"BAKEOFF_NATIVE": "ready"}
    startup.compiled_operators(wait=True)
    startup.compiled_operators(wait=True)
    assert done == ["started", "built"]
    monkeypatch.setenv("BAKEOFF_NATIVE", "0")
    assert startup.compiled_operators(wait=True) == {"BAKEOFF_NATIVE": "0"}
    assert done == ["started", "built"]
