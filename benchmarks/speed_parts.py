"""Parts of the speed benchmark beside the fixed job: start-up, time to the verdict, memory, growth.

    python benchmarks/speed.py --part start       from the command to the first training, `compare digits`
    python benchmarks/speed.py --part verdict     compare in a tenth of the tutorial loop's time for the whole job
    python benchmarks/speed.py --part images      memory of a comparison on 60 000 images of 28x28 (a file of arrays)
    python benchmarks/speed.py --part growth      seconds and memory against rows of a table, and against entrants
    python benchmarks/speed.py --part stops       whether what saves steps changes a verdict (speed_stops.py)

Each finished measurement is a line of `benchmarks/results/speed.jsonl` with the part's name as its way; one that this
run has is not measured again. Memory is the sum of the proportional set sizes (pages that several processes share are
divided among them) of the command and all its workers, looked at five times a second.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: A tenth of the tutorial loop's time for the 75 trainings on a quiet machine of two cores (issue 4): the budgets.
JOB_SECONDS = {"mnist1d": 925.0, "digits": 124.0}
PARTS = ("start", "verdict", "images", "growth", "stops")
SEEDS = (0, 1, 2, 3, 4)
STARTS = 3
ROWS, FEATURES = (1_000, 10_000, 100_000, 1_000_000), 20
ENTRANTS = (1, 2, 4, 8)
_LOOK_SECONDS = 0.2

#: Runs the command as the console script does, and tells when the first training was handed out and first reported.
_START = """
import os, sys, time
began = float(sys.argv.pop(1))
sys.path.insert(0, sys.argv.pop(1))
from speed_parts import family, processor_seconds
from bakeoff.study.workers.local import LocalExecutor
said, hand_out, progress = set(), LocalExecutor._hand_out, LocalExecutor.progress
def tell(what):
    if what not in said:
        said.add(what)
        spent = sum(map(processor_seconds, family(os.getpid())))
        print(f"{what} {time.monotonic() - began} {spent}", flush=True)
def first(pool, entry):
    hand_out(pool, entry)
    if entry.task.__name__ in ("train", "fit_classical"):
        tell("handed_out")
def seen(pool):
    for payload, done, total in progress(pool):
        if done and not isinstance(payload, str):
            tell("progress")
        yield payload, done, total
LocalExecutor._hand_out, LocalExecutor.progress = first, seen
from bakeoff.cli.main import main
main()
"""


def start(run: int) -> dict[str, Any]:
    """Seconds from the command to the first training that a worker gets, and to its first report of progress."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["compare", "digits", "--budget", "2m", "--no-why", "--out", folder]
        here = str(Path(__file__).parent)
        command = [sys.executable, "-c", _START, str(time.monotonic()), here, *options]
        answer = {"load": os.getloadavg()[0]}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith(("handed_out", "progress")):
                    what, seconds, spent = line.split()
                    answer |= {f"{what}_seconds": float(seconds), f"{what}_processor_seconds": float(spent)}
                if line.startswith("progress"):
                    process.send_signal(signal.SIGINT)
    return answer


def verdict(data: str, seed: int) -> dict[str, Any]:
    """What `bakeoff compare` says in a tenth of the tutorial loop's time for the whole job, and its peak memory."""
    budget = JOB_SECONDS[data] / 10
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "verdict.json"
        options = [data, "--budget", f"{budget}s", "--seed", str(seed), "--no-why", "--json", str(record)]
        answer = watched([*options, "--out", folder])
        found = json.loads(record.read_text())
    scores = {entrant["name"]: entrant["score"] for entrant in found["entrants"] if entrant["judged"]}
    conclusion = {name: found[name] for name in ("winner", "leader", "tied")}
    return answer | {"budget_seconds": budget, "scores": scores, **conclusion}


def images(path: str) -> dict[str, Any]:
    """Peak memory of a comparison on a file of images."""
    with tempfile.TemporaryDirectory() as folder:
        return watched([path, "--budget", "60s", "--no-why", "--out", folder])


def table(rows: int) -> dict[str, Any]:
    """Reading a table of so many rows from a file, and one epoch of an MLP with four learning rates."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        _write_table(path, rows)
        return _in_a_process(_TABLE, str(path))


def entrants(count: int) -> dict[str, Any]:
    """A comparison of so many MLPs without a clock, each trained for the same steps."""
    models = ",".join(f"mlp@{100 + number}" for number in range(count))
    with tempfile.TemporaryDirectory() as folder:
        options = ["digits", "--models", models, "--budget", "none", "--steps", "600", "--seeds", "2"]
        return watched([*options, "--no-why", "--out", folder])


_TABLE = """
import json, resource, sys, time
import torch
from bakeoff.data.load import load
from bakeoff.models import build
from bakeoff.train.tensors import TrainingData
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.stacked.fit_stack import fit_stack
torch.set_num_threads(1)
fit_stack  # imported before the clock runs
began = time.perf_counter()
dataset = load(sys.argv[1], target="target")
data = TrainingData(dataset)
read = time.perf_counter() - began
count = len(data.train)
replicas = [Replica(learning_rate=rate, seed=0, examples=count) for rate in (1e-4, 1e-3, 3e-3, 1e-2)]
began, processor = time.perf_counter(), time.process_time()
fit_stack(lambda seed: build("mlp", dataset.schema, seed=seed), data, replicas,
          Recipe(steps=max(count // 100, 1), evaluations=1))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"read_seconds": read, "epoch_seconds": time.perf_counter() - began,
                  "epoch_processor_seconds": time.process_time() - processor, "peak_memory_bytes": peak}))
"""


def _write_table(path: Path, rows: int) -> None:
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(0)
    values = rng.normal(size=(rows, FEATURES)).astype(np.float32)
    target = (values[:, 0] * values[:, 1] + 0.3 * rng.normal(size=rows) > 0).astype(np.int64)
    columns = {f"x{number}": values[:, number] for number in range(FEATURES)}
    pl.DataFrame(columns | {"target": np.where(target, "yes", "no")}).write_parquet(path)


def _in_a_process(code: str, *arguments: str) -> dict[str, Any]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def watched(options: list[str]) -> dict[str, Any]:
    """`bakeoff compare` with these options: seconds, and peak memory of the command and its workers together."""
    began, peak, largest = time.monotonic(), 0, 0
    command = [sys.executable, "-c", "from bakeoff.cli.main import main; main()", "compare", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            sizes = [proportional_bytes(one) for one in family(process.pid)]
            peak, largest = max(peak, sum(sizes)), max(largest, len(sizes))
            time.sleep(_LOOK_SECONDS)
        assert process.stderr is not None
        errors = process.stderr.read()
    if process.returncode:
        return {"failed": errors.strip().splitlines()[-1][:300] if errors.strip() else "no answer"}
    return {
        "seconds": time.monotonic() - began,
        "peak_memory_bytes": peak,
        "processes": largest,
        "load": os.getloadavg()[0],
    }


def family(process: int) -> Iterator[int]:
    """A process and all that came from it (Linux; elsewhere nothing is known of memory)."""
    yield process
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = tasks.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from family(int(child))


def proportional_bytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def processor_seconds(process: int) -> float:
    """That all threads of a process have had so far."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measurements(
    parts: list[str], images_path: str | None, cache: Path
) -> Iterator[tuple[str, str, str, Any]]:
    """(part, data, what, function without arguments) of everything that these parts measure."""
    if "start" in parts:
        for number in range(STARTS):
            yield "start", "digits", str(number), lambda number=number: start(number)
    if "verdict" in parts:
        for data in ("digits", "mnist1d"):
            for seed in SEEDS:
                yield "verdict", data, str(seed), lambda data=data, seed=seed: verdict(data, seed)
    if "images" in parts and images_path is not None:
        yield "images", Path(images_path).name, "60s", lambda: images(images_path)
    if "growth" in parts:
        for rows in ROWS:
            yield "rows", "table", str(rows), lambda rows=rows: table(rows)
        for count in ENTRANTS:
            yield "entrants", "digits", str(count), lambda count=count: entrants(count)
    if "stops" in parts:
        import speed_stops

        for seed in speed_stops.DATA_SEEDS:
            for data in speed_stops.SETS:
                yield (
                    "stops",
                    data,
                    str(seed),
                    lambda data=data, seed=seed: speed_stops.stops(data, seed, cache / "stops"),
                )
