"""Counters of arithmetic side by side: ours, and what people use today. `scripts/bench cost`

Eighteen small cases are held against hand counts, and ResNet-152 is timed. The peers are installed into an environment
of their own, beside the PyTorch and the bakeoff of this interpreter. Results go into `docs/benchmarks/cost.md`.
"""

import argparse
import datetime
import json
import os
import platform
import site
import statistics
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cost_cases import CASES

HERE = Path(__file__).resolve().parent
#: A figure is right where it lies so near to the hand count: tools differ in whether a bias counts.
TOLERANCE = 0.05
RESNET152_MACS = 11_513_626_624
PEERS = (
    "torchinfo",
    "fvcore",
    "ptflops",
    "thop",
    "calflops",
    "transformers<5",
    "accelerate",
    "setuptools<81",
)
#: These ask for torchvision, which they do not need here.
PEERS_ALONE = ("torchprofile",)
TOOLS = ("bakeoff", "flop_counter_mode", "torchinfo", "fvcore", "ptflops", "thop", "torchprofile", "calflops")


def environment(folder: Path) -> Path:
    """The Python of an environment with the peers, made where there is none; our own packages are seen from it."""
    python = folder / "bin" / "python"
    done = folder / "peers-installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        ours = site.getsitepackages()[0]
        (packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*install, *PEERS], check=True)
        subprocess.run([*install, "--no-deps", *PEERS_ALONE], check=True)
        done.touch()
    return python


def run(python: Path, tool: str) -> dict[str, Any]:
    """What one tool says, in a process of its own."""
    ran = subprocess.run(
        [str(python), str(HERE / "cost_peer.py"), tool], capture_output=True, text=True, timeout=1800, cwd=HERE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if ran.returncode != 0:
        raise RuntimeError(f"{tool} failed:\n{ran.stderr[-2000:]}")
    return dict(json.loads(ran.stdout.strip().splitlines()[-1]))


def is_right(figures: list[float] | str, truth: int) -> bool:
    """Whether a figure that the tool gives is right; one that failed gave none."""
    return not isinstance(figures, str) and any(
        abs(figure - truth) <= TOLERANCE * truth for figure in figures
    )


def report(results: dict[str, dict[str, Any]]) -> str:
    """The tables, as Markdown."""
    lines = [
        "| tool | right of 18 | ResNet-152 | first, CPU s | median of 3, CPU s | its memory, MB |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for tool, result in results.items():
        right = sum(is_right(result["cases"][case.name], case.macs) for case in CASES)
        resnet = (
            "right" if is_right(result["resnet152"], RESNET152_MACS) else f"wrong ({result['resnet152']})"
        )
        seconds = result["seconds"]
        lines.append(
            f"| {tool} | {right} | {resnet} | {seconds[0]:.2f} | {statistics.median(seconds):.2f} "
            f"| {result['peak_megabytes']:.0f} |"
        )
    lines += [
        "",
        "| case | hand count | " + " | ".join(results) + " |",
        "|---|---:|" + "---:|" * len(results),
    ]
    for case in CASES:
        cells = [_ratio(result["cases"][case.name], case.macs) for result in results.values()]
        lines.append(f"| {case.name} | {case.macs:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _ratio(figures: list[float] | str, truth: int) -> str:
    """The figure over the truth: 1 is right, 0 is nothing counted."""
    if isinstance(figures, str):
        return "error"
    return "1" if is_right(figures, truth) else f"**{figures[0] / truth:.3g}**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", type=Path, default=Path.home() / ".cache" / "bakeoff" / "cost-peers")
    parser.add_argument("--tools", nargs="*", default=list(TOOLS), choices=TOOLS)
    arguments = parser.parse_args()
    python = environment(arguments.environment)
    results = {}
    for tool in arguments.tools:
        results[tool] = run(python, tool)
        print(f"{tool}: {results[tool]['seconds']}", file=sys.stderr)
    processor = platform.processor() or platform.machine()
    print(
        f"{datetime.date.today()}, {processor}, 1 thread, Python {platform.python_version()}, torch {version('torch')}"
    )
    print(report(results))


if __name__ == "__main__":
    sys.exit(main())
