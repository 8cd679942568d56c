"""The fuzzer of `scripts/fuzz`: its cases repeat, its checks can fail, and its watch ends what hangs."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bakeoff.errors import DataError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _benchmarks_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.chdir(tmp_path)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_case_repeats_by_its_seed_and_number(tmp_path: Path) -> None:
    from fuzzing.dice import Dice
    from fuzzing.pictures import picture_folder
    from fuzzing.series import series_file

    for make in (series_file, picture_folder):
        made = []
        for name in ("first", "second"):
            folder = tmp_path / f"{make.__name__}-{name}"
            folder.mkdir()
            make(Dice(3, 7), folder)
            made.append(_files(folder))
        assert made[0] == made[1]
        assert made[0]


def _run_as(monkeypatch: pytest.MonkeyPatch, folder: Path, attempt) -> object:
    from fuzzing import kinds, worker

    only = {"made": kinds.Kind(lambda dice, place: attempt, 1.0)}
    monkeypatch.setattr(kinds, "KINDS", only)
    return worker.run_case(0, 0, folder / "case")


def _raises(error: BaseException):
    def attempt() -> None:
        raise error

    return attempt


def test_errors_of_ours_are_refusals_and_all_others_findings(monkeypatch, tmp_path: Path) -> None:
    assert _run_as(monkeypatch, tmp_path, lambda: None).state == "accepted"
    assert _run_as(monkeypatch, tmp_path, _raises(DataError("give data"))).state == "refused"
    for error in (KeyError("x"), SystemExit(3), RecursionError()):
        found = _run_as(monkeypatch, tmp_path, _raises(error))
        assert (found.state, found.what) == ("finding", type(error).__name__)


def test_control_characters_in_an_error_are_a_finding(monkeypatch, tmp_path: Path) -> None:
    found = _run_as(monkeypatch, tmp_path, _raises(DataError("the column \x1b[31mred")))
    assert found.state == "finding"
    assert "control characters on an error" in found.what


def test_inputs_that_are_not_finite_are_a_finding() -> None:
    from fuzzing.checks import WrongError, check_finite

    def dataset(value: float) -> SimpleNamespace:
        rows = np.array([[value]])
        return SimpleNamespace(offsets=None, targets=np.zeros(1), inputs_at=lambda _: rows, __len__=lambda: 1)

    class Sized(SimpleNamespace):
        def __len__(self) -> int:
            return 1

    check_finite(Sized(**vars(dataset(1.0))))
    with pytest.raises(WrongError, match="not finite"):
        check_finite(Sized(**vars(dataset(np.inf))))


def test_the_same_numbers_read_otherwise_without_a_word_are_a_finding() -> None:
    from fuzzing.same import WrongError, _require_same

    import bakeoff

    x, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    plain = bakeoff.load((x, y))
    _require_same(plain, bakeoff.load((x.copy(), y)), "equal")
    with pytest.raises(WrongError, match="without a word: reversed"):
        _require_same(plain, bakeoff.load((x[::-1].copy(), y)), "reversed")


def test_a_case_that_takes_too_long_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    from fuzzing import pool

    watched = pool.WatchedProcess.__new__(pool.WatchedProcess)
    watched.started, watched.allowed = time.monotonic(), 20.0
    watched.seen = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=10**6))
    monkeypatch.setattr(pool.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    assert watched.overdone() is None
    watched.seen = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=3 * 10**9))
    assert watched.overdone() == "memory over 2 GB"
    watched.started -= 21
    assert "hang" in (watched.overdone() or "")


@pytest.mark.slow
def test_a_process_that_crashes_is_replaced_and_its_case_is_a_finding(tmp_path: Path, monkeypatch) -> None:
    """`os.abort` in a case: the cases after it run in a new process."""
    import os

    from fuzzing import pool

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*sys.path]))
    (tmp_path / "crashing").mkdir()
    ended = pool.outcomes(_cases(), seed=0, processes=1, folder=tmp_path, coverage_file=None)
    first = next(ended)[0]
    assert first.state in ("accepted", "refused")
    for child in pool.multiprocessing.active_children():
        os.kill(child.pid, 11)
    second = next(ended)[0]
    assert second.what.startswith("crash (exit code -11)")
    assert next(ended)[0].state in ("accepted", "refused")


def _cases() -> Iterator[tuple[int, str, float]]:
    from fuzzing.dice import Dice
    from fuzzing.kinds import kind_of

    numbers = [number for number in range(200) if kind_of(Dice(0, number)) == "graphs"]
    for number in numbers[:3]:
        yield number, "graphs", 60.0
