"""What a comparison says on a terminal, at any width, in a pipe, and with names that would be markup."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from bakeoff.messages import set_language
from bakeoff.report.terminal.comparison import print_comparison, print_places
from bakeoff.study.results.comparison import Comparison
from report_comparisons import digits_comparison, hostile_comparison, tie_comparison, values_comparison


def _printed(comparison: Comparison, width: int, *, terminal: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=terminal, color_system="truecolor" if terminal else None
    )
    print_comparison(console, comparison)
    print_places(console, comparison, report=Path("runs/digits/report.html"))
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(width: int, language: str) -> None:
    set_language(language)
    try:
        text = _printed(digits_comparison(), width)
    finally:
        set_language(None)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    numbers = text.split()
    for entrant in digits_comparison().entrants[:10]:
        assert f"{100 * (entrant.score or 0):.1f}" in numbers
        for point in (*entrant.curve, *entrant.forecast):
            assert f"{100 * point.score:.1f}" in numbers
    for figure in ("98.4–99.4", "23.9", "1.25", "14.2", "97"):
        assert any(figure in number for number in numbers)


def test_everything_is_one_table_where_there_is_room() -> None:
    assert _printed(digits_comparison(), 140).count("──\n") == 1
    assert _printed(digits_comparison(), 80).count("──\n") == 2
    assert _printed(digits_comparison(), 45).count("──\n") > 2


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize("width", [80, 140])
def test_the_scores_at_each_size_have_their_title_at_any_width(width: int) -> None:
    lines = _printed(digits_comparison(), width).splitlines()
    assert sum("accuracy (%) at each number of training examples" in line for line in lines) == 1


def test_the_best_comes_first_and_the_verdict_last() -> None:
    text = _printed(digits_comparison(), 100)
    places = [
        text.index(word)
        for word in ("● cnn", "● gru", "● majority", "cnn is the best of the 3", "report.html")
    ]
    assert places == sorted(places)


def test_lower_is_better_for_errors() -> None:
    text = _printed(values_comparison(), 100)
    assert text.index("● cnn") < text.index("● gru") < text.index("● majority")
    assert "%" not in text.split("● cnn")[1].split("–")[0]


def test_a_pipe_gets_no_control_codes() -> None:
    assert "\x1b" not in _printed(hostile_comparison(), 80)


def test_names_that_would_be_markup_or_codes_come_out_as_text() -> None:
    text = _printed(hostile_comparison(), 120, terminal=True)
    assert "<script>alert(1)</script>" in text
    assert "\x1b[31mred" not in text


@pytest.mark.parametrize("width", [60, 80])
def test_a_long_name_is_folded_behind_its_mark(width: int) -> None:
    found, long = digits_comparison(), "hf:./a/folder/with/a/long/path/model:pretrained"
    entrants = [replace(e, name=long) if e.name == "rnn" else e for e in found.entrants]
    lines = _printed(replace(found, entrants=tuple(entrants)), width).splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("● hf:./a/"))
    pieces = [lines[first + offset][2:].split("  ")[0].strip() for offset in range(6)]
    assert long in "".join(pieces), "and goes on below its beginning"
    assert max(cell_len(line) for line in lines) <= width


def test_a_tie_is_said_without_a_winner() -> None:
    text = _printed(tie_comparison(), 120)
    assert "cnn leads the 3 that were trained and judged here" in text
    assert "is the best of" not in text.replace("that it is the best of them", "")
