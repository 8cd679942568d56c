"""The report as a file: whole in itself, safe whatever the data hold, the same for the same comparison."""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest

from bakeoff.errors import StoreError
from bakeoff.messages import say, set_language
from bakeoff.messages.statement import because
from bakeoff.report.html.comparison_report import report_html, write_report
from bakeoff.report.html.document import json_for_script
from bakeoff.report.html.notebook import comparison_html
from bakeoff.report.html.page import skipped_rows
from bakeoff.study.results.outcome import Skipped
from examples import study_of
from report_comparisons import (
    HOSTILE,
    digits_comparison,
    hostile_comparison,
    made_up_comparison,
    tie_comparison,
    values_comparison,
)


class _Page(HTMLParser):
    """What a browser would make of the page: elements with their attributes, texts and the contents of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else ""
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif not self._inside:
            self.texts.append(data.strip())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def unpacked(packed: str) -> str:
    """What a browser unpacks of the compressed script."""
    return zlib.decompress(base64.b64decode(packed)).decode()


@pytest.fixture(scope="module")
def page() -> _Page:
    return _Page(report_html(digits_comparison()))


@pytest.fixture(scope="module")
def hostile() -> _Page:
    return _Page(report_html(hostile_comparison()))


def test_the_page_asks_no_network_for_anything(page: _Page) -> None:
    for _, attributes in page.elements:
        for name, value in attributes.items():
            if name in ("src", "href", "action", "data", "poster", "srcset"):
                assert value is not None
                assert value.startswith(("#", "data:image/png;base64,")), (name, value)
    assert not page.named("link")
    assert not page.named("iframe")


def test_the_policy_allows_exactly_the_scripts_of_the_page(page: _Page) -> None:
    policy = next(
        a["content"] for a in page.named("meta") if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    programs = [unpacked(page.scripts[1]), page.scripts[2]]
    found = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in programs}
    assert allowed == found
    assert len(programs) == 2
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "connect-src" not in policy
    assert "http" not in policy
    assert "plotly.js" in programs[0]


def test_every_place_for_a_figure_has_one(page: _Page) -> None:
    figures = json.loads(page.scripts[0])
    places = [attributes["data-figure"] for attributes in page.named("div") if "data-figure" in attributes]
    assert set(figures) == set(places)
    assert len(places) == len(set(places)) == 5


def test_names_of_the_user_come_out_as_text(hostile: _Page) -> None:
    assert HOSTILE in hostile.texts
    assert "<img src=x onerror=alert(2)>" in hostile.texts
    assert "[bold red]no[/]" in hostile.texts
    assert "{{7*7}}" in hostile.texts
    assert not any("\x1b" in text for text in hostile.texts)


def test_names_of_the_user_make_no_element_and_no_script(hostile: _Page, page: _Page) -> None:
    assert len(hostile.scripts) == len(page.scripts) == 3
    assert hostile.scripts[1:] == page.scripts[1:]
    allowed_images = {"picture", "picture pixels"}
    assert {attributes.get("class") for attributes in hostile.named("img")} <= allowed_images
    assert not [name for _, attributes in hostile.elements for name in attributes if name.startswith("on")]


def test_nothing_in_json_can_end_a_script_element() -> None:
    text = str(
        json_for_script({"a": "</script><!--", "b": "\u2028&", "c": float("nan"), "d": [float("inf")]})
    )
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--", "b": "\u2028&", "c": None, "d": [None]}


def test_verdict_comes_before_the_table_and_the_figures(page: _Page) -> None:
    heads = [
        attributes.get("id") or attributes.get("class")
        for tag, attributes in page.elements
        if tag in ("div", "section")
    ]
    assert heads.index("verdict") < heads.index("entrants") < heads.index("curves") < heads.index("trials")


def test_every_sentence_of_the_verdict_and_every_entrant_is_on_the_page(page: _Page) -> None:
    comparison = digits_comparison()
    said = [text.replace("\N{NO-BREAK SPACE}", " ") for text in page.texts]
    assert [text for text in comparison.verdict.sentences if text not in said] == []
    assert [entrant.name for entrant in comparison.entrants if entrant.name not in said] == []
    assert comparison.warnings[0] in said
    assert comparison.environment["processor"] in said
    assert sum(text == "diverged" for text in said) == 5


def test_mistakes_are_shown_as_pictures_that_are_the_examples(page: _Page) -> None:
    comparison = digits_comparison()
    assert len(page.named("img")) == len(comparison.mistakes) == 12


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("kind", ["series", "tokens", "table", "forecast"])
def test_every_kind_of_data_has_a_report_in_both_languages(kind: str, language: str) -> None:
    set_language(language)
    try:
        page = _Page(report_html(made_up_comparison(kind)))
    finally:
        set_language(None)
    assert page.named("html") == [{"lang": language}]
    word = {"en": "Entrants", "ko": "참가 모델"}[language]
    assert word in page.texts
    assert {"en": "참가 모델", "ko": "Entrants"}[language] not in page.texts
    assert bool(page.named("polyline")) == (kind == "series")
    assert bool(page.named("blockquote")) == (kind == "tokens")


def test_very_many_classes_are_listed_by_their_mistakes() -> None:
    page = _Page(report_html(made_up_comparison("table", classes=60)))
    assert "confusion" not in json.loads(page.scripts[0])
    assert any("60 classes are too many for a matrix" in text for text in page.texts)


def test_what_was_left_out_is_said_once_for_everybody_it_holds_for() -> None:
    entries = [
        Skipped(entrant=name, what="seeds", reason=because("no_time"), seconds=seconds)
        for name, seconds in (("cnn", 9.0), ("gru", 51.0), ("cnn", 3.0))
    ]
    rows = skipped_rows(replace(digits_comparison(), skipped=tuple(entries)))
    said = "no further seeds at full size: no time was left for it. It would take about 1 min 3 s."
    assert rows == [("cnn, gru", said)]


def test_every_reason_for_leaving_out_has_its_sentence() -> None:
    from bakeoff.study.design.entrants import Entrant
    from bakeoff.study.design.states import Omission
    from bakeoff.study.schedule.priorities import trial_requests

    entrant = Entrant(name="mlp", kind="network", family="mlp", settings=(0.1,))
    kinds = {request.what for request in trial_requests(entrant, study_of(), still_in_race=True)}
    assert kinds
    for what in Omission:
        assert "why" in say(f"report.skipped.{what}", reason="why")


def test_every_state_of_a_training_and_of_an_entrant_has_its_word() -> None:
    from bakeoff.study.design.states import EntrantState, TrialState

    for state in (*TrialState, *EntrantState):
        assert say(f"report.state.{state}")


def test_who_was_judged_on_a_part_of_the_protocol_is_named_once() -> None:
    found = digits_comparison()
    partial = replace(
        found, entrants=tuple(replace(e, state="partial") for e in found.entrants[:2]) + found.entrants[2:]
    )
    texts = _Page(report_html(partial)).texts
    assert sum("fitted the budget for cnn, gru:" in text for text in texts) == 1
    assert not any("fitted the budget" in text for text in _Page(report_html(found)).texts)


def test_a_tie_names_nobody_as_the_winner() -> None:
    page = _Page(report_html(tie_comparison()))
    assert "cnn leads, not decided" in page.texts
    assert page.texts.count("may be the best") == 3
    assert "best" not in page.texts


def test_values_get_residuals_and_no_matrix() -> None:
    figures = json.loads(_Page(report_html(values_comparison())).scripts[0])
    assert "residuals" in figures
    assert "confusion" not in figures
    assert "horizon" not in figures


def test_equal_comparisons_give_equal_files(tmp_path: Path) -> None:
    first = write_report(digits_comparison(), tmp_path / "a.html")
    second = write_report(digits_comparison(), tmp_path / "b.html")
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]
    assert first.stat().st_size < 2_500_000


def test_a_report_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_report(digits_comparison(), tmp_path / "file" / "report.html")


def test_a_notebook_shows_verdict_and_table_without_scripts() -> None:
    shown = _Page(comparison_html(hostile_comparison()))
    assert HOSTILE in [text.removeprefix("●").strip() for text in shown.texts]
    assert not shown.scripts
    assert not shown.named("img")
    assert "98.9 %" in shown.texts


def test_the_stylesheet_in_a_notebook_holds_for_that_piece_alone() -> None:
    text = comparison_html(digits_comparison())
    style = text[text.index("<style>") + len("<style>") : text.index("</style>")]
    css = (
        (resources.files("bakeoff.report.html") / "assets" / "page.css").read_text(encoding="utf-8").rstrip()
    )
    assert css.count("{") == css.count("}")
    outside = style.replace("@scope (.bakeoff.notebook) {\n" + css + "\n}", "")
    assert len(outside) < len(style) - len(css)
    selectors = [rule.split("{")[0].strip() for rule in outside.split("}") if rule.strip()]
    assert selectors
    assert all(selector.startswith(".bakeoff.notebook") for selector in selectors), selectors
