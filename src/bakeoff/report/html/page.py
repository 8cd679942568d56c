"""The contents of a report, section by section, as records of formatted text.

`page_of` reads a `Comparison` and decides what is shown; the template only arranges it. Text is cleaned of control
characters here and escaped by the template.
"""

from dataclasses import dataclass
from datetime import datetime

from bakeoff.explain.biases.records import Why
from bakeoff.messages import say
from bakeoff.report.content.answers import Confusion, Mistakes, Residuals, confusion, mistakes, residuals
from bakeoff.report.content.drop_heatmap import HeatMap, closing_title, heat_map
from bakeoff.report.content.figures import Style, cost_figure, curve_figure, metric_label
from bakeoff.report.content.goal import GoalPart, goal_part
from bakeoff.report.content.matched_budgets import GivenRow, equal_sentences, given_rows
from bakeoff.report.content.questions import LabelsPart, LimitsPart, labels_part, limits_part
from bakeoff.report.content.result_rows import (
    EntrantRow,
    SizeTable,
    entrant_rows,
    interval,
    partial_notes,
    score_scale,
    show,
    size_table,
    size_title,
    verdict_label,
    withheld_forecasts,
)
from bakeoff.report.content.score_tracks import Scale
from bakeoff.report.content.summaries import Figure
from bakeoff.report.words.reasons import reason_text
from bakeoff.report.words.text import bound, clean, duration, significant
from bakeoff.study.analysis.answers import Answers
from bakeoff.study.results.comparison import Comparison
from bakeoff.study.results.outcome import Skipped

#: Names with more characters than this are set in a smaller font.
_LONG_NAME = 24
NO_ANSWERS = Answers()


@dataclass(frozen=True, kw_only=True)
class VerdictPart:
    """The head of the page: label, name and score in large, sentences, and a row of facts."""

    label: str
    name: str
    score: str
    interval: str
    tied: tuple[EntrantRow, ...]
    sentences: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def long(self) -> bool:
        return len(self.name) > _LONG_NAME


@dataclass(frozen=True, kw_only=True)
class LegendEntry:
    name: str
    style: Style
    group: str


@dataclass(frozen=True, kw_only=True)
class CurvesPart:
    """Learning curves: the legend, the numbers, and whose forecast is withheld. `zoom`: whether the best lie close."""

    legend: tuple[LegendEntry, ...]
    zoom: bool
    title: str
    sizes: tuple[str, ...]
    multiples: tuple[str, ...]
    rows: tuple[object, ...]


@dataclass(frozen=True, kw_only=True)
class WhyPart:
    """The evidence: sentences, and the score drops after training again (`trained`) and when only `tested`."""

    sentences: tuple[str, ...]
    title: str
    trained: HeatMap | None
    tested: HeatMap | None


@dataclass(frozen=True, kw_only=True)
class CostPart:
    id: str
    title: str
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    entrant: str
    examples: str
    seed: str
    setting: str
    steps: str
    validation: str
    seconds: str
    state: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DataPart:
    pairs: tuple[tuple[str, str], ...]
    findings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """Everything on the page; None or empty where a section has nothing to show. `figures` by their element's id."""

    title: str
    data_name: str
    date: str
    metric: str
    test_examples: str
    contents: tuple[tuple[str, str], ...]
    verdict: VerdictPart
    entrants: tuple[EntrantRow, ...]
    scale: Scale | None
    curves: CurvesPart | None
    withheld: tuple[str, ...]
    notes: tuple[str, ...]
    goal: GoalPart | None
    limits: LimitsPart | None
    labels: LabelsPart | None
    why: WhyPart | None
    costs: tuple[CostPart, ...]
    confusion: Confusion | None
    residuals: Residuals | None
    horizon: tuple[LegendEntry, ...]
    mistakes: Mistakes | None
    data: DataPart
    warnings: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    given: tuple[GivenRow, ...]
    equal: tuple[str, ...]
    trials: tuple[TrialRow, ...]
    conditions: tuple[tuple[str, str], ...]
    figures: dict[str, Figure]


def page_of(comparison: Comparison, *, now: datetime | None = None, answers: Answers = NO_ANSWERS) -> Page:
    """Everything the report of this comparison shows, with the answers to what was asked, in the language in force."""
    figures: dict[str, Figure] = {}
    curves = _curves(comparison, figures)
    costs = _costs(comparison, figures)
    table, values = confusion(comparison), residuals(comparison)
    figures |= answer_figures(table, values)
    wrong = mistakes(comparison)
    labels, limits = labels_part(comparison, answers), limits_part(comparison, answers.limits)
    rows = tuple(entrant_rows(comparison.entrants, comparison.verdict))
    parts = {
        "warnings": ("warnings", comparison.warnings),
        "entrants": ("entrants", True),
        "curves": ("curves", curves or withheld_forecasts(comparison.entrants)),
        "goal": ("goal", answers.goal),
        "limits": ("limits", limits),
        "labels": ("data_or_labels", labels),
        "why": ("why", isinstance(comparison.why, Why)),
        "cost": ("cost", costs),
        "answers": ("confusion" if table else "residuals", table or values),
        "mistakes": ("mistakes" if table else "errors", wrong),
        "data": ("data", True),
        "trials": ("trials", comparison.trials),
        "conditions": ("conditions", True),
    }
    return Page(
        title=say("report.title", data=clean(comparison.name)),
        data_name=clean(comparison.name),
        date="" if now is None else now.strftime("%Y-%m-%d %H:%M"),
        metric=metric_label(comparison.metric),
        test_examples=f"{len(comparison.test_targets):,}",
        contents=tuple((id, say(f"report.section.{key}")) for id, (key, there) in parts.items() if there),
        verdict=_verdict(comparison, rows),
        entrants=rows,
        scale=score_scale(comparison.entrants, comparison.metric),
        curves=curves,
        withheld=tuple(withheld_forecasts(comparison.entrants)),
        notes=tuple(partial_notes(comparison.entrants)),
        goal=None if answers.goal is None else goal_part(comparison.entrants, answers.goal),
        limits=limits,
        labels=labels,
        why=_why(comparison.why) if isinstance(comparison.why, Why) else None,
        costs=costs,
        confusion=table,
        residuals=values,
        horizon=horizon_legend(values),
        mistakes=wrong,
        data=DataPart(pairs=comparison.data_card.rows(), findings=comparison.data_card.sentences()),
        warnings=tuple(clean(sentence) for sentence in comparison.warnings),
        skipped=tuple(skipped_rows(comparison)),
        given=given_rows(comparison),
        equal=tuple(equal_sentences(comparison)),
        trials=tuple(_trials(comparison)),
        conditions=tuple(_conditions(comparison)),
        figures=figures,
    )


def _verdict(comparison: Comparison, rows: tuple[EntrantRow, ...]) -> VerdictPart:
    verdict = comparison.verdict
    leader = next((entrant for entrant in comparison.entrants if entrant.name == verdict.leader), None)
    label = verdict_label(verdict)
    named = leader is not None and verdict.winner is not None and verdict.beats_baseline
    spread = interval(leader.low, leader.high, comparison.metric) if named and leader else ""
    drawn = [row for row in rows if row.best] if verdict.tied else []
    judged = [entrant for entrant in comparison.entrants if entrant.score is not None]
    probability = verdict.probability_best.get(verdict.leader) if verdict.leader else None
    facts = [(say("report.fact.trainings"), f"{len(comparison.trials):,}")] if comparison.trials else []
    if comparison.budget_seconds is None:
        facts.append((say("report.fact.seconds"), duration(comparison.seconds)))
    else:
        budget = duration(comparison.budget_seconds)
        facts.append((say("report.fact.seconds_of", budget=budget), duration(comparison.seconds)))
    facts.append((say("report.fact.examples"), f"{len(comparison.training_indices):,}"))
    facts.append((say("report.fact.test_examples"), f"{len(comparison.test_targets):,}"))
    if probability is not None and named:
        facts.insert(0, (say("report.fact.probability"), f"{100 * probability:.0f} %"))
    return VerdictPart(
        label=label if named else say("report.fact.judged", count=len(judged)),
        name=clean(leader.name) if named and leader else label,
        score=show(leader.score, comparison.metric) if named and leader else "",
        interval=bound(f"{metric_label(comparison.metric)}, 95 %: {spread}") if spread else "",
        tied=tuple(drawn),
        sentences=tuple(bound(clean(sentence)) for sentence in verdict.sentences),
        facts=tuple(facts),
    )


def _curves(comparison: Comparison, figures: dict[str, Figure]) -> CurvesPart | None:
    figure = curve_figure(comparison.entrants, metric=comparison.metric)
    table: SizeTable | None = size_table(comparison.entrants, comparison.metric)
    if figure is None or table is None:
        return None
    figures["curves"] = figure
    return CurvesPart(
        legend=tuple(
            LegendEntry(name=clean(line.name), style=line.style, group=f"entrant-{index}")
            for index, line in enumerate(figure.lines)
        ),
        zoom=figure.zoom is not None,
        title=size_title(comparison.metric),
        sizes=table.sizes,
        multiples=table.multiples,
        rows=table.rows,
    )


def _why(why: Why) -> WhyPart:
    return WhyPart(
        sentences=tuple(bound(clean(sentence)) for sentence in why.sentences),
        title=closing_title(why),
        trained=heat_map(why),
        tested=heat_map(why, tested=True),
    )


def _costs(comparison: Comparison, figures: dict[str, Figure]) -> tuple[CostPart, ...]:
    parts = []
    for cost in ("flops", "parameters", "seconds"):
        figure = cost_figure(comparison.entrants, metric=comparison.metric, cost=cost)
        if figure is not None:
            figures[f"cost-{cost}"] = figure
            names = tuple(clean(point.name) for point in figure.points)
            parts.append(CostPart(id=f"cost-{cost}", title=say(f"report.cost.{cost}"), names=names))
    return tuple(parts)


def answer_figures(table: Confusion | None, values: Residuals | None) -> dict[str, Figure]:
    """The figures of the section on answers, by the id of their element."""
    figures: dict[str, Figure] = {}
    if table is not None and table.matrix:
        figures["confusion"] = table.figure
    if values is not None:
        figures["residuals"] = values.figure
        if values.horizon is not None:
            figures["horizon"] = values.horizon
    return figures


def horizon_legend(values: Residuals | None) -> tuple[LegendEntry, ...]:
    """Who is drawn in the figure of the error by step ahead."""
    lines = () if values is None or values.horizon is None else values.horizon.lines
    return tuple(
        LegendEntry(name=clean(name), style=style, group=f"horizon-{index}")
        for index, (name, style, _) in enumerate(lines)
    )


def skipped_rows(comparison: Comparison) -> list[tuple[str, str]]:
    """(names, sentence) for each thing that was not done, with all entrants that it applies to."""
    alike: dict[tuple[str, str], list[Skipped]] = {}
    for entry in comparison.skipped:
        alike.setdefault((entry.what, reason_text(entry.reason)), []).append(entry)
    rows = []
    for (what, reason), entries in alike.items():
        seconds = sum(entry.seconds or 0.0 for entry in entries)
        needs = f" {say('report.skipped.needs', time=duration(seconds))}" if seconds else ""
        names = ", ".join(dict.fromkeys(clean(entry.entrant) for entry in entries))
        rows.append((names, say(f"report.skipped.{what}", reason=reason) + needs))
    return rows


def _trials(comparison: Comparison) -> list[TrialRow]:
    return [
        TrialRow(
            entrant=clean(trial.entrant),
            examples=f"{trial.examples:,}",
            seed=str(trial.seed)
            if trial.fold is None
            else say("report.trial.seed_of_fold", seed=trial.seed, fold=trial.fold + 1),
            setting="" if trial.setting is None else f"{trial.setting:g}",
            steps=f"{trial.steps:,}" if trial.steps else "",
            validation=""
            if trial.validation_score is None
            else show(trial.validation_score, comparison.metric),
            seconds=duration(trial.seconds),
            state=say(f"report.state.{trial.state}"),
            reason=reason_text(trial.reason),
        )
        for trial in comparison.trials
    ]


def _conditions(comparison: Comparison) -> list[tuple[str, str]]:
    budget = comparison.budget_seconds
    pairs = [
        (say("report.condition.metric"), metric_label(comparison.metric)),
        (
            say("report.condition.budget"),
            say("report.condition.budget_none") if budget is None else duration(budget),
        ),
        (say("report.condition.seed"), str(comparison.seed)),
        (say("report.condition.seeds"), str(comparison.seeds)),
        (say("report.condition.equal"), say(f"report.equal.name.{comparison.equal}")),
    ]
    for entrant in comparison.entrants:
        if entrant.learning_rate is not None:
            name = say("report.condition.learning_rate", entrant=clean(entrant.name))
            pairs.append(
                (
                    name,
                    significant(entrant.learning_rate, 2)
                    if entrant.learning_rate >= 1e-4
                    else f"{entrant.learning_rate:g}",
                )
            )
    pairs += [(clean(name), clean(value)) for name, value in comparison.environment.items()]
    return pairs
