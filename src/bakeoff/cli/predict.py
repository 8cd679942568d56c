"""`bakeoff predict RUN NEWDATA`: the network that a comparison or a fit handed over, on new data of the same form."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bakeoff.cli.options import NetworkOption, TrustOption

if TYPE_CHECKING:
    from rich.console import Console

    from bakeoff.api.predict import NewPredictions

#: So many predictions are shown.
_SHOWN = 10


def predict(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run: its name under --runs, or its folder.")],
    newdata: Annotated[
        str,
        typer.Argument(
            metavar="NEWDATA", help="New data of the same form: a file, a folder or a built-in name."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write all predictions here: .csv, .tsv, .jsonl or .parquet.")
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", help="Folder of runs.")] = Path("runs"),
    trust: TrustOption = False,
    model: NetworkOption = None,
) -> None:
    """Predict with the network that a comparison or a fit handed over; score it where the new data hold the answers."""
    from rich.console import Console

    from bakeoff.api.predict import predict as predict_with
    from bakeoff.cli.network_notice import network_notice
    from bakeoff.report.content.predictions import check_ending

    if out is not None:
        check_ending(out)
    notice = network_notice(is_typed=model is not None)
    found = predict_with(run, newdata, runs=runs, trust=trust, model=model, on_network=notice)
    console = Console()
    _say_run(console, found, is_typed=model is not None)
    for finding in found.findings:
        _say(console, f"data.finding.{finding.kind}", **finding.values)
    _show(console, found)
    _show_score(console, found)
    if out is not None:
        _write(console, found, out)


def _write(console: "Console", found: "NewPredictions", out: Path) -> None:
    from rich.text import Text

    from bakeoff.messages import say
    from bakeoff.report.words.text import clean

    found.write(out)
    console.print(Text(say("report.predict.written", file=clean(out))), soft_wrap=True)


def _say_run(console: "Console", found: "NewPredictions", *, is_typed: bool) -> None:
    """Who answers, where that is not the one that was found best; and what a fit found."""
    verdict = found.run.verdict_record()
    leader = verdict.get("winner") or verdict.get("leader")
    if leader and not is_typed and leader not in (_entrant(found), found.predictor.model):
        _say(console, "report.predict.stand_in", leader=leader, entrant=_entrant(found))
    if not verdict:
        _say_fit(console, found.run.fit_record())


def _entrant(found: "NewPredictions") -> str:
    predictor = found.predictor
    return predictor.model if predictor.width is None else f"{predictor.model}@{predictor.width}"


def _say_fit(console: "Console", record: dict[str, Any]) -> None:
    """What the run is: one network's training, and how it did on its test examples; nothing where it does not tell."""
    from bakeoff.messages import say
    from bakeoff.tasks.metrics.registry import METRICS

    try:
        metric = METRICS[record["metric"]]
        values = {
            "model": record.get("model", ""),
            "data": record["data"],
            "metric": say(f"verdict.metric.{metric.name}"),
            **{name: metric.show(record["test"][name]) for name in ("score", "low", "high")},
        }
    except (KeyError, TypeError, ValueError):
        return
    _say(console, "fit.predict.run", **values)


def _show(console: "Console", found: "NewPredictions") -> None:
    """The first predictions."""
    from rich.table import Table
    from rich.text import Text

    from bakeoff.messages import say
    from bakeoff.report.words.text import clean, shorten, significant
    from bakeoff.tasks.registry import task_of

    predictions = found.predictions
    _say(console, "report.predict.head", count=f"{len(found):,}", entrant=_entrant(found))
    is_sure = task_of(predictions.schema).has_probabilities
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(say("report.predict.input"), overflow="fold")
    table.add_column(say("report.predict.predicted"), overflow="fold")
    if is_sure:
        table.add_column(say("report.predict.sure"), justify="right", no_wrap=True)
    sure = predictions.probabilities.max(axis=1) if is_sure and len(found) else ()
    answers = predictions.answers
    for row in range(min(_SHOWN, len(found))):
        answer = (
            answers[row] if is_sure else ", ".join(significant(v, 4) for v in predictions.outputs[row][:4])
        )
        cells = [shorten(clean(predictions.names[row]), 48), clean(answer)]
        table.add_row(*map(Text, [*cells, f"{100 * sure[row]:.1f} %"] if is_sure else cells))
    console.print(table)
    if len(found) > _SHOWN:
        _say(console, "report.predict.more", count=f"{len(found) - _SHOWN:,}")


def _show_score(console: "Console", found: "NewPredictions") -> None:
    """The score where the answers are known; apart from it that on examples which the network has not seen."""
    from bakeoff.messages import say
    from bakeoff.tasks.metrics.registry import METRICS

    if found.score is None:
        return
    metric, score = found.score
    values = {"metric": say(f"verdict.metric.{metric}"), "score": METRICS[metric].show(score)}
    _say(console, "report.predict.score", count=f"{len(found):,}", **values)
    seen = found.is_training_example
    if seen is None or not seen.any():
        return
    fresh = found.unseen_score
    if fresh is None:
        _say(console, "report.predict.all_seen")
        return
    shown = METRICS[metric].show(fresh[1])
    rest = f"{int((~seen).sum()):,}"
    _say(console, "report.predict.seen", seen=f"{int(seen.sum()):,}", rest=rest, **{**values, "score": shown})


def _say(console: "Console", key: str, **values: Any) -> None:
    """A sentence of the catalogue, the user's words in it made harmless."""
    from rich.text import Text

    from bakeoff.messages import say
    from bakeoff.report.words.text import bound, clean, wrapped

    sentence = say(key, **{name: clean(value) for name, value in values.items()})
    console.print(Text("\n".join(wrapped(bound(sentence), console.width)), no_wrap=True))
