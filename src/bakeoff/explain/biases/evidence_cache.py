"""Finished trainings of evidence, kept in the folder of a run, so that a killed run goes on where it was.

Each is one NumPy file (nothing in it is ever unpickled), named by a hash of everything that its figures depend on.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bakeoff.explain.biases.worker_tasks import Training, TrainingOutputs
from bakeoff.system.files import whole

_TESTED = "tested-"
#: Part of every name: raised when the same training would give other figures.
_FORMAT = 2


class KeptTrainings:
    """Trainings under a folder.

    Args:
        folder: made when the first one is kept.
        context: what the figures depend on besides the training: data and protocol.
    """

    def __init__(self, folder: Path, context: str) -> None:
        self.folder, self.context = folder, context

    def path(self, training: Training) -> Path:
        """Where this training is kept, or would be."""
        record = {name: value for name, value in vars(training).items() if name != "entrant"}
        record |= {"entrant": training.entrant.name, "width": training.entrant.width}
        record |= {"context": f"{_FORMAT}/{self.context}"}
        text = json.dumps(record, sort_keys=True)
        return self.folder / f"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}.npz"

    def get(self, training: Training) -> TrainingOutputs | None:
        """What came of it; None where it was never finished, or its file is damaged."""
        try:
            with self.path(training).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                outputs = {name: tuple(arrays[name]) for name in arrays.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None
        if "outputs" not in outputs:
            return None
        tested = {
            name.removeprefix(_TESTED): runs for name, runs in outputs.items() if name.startswith(_TESTED)
        }
        return TrainingOutputs(training=training, outputs=outputs["outputs"], tested=tested)

    def put(self, found: TrainingOutputs) -> None:
        """Keep a finished training, whole or not at all.

        Raises:
            StoreError: the folder cannot be written.
        """
        arrays: Mapping[str, np.ndarray] = {
            "outputs": np.stack(found.outputs),
            **{f"{_TESTED}{name}": np.stack(runs) for name, runs in found.tested.items()},
        }
        with whole(self.path(found.training)) as unfinished:
            self.folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
