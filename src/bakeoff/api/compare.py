"""`compare` with its report: the data card, live progress, the table and the verdict, and the report on disk."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bakeoff.data.card import data_card
from bakeoff.data.dataset import Dataset
from bakeoff.explain.biases.comparison_evidence import ComparisonEvidence
from bakeoff.models import ModelCard
from bakeoff.report.html.comparison_report import write_report
from bakeoff.report.notebook import comparison_html
from bakeoff.report.terminal.comparison import print_comparison, print_places
from bakeoff.report.terminal.data_card import card_table
from bakeoff.report.terminal.progress import ProgressView
from bakeoff.study.comparison import compare as run_comparison
from bakeoff.study.results.comparison import Comparison
from bakeoff.system.files import write_json

#: The report's file in the folder of a run.
REPORT_FILE = "report.html"
#: The whole result for programs there, as `--json` writes it.
VERDICT_FILE = "verdict.json"


def compare(
    data: Any,
    models: Sequence[str | ModelCard] | None = None,
    budget_seconds: float | None = 60.0,
    seed: int = 0,
    *,
    why: bool = True,
    **options: Any,
) -> Comparison:
    """Compare families of networks, and what is no network, on this data; its report is written into the run's folder.

    The returned record shows itself in a notebook; `bakeoff.study.comparison.compare` documents all options.

    Args:
        data: anything that `bakeoff.load` reads, with its options (`target=`, `time=`, `size=` ...).
        models: names of networks, `file.py:NAME`, `package.module:NAME`, or `ModelCard`s; None for every family that
            fits.
        budget_seconds: for everything; None runs the whole protocol without a clock.
        seed: of splits, subsets, orders and initial weights.
        why: whether it ends with evidence, for which a part of the budget is reserved.
    """
    evidence = ComparisonEvidence() if why else None
    found = run_comparison(
        data, models, budget_seconds, seed, show=comparison_html, evidence=evidence, **options
    )
    write_results(found)
    return found


def write_results(comparison: Comparison) -> Path:
    """Write `verdict.json` and `report.html` into the run's folder, and return the report's path.

    Raises:
        StoreError: one of them cannot be written.
    """
    write_json(comparison.folder / VERDICT_FILE, comparison.to_json(), indent=1)
    return write_report(comparison, comparison.folder / REPORT_FILE, now=datetime.now())


def compare_and_report(data: Any, *, why: bool = True, **options: Any) -> Comparison:
    """Compare on this data, with the options of `bakeoff.study.comparison.compare`, and show progress and result.

    Card, table and verdict go to standard output, progress to standard error; `report.html` and `verdict.json` are
    written into the run's folder.
    """
    results, errors = Console(), Console(stderr=True)

    def show_card(dataset: Dataset) -> None:
        results.print(card_table(data_card(dataset)))

    with ProgressView(errors) as view:
        found = run_comparison(
            data,
            on_data=show_card,
            listener=view.update,
            show=comparison_html,
            evidence=ComparisonEvidence() if why else None,
            **options,
        )
    # Before the report is written, so that the verdict is shown even where the disk is full.
    print_comparison(results, found)
    print_places(results, found, report=write_results(found))
    return found
