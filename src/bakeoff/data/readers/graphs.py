"""Graphs: arrays x and edges or adjacency (and nodes), in a dictionary or an `.npz` file."""

import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset
from bakeoff.data.forms.array_files import array_parts
from bakeoff.data.forms.arrays import ArrayEncoder, joined_parts
from bakeoff.data.forms.graphs import kind_of, lengths_of_graphs
from bakeoff.data.forms.targets import read_target
from bakeoff.data.options import ReadingOptions
from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.readers.base import Claim, Reader
from bakeoff.errors import DataError
from bakeoff.system.files import opened

_PART = "(train|validation|valid|val|test)"
#: Names of arrays that make graphs of x: edges, adjacency, adjacency_train, test_adjacency ...
_EDGES = re.compile(rf"((adjacency|edges)(_?{_PART})?|{_PART}_(adjacency|edges))(\.npy)?", re.IGNORECASE)


def _has_edges(names: Iterable[Any]) -> bool:
    return any(_EDGES.fullmatch(str(name)) for name in names)


def _is_dictionary_of_graphs(source: Any) -> bool:
    return isinstance(source, Mapping) and _has_edges(source)


def _is_file_of_graphs(path: Path) -> bool:
    """Whether the archive lists such an array; a damaged one is left to the reader of arrays, which tells."""
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            return _has_edges(archive.namelist())
    except Exception:  # zipfile raises many types on damaged bytes
        return False


def _read(source: Any, options: ReadingOptions, *, seed: int, name: str | None) -> Dataset:
    """A dataset of graphs.

    Raises:
        DataError: arrays do not fit each other, a matrix is not symmetric, or a number is not finite.
    """
    given = joined_parts(array_parts(source))
    graphs, answers = given.pop("inputs"), given.pop("targets")
    if not isinstance(graphs, PackedGraphs):
        raise DataError(
            "The arrays of edges belong to a part that has no x: give x, edges and y for each part."
        )
    kind = kind_of(graphs)
    targets, schema_target = read_target(answers, task=options.task)
    is_file = isinstance(source, Path)
    return make_dataset(
        name=name or (source.stem if is_file else "arrays"),
        input=kind,
        target=schema_target,
        inputs=graphs,
        targets=targets,
        lengths=lengths_of_graphs(graphs, kind),
        encoder=ArrayEncoder(axes=kind.word),
        seed=seed,
        source=source.name if is_file else "arrays in memory",
        **given,
    )


GRAPHS = Reader(
    described="graphs",
    plural="graphs",
    claims=(
        Claim(endings=(".npz",), looks=_is_file_of_graphs),
        Claim(objects=_is_dictionary_of_graphs),
    ),
    options=frozenset({"task"}),
    instead={"group": "give the groups as an array called 'groups' beside x and y"},
    read=_read,
)
