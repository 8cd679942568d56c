"""Speed of training many small networks: bakeoff beside the usual loops. Run by `scripts/bench speed`.

    python benchmarks/speed.py --quick              some minutes: 60 steps a training, no accuracy worth reading
    python benchmarks/speed.py                      the fixed job of speed_job.py; goes on where it stopped today
    python benchmarks/speed.py --without-peers      needs no network: no skorch, Lightning and Keras
    python benchmarks/speed.py --ways bakeoff --families gru --data mnist1d
    python benchmarks/speed.py --part start verdict the other parts (speed_parts.py): images, growth, stops
    python benchmarks/speed.py --profile            where a step's time goes, before and after
    python benchmarks/speed.py --write              writes docs/benchmarks/speed.md from the newest run

bakeoff trains all 15 networks of a family (5 sizes x 3 seeds) as the job says (of MNIST-1D's Transformer two, one
a worker). The other ways are sampled unless
`--whole` is given: seed 0, the smallest and the largest size (of the GRU and the Transformer on MNIST-1D the largest
alone); their time a step does not depend on the size. Each finished measurement is a line of
`benchmarks/results/speed.jsonl`; one that this run has is not measured again (`--fresh` begins a new run). Peers live
in an environment of their own, made beside the benchmark's cache, with the very torch that runs this file.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import speed_job as job
import speed_parts as parts
import speed_report as report

HERE = Path(__file__).parent
RECORDS = HERE / "results" / "speed.jsonl"
PAGE = HERE.parent / "docs" / "benchmarks" / "speed.md"
CACHE = Path(os.environ.get("BAKEOFF_BENCH_CACHE", Path.home() / ".cache" / "bakeoff-bench"))
PEERS = ("skorch", "lightning", "keras")
WAYS = ("tutorial", "tensors", *PEERS, "bakeoff")
QUICK_STEPS, PROFILE_STEPS = 60, 30
#: bakeoff is sampled here too (one network a worker, at full size): 15 take minutes, and width brings nothing.
LONG = (("mnist1d", "transformer"),)
#: Seconds that one way may take for one family before it is given up (and the page says so).
PATIENCE_SECONDS = 1800


def main() -> None:
    options = read_options()
    mode = "quick" if options.quick else "whole" if options.whole else "sample"
    run = f"{mode} {date.today()}"
    records = read_records()
    if options.fresh:
        records = [record for record in records if record["run"] != run]
        RECORDS.write_text("".join(json.dumps(record) + "\n" for record in records))
    if options.write:
        return write_page(records)
    if options.profile:
        return measure_profiles(options, run)
    have = {key_of(record) for record in records if record["run"] == run}
    if options.part:
        return measure_parts(options, run, have)
    keep(run, "machine", "", "", machine())
    for data_name in options.data:
        for family in options.families:
            for way in options.ways:
                if (way, data_name, family) not in have:
                    answer = measure(way, data_name, family, mode)
                    keep(run, way, data_name, family, answer)
                    print(report.line(way, data_name, family, answer), flush=True)
    print(report.table([record for record in read_records() if record["run"] == run]))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--part", nargs="+", default=[], choices=parts.PARTS, help="see speed_parts.py")
    parser.add_argument("--images", help="60 000 images of 28x28 for the part of that name")
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--data", nargs="+", default=["mnist1d", "digits"], choices=["mnist1d", "digits"])
    parser.add_argument("--families", nargs="+", default=list(job.FAMILIES), choices=job.FAMILIES)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    options = parser.parse_args()
    if options.without_peers:
        options.ways = [way for way in options.ways if way not in PEERS]
    return options


def key_of(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["way"], record["data"], record["family"]


def read_records() -> list[dict[str, Any]]:
    if not RECORDS.exists():
        return []
    return [json.loads(line) for line in RECORDS.read_text().splitlines() if line]


def keep(run: str, way: str, data: str, family: str, answer: dict[str, Any]) -> None:
    RECORDS.parent.mkdir(exist_ok=True)
    record = {"run": run, "way": way, "data": data, "family": family, **answer}
    with RECORDS.open("a") as file:
        file.write(json.dumps(record) + "\n")


def measure(way: str, data_name: str, family: str, mode: str) -> dict[str, Any]:
    """One way through one family's trainings, in a process of its own."""
    data = job.load(data_name)
    everything = mode == "whole" or (way == "bakeoff" and (data_name, family) not in LONG)
    request = {
        "way": way,
        "data": data_name,
        "family": family,
        "trainings": [(data.sizes[-1], 0), (data.sizes[-1], 1)]
        if way == "bakeoff" and not everything
        else job.trainings(family, data, sample=not everything),
        "steps": QUICK_STEPS if mode == "quick" else data.optimiser_steps,
        "threads": os.cpu_count(),
        "workers": os.cpu_count(),
        "warm": 2,
    }
    file = "speed_bakeoff.py" if way == "bakeoff" else "speed_ways.py"
    answer = ask(interpreter(way), file, request)
    return answer | {"trainings": request["trainings"], "steps_asked": request["steps"]}


def ask(python: str, file: str, request: dict[str, Any]) -> dict[str, Any]:
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(HERE)}
    environment |= {"PYTHONWARNINGS": "ignore"}
    environment.pop("OMP_NUM_THREADS", None)
    command = [python, str(HERE / file), json.dumps(request)]
    started = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, env=environment, cwd=HERE
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"took longer than {PATIENCE_SECONDS} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {"failed": (done.stderr.strip().splitlines() or ["no answer"])[-1][:300]}
    return json.loads(lines[-1]) | {"process_seconds": time.monotonic() - started}


def interpreter(way: str) -> str:
    """This Python, or for a peer the one of the peers' environment, made on the first call."""
    if way not in PEERS:
        return sys.executable
    folder = CACHE / "speed-env"
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        ours = [path for path in sys.path if path.endswith("site-packages")]
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "parent.pth").write_text(
            "".join(f"import site; site.addsitedir({path!r})\n" for path in ours)
        )
        subprocess.run(
            [str(python), "-m", "pip", "install", "-q", "skorch", "lightning", "keras", "jax"], check=True
        )
        ready.touch()
    return str(python)


def machine() -> dict[str, Any]:
    """What it runs on, and the most that it multiplies: one product of 2048 x 2048 with all threads, best of 8."""
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    a, b = torch.randn(2, 2048, 2048)
    best = float("inf")
    for _ in range(8):
        started = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - started)
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = {line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")}
    return {
        "peak_gflops": 2 * 2048**3 / best / 1e9,
        "processor": ", ".join(names) or platform.processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.platform(),
    }


def measure_profiles(options: argparse.Namespace, run: str) -> None:
    """Where a step's time goes: torch's operators in the plain loop, the compiled operators in the stack."""
    for data_name in options.data:
        for family in options.families:
            data = job.load(data_name)
            trainings = job.trainings(family, data, sample=False)[::2]
            request = {"way": "profile", "data": data_name, "family": family, "workers": 1, "profile": True}
            request |= {"steps": PROFILE_STEPS, "trainings": trainings, "width": len(trainings)}
            after = ask(sys.executable, "speed_bakeoff.py", request)
            before = ask(sys.executable, "speed_profile.py", request)
            answer = {"after": after.get("profile", after), "before": before.get("profile", before)}
            keep(run, "profile", data_name, family, answer)
            print(data_name, family, answer, flush=True)


def measure_parts(options: argparse.Namespace, run: str, have: set[tuple[str, str, str]]) -> None:
    for part, data, what, function in parts.measurements(options.part, options.images, CACHE):
        if (part, data, what) not in have:
            answer = function()
            keep(run, part, data, what, answer)
            print(part, data, what, answer, flush=True)


def write_page(records: list[dict[str, Any]]) -> None:
    notes = (HERE / "speed_notes.md").read_text()
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(report.page(records, notes))
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
