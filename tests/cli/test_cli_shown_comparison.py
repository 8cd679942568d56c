"""A comparison as a person sees it, the study itself put aside: what is printed where, and what is written."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakeoff.api import compare as api
from bakeoff.cli.compare import compare_and_show
from bakeoff.errors import StoreError
from bakeoff.study.results.comparison import Comparison
from bakeoff.study.results.outcome import Progress
from report_comparisons import digits_comparison


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    """What the study will have found, in a folder of its own; its listener hears of two phases."""
    first, *others = digits_comparison().trials
    diverged = replace(first, history=((10, float("nan")),), validation_score=float("inf"))
    comparison = replace(digits_comparison(), folder=tmp_path / "run", trials=(diverged, *others))
    comparison.folder.mkdir()

    def study(data: Any, *rest: Any, on_data: Any, listener: Any, show: Any, **options: Any) -> Comparison:
        on_data(comparison.dataset)
        for phase in ("tuning", "curves"):
            listener(Progress(phase=phase, entrants=("cnn",), done=1, total=4, seconds_left=30.0))
        return replace(comparison, show=show)

    monkeypatch.setattr(api, "run_comparison", study)
    return comparison


def test_card_table_and_verdict_go_to_output_and_progress_to_errors(
    found: Comparison, capsys: pytest.CaptureFixture[str]
) -> None:
    result, _ = compare_and_show("digits")
    out, errors = capsys.readouterr()
    places = [out.index(text) for text in ("1,797", "entrant", "Verdict", "report.html")]
    assert places == sorted(places)
    assert [line.split(" 25 %")[0] for line in errors.splitlines()] == [
        "choosing settings",
        "learning curves",
    ]
    assert "\x1b" not in out + errors
    assert "<table" in result._repr_html_()


def test_report_and_record_lie_in_the_folder_of_the_run(found: Comparison) -> None:
    compare_and_show("digits")
    assert sorted(path.name for path in found.folder.iterdir()) == ["report.html", "verdict.json"]
    record = json.loads((found.folder / "verdict.json").read_text(), parse_constant=pytest.fail)
    assert record["winner"] == "cnn"
    assert record["trials"][0]["history"] == [[10, None]]
    assert len(record["entrants"]) == len(found.entrants)


def test_the_verdict_is_said_even_where_the_report_cannot_be_written(
    found: Comparison, capsys: pytest.CaptureFixture[str]
) -> None:
    found.folder.rmdir()
    found.folder.write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        compare_and_show("digits")
    assert "cnn is the best of the 3" in capsys.readouterr().out
