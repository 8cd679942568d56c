"""What every page keeps: one head, headings in order, and words for whoever does not see the pictures."""

import itertools
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from bakeoff.api.questions import answers_of
from bakeoff.data.encoder import NewExamples
from bakeoff.data.schema import Image, Series
from bakeoff.explain.biases.records import Cell, EntrantScore, ScoreDrop, Why
from bakeoff.explain.network.explain_network import Explained, Wrong
from bakeoff.explain.network.probes import ReceptiveField
from bakeoff.messages import set_language
from bakeoff.messages.statement import because
from bakeoff.report.content.answer_figures import ConfusionFigure
from bakeoff.report.content.summaries import summary
from bakeoff.report.content.training_figures import LossFigure, reach_figure
from bakeoff.report.html.comparison_report import report_html
from bakeoff.report.html.explain_page import write_explained
from bakeoff.report.html.page import page_of
from bakeoff.report.html.why_page import write_why
from report_comparisons import digits_comparison, made_up_comparison, tie_comparison


class _Page(HTMLParser):
    """Elements with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def _comparison(_: Path) -> str:
    comparison = digits_comparison()
    return report_html(comparison, answers=answers_of(comparison, goal="99.5%"))


def _forecast(_: Path) -> str:
    return report_html(made_up_comparison("forecast"))


def _why(folder: Path) -> str:
    drop = ScoreDrop(before=0.9, after=0.7, loss=0.2, low=0.1, high=0.3, p_value=0.001, shown=True)
    cell = Cell(
        entrant="cnn",
        change="mirror",
        kind="mirror",
        assumption="handedness",
        amount=None,
        control=False,
        loss=drop,
        tested=drop,
    )
    why = Why(
        name="<b>x",
        metric="accuracy",
        entrants=(EntrantScore(name="cnn", family="cnn", score=0.9, low=0.8, high=1.0, setting=0.01),),
        baseline=0.1,
        tied=("cnn",),
        cells=(cell,),
        left_out={"lstm": because("no_time"), "gru": because("no_time")},
    )
    return write_why(why, folder / "why.html").read_text(encoding="utf-8")


def _explained_pictures(folder: Path) -> str:
    raw = np.random.default_rng(0).integers(0, 255, (3, 1, 8, 8), dtype=np.uint8)
    found = Explained(
        model="cnn",
        data="d",
        kind=Image(channels=1, height=8, width=8),
        shown=(0, 2),
        saliency=np.ones((2, 8, 8)),
        filters=np.ones((4, 1, 3, 3), np.float32),
        feature_maps=np.ones((4, 8, 8), np.float32),
        receptive=ReceptiveField(
            theoretical=5, effective=3.0, seen=np.ones((8, 8), bool), used=np.ones((8, 8))
        ),
        attention=(np.ones((2, 3, 4, 4), np.float32),),
        wrong=(Wrong(index=2, name="c", truth="<i>1", answer="2", confidence=0.9),),
    )
    new = NewExamples(inputs=raw, names=["a", "b", "c"])
    return write_explained(found, new, folder / "explain.html").read_text(encoding="utf-8")


def _explained_series(folder: Path) -> str:
    found = Explained(
        model="gru",
        data="d",
        kind=Series(channels=1, length=6),
        shown=(0,),
        saliency=np.ones((1, 6)),
        reach=np.arange(6.0),
        reach_steps=3,
    )
    new = NewExamples(inputs=np.ones((1, 1, 6), np.float32), names=["a"])
    return write_explained(found, new, folder / "explain.html").read_text(encoding="utf-8")


@pytest.fixture(
    params=[
        (maker, language)
        for maker in (_comparison, _forecast, _why, _explained_pictures, _explained_series)
        for language in ("en", "ko")
    ],
    ids=lambda param: f"{param[0].__name__[1:]}-{param[1]}",
)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """(language, HTML) of a page of each kind in each language."""
    maker: Callable[[Path], str]
    maker, language = request.param
    set_language(language)
    try:
        yield language, maker(tmp_path)
    finally:
        set_language(None)


def test_every_page_says_its_language_and_has_one_head(made: tuple[str, str]) -> None:
    language, text = made
    page = _Page(text)
    assert text.startswith("<!doctype html>")
    assert page.named("html") == [{"lang": language}]
    assert len(page.named("title")) == len(page.named("main")) == len(page.named("h1")) == 1


def test_headings_go_down_one_level_at_a_time(made: tuple[str, str]) -> None:
    levels = [int(tag[1]) for tag, _ in _Page(made[1]).elements if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels


def test_every_picture_has_words_or_is_left_to_the_words_beside_it(made: tuple[str, str]) -> None:
    page = _Page(made[1])
    assert all(image["alt"] for image in page.named("img"))
    for drawing in page.named("svg"):
        assert drawing.get("aria-hidden") == "true" or drawing.get("aria-label")
    for place in page.named("div"):
        if "data-figure" in place:
            assert place["role"] == "img"
            assert len(place["aria-label"] or "") > 20


def test_what_scrolls_is_reached_by_the_keyboard_and_has_a_name(made: tuple[str, str]) -> None:
    for place in _Page(made[1]).named("div"):
        if place.get("class") == "scroll":
            assert place["tabindex"] == "0"
            assert place["aria-label"]


def test_every_head_of_a_table_says_whose_head_it_is(made: tuple[str, str]) -> None:
    heads = _Page(made[1]).named("th")
    assert all(head.get("scope") in ("col", "row", "colgroup") for head in heads)


def test_links_inside_a_page_lead_somewhere_and_no_id_comes_twice(made: tuple[str, str]) -> None:
    page = _Page(made[1])
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(link["href"] or "")[1:] for link in page.named("a")} <= set(ids)


def test_scripts_are_only_where_a_figure_is(made: tuple[str, str]) -> None:
    page = _Page(made[1])
    figures = [place for place in page.named("div") if "data-figure" in place]
    assert bool(page.named("script")) == bool(figures)
    policy = next(meta["content"] or "" for meta in page.named("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'; ")
    assert policy.count("'sha256-") == (2 if figures else 0)


def test_names_of_the_user_are_text_on_every_page(tmp_path: Path) -> None:
    assert "<b>x" not in _why(tmp_path)
    assert "&lt;b&gt;x" in _why(tmp_path)
    assert "<i>1" not in _explained_pictures(tmp_path)
    assert "&lt;i&gt;1" in _explained_pictures(tmp_path)


def test_what_was_left_out_stands_beside_its_reason_once(tmp_path: Path) -> None:
    assert "<b>lstm, gru</b>" in _why(tmp_path)
    assert _why(tmp_path).count("no time was left for it") == 1


def test_a_row_has_an_interval_on_the_scale_that_heads_its_column() -> None:
    page = page_of(digits_comparison())
    assert page.scale is not None
    places = {float(text.removesuffix(" %")) / 100: place for place, text in page.scale.ticks}
    assert 2 <= len(places) <= 4
    for tick, place in places.items():
        assert place == pytest.approx(
            100 * (tick - page.scale.low) / (page.scale.high - page.scale.low), abs=0.01
        )
    first = page.entrants[0]
    assert first.track is not None
    assert first.track.dot == page.scale.place(digits_comparison().entrants[0].score or 0.0)
    assert page.entrants[-2].track is not None
    assert page.entrants[-2].track.outside == "left"  # the baseline


def test_where_lower_is_better_the_worst_lie_beyond_the_right_end() -> None:
    page = page_of(made_up_comparison("forecast"))
    outside = [row.track.outside for row in page.entrants if row.track is not None and row.track.outside]
    assert outside
    assert set(outside) == {"right"}


def test_the_words_of_a_confusion_matrix_count_what_is_in_it() -> None:
    figure = ConfusionFigure(entrant="cnn", names=("a", "b"), counts=((8, 2), (1, 9)))
    assert summary(figure) == (
        "cnn is right on 17 of 20 test examples. Most frequent mistakes: a taken for b (2), b taken for a (1)."
    )
    perfect = ConfusionFigure(entrant="cnn", names=("a", "b"), counts=((8, 0), (0, 9)))
    assert summary(perfect) == "cnn is right on 17 of 17 test examples."


def test_the_words_of_losses_and_reach_are_those_of_their_figures() -> None:
    losses = LossFigure(steps=(10, 20), training=(2.0, 1.0), validation=(1.5, 1.9), best_step=10)
    said = summary(losses)
    assert "from 2.00 to 1.00 in 20 steps" in said
    assert "step 10 are kept, with a validation loss of 1.50" in said
    assert "the last 2 of 3 steps" in summary(reach_figure(np.array([0.0, 0.5, 0.5]), 2))


def test_the_words_of_the_curves_name_who_is_ahead() -> None:
    figure = page_of(tie_comparison()).figures["curves"]
    assert "from 72 to 1,150 training examples. At the most, cnn is ahead with 98.9 %" in summary(figure)
