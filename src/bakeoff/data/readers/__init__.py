"""Readers: what becomes a `Dataset` by which of them. `load` asks the table in this order, and the first claim holds.

A new kind of data: a file here with its `Reader` (`base` holds the contract), a line in the table, and its place in
`bakeoff.testing.readers`, whose suite every reader passes. What several readers need stands in `bakeoff.data.forms`.
"""

from bakeoff.data.readers.arrays import ARRAYS
from bakeoff.data.readers.base import Reader
from bakeoff.data.readers.builtin import BUILTIN
from bakeoff.data.readers.forecast import FORECAST
from bakeoff.data.readers.graphs import GRAPHS
from bakeoff.data.readers.hub_images import HUB_IMAGES
from bakeoff.data.readers.images import IMAGES
from bakeoff.data.readers.series import SERIES
from bakeoff.data.readers.table import TABLE

#: Series before tables, since a .tsv or .txt file may be either; tables before arrays, since a frame is like an array;
#: graphs, arrays with one more, before arrays; images last, since any folder may be one of images.
READERS: tuple[Reader, ...] = (BUILTIN, SERIES, FORECAST, TABLE, GRAPHS, HUB_IMAGES, ARRAYS, IMAGES)
