"""What lies in the folder of a run, and where: everything that opens a run by its path goes through here.

    runs/<name>/study.sqlite              a comparison's definition, plan and trials with their outputs, evidence's too
    runs/<name>/weights/                  safetensors of its trials at full size
    runs/<name>/verdict.json              what it found, as `--json` writes it
    runs/<name>/fit.json                  what a fit found
    runs/<name>/checkpoint.safetensors    from which a killed fit goes on
    runs/<name>/champion/                 the network handed over, by either: `bakeoff.inference` says what lies in it
    runs/<name>/report.html               of either
    runs/<name>/explain.html              the plots of `bakeoff explain`

These are stored names: a later version opens the runs of an earlier one by them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from bakeoff.errors import StoreError, listed, printable, suggest
from bakeoff.system.files import opened


class RunKind(StrEnum):
    """What made a run. `NETWORK` is a trained network alone: a champion's folder, moved or named by itself."""

    COMPARISON = "comparison"
    FIT = "fit"
    NETWORK = "network"


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run, whether something lies there or not, and its records.

    Attributes:
        path: the run's own folder.
    """

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def study(self) -> Path:
        return self.path / "study.sqlite"

    @property
    def weights(self) -> Path:
        return self.path / "weights"

    @property
    def verdict(self) -> Path:
        return self.path / "verdict.json"

    @property
    def fit(self) -> Path:
        return self.path / "fit.json"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.safetensors"

    @property
    def champion(self) -> Path:
        return self.path / "champion"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def explained(self) -> Path:
        return self.path / "explain.html"

    @property
    def network(self) -> Path:
        """The folder of its trained network: `champion`, or this folder where it is a network's own."""
        return self.champion if self.champion.is_dir() else self.path

    @property
    def has_network(self) -> bool:
        from bakeoff.inference.predictor import RECORD_FILE  # which imports PyTorch

        return (self.network / RECORD_FILE).exists()

    @property
    def kind(self) -> RunKind | None:
        """What made this run; None where the folder is no run at all."""
        if self.study.exists() or self.verdict.exists():
            return RunKind.COMPARISON
        if self.fit.exists() or self.checkpoint.exists():
            return RunKind.FIT
        return RunKind.NETWORK if self.has_network else None

    @property
    def stem(self) -> str:
        """The name without the number that `candidates` puts behind it.

        >>> RunFolder(Path("runs/digits-2")).stem
        'digits'
        """
        return self.name.rstrip("0123456789").rstrip("-")

    def verdict_record(self) -> dict[str, Any]:
        """What the comparison found; empty where there is no readable record of it."""
        return _record(self.verdict)

    def fit_record(self) -> dict[str, Any]:
        """What the fit found; empty where there is no readable record of it."""
        return _record(self.fit)

    @staticmethod
    def find(run: str | Path, runs: str | Path = "runs") -> "RunFolder":
        """The run of this name under `runs`, or the one in the folder `run`.

        Raises:
            StoreError: there is no such folder, or it is no run but holds some.
        """
        above = Path(runs)
        found = next((RunFolder(place) for place in (above / run, Path(run)) if place.is_dir()), None)
        if found is None:
            raise StoreError(
                f"There is no run '{printable(str(run))}' under '{printable(str(runs))}'. "
                f"{suggest(str(run), _folders_in(above))} `bakeoff compare` makes one."
            )
        inside = () if found.kind is not None else tuple(RunFolder.inside(found.path))
        if inside:
            raise StoreError(
                f"The folder '{printable(str(run), most=200)}' is not a run but holds runs: "
                f"{listed(place.name for place in inside)}. Name one of them, as in "
                f"'{printable(str(inside[0].path), most=200)}'."
            )
        return found

    @staticmethod
    def inside(folder: str | Path) -> Iterator["RunFolder"]:
        """The runs that lie in this folder, by name."""
        for name in _folders_in(Path(folder)):
            found = RunFolder(Path(folder) / name)
            if found.kind is not None:
                yield found

    @staticmethod
    def candidates(folder: Path, name: str) -> Iterator["RunFolder"]:
        """Where a run of this name may lie, without end: `name`, then `name-2`, `name-3` ..."""
        yield RunFolder(folder / name)
        number = 2
        while True:
            yield RunFolder(folder / f"{name}-{number}")
            number += 1


def _folders_in(folder: Path) -> list[str]:
    """Names of the folders in this one; none where it is not there or may not be read."""
    try:
        return sorted(place.name for place in folder.iterdir() if place.is_dir())
    except OSError:
        return []


def _record(file: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none that can be read."""
    try:
        with opened(file) as stream:
            record = json.load(stream)
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
