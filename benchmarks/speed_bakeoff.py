"""bakeoff's own way through the job: two worker processes of one thread, each with a share of a family's stack.

`python speed_bakeoff.py '{"data": ..., "family": ..., "trainings": ..., "steps": ..., "workers": 2, "profile": false}'`
prints one JSON line: the seconds from the first worker's start on the family to the last one's end (workers that are
already running, as in a comparison), each worker's own, the start-up of a worker apart, accuracies and stack widths.
"""

import json
import os
import sys
import time
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import speed_job as job


def work(pipe: Connection, request: dict[str, Any], share: list[tuple[int, int]]) -> None:
    """One worker: get ready, wait for the word, train, send back what came out."""
    started = time.perf_counter()
    import torch

    from bakeoff.train.kernels import native
    from bakeoff.train.recipe import Recipe, Replica
    from bakeoff.train.stacked.fit_stack import fit_stack

    torch.set_num_threads(1)
    native.keep_memory()
    data = job.load(request["data"])
    stack_data = stacked_data(data)

    def build(seed: int) -> torch.nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return job.network(request["family"], data, own_block=True)

    def recipe(steps: int) -> Recipe:
        return Recipe(
            steps=steps, batch_size=job.BATCH, weight_decay=job.WEIGHT_DECAY, evaluations=1, clip_norm=None
        )

    replicas = [Replica(learning_rate=job.LEARNING_RATE, seed=seed, examples=size) for size, seed in share]
    profile = Profile()
    if request.get("profile"):
        profile.watch(native)
    pipe.send(time.perf_counter() - started)
    pipe.recv()
    began, processor = time.perf_counter(), time.process_time()
    trained = fit_stack(
        build, stack_data, replicas, recipe(request["steps"]), stack_size=request.get("width")
    )
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    accuracies = [
        float((result.test_outputs.argmax(1) == data.test_targets).mean())
        if result.test_outputs is not None
        else float("nan")
        for result in trained
    ]
    pipe.send(
        {
            "seconds": seconds,
            "processor_seconds": processor,
            "accuracies": accuracies,
            "native": native.describe(),
            "profile": profile.shares(seconds),
            "peak_memory_bytes": peak_memory_bytes(),
        }
    )


def stacked_data(data: job.Data) -> Any:
    """The job's data and subsets as bakeoff's trainer takes them."""
    import torch

    from bakeoff.data.dataset import Dataset
    from bakeoff.data.scaling import Scaling
    from bakeoff.data.schema import Classes, Image, Schema, Series
    from bakeoff.data.splits import Splits
    from bakeoff.train.tensors import TrainingData

    shape = data.train.shape[1:]
    kind = (
        Image(channels=shape[0], height=shape[1], width=shape[2])
        if len(shape) == 3
        else Series(channels=shape[0], length=shape[1])
    )
    count, every = len(data.train), len(data.train) + len(data.test)
    test = np.arange(count, every)
    dataset = Dataset(
        name=data.name,
        schema=Schema(input=kind, target=Classes(names=tuple(map(str, range(10))))),
        inputs=np.concatenate([data.train, data.test]),
        targets=np.concatenate([data.train_targets, data.test_targets]),
        splits=Splits(train=np.arange(count), validation=test[:1], test=test),
        scaling=Scaling(mean=np.zeros(shape[0], np.float32), std=np.ones(shape[0], np.float32)),
    )

    class JobData(TrainingData):
        def subset(self, *, seed: int, examples: int) -> torch.Tensor:
            return torch.from_numpy(data.subset(seed, examples))

    return JobData(dataset)


@dataclass
class Profile:
    """Seconds inside the compiled operators, by name."""

    seconds: dict[str, float] = field(default_factory=dict)

    def watch(self, native: Any) -> None:
        plain = native.call

        def timed(name: str, *rest: Any) -> None:
            started = time.perf_counter()
            plain(name, *rest)
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

        native.call = timed

    def shares(self, total: float) -> dict[str, float]:
        return {
            name: spent / total for name, spent in sorted(self.seconds.items(), key=lambda item: -item[1])
        }


def peak_memory_bytes() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    trainings = [tuple(pair) for pair in request["trainings"]]
    workers = min(request["workers"], len(trainings))
    context, pipes, processes = get_context("spawn"), [], []
    for worker in range(workers):
        mine, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, request, trainings[worker::workers]))
        process.start()
        pipes.append(mine)
        processes.append(process)
    ready = [pipe.recv() for pipe in pipes]
    started = time.perf_counter()
    for pipe in pipes:
        pipe.send("go")
    results = [pipe.recv() for pipe in pipes]
    wall = time.perf_counter() - started
    for process in processes:
        process.join()
    accuracies = [0.0] * len(trainings)
    for worker, result in enumerate(results):
        accuracies[worker::workers] = result["accuracies"]
    return {
        "wall_seconds": wall,
        "worker_seconds": [result["seconds"] for result in results],
        "processor_seconds": sum(result["processor_seconds"] for result in results),
        "start_seconds": max(ready),
        "accuracies": accuracies,
        "native": results[0]["native"],
        "profile": results[0]["profile"],
        "peak_memory_bytes": sum(result["peak_memory_bytes"] for result in results),
    }


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))))
