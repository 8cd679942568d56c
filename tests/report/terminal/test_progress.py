"""The line of progress: one renderer for comparisons, fits and studies of why, on terminals and in pipes."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from bakeoff.messages import set_language
from bakeoff.report.terminal.progress import ProgressStep, ProgressView, fit_step, study_step, why_step
from bakeoff.study.results.outcome import Progress
from bakeoff.train.single.trainer import Evaluation

EVALUATION = Evaluation(
    step=250,
    steps=1000,
    epoch=2.5,
    training_loss=0.51234,
    validation_loss=0.6,
    learning_rate=1e-3,
    seconds=10.0,
)


def _event(**changes: object) -> Progress:
    values: dict[str, object] = {
        "phase": "tuning",
        "entrants": ("cnn", "gru"),
        "done": 30,
        "total": 120,
        "seconds_left": 41.2,
    }
    return Progress(**{**values, **changes})  # type: ignore[arg-type]


def _plain(text: str) -> str:
    """What is left of a terminal's output without its control codes."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)


def test_in_a_pipe_it_is_a_plain_line_now_and_then() -> None:
    out = io.StringIO()
    with ProgressView(Console(file=out, force_terminal=False), study_step) as view:
        for done in range(50):
            view.update(_event(done=done))
        view.update(_event(phase="curves", done=0))
    text = out.getvalue()
    assert text.splitlines() == [
        "choosing settings 0 % · cnn, gru · 41 s left",
        "learning curves 0 % · cnn, gru · 41 s left",
    ]
    assert "\x1b" not in text
    assert "\r" not in text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_on_a_terminal_it_is_one_line_that_is_taken_away(width: int) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width)
    with ProgressView(console, study_step) as view:
        view.update(_event())
        shown = out.getvalue()
        view.update(_event(done=60))
    assert "25 %" in shown
    assert "41 s left" in shown
    assert shown.count("\n") == 0
    assert "50 %" in out.getvalue()
    assert "\x1b[2K" in out.getvalue().split("50 %")[1]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize(
    "step_of",
    [lambda: study_step(_event()), lambda: fit_step(EVALUATION), lambda: why_step("table", 3, 12, 41.2)],
)
def test_no_line_is_wider_than_the_terminal_and_no_number_of_it_is_cut(
    step_of: object, width: int, language: str
) -> None:
    out = io.StringIO()
    set_language(language)
    try:
        step: ProgressStep = step_of()  # type: ignore[operator]
        with ProgressView(Console(file=out, force_terminal=True, width=width), lambda: step) as view:
            view.update()
            shown = _plain(out.getvalue()).rstrip()
            assert cell_len(shown) <= width
            assert "25 %" in shown
            assert step.time_left in shown
            assert "…" not in shown.split("━")[0] or width == 40
    finally:
        set_language(None)


def test_where_there_is_room_a_fit_shows_its_losses() -> None:
    out = io.StringIO()
    with ProgressView(Console(file=out, force_terminal=True, width=120), fit_step) as view:
        view.update(EVALUATION)
        assert "loss 0.512, validation 0.600; step 250 of 1,000" in _plain(out.getvalue())
    assert fit_step(EVALUATION).seconds_left == pytest.approx(30.0)


def test_a_quiet_console_shows_nothing() -> None:
    for terminal in (True, False):
        out = io.StringIO()
        with ProgressView(Console(file=out, force_terminal=terminal, quiet=True), study_step) as view:
            view.update(_event())
        assert out.getvalue() == ""


def test_names_of_the_user_are_shown_letter_by_letter() -> None:
    out = io.StringIO()
    with ProgressView(Console(file=out, force_terminal=True, width=120), study_step) as view:
        view.update(_event(entrants=("[red]{0}[/]",)))
        assert "[red]{0}[/]" in _plain(out.getvalue())


def test_without_a_clock_it_speaks_of_no_time() -> None:
    assert study_step(_event(seconds_left=None)).line == "choosing settings 25 % · cnn, gru"
    assert study_step(_event(total=0, entrants=("\x1b[31m",), seconds_left=-3.0)).line == (
        "choosing settings 0 % · \N{REPLACEMENT CHARACTER}[31m · 0 s left"
    )
