"""The parts of a fit: recipe, augmentation, moving average, learning-rate finder, checkpoint."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from bakeoff.data.load import load
from bakeoff.data.schema import Classes, Image, Schema, Table, Value
from bakeoff.errors import BakeoffWarning, MissingExtraError, ModelError, OptionError, StoreError
from bakeoff.models import build, catalogue, register
from bakeoff.models.registry.card import RECIPES
from bakeoff.tasks.registry import task_of
from bakeoff.train.recipe import Recipe
from bakeoff.train.single import loggers
from bakeoff.train.single.augment import changer, chosen_changes, crop, cutout, flip, mixup
from bakeoff.train.single.checkpoint import load_checkpoint, save_checkpoint
from bakeoff.train.single.learning_rate_finder import FALLBACK, HIGHEST, LOWEST, best_rate, find_rate
from bakeoff.train.single.placement import Placement
from bakeoff.train.single.recipe import KINDS, decay_groups, largest_rate, last_layer, recipe_for
from bakeoff.train.single.run import _parts
from bakeoff.train.single.trainer import Evaluation, make_training
from bakeoff.train.single.weight_average import WeightAverage
from bakeoff.train.tensors import Batch, TrainingData

CPU = Placement(device=torch.device("cpu"), threads=1)
IMAGES = Schema(input=Image(channels=1, height=8, width=8), target=Classes(names=("a", "b", "c")))
ROWS = Schema(input=Table(features=4), target=Value())


def _images(count: int = 64) -> torch.Tensor:
    return torch.arange(count * 2 * 8 * 8, dtype=torch.float32).view(count, 2, 8, 8) + 1


def test_flip_mirrors_about_half_of_the_images_and_leaves_the_others() -> None:
    images = _images(400)
    torch.manual_seed(0)
    changed = flip(images)
    same = (changed == images).flatten(1).all(1)
    mirrored = (changed == images.flip(3)).flatten(1).all(1)
    assert bool((same ^ mirrored).all())
    assert 150 < int(mirrored.sum()) < 250


def test_crop_is_a_window_of_the_mirrored_image_at_every_shift() -> None:
    images = _images()
    torch.manual_seed(0)
    changed = crop(images)
    padded = F.pad(images, (1, 1, 1, 1), mode="reflect")
    windows = {(r, c): padded[:, :, r : r + 8, c : c + 8] for r in range(3) for c in range(3)}
    hits = {place: (changed == window).flatten(1).all(1) for place, window in windows.items()}
    assert torch.stack(list(hits.values())).sum(0).eq(1).all()
    assert all(bool(hit.any()) for hit in hits.values())


def test_cutout_blanks_one_square_inside_each_image_and_nothing_else() -> None:
    images = _images()
    torch.manual_seed(0)
    changed = cutout(images)
    hidden = changed == 0
    assert torch.equal(changed[~hidden], images[~hidden])
    for mask in hidden[:, 0]:
        rows, columns = mask.any(1), mask.any(0)
        assert torch.equal(mask, rows[:, None] & columns[None])
        assert 1 <= int(rows.sum()) <= 4
        assert 1 <= int(columns.sum()) <= 4
    assert torch.equal(hidden[:, 0], hidden[:, 1])


def test_mixup_mixes_inputs_and_targets_by_the_same_share() -> None:
    inputs = torch.eye(3)
    mixed = mixup(Batch(inputs, torch.tensor([0, 1, 2]), None), 3, alpha=1.0)
    torch.testing.assert_close(mixed.inputs, mixed.targets)  # each example is its own class's unit vector
    torch.testing.assert_close(mixed.targets.sum(1), torch.ones(3))
    numbers = mixup(Batch(inputs, torch.tensor([[1.0], [1.0], [1.0]]), None), 1, alpha=1.0)
    torch.testing.assert_close(numbers.targets, torch.ones(3, 1))


def test_changes_are_made_where_they_suit_and_refused_where_they_cannot_be() -> None:
    larger = Schema(input=Image(channels=3, height=32, width=32), target=IMAGES.target)
    assert chosen_changes("auto", larger, suits=True) == ("crop",)
    assert chosen_changes("auto", larger, suits=False) == ()
    assert chosen_changes("auto", IMAGES, suits=True) == ()
    assert chosen_changes("auto", ROWS, suits=True) == ()
    assert chosen_changes("none", IMAGES, suits=True) == ()
    assert chosen_changes("mixup, flip", IMAGES, suits=True) == ("flip", "mixup")
    assert changer((), 3) is None
    with pytest.raises(OptionError, match=r"no augmentation called 'flop'. Did you mean 'flip'"):
        chosen_changes("flop", IMAGES, suits=True)
    with pytest.raises(OptionError, match="changes images, and this data is Table"):
        chosen_changes("flip", ROWS, suits=True)


def test_the_moving_average_is_the_formula_and_no_plain_copy() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = WeightAverage(module, 0.5)
    expected = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    for step in range(1, 6):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter))
        module(torch.randn(8, 2))
        average.update(module, step)
        decay = min(0.5, (1 + step) / (10 + step))
        for name, tensor in module.state_dict().items():
            floating = tensor.is_floating_point()
            expected[name] = decay * expected[name] + (1 - decay) * tensor if floating else tensor.clone()
    for name, tensor in average.module.state_dict().items():
        torch.testing.assert_close(tensor, expected[name])
    assert not torch.equal(average.module.state_dict()["0.weight"], module.state_dict()["0.weight"])


def test_the_moving_average_is_that_of_torchs_averaged_model() -> None:
    """`AveragedModel` with our growing decay, counting from 1, since it copies where it counts 0."""

    def averaged(ours: list[Tensor], theirs: list[Tensor], count: Tensor) -> None:
        for own, other in zip(ours, theirs, strict=True):
            weight = 1 - min(0.5, (1 + int(count)) / (10 + int(count)))
            own.lerp_(other, weight) if own.is_floating_point() else own.copy_(other)

    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average, torchs = (
        WeightAverage(module, 0.5),
        AveragedModel(module, multi_avg_fn=averaged, use_buffers=True),
    )
    torchs.n_averaged.fill_(1)
    for step in range(1, 6):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter))
        module(torch.randn(8, 2))
        average.update(module, step)
        torchs.update_parameters(module)
        for name, tensor in torchs.module.state_dict().items():
            assert torch.equal(average.module.state_dict()[name], tensor), name
    assert not torch.equal(average.module.state_dict()["0.weight"], module.state_dict()["0.weight"])


def test_biases_and_norms_do_not_decay() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    decayed, others = decay_groups(module, 0.1)
    assert {tuple(p.shape) for p in decayed["params"]} == {(4, 1, 3, 3), (2, 16)}
    assert {tuple(p.shape) for p in others["params"]} == {(4,), (2,)}
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)


def test_the_smoothed_loss_of_mixed_classes_agrees_with_that_of_plain_ones() -> None:
    outputs, targets = torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 1])
    loss = task_of(IMAGES).training_loss(label_smoothing=0.1)
    torch.testing.assert_close(loss(outputs, targets), loss(outputs, F.one_hot(targets, 3).float()))
    log = outputs.log_softmax(1)
    plain = -(0.9 * log[range(5), targets] + 0.1 * log.mean(1)).mean()
    torch.testing.assert_close(loss(outputs, targets), plain)
    assert task_of(ROWS).training_loss(label_smoothing=0.1) is F.mse_loss


def test_the_recipe_depends_on_the_kind_of_network_and_the_amount_of_data() -> None:
    small = recipe_for("dense", ROWS, 100, augment=())
    large = recipe_for("convolutional", IMAGES, 50_000, augment=("crop",))
    assert (small.steps, small.batch_size, small.label_smoothing) == (600, 16, 0.0)
    assert (large.steps, large.batch_size, large.label_smoothing) == (60 * 391, 128, 0.1)
    assert recipe_for("dense", ROWS, 100, augment=(), epochs=2, batch_size=10).steps == 20
    with pytest.raises(OptionError, match="'accumulate' is 17, and a batch has 16 examples"):
        recipe_for("dense", ROWS, 100, augment=(), pieces=17)
    with pytest.raises(OptionError, match="'epochs' is 0: give at least 1"):
        recipe_for("dense", ROWS, 100, augment=(), epochs=0)
    with pytest.raises(OptionError, match=r"leaves one of 13 training examples alone.*: give 5"):
        recipe_for("dense", ROWS, 13, augment=(), batch_size=3)


def test_every_recipe_that_a_card_may_name_is_there_and_another_one_is_refused() -> None:
    assert set(KINDS) == set(RECIPES)
    assert {card.recipe for card in catalogue().values()} == set(RECIPES)
    mine = replace(catalogue()["mlp"], name="mine", recipe="denes")
    with pytest.raises(ModelError, match=r"Unknown recipe 'denes' on 'mine'. Did you mean 'dense'"):
        register(mine)


def test_published_weights_are_not_trained_at_a_rate_that_forgets_them() -> None:
    """Devlin et al. 2019 fine-tune BERT at 2e-5 to 5e-5; a last layer alone, or random weights, have no such limit."""
    assert 5e-5 <= largest_rate("attention", published=True, mode="full") <= 1e-4
    assert largest_rate("convolutional", published=True, mode="full") == 1e-3
    assert largest_rate("attention", published=True, mode="probe") == math.inf
    assert largest_rate("attention", published=False, mode="full") == math.inf


@pytest.mark.parametrize("count", range(1, 18))
def test_no_part_of_a_batch_has_a_single_example_unless_the_batch_has(count: int) -> None:
    batch = Batch(torch.arange(count), torch.arange(count), None)
    parts = list(_parts(batch, 4))
    assert torch.equal(torch.cat([part.inputs for part, _ in parts]), batch.inputs)
    assert [share * count for _, share in parts] == pytest.approx([len(part.targets) for part, _ in parts])
    assert min(len(part.targets) for part, _ in parts) >= min(2, count)
    assert len(parts) == min(4, max(count // 2, 1))


@pytest.mark.parametrize("pieces", [3, 16])
def test_a_batch_in_pieces_gives_the_gradient_of_the_whole_batch(pieces: int) -> None:
    data = TrainingData(load("iris"), dtype=torch.float64)
    found = {}
    for parts in (1, pieces):
        recipe = recipe_for("dense", data.schema, len(data.train), augment=(), pieces=parts)
        run = make_training(
            lambda seed: build("mlp", data.schema, width=8, seed=seed).double(),
            data,
            recipe,
            learning_rate=1e-2,
            seed=0,
            mode="full",
            placement=CPU,
            schedule=Recipe(steps=20, batch_size=16),
        )
        assert run.advance(20)
        found[parts] = run.module.state_dict()
    for name, tensor in found[1].items():
        torch.testing.assert_close(found[pieces][name], tensor, atol=1e-9, rtol=0)


def test_the_rate_finder_stays_below_the_rate_at_which_the_loss_explodes() -> None:
    data = TrainingData(load("iris"))
    recipe = recipe_for("dense", data.schema, len(data.train), augment=())

    def run(rate: float):  # type: ignore[no-untyped-def]
        return make_training(
            lambda seed: build("mlp", data.schema, seed=seed),
            data,
            recipe,
            learning_rate=rate,
            seed=0,
            mode="full",
            placement=CPU,
            schedule=Recipe(steps=10**6, batch_size=16),
        )

    test = find_rate(run)
    assert 1e-3 <= test.learning_rate <= 5e-2
    assert test.rates[0] == LOWEST
    assert test.rates[-1] <= HIGHEST
    assert test.step_seconds > 0
    assert find_rate(run, steps=0).learning_rate == FALLBACK
    assert find_rate(run, seconds=1e-9).rates == ()
    assert find_rate(run, steps=5).rates == tuple(LOWEST * (HIGHEST / LOWEST) ** (k / 4) for k in range(5))


def test_where_no_rate_makes_the_loss_fall_the_finder_falls_back() -> None:
    assert best_rate([1e-4, 1e-3, 1e-2], [1.0, 1.0, 5.0]) == FALLBACK
    assert best_rate([], []) == FALLBACK
    assert best_rate([1e-4, 1e-3, 1e-2], [1.0, 1.0, 5.0], fallback=0.5) == 0.5


def test_the_last_layer_of_each_network_is_found() -> None:
    for name in ("resnet20_cifar", "lenet5", "vit_b_16"):
        with torch.device("meta"):
            module = build(name, IMAGES)
        assert last_layer(module) is module.head
    plain = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    assert last_layer(plain) is plain[2]
    with pytest.raises(OptionError, match="this network has none apart: choose mode 'full'"):
        last_layer(nn.Linear(2, 2))


def test_a_damaged_checkpoint_is_named_and_a_whole_one_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    assert load_checkpoint(path) is None
    save_checkpoint(path, {"a": torch.arange(3)}, {"n": [1, None]})
    tensors, facts = load_checkpoint(path) or ({}, {})
    assert torch.equal(tensors["a"], torch.arange(3))
    assert facts == {"n": [1, None]}
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(StoreError, match=r"cannot be read .* remove it to train from the beginning"):
        load_checkpoint(path)


def test_a_log_without_its_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in loggers.LOGS:
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(MissingExtraError, match=rf"needs the package '{name}': .*bakeoff\[track\]"):
            loggers.check_log(name)
    with pytest.raises(OptionError, match="no log called 'wandb'"):
        loggers.check_log("wandb")
    loggers.check_log(None)


def test_a_log_that_fails_ends_with_a_warning_and_the_training_goes_on() -> None:
    written: list[tuple[str, float, int]] = []

    def write(tag: str, value: float, step: int) -> None:
        if step > 1:
            raise RuntimeError("the server is gone\nTraceback")
        written.append((tag, value, step))

    log = loggers.Log("mlflow", write)
    for step in (1, 2, 3):
        evaluation = Evaluation(
            step=step,
            steps=3,
            epoch=1.0,
            training_loss=2.0,
            validation_loss=3.0,
            learning_rate=0.1,
            seconds=1.0,
        )
        if step == 2:
            with pytest.warns(BakeoffWarning, match=r"log to mlflow ends at step 2.*\(the server is gone\)"):
                log.evaluation(evaluation)
        else:
            log.evaluation(evaluation)
    log.scores({"accuracy": 0.9})
    assert written == [("loss/training", 2.0, 1), ("loss/validation", 3.0, 1), ("learning_rate", 0.1, 1)]


def test_a_log_of_scores_names_the_metric() -> None:
    written: list[tuple[str, float, int]] = []
    loggers.Log("mlflow", lambda *numbers: written.append(numbers)).scores({"accuracy": 0.9})
    assert written == [("test/accuracy", 0.9, 0)]
