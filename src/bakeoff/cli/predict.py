"""`bakeoff predict RUN NEWDATA`: the network that a comparison or a fit handed over, on new data of the same form."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bakeoff.cli.options import NetworkOption, TrustOption

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from bakeoff.inference.predictor import Predictor
    from bakeoff.report.content.predictions import Predictions

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
    from rich.text import Text

    from bakeoff.inference.training_hashes import is_training_example
    from bakeoff.messages import say
    from bakeoff.report.content.predictions import Predictions, check_ending, write_predictions
    from bakeoff.report.words.text import clean

    if out is not None:
        check_ending(out)
    folder, predictor = _load(run, runs, trust=trust, model=model)
    new = predictor.read(newdata)
    found = Predictions.of(predictor.schema, new, predictor.outputs(new.inputs, new.lengths))
    console = Console()
    verdict = _verdict(folder) or _fit(folder)
    _show(console, predictor, found, verdict, is_typed=model is not None)
    _show_score(console, found, verdict, is_training_example(fitted_folder(folder), new.inputs))
    if out is not None:
        write_predictions(found, out)
        console.print(Text(say("report.predict.written", file=clean(out))), soft_wrap=True)


def _load(run: str, runs: Path, *, trust: bool, model: str | None) -> tuple[Path, "Predictor"]:
    """The run's folder and the network in it. What is imported besides bakeoff's own code is told on the screen.

    Args:
        run, runs: as typed.
        trust: whether a network that is not of the catalogue may be imported because the run names it.
        model: the network as typed here, in place of what the run names.

    Raises:
        StoreError: there is no such run, or it has no network.
        ModelError: its network is not of the catalogue, and was neither trusted nor typed.
    """
    from bakeoff.errors import StoreError, printable, suggest
    from bakeoff.inference.predictor import RECORD_FILE, Predictor
    from bakeoff.messages import say
    from bakeoff.models import catalogue

    folder = next((place for place in (runs / run, Path(run)) if place.is_dir()), None)
    if folder is None:
        known = sorted(place.name for place in runs.iterdir() if place.is_dir()) if runs.is_dir() else []
        raise StoreError(
            f"There is no run '{printable(run)}' under '{printable(str(runs))}'. {suggest(run, known)} "
            "`bakeoff compare` makes one."
        )
    place = fitted_folder(folder)
    if (place / RECORD_FILE).exists():
        predictor = Predictor.load(place, trust=trust, model=model)
        if model is not None or predictor.model not in catalogue():
            key = "models.own.trusted" if model is None else "models.own.typed"
            file = None if predictor.card is None else predictor.card.file
            network = predictor.model if file is None else f"{predictor.model} ({file})"
            shown = printable(network, most=300), printable(str(place), most=200)
            typer.echo(say(key, network=shown[0], folder=shown[1]), err=True)
        return folder, predictor
    raise StoreError(
        f"The run '{printable(folder.name)}' has no champion, since no network was judged in it: compare again with "
        "a larger --budget."
    )


def fitted_folder(folder: Path) -> Path:
    """Where the network of this run lies."""
    return folder / "champion" if (folder / "champion").is_dir() else folder


def _verdict(folder: Path) -> dict[str, Any]:
    """What the comparison in this folder found; empty where there is no readable record of it."""
    import json

    from bakeoff.api.compare import VERDICT_FILE
    from bakeoff.system.files import opened

    try:
        with opened(folder / VERDICT_FILE) as file:
            record = json.load(file)
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _fit(folder: Path) -> dict[str, Any]:
    """What the fit in this folder wrote, in the form of `_verdict`; empty where there is no readable record of one."""
    import json

    from bakeoff.study.fitting.result import FIT_FILE
    from bakeoff.system.files import opened

    try:
        with opened(folder / FIT_FILE) as file:
            record = json.load(file)
        return {"metric": record["metric"], "fit": record}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _say_fit(console: "Console", record: dict[str, Any]) -> None:
    """What the run is: one network's training, and how it did on its test examples."""
    from bakeoff.messages import say
    from bakeoff.tasks.metrics.registry import METRICS

    metric = METRICS.get(record["metric"])
    if metric is None:
        return
    _say(
        console,
        "fit.predict.run",
        model=record.get("model", ""),
        data=record["data"],
        metric=say(f"verdict.metric.{metric.name}"),
        score=metric.show(record["test"]["score"]),
        low=metric.show(record["test"]["low"]),
        high=metric.show(record["test"]["high"]),
    )


def _show(
    console: "Console",
    predictor: "Predictor",
    found: "Predictions",
    verdict: dict[str, Any],
    *,
    is_typed: bool,
) -> None:
    """Who answers, and the first predictions."""
    from rich.table import Table
    from rich.text import Text

    from bakeoff.messages import say
    from bakeoff.report.words.text import clean, shorten, significant

    leader = verdict.get("winner") or verdict.get("leader")
    name = predictor.model if predictor.width is None else f"{predictor.model}@{predictor.width}"
    if leader and not is_typed and leader not in (name, predictor.model):
        _say(console, "report.predict.stand_in", leader=leader, entrant=name)
    if "fit" in verdict:
        _say_fit(console, verdict["fit"])
    key = "report.predict.head_one" if len(found) == 1 else "report.predict.head"
    _say(console, key, count=f"{len(found):,}", entrant=name)
    is_classes = predictor.schema.is_classification
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(say("report.predict.input"), overflow="fold")
    table.add_column(say("report.predict.predicted"), overflow="fold")
    if is_classes:
        table.add_column(say("report.predict.sure"), justify="right", no_wrap=True)
    sure = found.probabilities.max(axis=1) if is_classes and len(found) else ()
    answers = found.answers
    for row in range(min(_SHOWN, len(found))):
        answer = answers[row] if is_classes else ", ".join(significant(v, 4) for v in found.outputs[row][:4])
        cells = [shorten(clean(found.names[row]), 48), clean(answer)]
        table.add_row(*map(Text, [*cells, f"{100 * sure[row]:.1f} %"] if is_classes else cells))
    console.print(table)
    if len(found) > _SHOWN:
        _say(console, "report.predict.more", count=f"{len(found) - _SHOWN:,}")


def _show_score(
    console: "Console", found: "Predictions", verdict: dict[str, Any], seen: "NDArray[np.bool_] | None"
) -> None:
    """The score where the answers are known; apart from it that on examples which the network has not seen."""
    from bakeoff.messages import say
    from bakeoff.tasks.metrics.registry import METRICS

    scored = found.score(verdict.get("metric"))
    if scored is None:
        return
    metric, score = scored
    values = {"metric": say(f"verdict.metric.{metric}"), "score": METRICS[metric].show(score)}
    _say(console, "report.predict.score", count=f"{len(found):,}", **values)
    if seen is None or not seen.any():
        return
    fresh = found.at(~seen).score(metric)
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
