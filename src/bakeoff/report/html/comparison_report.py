"""The report of a comparison: one HTML file with everything it shows, which opens offline."""

from datetime import datetime
from pathlib import Path

from bakeoff.report.html.document import document
from bakeoff.report.html.page import NO_ANSWERS, page_of
from bakeoff.study.analysis.answers import Answers
from bakeoff.study.results.comparison import Comparison
from bakeoff.system.files import write_text


def write_report(
    comparison: Comparison, path: Path, *, now: datetime | None = None, answers: Answers = NO_ANSWERS
) -> Path:
    """Write the report into a file, atomically, and return its path.

    Args:
        comparison: what to show.
        path: of the file.
        now: the date on the page; none where None, so that equal comparisons give equal files.
        answers: to what was asked of the comparison.

    Raises:
        StoreError: the file cannot be written.
    """
    return write_text(path, report_html(comparison, now=now, answers=answers))


def report_html(comparison: Comparison, *, now: datetime | None = None, answers: Answers = NO_ANSWERS) -> str:
    """The report as one HTML document, in the language in force."""
    page = page_of(comparison, now=now, answers=answers)
    return document("comparison.html.j2", title=page.title, figures=page.figures, page=page)
