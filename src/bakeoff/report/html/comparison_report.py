"""The report of a comparison: one HTML file with everything it shows, which opens offline.

It is safe to open whatever the data contain: text is escaped by the template, figures are JSON in which no tag can end,
and the page's Content-Security-Policy allows exactly the two scripts written here (by their hashes) and no network.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bakeoff.messages import language, say
from bakeoff.report.html.page import Page, page_of
from bakeoff.report.words.palette import colours
from bakeoff.study.results.comparison import Comparison
from bakeoff.study.results.records import finite
from bakeoff.system.files import write_text


def write_report(comparison: Comparison, path: Path, *, now: datetime | None = None) -> Path:
    """Write the report into a file, atomically, and return its path.

    Args:
        comparison: what to show.
        path: of the file.
        now: the date on the page; none where None, so that equal comparisons give equal files.

    Raises:
        StoreError: the file cannot be written.
    """
    return write_text(path, report_html(comparison, now=now))


def report_html(comparison: Comparison, *, now: datetime | None = None) -> str:
    """The report as one HTML document, in the language in force."""
    return render(page_of(comparison, now=now))


def render(page: Page) -> str:
    """A page as one HTML document."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    plotly, script = _plotly(), _asset("report.js")
    return environment.from_string(_asset("report.html.j2")).render(
        page=page,
        say=say,
        language=language(),
        policy=_policy(plotly, script),
        light=colours("light"),
        dark=colours("dark"),
        css=Markup(_asset("report.css")),
        plotly=Markup(plotly),
        script=Markup(script),
        figures=json_for_script(page.plots),
    )


def json_for_script(value: Mapping[str, Any]) -> Markup:
    """JSON that is safe inside a script element: nothing in it can end the element or start another.

    >>> str(json_for_script({"name": "</script>"}))
    '{"name":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(finite(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _policy(*scripts: str) -> str:
    """The policy: no network, frames or forms; only these scripts. Plotly sets styles, hence 'unsafe-inline'."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _plotly() -> str:
    """Plotly's own script, from its package; its licence notice stays at its head."""
    from importlib.util import find_spec

    spec = find_spec("plotly")  # found, not imported: importing it takes longer than reading the file
    assert spec is not None
    assert spec.origin is not None
    script = (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    assert "</script" not in script
    assert "\r" not in script
    return script


@cache
def _asset(name: str) -> str:
    return (resources.files("bakeoff.report.html") / "assets" / name).read_text(encoding="utf-8").rstrip("\n")
