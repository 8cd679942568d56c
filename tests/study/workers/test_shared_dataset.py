"""A dataset in files for other processes: the same again when it is opened, graphs too."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bakeoff import load
from bakeoff.study.workers.shared_dataset import share


@pytest.mark.parametrize("name", ["iris", "planted:hubs"])
def test_a_shared_dataset_is_opened_as_it_was(name: str, tmp_path: Path) -> None:
    dataset = load(name)
    opened = share(dataset, tmp_path).open()
    assert opened.fingerprint == dataset.fingerprint
    rows = dataset.splits.test[:5]
    np.testing.assert_array_equal(opened.targets_at(rows), dataset.targets_at(rows))


def test_graphs_are_mapped_from_files_array_by_array(tmp_path: Path) -> None:
    dataset = load("planted:homophily")
    opened = share(dataset, tmp_path).open()
    assert opened.graphs.equals(dataset.graphs)
    assert all(isinstance(array, np.memmap) for array in opened.graphs.arrays().values())
    # What is mapped already stays in the files where it lies.
    (again := tmp_path / "again").mkdir()
    share(replace(dataset, inputs=opened.graphs), again)
    assert {path.name for path in again.iterdir()} == {"targets.npy", "lengths.npy"}
