"""Every HTML page and piece of one: one template environment, one stylesheet, one way to put a figure on a page.

A page is one file that opens offline and is safe to open whatever the data contain: text is escaped by the templates,
figures are JSON in which no tag can end, and the page's Content-Security-Policy allows exactly the two scripts written
here (by their hashes), or none where there is no figure, and no network.

Plotly is by far the heaviest part of a page. It is stored once, compressed (4.8 MB become 2.0 MB), and unpacked by the
browser; the policy holds the hash of the unpacked script.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bakeoff.messages import language, say
from bakeoff.report.content.examples import SERIES_BOX
from bakeoff.report.content.graph_drawing import SIDE
from bakeoff.report.content.questions import LIMIT_COLUMNS
from bakeoff.report.content.summaries import Figure, summary
from bakeoff.report.plotly.draw import draw
from bakeoff.report.words.palette import colours
from bakeoff.study.results.records import finite

if TYPE_CHECKING:
    from jinja2 import Environment


def document(
    template: str, *, title: str, figures: Mapping[str, Figure] | None = None, **content: Any
) -> str:
    """A page as one HTML document, in the language in force.

    Args:
        template: its file in `assets`, which extends `base.html.j2`.
        title: of the page.
        figures: by the id that the template gives to `plot`.
        content: what else the template shows.
    """
    from bakeoff import __version__

    known = figures or {}
    script = _asset("page.js")
    return fragment(
        template,
        title=title,
        version=__version__,
        policy=_policy(_plotly().source, script) if known else _policy(),
        plots=json_for_script({id: draw(figure) for id, figure in known.items()}) if known else "",
        alternatives={id: summary(figure) for id, figure in known.items()},
        plotly=_plotly() if known else None,
        script=Markup(script),
        **content,
    )


def fragment(template: str, **content: Any) -> str:
    """A template filled in, with the stylesheet and the colours of both themes at hand."""
    return (
        _environment()
        .get_template(template)
        .render(
            language=language(),
            light=colours("light"),
            dark=colours("dark"),
            css=Markup(_asset("page.css")),
            **content,
        )
    )


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bakeoff.report.html", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        say=say,
        say_strong=_say_strong,
        series_box=tuple(map(int, SERIES_BOX)),
        graph_side=int(SIDE),
        limit_columns=LIMIT_COLUMNS,
    )
    return environment


def _say_strong(key: str, **values: str) -> Markup:
    """A sentence whose values are set in bold."""
    return Markup(say(key, **{name: Markup("<b>{}</b>").format(value) for name, value in values.items()}))


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
    allowed = f"script-src {hashes}; " if hashes else ""
    return (
        f"default-src 'none'; {allowed}style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


class _Plotly:
    """Plotly's own script, from its package: as it is (`source`), and compressed in base64 with its `notice`."""

    def __init__(self) -> None:
        from importlib.util import find_spec

        spec = find_spec("plotly")  # found, not imported: importing it takes longer than reading the file
        assert spec is not None
        assert spec.origin is not None
        script = Path(spec.origin).parent / "package_data" / "plotly.min.js"
        self.source = script.read_text(encoding="utf-8")
        assert "\r" not in self.source  # a browser would read another character, and hash another script
        self.packed = base64.b64encode(zlib.compress(self.source.encode(), 9)).decode("ascii")
        self.notice = self.source[: self.source.index("*/")].strip("/* \n").replace("\n* ", " · ")


@cache
def _plotly() -> _Plotly:
    return _Plotly()


@cache
def _asset(name: str) -> str:
    return (resources.files("bakeoff.report.html") / "assets" / name).read_text(encoding="utf-8").rstrip("\n")
