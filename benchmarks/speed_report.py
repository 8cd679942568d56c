"""The tables of the speed benchmark: from records to text."""

from collections.abc import Callable, Iterable
from statistics import mean, stdev
from typing import Any

import speed_job as job
import speed_stops

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


def processor_milliseconds(record: Record) -> float | None:
    """The same in processor time of all threads: it says little of waiting, and less of what else the machine does."""
    if "failed" in record or "processor_seconds" not in record:
        return None
    steps = (
        record["steps_asked"] * len(record["trainings"])
        if record["way"] == "bakeoff"
        else sum(record["steps"])
    )
    return 1e3 * record["processor_seconds"] / steps


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


def processor_table(records: Iterable[Record]) -> str:
    """Processor time a step and network of the tutorial loop, the best peer and bakeoff."""
    lines = [
        "| data | network | tutorial loop | best of the others | bakeoff | times the tutorial loop | times the best |",
        "|---|---|---|---|---|---|---|",
    ]
    found = {
        (r["data"], r["family"], r["way"]): took
        for r in records
        if r["way"] in NAMES and (took := processor_milliseconds(r)) is not None
    }
    for data, family in dict.fromkeys(key[:2] for key in found):
        ours, loop = (found.get((data, family, way)) for way in ("bakeoff", "tutorial"))
        others = {
            NAMES[key[2]]: took
            for key, took in found.items()
            if key[:2] == (data, family) and key[2] != "bakeoff"
        }
        if ours is None or loop is None:
            continue
        name, best = min(others.items(), key=lambda item: item[1])
        lines.append(
            f"| {data} | {family} | {loop:.3f} | {best:.3f} ({name}) | {ours:.3f} "
            f"| {loop / ours:.1f} | {best / ours:.1f} |"
        )
    return "\n".join(lines)


def starts(records: list[Record]) -> str:
    """Start-up of `bakeoff compare digits`."""
    rows = [r for r in records if r["way"] == "start" and "handed_out_seconds" in r]
    lines = [
        "| first training handed to a worker, s | processor time until then, s | load |",
        "|---|---|---|",
    ]
    lines += [
        f"| {r['handed_out_seconds']:.1f} | {r['handed_out_processor_seconds']:.1f} | {r['load']:.1f} |"
        for r in rows
    ]
    return "\n".join(lines) if rows else "Not measured in this run."


def verdicts(records: list[Record], job_records: list[Record]) -> str:
    """`compare` in a tenth of the tutorial loop's time for the whole job, beside the job's accuracies."""
    rows = [r for r in records if r["way"] == "verdict"]
    if not rows:
        return "Not measured in this run."
    lines = [
        "| data | seed | budget, s | took, s | leader | winner | score | best of the job | memory, MB | load |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        if "failed" in r:
            lines.append(f"| {r['data']} | {r['family']} | failed: {r['failed']} |" + " - |" * 7)
            continue
        score = r["scores"].get(r["leader"])
        lines.append(
            f"| {r['data']} | {r['family']} | {r['budget_seconds']:.0f} | {r['seconds']:.0f} | {r['leader']} "
            f"| {r['winner'] or '-'} | {'-' if score is None else f'{score:.3f}'} "
            f"| {best_of_job(job_records, r['data'])} "
            f"| {r['peak_memory_bytes'] / 2**20:.0f} | {r['load']:.1f} |"
        )
    return "\n".join(lines)


def best_of_job(records: list[Record], data: str) -> str:
    """The family of the exhaustive job with the best mean accuracy at full size."""
    largest, found = job.load(data).sizes[-1], {}
    for r in records:
        if r["way"] == "bakeoff" and r["data"] == data and "failed" not in r:
            accuracies = zip(r["trainings"], r["accuracies"], strict=True)
            found[r["family"]] = mean(a for (size, _), a in accuracies if size == largest)
    if not found:
        return "-"
    best = max(found, key=lambda family: found[family])
    return f"{best} {found[best]:.3f}"


def growth(records: list[Record]) -> str:
    """Seconds and memory against rows and against entrants."""
    rows = [r for r in records if r["way"] == "rows" and "failed" not in r]
    many = [r for r in records if r["way"] == "entrants" and "failed" not in r]
    if not rows and not many:
        return "Not measured in this run."
    lines = [
        "| rows of a table | reading, s | an epoch of 4 MLPs, s of processor time | memory, MB |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {int(r['family']):,} | {r['read_seconds']:.1f} | {r['epoch_processor_seconds']:.2f} "
        f"| {r['peak_memory_bytes'] / 2**20:.0f} |"
        for r in rows
    ]
    lines += ["", "| networks in a comparison | seconds | memory, MB |", "|---|---|---|"]
    lines += [f"| {r['family']} | {r['seconds']:.1f} | {r['peak_memory_bytes'] / 2**20:.0f} |" for r in many]
    for r in records:
        if r["way"] == "images" and "failed" not in r:
            memory = r["peak_memory_bytes"] / 2**20
            lines += [
                "",
                f"A comparison on 60,000 images of 28x28, `--budget {r['family']}`: {memory:,.0f} MB at most.",
            ]
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
            ", ".join(f"{name} {100 * part:.0f} %" for name, part in allocation.items() if part >= 0.03)
            for allocation in (record["before"], after)
        )
        lines.append(f"| {data} | {family} | {' | '.join(cells)} |")
    return "\n".join(lines)


def loads(records: list[Record]) -> str:
    return ", ".join(f"{r['load']:.1f}" for r in records if r["way"] == "machine")


def part(records: list[Record], written: Callable[[list[Record]], str], *ways: str) -> list[str]:
    """A part beside the job, from the newest run that measured it, which it names."""
    runs = [r["run"] for r in records if r["way"] in ways and not r["run"].startswith("quick")]
    if not runs:
        return [written([])]
    rows = [r for r in records if r["way"] in ways and r["run"] == runs[-1]]
    return [written(rows), "", f"Measured on {runs[-1].split()[-1]}."]


def page(records: list[Record], notes: str) -> str:
    """The whole page from the newest run that is not a quick one (or the newest quick one, and it says so)."""
    runs = list(dict.fromkeys(r["run"] for r in records if r["way"] in NAMES))
    real = [run for run in runs if not run.startswith("quick")]
    run = (real or runs)[-1]
    chosen = [r for r in records if r["run"] == run]
    hardware = max((r for r in chosen if r["way"] == "machine"), key=lambda r: r["peak_gflops"])
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
            "The others are sampled (seed 0, smallest and largest size), and so is bakeoff's Transformer on MNIST-1D "
            "(one network a worker); Keras' compiling is part of its time.",
            "",
            table(chosen),
            *(["", "Failed: " + "; ".join(failed) + "."] if failed else []),
            "",
            "The share of the peak counts a multiply-add as 2 and the backward pass as twice the forward pass.",
            "",
            f"Load of the machine (waiting processes, two cores) when the pieces began: {loads(chosen)}. Where it is "
            "above 2 others were computing too, and a wall-clock time is too long; a loop of two threads, which wait "
            "for each other, suffers more from that than workers of one thread. The processor time suffers less:",
            "",
            processor_table(chosen),
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
            "## Start-up: `bakeoff compare digits`",
            "",
            *part(records, starts, "start"),
            "",
            "## Time to the verdict: `bakeoff compare` in a tenth of the tutorial loop's time for the job",
            "",
            "The budget is a tenth of 925 s (MNIST-1D) and 124 s (digits), the tutorial loop's time for the job on two "
            "quiet cores. The comparison has its own splits, networks and number of steps.",
            "",
            *part(records, lambda rows: verdicts(rows, chosen), "verdict"),
            "",
            "## Growth",
            "",
            *part(records, growth, "rows", "entrants", "images"),
            "",
            "## Savings and the verdict",
            "",
            "The same comparisons without a clock, once with every learning rate trained to its last step, once with "
            "what saves steps: two of the four rates leave on the way, and a training stops when its answers have "
            "settled or nothing better came for long. Both are replayed on the very same trainings, recorded to their "
            "last step (`benchmarks/speed_stops.py`), three seeds a network, and once more from three other starts.",
            "",
            *part(records, speed_stops.table, "stops"),
            "",
            "## Where the time goes",
            "",
            profiles(records),
            "",
            notes,
        ]
    )
