"""A seeded fuzzer: inputs of every kind that bakeoff takes, most of them sound, some damaged, some traps.

    scripts/fuzz SECONDS SEED              so long, from case 0
    scripts/fuzz SECONDS SEED --start 5000 --cases 20000
    scripts/fuzz --case SEED:NUMBER        one case again, its input kept in the folder that is named
    scripts/fuzz 60 0 --coverage           also which share of the readers' lines is reached (needs `coverage`)

A case is a finding where it ends in an exception that is none of ours, hangs, holds over 2 GB, crashes, shows control
characters, gives inputs that are not finite, or is read otherwise than the same data in another writing. Findings of
one kind at one place are counted together; the first three inputs of each lie in the folder `--out`. Status 1 where
there are findings.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: Inputs that are kept of findings of one kind.
_KEPT = 3


@dataclass
class Tally:
    """What has come out so far.

    Attributes:
        states: (kind, state) -> cases.
        findings: (kind, what, where) -> cases.
        first: the number of the first case of each.
    """

    states: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str, str], int] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return sum(self.states.values())

    def count(self, state: str) -> int:
        return sum(count for (_, name), count in self.states.items() if name == state)

    def lines(self, seed: int) -> Iterator[str]:
        """What a person is shown at the end."""
        share = 100 * self.count("accepted") / max(1, self.cases)
        ended = f"{share:.1f} % accepted, {self.count('refused')} refused, {self.count('finding')} findings"
        yield f"{self.cases} cases of seed {seed}: {ended}"
        for kind in sorted({kind for kind, _ in self.states}):
            row = {state: self.states[kind, state] for state in ("accepted", "refused", "finding")}
            yield f"  {kind:18}" + "".join(f"{count:8} {state}" for state, count in row.items())
        for key, count in self.findings.most_common():
            yield f"{count:6} x {' | '.join(filter(None, key))}   first: --case {seed}:{self.first[key]}"


def main() -> int:
    asked = _arguments()
    if asked.case is not None:
        return _again(*map(int, asked.case.split(":")))
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS"), "1"))
    os.environ["BAKEOFF_NATIVE"] = "0"  # what is fuzzed trains hardly anything: nothing is compiled for it
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as work:
        tally = _run(asked, Path(work))
        reached = _reached(Path(work)) if asked.coverage else None
    lines = list(tally.lines(asked.seed))
    if reached is not None:
        lines.append(f"{reached:.1f} % of the readers' lines were reached")
    print("\n".join(lines))
    (asked.out / f"summary-{asked.seed}.txt").write_text("\n".join(lines) + "\n")
    return 1 if tally.findings else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--case", metavar="SEED:NUMBER", help="run this one case")
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--cases", type=int, default=10**9, help="the most cases")
    parser.add_argument("--only", help="cases whose kind begins so; the others are passed by")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--out", type=Path, default=Path("fuzz-findings"), help="folder of the findings' inputs"
    )
    parser.add_argument("--coverage", action="store_true", help="measure the lines that are reached")
    asked = parser.parse_args()
    asked.out = asked.out.absolute()
    return asked


def _run(asked: argparse.Namespace, work: Path) -> Tally:
    from fuzzing.pool import outcomes

    tally, shown = Tally(), time.monotonic()
    os.environ["BAKEOFF_FUZZ_EXAMPLES"] = str(_examples(work))
    coverage_file = str(work / "coverage") if asked.coverage else None
    ended = outcomes(
        _cases(asked), seed=asked.seed, processes=asked.processes, folder=work, coverage_file=coverage_file
    )
    for outcome, folder in ended:
        tally.states[outcome.kind, outcome.state] += 1
        if outcome.state == "finding":
            key = (outcome.kind, outcome.what, outcome.where)
            tally.findings[key] += 1
            tally.first[key] = min(tally.first.get(key, outcome.number), outcome.number)
            if tally.findings[key] <= _KEPT:
                _keep(asked, outcome, folder)
        if time.monotonic() > shown + 30:
            shown = time.monotonic()
            print(
                f"case {outcome.number}: {tally.cases} cases, {tally.count('finding')} findings",
                file=sys.stderr,
                flush=True,
            )
    return tally


def _examples(work: Path) -> Path:
    """The sound runs and champions that cases copy, made by the code at hand in a process of its own."""
    import subprocess

    place = work / "examples"
    place.mkdir()
    code = "import pathlib, sys, fuzzing.runs; fuzzing.runs.make_examples(pathlib.Path(sys.argv[1]))"
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "BAKEOFF_CACHE": str(work / "cache"), "PYTHONPATH": os.pathsep.join(paths)}
    subprocess.run(
        [sys.executable, "-c", code, str(place)], check=True, env=environment, stdout=subprocess.DEVNULL
    )
    return place


def _cases(asked: argparse.Namespace) -> Iterator[tuple[int, str, float]]:
    """(number, kind, seconds allowed) of the cases, until the time is over."""
    from fuzzing.dice import Dice
    from fuzzing.kinds import KINDS, kind_of

    until, given = time.monotonic() + asked.seconds, 0
    number = asked.start - 1
    while time.monotonic() < until and given < asked.cases:
        number += 1
        kind = kind_of(Dice(asked.seed, number))
        if asked.only is None or kind.startswith(asked.only):
            given += 1
            yield number, kind, KINDS[kind].seconds


def _keep(asked: argparse.Namespace, outcome: "object", folder: Path) -> None:
    """The input and what came of it, under the case's number."""
    from fuzzing.worker import Outcome

    assert isinstance(outcome, Outcome)
    place = asked.out / f"{asked.seed}-{outcome.number}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for entry in folder.iterdir() if folder.is_dir() else ():
        if not entry.is_fifo():
            (shutil.copytree if entry.is_dir() else shutil.copy2)(
                entry, place / entry.name, **_as_links(entry)
            )
    (place / "outcome.json").write_text(json.dumps(outcome.to_json(), indent=1))


def _as_links(entry: Path) -> dict[str, bool]:
    return {"symlinks": True} if entry.is_dir() else {"follow_symlinks": False}


def _again(seed: int, number: int) -> int:
    """One case, with its whole traceback; its input stays."""
    from fuzzing.worker import run_case

    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{seed}-{number}-"))
    os.environ["BAKEOFF_FUZZ_EXAMPLES"] = str(_examples(folder))
    outcome = run_case(seed, number, folder / "case")
    print(json.dumps(outcome.to_json(), indent=1, ensure_ascii=False).replace("\\n", "\n"))
    print(f"its input: {folder / 'case'}")
    return 1 if outcome.state == "finding" else 0


def _reached(work: Path) -> float:
    """The share of the readers' lines (data/forms, data/readers, data/load.py) that were reached, in percent."""
    import coverage

    measured = coverage.Coverage(data_file=str(work / "coverage"))
    measured.combine([str(work)])
    lines = missed = 0
    for file in sorted(measured.get_data().measured_files()):
        if any(part in file for part in ("/data/forms/", "/data/readers/", "/data/load.py")):
            _, statements, _, missing, _ = measured.analysis2(file)
            lines, missed = lines + len(statements), missed + len(missing)
            print(
                f"{100 * (1 - len(missing) / max(1, len(statements))):6.1f} %  {Path(file).name}: not {missing}",
                file=sys.stderr,
            )
    return 100 * (1 - missed / max(1, lines))


if __name__ == "__main__":
    sys.exit(main())
