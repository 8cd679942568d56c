"""Reasons in the language in force."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.report_comparisons import digits_comparison

from bakeoff.messages import all_sentences, set_language
from bakeoff.messages.statement import Statement, because, failure_of, from_stored, reason_of, to_stored
from bakeoff.report.html.comparison_report import report_html
from bakeoff.report.words.reasons import reason_text
from bakeoff.study.design.states import EntrantState, Omission
from bakeoff.study.results.outcome import Skipped
from bakeoff.study.workers.executor import WorkerLostError

FIGURES = {
    "score": "61.0 %",
    "low": "55.0 %",
    "high": "66.0 %",
    "limit": "BAKEOFF_MEMORY_GB",
    "words": "ValueError: 3",
    "type": "E",
}
REASONS = sorted(key for key in all_sentences() if key.startswith("reason."))


def made(key: str) -> Statement:
    names = set(re.findall(r"{(\w+)", all_sentences()[key][-1]))
    return Statement(key=key, values={name: FIGURES.get(name, 1200) for name in names})


@pytest.fixture
def korean() -> Iterator[None]:
    set_language("ko")
    yield
    set_language(None)


@pytest.mark.parametrize("key", REASONS)
def test_every_reason_has_an_english_and_a_korean_sentence(key: str) -> None:
    assert made(key).text("en")
    if re.sub(r"{[^}]+}|\W", "", all_sentences()[key][-1]):
        assert re.search("[가-힣]", made(key).text("ko")), "no word of Korean"
        assert not re.search("[가-힣]", made(key).text("en"))


@pytest.mark.parametrize("key", REASONS)
def test_a_stored_reason_comes_back_with_its_figures(key: str) -> None:
    assert from_stored(json.loads(json.dumps(to_stored(made(key))))) == made(key)


def test_an_error_keeps_its_words_and_a_lost_worker_its_sentence() -> None:
    lost = WorkerLostError(because("worker_died"))
    assert reason_of(lost) == because("worker_died")
    assert failure_of(lost).text("en") == "WorkerLostError: its worker process died twice (out of memory?)"
    assert "두 번 종료" in failure_of(lost).text("ko")
    assert from_stored(json.loads(json.dumps(to_stored(failure_of(lost))))) == failure_of(lost)
    assert reason_of(ValueError("no {such} layer")).text("ko") == "no {such} layer"
    assert str(reason_of(ValueError())) == "ValueError"


def test_reasons_are_said_with_their_figures_and_without_a_full_stop(korean: None) -> None:
    assert reason_text(because("steps", steps=150)) == "학습률마다 150스텝씩 학습할 시간이 예산에 없습니다"
    assert reason_text(because("allowed_over")) == "허용된 시간이 다 되었습니다"
    set_language("en")
    assert reason_text(because("climbed", examples=1200)).endswith("at more than 1,200 examples")
    assert reason_text(None) == ""


def test_a_reason_from_an_exception_is_cleaned() -> None:
    assert "\x1b" not in reason_text(reason_of(ValueError("bad \x1b[31m thing")))


def test_a_korean_report_of_failed_stopped_and_skipped_entrants_holds_no_english_reason(korean: None) -> None:
    whole = digits_comparison()
    reasons = [made(key) for key in REASONS if key not in ("reason.words", "reason.error")]
    trial, entrant = whole.trials[0], whole.entrants[-1]
    states = (EntrantState.FAILED, EntrantState.STOPPED, EntrantState.NOT_STARTED, EntrantState.PRUNED)
    entrants = [
        replace(entrant, name=f"n{place}", judged=False, state=states[place % 4], reason=reason)
        for place, reason in enumerate(reasons)
    ]
    comparison = replace(
        whole,
        entrants=(*whole.entrants, *entrants),
        trials=tuple(replace(trial, state="failed", reason=reason) for reason in reasons),
        skipped=tuple(Skipped(entrant="n1", what=Omission.NO_FIT, reason=reason) for reason in reasons),
    )
    written = json.loads(json.dumps(comparison.to_json()))
    assert [entry["reason"] for entry in written["skipped"]] == [reason.text("ko") for reason in reasons]
    shown = report_html(comparison) + json.dumps(written, ensure_ascii=False)
    for reason in reasons:
        assert reason_text(reason) in shown
        english = reason.text("en").rstrip(".")
        if " " in english:  # one word, such as "stopped", is a name in the page's program as well
            assert english not in shown
