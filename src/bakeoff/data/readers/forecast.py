"""Tables with a column of times, whose target is forecast."""

from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.forms.endings import TABLE_ENDINGS
from bakeoff.data.options import ReadingOptions
from bakeoff.data.readers.base import Claim, Reader


def _is_frame(source: Any) -> bool:
    from bakeoff.data.forms.frames import has_frame

    return has_frame(source)


def _read(source: Any, options: ReadingOptions, *, seed: int, name: str | None) -> Dataset:
    from bakeoff.data.forms.cells.reading import Hints
    from bakeoff.data.forms.forecast import load_forecast
    from bakeoff.data.forms.frame_columns import with_answers

    assert options.time is not None
    table, target = with_answers(source, options.target)
    return load_forecast(
        table,
        time=options.time,
        target=target,
        horizon=options.horizon,
        group=options.group,
        window=options.window,
        name=name,
        hints=Hints(decimal=options.decimal, dates=options.dates),
    )


FORECAST = Reader(
    described="a forecast",
    plural="forecasts",
    claims=(
        Claim(endings=TABLE_ENDINGS, needs=("time",)),
        Claim(endings=(".txt",), needs=("time", "target")),
        Claim(objects=_is_frame, needs=("time",)),
    ),
    options=frozenset({"target", "time", "horizon", "window", "group", "kind", "decimal", "dates"}),
    kinds=("series", "table"),
    read=_read,
)
