"""The report of a fit: `report.html` in the run's folder, a page that opens offline."""

from dataclasses import dataclass
from pathlib import Path

from bakeoff.messages import say
from bakeoff.report.content.answers import Confusion, Residuals, confusion_of, residuals_of
from bakeoff.report.content.figures import Style, metric_label
from bakeoff.report.content.fit_summary import recipe_rows, score_sentence, state_sentences
from bakeoff.report.content.result_rows import interval
from bakeoff.report.content.training_figures import (
    ONLY_STYLE,
    TRAINING_STYLE,
    VALIDATION_STYLE,
    loss_figure,
)
from bakeoff.report.html.document import document
from bakeoff.report.html.page import LegendEntry, answer_figures, horizon_legend
from bakeoff.report.words.text import bound, clean, duration, grouped
from bakeoff.study.fitting.result import Fit
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.system.files import write_text
from bakeoff.tasks.metrics.registry import METRICS


@dataclass(frozen=True, kw_only=True)
class FitPage:
    """Everything on the page; `losses` names the lines of the figure of losses."""

    name: str
    data_name: str
    metric: str
    score: str
    interval: str
    sentences: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    losses: tuple[tuple[Style, str], ...]
    smoothed: bool
    scores: tuple[tuple[str, str], ...]
    confusion: Confusion | None
    residuals: Residuals | None
    horizon: tuple[LegendEntry, ...]
    recipe: tuple[tuple[str, str], ...]


def write_fit_report(fit: Fit) -> Path:
    """Write the page into the run's folder. Raises `StoreError` where it cannot be written."""
    return write_text(RunFolder(fit.folder).report, fit_html(fit))


def fit_html(fit: Fit) -> str:
    """The page as one HTML document, in the language in force."""
    page = fit_page_of(fit)
    losses = loss_figure(fit.history, fit.best_step)
    figures = {"losses": losses, **answer_figures(page.confusion, page.residuals)}
    return document("fit.html.j2", title=f"{page.name} · {page.data_name}", figures=figures, page=page)


def fit_page_of(fit: Fit) -> FitPage:
    """Everything that the report of this fit shows, in the language in force."""
    task = fit.fitted.task
    values = residuals_of(
        fit.model, task, fit.test_targets, {fit.model: fit.test_outputs}, {fit.model: ONLY_STYLE}
    )
    spread = interval(fit.test.low, fit.test.high, fit.metric)
    return FitPage(
        name=clean(fit.model),
        data_name=clean(fit.data),
        metric=metric_label(fit.metric),
        score=METRICS[fit.metric].show(fit.test.score),
        interval=bound(f"{metric_label(fit.metric)}, 95 %: {spread}") if spread else "",
        sentences=tuple(bound(text) for text in (score_sentence(fit), *state_sentences(fit))),
        facts=_facts(fit),
        losses=(
            (TRAINING_STYLE, say("fit.report.training")),
            (VALIDATION_STYLE, say("fit.report.validation")),
        ),
        smoothed=bool(fit.recipe.label_smoothing or fit.recipe.augment),
        scores=tuple(
            (say(f"verdict.metric.{name}"), METRICS[name].show(score)) for name, score in fit.scores.items()
        ),
        confusion=confusion_of(fit.model, task, fit.test_targets, fit.test_outputs),
        residuals=values,
        horizon=horizon_legend(values),
        recipe=tuple(recipe_rows(fit)),
    )


def _facts(fit: Fit) -> tuple[tuple[str, str], ...]:
    return (
        (say("report.table.parameters"), grouped(fit.parameters)),
        (say("report.table.steps"), grouped(fit.history[-1].step)),
        (say("report.table.seconds"), duration(fit.seconds)),
        (say("report.fact.test_examples"), grouped(len(fit.test_targets))),
    )
