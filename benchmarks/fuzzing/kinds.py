"""The kinds of cases: what is made and tried, how often, and how long it may take."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzzing import accelerators, arrays, canaries, others, pictures, runs, same, series, tables
from fuzzing.dice import Dice
from fuzzing.tables import Attempt

#: A case that takes longer hangs.
HANG_SECONDS = 20.0


@dataclass(frozen=True)
class Kind:
    """One kind of cases.

    Attributes:
        make: makes an input in an empty folder, and returns what is tried with it.
        weight: how often, beside the others.
        seconds: how long it may take.
    """

    make: Callable[[Dice, Path], Attempt]
    weight: float
    seconds: float = HANG_SECONDS


KINDS: dict[str, Kind] = {
    "table file": Kind(tables.table_file, 18),
    "typed file": Kind(tables.typed_file, 5),
    "forecast file": Kind(tables.forecast_file, 10),
    "frame": Kind(tables.frame_in_memory, 9),
    "array file": Kind(arrays.array_file, 9),
    "arrays": Kind(arrays.arrays_in_memory, 8),
    "graphs": Kind(arrays.graphs, 4),
    "series file": Kind(series.series_file, 8),
    "picture folder": Kind(pictures.picture_folder, 8),
    "hub dataset": Kind(others.hub_dataset, 3),
    "foreign file": Kind(others.foreign_file, 1),
    "no data": Kind(others.no_data, 2),
    "record": Kind(others.tables_at_prediction, 3),
    "champion": Kind(runs.champion_folder, 9),
    "study database": Kind(runs.study_database, 3),
    "accelerator file": Kind(accelerators.accelerator_file, 4),
    "network": Kind(accelerators.network, 3),
    "own network file": Kind(accelerators.own_network_file, 2),
    "same: writing": Kind(same.table_in_other_writing, 2),
    "same: types": Kind(same.types_at_prediction, 0.7),
    "same: forms": Kind(same.unicode_forms, 0.5),
    "same: offset": Kind(same.large_offset, 0.3),
    "same: forecast": Kind(same.invented_values, 0.7),
    "same: arrays": Kind(same.guessed_arrays, 0.7),
    "same: pictures": Kind(same.picture_folders, 0.7),
    "trap: folders": Kind(canaries.folders_of_others, 0.3),
    "trap: pictures": Kind(canaries.pictures_of_other_kinds, 0.3),
    "trap: pipe": Kind(canaries.named_pipe, 0.2),
    "trap: modules": Kind(canaries.modules_beside_the_data, 0.01, 180.0),
}


def kind_of(dice: Dice) -> str:
    """The first draw of every case."""
    return dice.weighted({name: kind.weight for name, kind in KINDS.items()})
