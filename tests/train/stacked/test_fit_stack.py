"""What `fit_stack` promises besides equality: who leaves, when, and that the others do not notice."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load
from bakeoff.errors import BakeoffWarning, OptionError
from bakeoff.models import build as build_network
from bakeoff.train.recipe import Recipe, Replica
from bakeoff.train.replicas import module as network_file
from bakeoff.train.result import TrainingResult
from bakeoff.train.stacked.fit_stack import fit_stack
from bakeoff.train.tensors import TrainingData
from examples import made_up
from train.plain_training import outputs_of, train_alone


def of(name: str, dataset: Dataset) -> Callable[[int], nn.Module]:
    return lambda seed: build_network(name, dataset.schema, seed=seed)


def replicas(*rates: float, tuning_group: str | None = None, seed: int = 0) -> list[Replica]:
    return [Replica(learning_rate=rate, seed=seed, examples=80, tuning_group=tuning_group) for rate in rates]


def same(one: TrainingResult, other: TrainingResult) -> None:
    assert one.state == other.state
    assert one.history == other.history
    np.testing.assert_array_equal(one.test_outputs, other.test_outputs)
    for name, tensor in one.weights.items():
        assert torch.equal(tensor, other.weights[name]), name


def close(one: TrainingResult, other: TrainingResult, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(
        [loss for _, loss in one.history], [loss for _, loss in other.history], atol=tolerance
    )
    for name, tensor in one.weights.items():
        torch.testing.assert_close(tensor, other.weights[name], atol=tolerance, rtol=0)


def test_two_calls_give_the_same_bits_and_another_seed_does_not() -> None:
    dataset = made_up("series")
    data, recipe = TrainingData(dataset), Recipe(steps=30, batch_size=16, evaluations=3)
    first, second = (
        fit_stack(of("gru", dataset), data, replicas(1e-3, 3e-3), recipe, stack_size=2) for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        same(one, other)
    (third,) = fit_stack(of("gru", dataset), data, replicas(1e-3, seed=1), recipe, stack_size=1)
    assert not np.allclose(third.test_outputs, first[0].test_outputs)


def test_the_reproducible_width_gives_the_same_bits_twice() -> None:
    dataset = made_up("image")
    recipe = Recipe(steps=10, batch_size=16, evaluations=2)
    runs = [
        fit_stack(
            of("cnn", dataset), TrainingData(dataset), replicas(1e-3, 3e-3, 1e-2), recipe, reproducible=True
        )
        for _ in range(2)
    ]
    for one, other in zip(*runs, strict=True):
        same(one, other)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_width_of_the_stacks_changes_nothing_but_rounding(width: int) -> None:
    dataset = made_up("table")
    data, recipe = TrainingData(dataset, dtype=torch.float64), Recipe(steps=40, batch_size=32, evaluations=4)
    wanted = fit_stack(of("mlp", dataset), data, replicas(1e-3, 2e-3, 3e-4, 1e-4, 5e-4), recipe, stack_size=3)
    found = fit_stack(
        of("mlp", dataset), data, replicas(1e-3, 2e-3, 3e-4, 1e-4, 5e-4), recipe, stack_size=width
    )
    for one, other in zip(found, wanted, strict=True):
        assert one.replica == other.replica
        close(one, other)


def test_a_replica_that_diverges_leaves_and_the_others_do_not_notice() -> None:
    dataset = made_up("table")
    data = TrainingData(dataset, dtype=torch.float64)
    recipe = Recipe(steps=100, batch_size=32, evaluations=4, clip_norm=None, weight_decay=1.0)
    good = replicas(1e-3, 3e-4)
    together = fit_stack(of("mlp", dataset), data, [good[0], *replicas(1e12), good[1]], recipe, stack_size=3)
    apart = fit_stack(of("mlp", dataset), data, good, recipe, stack_size=2)
    assert together[1].state == "diverged"
    assert "finite" in str(together[1].reason)
    assert together[1].steps_done < recipe.steps
    assert [trained.state for trained in apart] == ["finished", "finished"]
    close(together[0], apart[0])
    close(together[2], apart[1])


def test_a_replica_that_stops_improving_leaves_early_and_the_others_do_not_notice() -> None:
    dataset = made_up("table")
    data = TrainingData(dataset, dtype=torch.float64)
    recipe = Recipe(steps=200, batch_size=32, evaluations=20, patience=2)
    together = fit_stack(of("mlp", dataset), data, replicas(1e-5, 0.05), recipe, stack_size=2)
    apart = fit_stack(of("mlp", dataset), data, replicas(1e-5), recipe, stack_size=1)
    assert [trained.state for trained in together] == ["finished", "early"]
    losses = dict(together[1].history)
    assert together[1].validation_loss == min(losses.values()) == losses[together[1].best_step]
    assert together[1].steps_done == together[1].best_step + 2 * 10
    close(together[0], apart[0])


def test_a_replica_whose_answers_no_longer_change_leaves_early() -> None:
    dataset = made_up("table")
    data = TrainingData(dataset, dtype=torch.float64)
    recipe = {"steps": 400, "batch_size": 32, "evaluations": 40}
    given = replicas(1e-5, 0.05)
    whole = fit_stack(of("mlp", dataset), data, given, Recipe(**recipe), stack_size=2)
    short = fit_stack(of("mlp", dataset), data, given, Recipe(**recipe, settled=3), stack_size=2)
    assert [trained.state for trained in whole] == ["finished", "finished"]
    assert short[1].state == "early"
    assert short[1].reason.text("en") == "3 evaluations changed no answer on validation."
    assert short[1].steps_done == len(short[1].history) * 10 < 400
    at_the_end = whole[1].history[len(short[1].history) - 1]
    assert short[1].history[-1] == at_the_end, "it takes the same steps as long as it takes any"


def test_the_best_checkpoint_is_the_network_of_that_step() -> None:
    dataset = made_up("table")
    data = TrainingData(dataset, dtype=torch.float64)
    recipe = Recipe(steps=120, batch_size=32, evaluations=12)
    (trained,) = fit_stack(of("mlp", dataset), data, replicas(0.03), recipe, stack_size=1)
    assert 0 < trained.best_step < 120
    shorter = Recipe(steps=trained.best_step, batch_size=32, evaluations=1)
    alone = train_alone(of("mlp", dataset), dataset, trained.replica, shorter, torch.float64)
    with torch.no_grad():
        wanted = outputs_of(alone, dataset, dataset.splits.test, torch.float64).log_softmax(1)
    np.testing.assert_allclose(trained.test_outputs, wanted, atol=1e-5)


def test_the_cosine_schedule_and_clipping_are_those_of_the_plain_loop() -> None:
    dataset = made_up("table", numbers=True)
    data = TrainingData(dataset, dtype=torch.float64)
    recipe = Recipe(steps=60, batch_size=32, evaluations=1, schedule="cosine", clip_norm=0.05)
    for trained in fit_stack(of("mlp", dataset), data, replicas(1e-3, 3e-3), recipe, stack_size=2):
        alone = train_alone(of("mlp", dataset), dataset, trained.replica, recipe, torch.float64)
        for name, tensor in alone.state_dict().items():
            torch.testing.assert_close(trained.weights[name], tensor, atol=1e-12, rtol=0)
    assert recipe.rate(0) < recipe.rate(2) == 1.0 > recipe.rate(40) > recipe.rate(59) > 0


def test_the_worst_of_the_learning_rates_leave_one_by_one_in_each_contest() -> None:
    dataset = made_up("table")
    rates = (1e-7, 1e-6, 1e-3, 3e-3)
    recipe = Recipe(steps=100, batch_size=32, evaluations=2, rejections=(0.2, 0.4))
    entered = replicas(*rates, tuning_group="a") + replicas(*rates, tuning_group="b", seed=1) + replicas(1e-7)
    for width in (9, 3):  # a contest wider than a stack runs in several, side by side
        results = fit_stack(of("mlp", dataset), TrainingData(dataset), entered, recipe, stack_size=width)
        steps = [trained.steps_done for trained in results]
        assert steps[0:4] == steps[4:8] == [20, 40, 100, 100]
        assert results[8].state == "finished"
        assert {trained.state for trained in results[:2]} == {"outpaced"}
        assert results[0].test_outputs is not None


def test_who_is_out_of_time_comes_back_stopped(clock: Any) -> None:
    dataset = made_up("table")
    recipe = Recipe(steps=10**4, batch_size=32, evaluations=10**4)
    clock.each_look_seconds = 0.01
    results = fit_stack(
        of("mlp", dataset),
        TrainingData(dataset),
        replicas(1e-3, 1e-4),
        recipe,
        stack_size=1,
        deadline=clock.now + 1.0,
    )
    assert [trained.state for trained in results] == ["stopped", "stopped"]
    assert 1 <= results[0].steps_done < 100, "each step looks at the clock"
    assert results[0].test_outputs is not None
    assert (results[1].steps_done, results[1].best_step, results[1].test_outputs) == (0, 0, None)
    assert results[1].validation_loss == float("inf")
    assert results[1].weights == {}


def test_progress_counts_every_step_of_every_replica() -> None:
    dataset = made_up("table")
    reported: list[tuple[int, int, int]] = []
    recipe = Recipe(steps=10, batch_size=32, evaluations=2)
    fit_stack(
        of("linear", dataset),
        TrainingData(dataset),
        replicas(1e-3, 1e-4, 1e-5),
        recipe,
        stack_size=2,
        progress=lambda *now: reported.append(now),
    )
    assert reported == [(10, 30, 2), (20, 30, 2), (25, 30, 1), (30, 30, 1)]


class Normed(nn.Module):
    """Batch normalisation and dropout between two layers."""

    def __init__(self, seed: int, chance: float = 0.0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first, self.last = nn.Linear(6, 12, bias=False), nn.Linear(12, 3)
        self.norm, self.drop = nn.BatchNorm1d(12), nn.Dropout(chance)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.drop(self.norm(self.first(x)).relu()))


def test_batch_normalisation_keeps_each_replicas_own_statistics() -> None:
    dataset = made_up("table")
    data, recipe = TrainingData(dataset, dtype=torch.float64), Recipe(steps=40, batch_size=32, evaluations=1)
    sizes = [
        Replica(learning_rate=1e-3, seed=seed, examples=size) for seed, size in ((0, 80), (1, 41), (2, 80))
    ]
    for trained in fit_stack(Normed, data, sizes, recipe, stack_size=3):
        alone = train_alone(Normed, dataset, trained.replica, recipe, torch.float64)
        for name, tensor in alone.state_dict().items():
            torch.testing.assert_close(trained.weights[name], tensor, atol=1e-12, rtol=0)
    assert float(alone.norm.running_mean.abs().max()) > 0.01


def test_dropout_is_different_in_every_replica_and_the_same_whoever_is_in_the_stack() -> None:
    dataset = made_up("table")
    data, recipe = TrainingData(dataset, dtype=torch.float64), Recipe(steps=20, batch_size=32, evaluations=1)
    dropped, plain = partial(Normed, chance=0.5), Normed
    one, two = replicas(1e-3), replicas(1e-3, seed=1)
    together = fit_stack(dropped, data, one + two, recipe, stack_size=2)
    close(together[0], fit_stack(dropped, data, one, recipe, stack_size=1)[0])
    close(together[1], fit_stack(dropped, data, two, recipe, stack_size=1)[0])
    without = fit_stack(plain, data, one, recipe, stack_size=1)[0]
    assert abs(without.validation_loss - together[0].validation_loss) > 1e-3


class Stubborn(nn.Module):
    """Looks at a value, which no vectorised evaluation can do."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first, self.last = nn.Linear(6, 12), nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        return self.last(hidden.relu() if hidden.mean().item() > -5 else hidden)


def test_a_module_that_cannot_be_stacked_is_trained_in_a_loop_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network_file, "_WARNED", set())
    dataset = made_up("table")
    data, recipe = TrainingData(dataset, dtype=torch.float64), Recipe(steps=30, batch_size=32, evaluations=1)
    entered = [*replicas(1e-3), Replica(learning_rate=1e-3, seed=1, examples=41)]
    with pytest.warns(BakeoffWarning, match="'Stubborn' cannot be trained as a stack"):
        results = fit_stack(Stubborn, data, entered, recipe, stack_size=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_stack(Stubborn, data, entered, recipe, stack_size=2)
    for trained in results:
        alone = train_alone(Stubborn, dataset, trained.replica, recipe, torch.float64)
        for name, tensor in alone.state_dict().items():
            torch.testing.assert_close(trained.weights[name], tensor, atol=1e-12, rtol=0)


class Odd(nn.Module):
    """Parameters of its own beside ruled modules, tied weights, and a convolution inside: vectorised, not looped."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.inner = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Dropout(0.0), nn.LayerNorm(6))
            self.scale = nn.Parameter(torch.randn(6))
            self.conv = nn.Conv1d(1, 4, 3, padding="same", padding_mode="circular")
            self.again = nn.Linear(6, 6)
            self.head = nn.Linear(24, 3)
        self.again.weight = self.inner[0].weight
        self.register_buffer("shift", torch.arange(6.0))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.inner(x) * self.scale + self.shift
        hidden = hidden + torch.nn.functional.linear(hidden, self.inner[0].weight) + self.again(x)
        return self.head(self.conv(hidden[:, None]).relu().flatten(1))


def test_a_users_module_is_vectorised_with_its_own_and_tied_parameters() -> None:
    dataset = made_up("table")
    data, recipe = TrainingData(dataset, dtype=torch.float64), Recipe(steps=40, batch_size=32, evaluations=1)
    entered = [*replicas(1e-3, 3e-4), Replica(learning_rate=1e-3, seed=1, examples=41)]
    for trained in fit_stack(Odd, data, entered, recipe, stack_size=3):
        alone = train_alone(Odd, dataset, trained.replica, recipe, torch.float64)
        assert set(trained.weights) == set(alone.state_dict())
        for name, tensor in alone.state_dict().items():
            torch.testing.assert_close(trained.weights[name].double(), tensor.double(), atol=1e-12, rtol=0)


def test_a_streamed_dataset_gives_the_same_bits_as_a_resident_one() -> None:
    dataset = made_up("image")
    recipe = Recipe(steps=30, batch_size=16, evaluations=3)
    kept, streamed = TrainingData(dataset), TrainingData(dataset, resident_bytes=0)
    assert kept.resident
    assert not streamed.resident
    one, other = (
        fit_stack(of("cnn", dataset), data, replicas(1e-3, 3e-3), recipe, stack_size=2)
        for data in (kept, streamed)
    )
    for a, b in zip(one, other, strict=True):
        same(a, b)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("schedule", "linear"),
        ("patience", 0),
        ("settled", 0),
        ("rejections", (1.5,)),
        ("clip_norm", 0.0),
        ("weight_decay", -1.0),
    ],
)
def test_a_recipe_out_of_range_is_refused(field: str, value: object) -> None:
    with pytest.raises(OptionError, match=field):
        Recipe(**{"steps": 10, field: value})


def test_judged_by_errors_the_best_weights_are_those_with_the_fewest_misses() -> None:
    """The lowest loss and the fewest errors are different evaluations of a network that overfits."""
    data = TrainingData(load("digits"))
    recipe = {"steps": 120, "evaluations": 40, "schedule": "constant"}
    replicas = [Replica(learning_rate=3e-2, seed=seed, examples=60) for seed in range(3)]

    def build(seed: int) -> nn.Module:
        return build_network("mlp", data.schema, seed=seed)

    truth = data.validation.at(torch.arange(len(data.validation))).targets.numpy()
    misses = {}
    for judge in ("loss", "errors"):
        trained = fit_stack(build, data, replicas, Recipe(judge=judge, **recipe))
        misses[judge] = [(one.validation_outputs.argmax(1) != truth).mean() for one in trained]
        losses = [one.validation_loss for one in trained]
        if judge == "loss":
            assert losses == [min(loss for _, loss in one.history) for one in trained]
    assert all(
        by_errors <= by_loss for by_errors, by_loss in zip(misses["errors"], misses["loss"], strict=True)
    )
    assert misses["errors"] != misses["loss"]


def test_an_unknown_judge_is_refused() -> None:
    with pytest.raises(OptionError, match="'loss' or 'errors'"):
        Recipe(steps=1, judge="taste")
