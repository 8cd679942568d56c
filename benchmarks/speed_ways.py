"""One way of training one family, in a process of its own: `python speed_ways.py '{"way": ...}'` prints one JSON line.

Ways: "tutorial" (DataLoader), "tensors" (rows taken from a tensor), "skorch" (inside scikit-learn's learning_curve),
"lightning", "keras" (Keras 3 on JAX). bakeoff's own way is in speed_bakeoff.py.
The request: way, data, family, trainings [[size, seed], ...], steps, threads, warm (steps that are not timed).
The answer: seconds of each training, processor time of them all, steps taken, test accuracies, versions.
"""

import importlib.metadata
import json
import math
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import speed_job as job
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def tensors_of(data: job.Data, size: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rows = data.subset(seed, size)
    return torch.from_numpy(data.train[rows]), torch.from_numpy(data.train_targets[rows])


def accuracy(network: nn.Module, data: job.Data) -> float:
    network.eval()
    with torch.no_grad():
        guesses = network(torch.from_numpy(data.test)).argmax(1).numpy()
    return float((guesses == data.test_targets).mean())


def optimiser_of(network: nn.Module) -> torch.optim.AdamW:
    return torch.optim.AdamW(network.parameters(), lr=job.LEARNING_RATE, weight_decay=job.WEIGHT_DECAY)


def epochs_for(steps: int, size: int) -> int:
    return math.ceil(steps / math.ceil(size / job.BATCH))


def train(network: nn.Module, batches: Iterator[tuple[torch.Tensor, torch.Tensor]], steps: int) -> int:
    """The loop of every tutorial."""
    optimiser, loss_function = optimiser_of(network), nn.CrossEntropyLoss()
    network.train()
    for _ in range(steps):
        x, y = next(batches)
        optimiser.zero_grad()
        loss = loss_function(network(x), y)
        loss.backward()
        optimiser.step()
    return steps


def tutorial(family: str, data: job.Data, size: int, seed: int, steps: int) -> tuple[int, float]:
    loader = DataLoader(TensorDataset(*tensors_of(data, size, seed)), batch_size=job.BATCH, shuffle=True)

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            yield from loader

    network = job.network(family, data)
    return train(network, batches(), steps), accuracy(network, data)


def tensors(family: str, data: job.Data, size: int, seed: int, steps: int) -> tuple[int, float]:
    x, y = tensors_of(data, size, seed)

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            for rows in torch.randperm(size).split(job.BATCH):
                yield x[rows], y[rows]

    network = job.network(family, data)
    return train(network, batches(), steps), accuracy(network, data)


def skorch(family: str, data: job.Data, size: int, seed: int, steps: int) -> tuple[int, float]:
    """`learning_curve` with one size: it fits once and scores the test part."""
    from sklearn.model_selection import PredefinedSplit, learning_curve
    from skorch import NeuralNetClassifier

    epochs = epochs_for(steps, size)
    net = NeuralNetClassifier(
        job.network(family, data),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        lr=job.LEARNING_RATE,
        optimizer__weight_decay=job.WEIGHT_DECAY,
        batch_size=job.BATCH,
        max_epochs=epochs,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks__epoch_timer=None,
        verbose=0,
    )
    rows = data.subset(seed, size)
    x = np.concatenate([data.train[rows], data.test])
    y = np.concatenate([data.train_targets[rows], data.test_targets])
    split = PredefinedSplit(np.repeat([-1, 0], [size, len(data.test)]))
    _, _, scores = learning_curve(
        net, x, y, train_sizes=[size], cv=split, scoring="accuracy", error_score="raise"
    )
    return epochs * math.ceil(size / job.BATCH), float(scores[0, 0])


def lightning(family: str, data: job.Data, size: int, seed: int, steps: int) -> tuple[int, float]:
    import logging
    import warnings

    import lightning.pytorch as pl

    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Classifier(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network, self.loss_function = job.network(family, data), nn.CrossEntropyLoss()

        def training_step(self, batch, index):
            return self.loss_function(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.AdamW:
            return optimiser_of(self.network)

    loader = DataLoader(TensorDataset(*tensors_of(data, size, seed)), batch_size=job.BATCH, shuffle=True)
    trainer = pl.Trainer(
        max_steps=steps,
        max_epochs=-1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    model = Classifier()
    trainer.fit(model, loader)
    return trainer.global_step, accuracy(model.network, data)


def keras(family: str, data: job.Data, size: int, seed: int, steps: int) -> tuple[int, float]:
    import keras as k
    import speed_keras

    k.utils.set_random_seed(seed)
    model = speed_keras.network(family, data)
    model.compile(
        optimizer=k.optimizers.AdamW(job.LEARNING_RATE, weight_decay=job.WEIGHT_DECAY),
        loss=k.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    rows, epochs = data.subset(seed, size), epochs_for(steps, size)
    x, y = np.moveaxis(data.train[rows], 1, -1), data.train_targets[rows]
    model.fit(x, y, batch_size=job.BATCH, epochs=epochs, shuffle=True, verbose=0)
    guesses = model.predict(np.moveaxis(data.test, 1, -1), batch_size=len(data.test), verbose=0).argmax(1)
    return epochs * math.ceil(size / job.BATCH), float((guesses == data.test_targets).mean())


WAYS: dict[str, Callable[[str, job.Data, int, int, int], tuple[int, float]]] = {
    "tutorial": tutorial,
    "tensors": tensors,
    "skorch": skorch,
    "lightning": lightning,
    "keras": keras,
}
PACKAGES = {"skorch": ("skorch",), "lightning": ("lightning",), "keras": ("keras", "jax")}


def answer(request: dict) -> dict:
    torch.set_num_threads(request["threads"])
    data, way = job.load(request["data"]), WAYS[request["way"]]
    family, steps = request["family"], request["steps"]
    if request["warm"]:
        way(family, data, data.sizes[0], 0, request["warm"])
    seconds, taken, accuracies = [], [], []
    processor = time.process_time()
    for size, seed in request["trainings"]:
        torch.manual_seed(seed)
        started = time.perf_counter()
        count, reached = way(family, data, size, seed, steps)
        seconds.append(time.perf_counter() - started)
        taken.append(count)
        accuracies.append(reached)
    processor = time.process_time() - processor
    versions = {
        name: importlib.metadata.version(name) for name in ("torch", *PACKAGES.get(request["way"], ()))
    }
    return {
        "seconds": seconds,
        "processor_seconds": processor,
        "steps": taken,
        "accuracies": accuracies,
        "versions": versions,
    }


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))))
