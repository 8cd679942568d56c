"""What other programs take away is measured, kept in reserve and told."""

from pathlib import Path

import pytest

from bakeoff.study.comparison.run import ComparisonRun
from bakeoff.study.comparison.warnings import busy_warnings
from bakeoff.study.design.cross_validation import FoldChoice
from bakeoff.study.protocol import MOST_RESERVED_PART, RESERVE_SECONDS
from bakeoff.system import hardware
from examples import made_up, study_of


@pytest.mark.parametrize(
    ("scheduled", "factor"), [("100 0 3", 1.0), ("100 200 3", 3.0), ("0 50 1", 1.0), ("what", 1.0), ("", 1.0)]
)
def test_the_slowdown_is_what_a_thread_waited_for_a_core(
    scheduled: str, factor: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "schedstat").write_text(scheduled)
    monkeypatch.setattr(hardware, "_SCHEDULED", tmp_path / "schedstat")
    assert hardware.slowdown() == factor
    monkeypatch.setattr(hardware, "_SCHEDULED", tmp_path / "nothing")
    assert hardware.slowdown() == 1.0


@pytest.mark.parametrize(
    ("slowdown", "reserved"),
    [(1.0, RESERVE_SECONDS), (3.0, 3 * RESERVE_SECONDS), (100.0, MOST_RESERVED_PART * 20)],
)
def test_the_verdicts_share_of_a_budget_grows_with_the_slowdown(
    slowdown: float, reserved: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bakeoff.study.comparison.run.slowdown", lambda: slowdown)
    dataset = made_up("table")
    run = ComparisonRun(
        dataset=dataset,
        entrants=(),
        definition=study_of(dataset, budget_seconds=20.0),
        folder=tmp_path,
        executor=None,  # type: ignore[arg-type]
        started=100.0,
        listener=None,
        show=None,
        evidence=None,
        source=None,
        margin=None,
        folds=FoldChoice(counts=(), reason="off"),
        metric_chosen=False,
    )
    deadline = run._deadline()
    assert deadline is not None
    assert 120.0 - deadline == pytest.approx(reserved, abs=0.01)


def test_a_busy_machine_and_a_budget_that_was_not_kept_are_told() -> None:
    (busy,) = busy_warnings(4.0, 20.0, 19.0)
    assert "about 25 % of a core" in busy
    (late,) = busy_warnings(4.0, 20.0, 31.4)
    assert "budget of 20 s could not be kept: the verdict took until 31 s" in late
    assert not list(busy_warnings(1.2, 20.0, 19.0))
    assert not list(busy_warnings(9.0, None, 99.0)), "without a clock nothing was cut"
