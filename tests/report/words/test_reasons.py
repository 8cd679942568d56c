"""Reasons in the language in force."""

import inspect
import re

from bakeoff.messages import set_language
from bakeoff.report.words.reasons import is_known, reason_text
from bakeoff.study.schedule import scheduler
from bakeoff.study.workers import tasks as worker_tasks
from bakeoff.train import early_stopping
from bakeoff.train.single import run as single
from bakeoff.train.stacked import fit_stack
from bakeoff.train.stacked import run as train_run


def test_every_reason_that_is_written_in_the_study_is_known() -> None:
    found = []
    for module in (scheduler, worker_tasks, fit_stack):
        for text in re.findall(r'reason ?= ?f?"([^"]+)"', inspect.getsource(module)):
            found.append(re.sub(r"{[^}]+}", "7", text))
    for module in (train_run, single):
        for text in re.findall(
            r'(?:reason =|"stopped",|"diverged",|"finished",)\s*f?"([^"]+)"', inspect.getsource(module)
        ):
            found.append(re.sub(r"{[^}]+}", "7", text))
    for text in re.findall(r'return f"([^"]+)"', inspect.getsource(early_stopping)):
        found.append(re.sub(r"{[^}]+}", "7", text))
    assert len(found) >= 13
    assert [reason for reason in found if not is_known(reason)] == []


def test_known_reasons_are_translated_with_their_figures() -> None:
    reason = "150 steps at each learning rate do not fit the budget."
    assert reason_text(reason) == reason.rstrip(".")
    set_language("ko")
    try:
        assert reason_text(reason) == "학습률마다 150스텝씩 학습할 시간이 예산에 없습니다"
        assert reason_text("No module named 'x'") == "No module named 'x'"
    finally:
        set_language(None)


def test_a_reason_from_an_exception_is_cleaned() -> None:
    assert "\x1b" not in reason_text("bad \x1b[31m thing")
    assert not is_known("bad thing")
