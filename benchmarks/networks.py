"""Accuracy of the named networks, published figures beside ours. Run by `scripts/bench networks`.

    python benchmarks/networks.py --quick          a few minutes: the small sets, one seed, few epochs (not recorded)
    python benchmarks/networks.py                  everything, some hours on one core; goes on where it stopped
    python benchmarks/networks.py --tasks GunPoint adding --seeds 5
    python benchmarks/networks.py --write          only writes docs/benchmarks/networks.md from the records

Each finished training is one line of `benchmarks/results/networks.jsonl`; one that is there is not run again. The page
docs/benchmarks/networks.md is written anew after each.
"""

import argparse
import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch
from named_networks import data, report, train
from named_networks.train import Recipe
from torch import Tensor

from bakeoff.study.workers.training import set_up_torch

HERE = Path(__file__).parent
RECORDS = HERE / "results" / "networks.jsonl"
PAGE = HERE.parent / "docs" / "benchmarks" / "networks.md"
CACHE = Path(os.environ.get("BAKEOFF_BENCH_CACHE", Path.home() / ".cache" / "bakeoff-bench"))

#: T of the two invented tasks, short and as long as in the paper's table.
LENGTHS = {"adding": 100, "copy": 200, "adding-600": 600, "copy-1000": 1000}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training. `recipe` for classifications, `steps` for the two invented tasks.

    Attributes:
        network: its name, with "/published" where it is trained by the published recipe.
        seconds: about what it takes on one quiet core, where no record tells; the cheap ones are run first.
    """

    task: str
    network: str
    recipe: Recipe | None = None
    steps: int = 0
    seconds: float = 60.0


def _ucr_jobs(task: str, mlp: int, fcn: int, resnet: int, inception: int) -> tuple[Job, ...]:
    epochs = {"mlp_ucr": mlp, "fcn": fcn, "resnet1d": resnet, "inceptiontime": inception}
    return tuple(Job(task=task, network=name, recipe=Recipe(epochs=count)) for name, count in epochs.items())


#: About the seconds of a long invented task on one quiet core.
LONG_SECONDS = {
    "adding-600": {"tcn": 900.0, "lstm": 550.0, "gru": 700.0},
    "copy-1000": {"tcn": 320.0, "lstm": 250.0, "gru": 570.0},
}


#: Epochs are a tenth of the published ones and less, with a learning rate that falls to zero.
JOBS = (
    *_ucr_jobs("ItalyPowerDemand", 500, 200, 150, 100),
    *_ucr_jobs("GunPoint", 500, 200, 150, 100),
    *(Job(task="copy", network=network, steps=2000) for network in ("tcn", "lstm", "gru")),
    *(Job(task="adding", network=network, steps=1500) for network in ("tcn", "lstm", "gru")),
    *(
        Job(task=task, network=network, steps=2500 if task == "adding-600" else 2000, seconds=seconds)
        for task, networks in LONG_SECONDS.items()
        for network, seconds in networks.items()
    ),
    Job(task="MNIST-5k", network="lenet5", recipe=Recipe(epochs=40, batch=64, rate=3e-3, shift=2)),
    *_ucr_jobs("ArrowHead", 500, 200, 150, 100),
    Job(
        task="MNIST-5k",
        network="resnet20_cifar",
        recipe=Recipe(epochs=8, batch=64, rate=1e-2, shift=2),
        seconds=90.0,
    ),
    Job(
        task="Fashion-MNIST",
        network="lenet5",
        recipe=Recipe(epochs=8, batch=128, rate=3e-3),
        seconds=90.0,
    ),
    *_ucr_jobs("OSULeaf", 500, 60, 40, 30),
    # 36 training examples: the published code takes batches of three, 24,000 steps of them.
    Job(
        task="ArrowHead",
        network="fcn/published",
        recipe=Recipe(epochs=2000, batch=3, as_published=True),
        seconds=300.0,
    ),
    Job(
        task="Fashion-MNIST",
        network="resnet20_cifar",
        recipe=Recipe(epochs=3, batch=128, rate=1e-2, flip=True),
        seconds=500.0,
    ),
)
QUICK = ("ItalyPowerDemand", "GunPoint", "copy", "adding")


def main() -> None:
    arguments = _arguments()
    if arguments.write:
        return _write_page()
    set_up_torch()
    for job, seed in _plan(arguments):
        record = run(_shortened(job) if arguments.quick else job, seed)
        print(json.dumps(record), flush=True)
        if not arguments.quick:
            RECORDS.parent.mkdir(exist_ok=True)
            with RECORDS.open("a") as file:
                file.write(json.dumps(record) + "\n")
            _write_page()


def _write_page() -> None:
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(report.page(_records(), LENGTHS))


def run(job: Job, seed: int) -> dict[str, object]:
    """One training's record: what was trained how, and the score (accuracy, or the loss of an invented task)."""
    record: dict[str, object] = {"task": job.task, "network": job.network, "seed": seed}
    if job.recipe is None:
        learn = train.learn_adding if job.task.startswith("adding") else train.learn_copying
        length = LENGTHS[job.task]
        loss, seconds, parameters = learn(job.network, length=length, steps=job.steps, seed=seed)
        record |= {"length": length, "steps": job.steps, "parameters": parameters, "loss": loss}
    else:
        examples = _examples(job.task, seed)
        answers, seconds = train.classify(job.network.partition("/")[0], examples, job.recipe, seed=seed)
        accuracy = float((answers.argmax(dim=1) == examples.test_targets).float().mean())
        _keep_answers(job, seed, answers)
        record |= {**asdict(job.recipe), "accuracy": accuracy}
        record |= {"ensemble_accuracy": _ensemble(job, seed, examples.test_targets)}
    return record | {
        "seconds": round(seconds, 1),
        "date": date.today().isoformat(),
        "torch": torch.__version__,
        "machine": platform.machine(),
    }


def _examples(task: str, seed: int) -> data.Examples:
    if task == "MNIST-5k":
        return data.mnist_5k(seed, CACHE)
    return data.fashion_mnist(CACHE) if task == "Fashion-MNIST" else data.ucr(task, CACHE)


def _keep_answers(job: Job, seed: int, answers: Tensor) -> None:
    """The test examples' log-probabilities, for ensembles."""
    path = _answers(job, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(answers, path)


def _answers(job: Job, seed: int) -> Path:
    network = "" if job.network == "inceptiontime" else f"{job.network.replace('/', '-')}-"
    return CACHE / "answers" / f"{job.task}-{network}{seed}.pt"


def _ensemble(job: Job, seed: int, targets: Tensor) -> float | None:
    """Accuracy of the mean probability of seeds 0..seed, once there are five; on test examples that all share."""
    paths = [_answers(job, one) for one in range(seed + 1)]
    if job.task == "MNIST-5k" or len(paths) < 5 or not all(path.is_file() for path in paths):
        return None
    mean = torch.stack([torch.load(path, weights_only=True).exp() for path in paths]).mean(dim=0)
    return float((mean.argmax(dim=1) == targets).float().mean())


def _shortened(job: Job) -> Job:
    """A twentieth of the steps, a quarter of the epochs: whether it runs, not how good it is."""
    if job.recipe is None:
        return Job(task=job.task, network=job.network, steps=job.steps // 20)
    short = Recipe(**(asdict(job.recipe) | {"epochs": max(job.recipe.epochs // 4, 1)}))
    return Job(task=job.task, network=job.network, recipe=short)


def _plan(arguments: argparse.Namespace) -> list[tuple[Job, int]]:
    """What is left, cheapest first; a later seed waits as if it cost more (the second four times as much)."""
    records = _records()
    done = {(record["task"], record["network"], record["seed"]) for record in records}
    wanted = arguments.tasks or (QUICK if arguments.quick else sorted({job.task for job in JOBS}))
    left = [
        (job, seed)
        for seed in range(1 if arguments.quick else arguments.seeds)
        for job in JOBS
        if job.task in wanted and (not arguments.networks or job.network in arguments.networks)
        if arguments.quick or (job.task, job.network, seed) not in done
    ]
    return sorted(left, key=lambda pair: _expected_seconds(pair[0], records) * (pair[1] + 1) ** 2)


def _expected_seconds(job: Job, records: list[dict[str, Any]]) -> float:
    """The least of what the same training took before, since others may have used the machine; else the job's word."""
    before = [
        record["seconds"]
        for record in records
        if (record["task"], record["network"]) == (job.task, job.network)
    ]
    return float(min(before, default=job.seconds))


def _records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RECORDS.read_text().splitlines()] if RECORDS.is_file() else []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few minutes, nothing recorded")
    parser.add_argument("--tasks", nargs="+", choices=sorted({job.task for job in JOBS}))
    parser.add_argument("--networks", nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write the page from the records")
    return parser.parse_args()


if __name__ == "__main__":
    main()
