"""The process that runs cases, one after another, and says how each ended. Its parent ends it where it must."""

import faulthandler
import os
import shutil
import signal
import sys
import time
import traceback
import warnings
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a case ended.

    Attributes:
        state: "accepted", "refused" (by an error of ours) or "finding".
        what: of a finding: the exception's class or what was wrong; where: the last place in bakeoff.
        text: the whole of it.
    """

    number: int
    kind: str
    state: str
    what: str = ""
    where: str = ""
    text: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def serve(connection: Connection, place: Path, coverage_file: str | None) -> None:
    """Run the cases (seed, number) that come through the connection, until None comes."""
    sys.stdout.flush()
    log = os.open(place / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    measured = _started(coverage_file)
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    connection.send(None)
    while (case := connection.recv()) is not None:
        connection.send(run_case(*case, place / "case"))
    if measured is not None:
        measured.stop()
        measured.save()


def _started(coverage_file: str | None) -> Any:
    """The measurement of the lines that are reached, begun before bakeoff is imported."""
    if coverage_file is None:
        return None
    import coverage

    measured = coverage.Coverage(data_file=coverage_file, data_suffix=True, source_pkgs=["bakeoff.data"])
    measured.start()
    return measured


def run_case(seed: int, number: int, folder: Path) -> Outcome:
    """One case in an empty folder, which is the current one meanwhile and stays there if something was found."""
    from fuzzing.dice import Dice
    from fuzzing.kinds import KINDS, kind_of

    dice = Dice(seed, number)
    kind = kind_of(dice)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    started = time.monotonic()
    found = _tried(KINDS[kind].make, dice, folder)
    os.chdir(folder.parent)
    return Outcome(number=number, kind=kind, seconds=round(time.monotonic() - started, 3), **found)


def _tried(make: Any, dice: Any, folder: Path) -> dict[str, str]:
    """State, and where something was found, what, where and its text."""
    from bakeoff.errors import BakeoffError
    from fuzzing.checks import WrongError, check_shown

    try:
        try:
            make(dice, folder)()
        except BakeoffError as error:
            check_shown(str(error), "an error")
            return {"state": "refused", "text": str(error)[:300]}
        return {"state": "accepted"}
    except WrongError as error:
        return {
            "state": "finding",
            "what": str(error)[:300],
            "where": "",
            "text": traceback.format_exc(limit=-8),
        }
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "/bakeoff/" in frame.filename] or frames[-1:]
        where = f"{Path(ours[-1].filename).name}:{ours[-1].name}"
        return {
            "state": "finding",
            "what": type(error).__name__,
            "where": where,
            "text": traceback.format_exc()[-4000:],
        }
