"""The store of evidence's finished trainings, in the folder of a run, by which a killed run continues where it was.

Each is one NumPy file (nothing in it is unpickled), named by a hash of everything that its figures depend on.
"""

import contextlib
import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bakeoff.explain.biases.worker_tasks import ChangedTrial, ChangedTrialResult
from bakeoff.system.files import atomic_write, opened

_TESTED = "tested-"
#: Part of the hash: raised when the same training would give other figures.
_FORMAT = 2


class ChangedTrialStore:
    """Finished trainings in a folder.

    Args:
        folder: made when the first one is stored.
        context: what the figures depend on besides the training: data and protocol.
    """

    def __init__(self, folder: Path, context: str) -> None:
        self.folder, self.context = folder, context

    def path(self, trial: ChangedTrial) -> Path:
        """The file of this training, whether it is finished or not. Its fields' names and values are hashed."""
        record = {name: value for name, value in vars(trial).items() if name != "entrant"}
        record |= {"entrant": trial.entrant.name, "width": trial.entrant.width}
        record |= {"context": f"{_FORMAT}/{self.context}"}
        text = json.dumps(record, sort_keys=True)
        return self.folder / f"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}.npz"

    def get(self, trial: ChangedTrial) -> ChangedTrialResult | None:
        """Its result; None where it is not finished, or its file is damaged."""
        try:
            with opened(self.path(trial)) as file, np.load(file, allow_pickle=False) as arrays:
                outputs = {name: tuple(arrays[name]) for name in arrays.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None
        if "outputs" not in outputs:
            return None
        tested = {
            name.removeprefix(_TESTED): runs for name, runs in outputs.items() if name.startswith(_TESTED)
        }
        return ChangedTrialResult(trial=trial, outputs=outputs["outputs"], tested=tested)

    def put(self, found: ChangedTrialResult) -> None:
        """Store a finished training atomically.

        Raises:
            StoreError: the folder cannot be written.
        """
        arrays: Mapping[str, np.ndarray] = {
            "outputs": np.stack(found.outputs),
            **{f"{_TESTED}{name}": np.stack(runs) for name, runs in found.tested.items()},
        }
        path = self.path(found.trial)
        with contextlib.suppress(OSError):  # then the file cannot be written either, and that is said
            self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
