"""The report of a fit: `report.html` in the run's folder, a page without scripts that opens offline."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from bakeoff.messages import language, say
from bakeoff.report.content.answer_figures import confusion_figure
from bakeoff.report.content.fit_summary import recipe_rows, score_sentence, state_sentences
from bakeoff.report.words.text import clean, significant
from bakeoff.study.fitting.result import Fit
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.system.files import write_text
from bakeoff.tasks.metrics.registry import METRICS

#: A confusion matrix of more classes than this is not shown: it could not be read.
MOST_CLASSES = 30
#: Of the plot of losses, in pixels.
_WIDTH, _HEIGHT, _MARGIN = 640, 260, 48

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;font-size:.85rem}
td,th{padding:.25rem .6rem;text-align:right}th:first-child{text-align:left}th{font-weight:600}
.pairs td{text-align:left}.pairs th{vertical-align:top;white-space:nowrap;font-weight:400;opacity:.7}
.counts td{min-width:2rem;text-align:center}.counts th{border-bottom:1px solid #8884;text-align:center}
.wide{overflow-x:auto}svg{max-width:100%;height:auto}.note{font-size:.85rem;opacity:.7}
svg text{font:12px system-ui,sans-serif;fill:currentColor}polyline{fill:none;stroke-width:2}
.training{stroke:#999}.validation{stroke:#2563a8}.kept{fill:#2563a8}.axis{stroke:#8888}
.right{--ink:37,99,168}.wrong{--ink:190,60,40}.none{opacity:.35}
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181b}.validation{stroke:#6aa9e9}.kept{fill:#6aa9e9}
.right{--ink:106,169,233}.wrong{--ink:230,110,90}}
"""


def write_fit_report(fit: Fit) -> Path:
    """Write the page into the run's folder. Raises `StoreError` where it cannot be written."""
    return write_text(RunFolder(fit.folder).report, fit_html(fit))


def fit_html(fit: Fit) -> str:
    """The page as one HTML document, in the language in force."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    title = f"{clean(fit.model)} · {clean(fit.data)}"
    sentences = [score_sentence(fit), *state_sentences(fit)]
    parts = [
        Markup("<ul>{}</ul>").format(_each("<li>{}</li>", sentences)),
        _pairs(recipe_rows(fit)),
        _heading("fit.report.losses"),
        loss_curve(fit),
        *_smoothing_note(fit),
        _heading("fit.report.scores"),
        _pairs(
            [(say(f"verdict.metric.{name}"), METRICS[name].show(score)) for name, score in fit.scores.items()]
        ),
        *_confusion(fit),
    ]
    page = Markup(
        '<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<meta http-equiv="Content-Security-Policy" content="{}"><title>{}</title><style>{}</style></head>'
        "<body><h1>{}</h1>{}</body></html>\n"
    )
    return str(page.format(language(), policy, title, Markup(_STYLE), title, Markup("\n").join(parts)))


def loss_curve(fit: Fit) -> Markup:
    """A plot of training and validation loss by step; a dot marks the evaluation whose weights are returned."""
    steps = [evaluation.step for evaluation in fit.history]
    training = [evaluation.training_loss for evaluation in fit.history]
    validation = [evaluation.validation_loss for evaluation in fit.history]
    low, high = 0.0, max(*training, *validation, 1e-12)

    def place(step: float, loss: float) -> tuple[float, float]:
        x = _MARGIN + (_WIDTH - 2 * _MARGIN) * step / max(steps)
        return x, _HEIGHT - _MARGIN + (2 * _MARGIN - _HEIGHT) * (loss - low) / (high - low)

    def line(losses: Sequence[float], kind: str) -> Markup:
        points = " ".join("{:.1f},{:.1f}".format(*place(*pair)) for pair in zip(steps, losses, strict=True))
        return Markup('<polyline class="{}" points="{}"/>').format(kind, points)

    best = next((index for index, step in enumerate(steps) if step == fit.best_step), len(steps) - 1)
    x, y = place(steps[best], validation[best])
    left, bottom = place(0, low)
    right, top = place(max(steps), high)
    marks = [
        Markup('<line class="axis" x1="{0}" y1="{1}" x2="{2}" y2="{1}"/>').format(left, bottom, right),
        Markup('<circle class="kept" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(x, y),
        _text(left - 8, bottom + 4, "0", "end"),
        _text(left, bottom + 18, "0"),
        _text(right, bottom + 18, say("fit.report.steps", count=f"{max(steps):,}"), "end"),
        Markup('<line class="axis" x1="{0}" y1="{1}" x2="{0}" y2="{2}"/>').format(left, bottom, top),
        _text(left - 8, top + 4, significant(high), "end"),
        _text(right, top - 8, say("fit.report.legend"), "end"),
    ]
    return Markup('<svg viewBox="0 0 {} {}" width="{}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH,
        _HEIGHT,
        _WIDTH,
        say("fit.report.losses"),
        Markup("").join([line(training, "training"), line(validation, "validation"), *marks]),
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _confusion(fit: Fit) -> list[Markup]:
    """The confusion matrix: true classes in rows, predicted in columns; [] for values and very many classes."""
    task = fit.fitted.task
    names = task.class_names
    if "confusion" not in task.shows or len(names) > MOST_CLASSES:
        return []
    figure = confusion_figure(
        fit.model,
        names,
        np.asarray(fit.test_targets, np.int64),
        np.asarray(fit.test_outputs, np.float64),
    )
    head = _each("<th>{}</th>", [clean(name) for name in names])
    rows = [
        Markup("<tr><th>{}</th>{}</tr>").format(clean(name), _shaded(row, place))
        for place, (name, row) in enumerate(zip(names, figure.counts, strict=True))
    ]
    table = Markup('<div class="wide"><table class="counts"><tr><th></th>{}</tr>{}</table></div>').format(
        head, Markup("").join(rows)
    )
    return [_heading("fit.report.confusion"), table]


def _shaded(row: Sequence[int], place: int) -> Markup:
    """The counts of one true class, each shaded by its share of the class; right predictions in another colour."""
    total = max(sum(row), 1)
    cells = []
    for column, count in enumerate(row):
        kind = "none" if count == 0 else "right" if column == place else "wrong"
        shade = f"background:rgba(var(--ink),{0.15 + 0.5 * count / total:.2f})" if count else ""
        cells.append(Markup('<td class="{}" style="{}">{}</td>').format(kind, shade, count))
    return Markup("").join(cells)


def _smoothing_note(fit: Fit) -> list[Markup]:
    """A note on why the two losses may differ, where the training loss has label smoothing or augmentation."""
    if not (fit.recipe.label_smoothing or fit.recipe.augment):
        return []
    return [Markup('<p class="note">{}</p>').format(say("fit.report.smoothed"))]


def _heading(key: str) -> Markup:
    return Markup("<h2>{}</h2>").format(say(key))


def _pairs(pairs: Iterable[tuple[str, str]]) -> Markup:
    rows = [Markup("<tr><th>{}</th><td>{}</td></tr>").format(*pair) for pair in pairs]
    return Markup('<table class="pairs">{}</table>').format(Markup("").join(rows))


def _each(template: str, values: Iterable[object]) -> Markup:
    return Markup("").join(Markup(template).format(value) for value in values)
