"""The tables of the speed benchmark: from records to text."""

from collections.abc import Iterable
from statistics import mean, stdev
from typing import Any

import speed_job as job

Record = dict[str, Any]
NAMES = {
    "tutorial": "tutorial loop",
    "tensors": "tensors",
    "skorch": "skorch",
    "lightning": "Lightning",
    "keras": "Keras on JAX",
    "bakeoff": "bakeoff",
}
#: Times faster than the tutorial loop that are wanted: the one-dimensional CNN is MNIST-1D's, the other is digits'.
WANTED = {"linear": 25, "mlp": 12, ("cnn", "mnist1d"): 8, ("cnn", "digits"): 4, "gru": 4, "transformer": 2.5}


def milliseconds(record: Record) -> float | None:
    """A step of one network with the whole machine: wall time over steps and networks."""
    if "failed" in record:
        return None
    if record["way"] == "bakeoff":
        return 1e3 * record["wall_seconds"] / (record["steps_asked"] * len(record["trainings"]))
    return 1e3 * sum(record["seconds"]) / sum(record["steps"])


def line(way: str, data: str, family: str, answer: Record) -> str:
    took = milliseconds({"way": way, **answer})
    figure = answer.get("failed") if took is None else f"{took:.3f} ms a step and network"
    return f"{data:8s} {family:12s} {NAMES[way]:14s} {figure}"


def wanted(family: str, data: str) -> float:
    return WANTED.get(family) or WANTED[family, data]


def table(records: Iterable[Record]) -> str:
    """Milliseconds a step and network, a row a family, and what follows from them."""
    by_key = {(r["way"], r["data"], r["family"]): r for r in records if r["way"] in NAMES}
    peaks = [r["peak_gflops"] for r in records if r["way"] == "machine"]
    ways = [way for way in NAMES if any(key[0] == way for key in by_key)]
    lines = [
        f"| data | network | {' | '.join(NAMES[way] for way in ways)} "
        "| times the tutorial loop | wanted | of the peak |",
        "|---" * (len(ways) + 5) + "|",
    ]
    for data, family in dict.fromkeys(key[1:] for key in by_key):
        took = {way: milliseconds(by_key[way, data, family]) for way in ways if (way, data, family) in by_key}
        ours, loop = took.get("bakeoff"), took.get("tutorial")
        ratio = f"**{loop / ours:.1f}**" if ours and loop else "-"
        share = "-"
        if ours and peaks:
            gflops = job.flops_per_step(family, job.load(data)) / ours / 1e6
            share = f"{100 * gflops / max(peaks):.0f} %"
        figures = " | ".join(f"{took[way]:.3f}" if took.get(way) else "-" for way in ways)
        lines.append(f"| {data} | {family} | {figures} | {ratio} | {wanted(family, data):g} | {share} |")
    return "\n".join(lines)


def totals(records: list[Record]) -> str:
    """The whole job of 75 trainings: sum over families of 15 trainings at the measured mean."""
    lines = ["| way | MNIST-1D, s | digits, s |", "|---|---|---|"]
    for way, name in NAMES.items():
        cells = []
        for data in ("mnist1d", "digits"):
            parts = [r for r in records if r["way"] == way and r["data"] == data and "failed" not in r]
            if len(parts) < len(job.FAMILIES):
                cells.append("-")
                continue
            steps = job.load(data).optimiser_steps
            cells.append(f"{sum(15 * steps * (milliseconds(r) or 0) / 1e3 for r in parts):.0f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def accuracies(records: list[Record]) -> str:
    """Test accuracy at the largest size: bakeoff's mean and spread over three seeds, the others' seed 0."""
    lines = [
        "| data | network | bakeoff, mean ± sd of 3 seeds | bakeoff, seed 0 | others, seed 0 |",
        "|---|---|---|---|---|",
    ]
    by_key = {
        (r["way"], r["data"], r["family"]): r for r in records if r["way"] in NAMES and "failed" not in r
    }
    for data, family in dict.fromkeys(key[1:] for key in by_key):
        largest = job.load(data).sizes[-1]
        found = {
            way: [a for (n, _), a in zip(r["trainings"], r["accuracies"], strict=True) if n == largest]
            for way in NAMES
            if (r := by_key.get((way, data, family)))
        }
        ours = found.pop("bakeoff", [])
        if len(ours) < 2:
            continue
        others = ", ".join(f"{NAMES[way]} {values[0]:.3f}" for way, values in found.items() if values)
        lines.append(
            f"| {data} | {family} | {mean(ours):.3f} ± {stdev(ours):.3f} | {ours[0]:.3f} | {others or '-'} |"
        )
    return "\n".join(lines)


def profiles(records: list[Record]) -> str:
    """Shares of a step, before (torch's operators in the plain loop) and after (compiled operators in the stack)."""
    lines = [
        "| data | network | before: plain loop, one thread | after: stack, one thread |",
        "|---|---|---|---|",
    ]
    newest = {(r["data"], r["family"]): r for r in records if r["way"] == "profile"}
    for (data, family), record in newest.items():
        after = dict(record["after"])
        after["everything else (Python, torch)"] = max(0.0, 1 - sum(after.values()))
        cells = (
            ", ".join(f"{name} {100 * part:.0f} %" for name, part in shares.items() if part >= 0.03)
            for shares in (record["before"], after)
        )
        lines.append(f"| {data} | {family} | {' | '.join(cells)} |")
    return "\n".join(lines)


def page(records: list[Record], notes: str) -> str:
    """The whole page from the newest run that is not a quick one (or the newest quick one, and it says so)."""
    runs = list(dict.fromkeys(r["run"] for r in records if r["way"] in NAMES))
    real = [run for run in runs if not run.startswith("quick")]
    run = (real or runs)[-1]
    chosen = [r for r in records if r["run"] == run]
    hardware = [r for r in chosen if r["way"] == "machine"][-1]
    ours = [r for r in chosen if r["way"] == "bakeoff" and "failed" not in r]
    failed = [
        f"{NAMES[r['way']]} on {r['data']} {r['family']}: {r['failed']}" for r in chosen if "failed" in r
    ]
    memory = max((r["peak_memory_bytes"] for r in ours), default=0) / 2**20
    return "\n".join(
        [
            "# Speed: many small trainings",
            "",
            "Written by `scripts/bench speed --write`; the job is described in `benchmarks/speed_job.py`.",
            f"Run: {run}. {hardware['processor']}, {hardware['cores']} cores, Python {hardware['python']}, "
            f"torch {hardware['torch']}; measured peak {hardware['peak_gflops']:.0f} GFLOP/s with all threads.",
            f"bakeoff's operators: {ours[0]['native'] if ours else '-'}.",
            "",
            "Milliseconds of one optimiser step of one network, the whole machine used each way: the others with all "
            "threads, bakeoff with one process of one thread a core that share a family's 15 trainings (wall time, "
            "the choice of the stack's width included, the start of the processes not). "
            "The others are sampled (seed 0, smallest and largest size); Keras' compiling is part of its time.",
            "",
            table(chosen),
            *(["", "Failed: " + "; ".join(failed) + "."] if failed else []),
            "",
            "The share of the peak counts a multiply-add as 2 and the backward pass as twice the forward pass.",
            "",
            "## The whole job of 75 trainings",
            "",
            totals(chosen),
            "",
            f"The largest memory of both workers together was {memory:.0f} MB.",
            "",
            "## Accuracy",
            "",
            accuracies(chosen),
            "",
            "## Where the time goes",
            "",
            profiles(records),
            "",
            notes,
        ]
    )
