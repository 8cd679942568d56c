"""Rosenblatt's rule: it stops where a line divides the classes, within Novikoff's count, and never does on XOR."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Perceptron as SklearnPerceptron
from torch import Tensor

from bakeoff import models
from bakeoff.data.schema import Classes, Schema, Table
from bakeoff.errors import ModelError
from bakeoff.models.vision.perceptron import CONNECTIONS, Perceptron, learn, mistake_bound

XOR = (torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 1, 1, 0]))


def separable(seed: int, examples: int, features: int, margin: float) -> tuple[Tensor, Tensor, Tensor]:
    """Examples at least `margin` from a random plane, their classes, and that plane's weights (offset last)."""
    generator = torch.Generator().manual_seed(seed)
    plane = torch.randn(features + 1, generator=generator)
    plane /= plane.norm()
    x = torch.randn(40 * examples, features, generator=generator)
    side = x @ plane[:-1] + plane[-1]
    kept = side.abs() > margin
    assert int(kept.sum()) >= examples
    return x[kept][:examples], (side[kept] > 0).long()[:examples], plane


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**20), features=st.integers(1, 10), margin=st.floats(0.05, 0.4))
def test_the_rule_stops_within_novikoffs_count_on_separable_data(
    seed: int, features: int, margin: float
) -> None:
    x, y, plane = separable(seed, 30, features, margin)
    bound = mistake_bound(x, y, plane)
    perceptron = Perceptron(features, 2)
    learned = learn(perceptron, x, y, passes=math.ceil(bound) + 1)
    assert learned.converged
    assert learned.total_mistakes <= bound
    assert torch.equal(perceptron(x).argmax(1), y)


def test_the_rule_never_stops_on_xor() -> None:
    perceptron = Perceptron(2, 2)
    learned = learn(perceptron, *XOR, passes=500)
    assert not learned.converged
    assert len(learned.mistakes) == 500
    assert min(learned.mistakes) > 0
    assert learned.mistakes[-100:] == learned.mistakes[-104:-4], "after a while it goes round in a circle"
    assert mistake_bound(*XOR, torch.tensor([1.0, 1.0, -0.5])) == math.inf


def test_the_rule_learns_and_for_the_same_reason_it_cannot_learn_xor() -> None:
    x, _ = XOR
    learned = learn(Perceptron(2, 2), x, torch.tensor([0, 1, 1, 1]), passes=50)
    assert learned.converged


def test_random_association_units_let_it_learn_xor() -> None:
    """Rosenblatt's own machine has units that see two inputs at once: seed by seed, some have the right ones."""
    x = XOR[0] * 2 - 1
    converged = []
    for seed in range(5):
        schema = Schema(input=Table(features=2), target=Classes(names=("0", "1")))
        perceptron = models.build("perceptron", schema, width=64, seed=seed)
        assert isinstance(perceptron, Perceptron)
        converged.append(learn(perceptron, x, XOR[1], passes=200).converged)
    assert any(converged)


def test_two_classes_follow_the_rule_of_scikit_learn() -> None:
    """The difference of our two rows is scikit-learn's weight vector, twice as fast, from the same zeros."""
    x, y, _ = separable(3, 60, 4, 0.2)
    perceptron = Perceptron(4, 2)
    learn(perceptron, x, y, passes=200)
    theirs = SklearnPerceptron(shuffle=False, tol=None, max_iter=200, eta0=2.0).fit(x.numpy(), y.numpy())
    ours = (perceptron.head.weight[1] - perceptron.head.weight[0]).detach()
    cosine = torch.nn.functional.cosine_similarity(ours, torch.from_numpy(theirs.coef_[0]).float(), dim=0)
    assert float(cosine) > 0.9
    assert theirs.score(x.numpy(), y.numpy()) == 1.0


def test_association_units_look_at_a_few_inputs_and_never_learn() -> None:
    schema = Schema(input=Table(features=40), target=Classes(names=("0", "1")))
    perceptron = models.build("perceptron", schema, width=10, seed=0)
    connections = perceptron.get_buffer("connections")
    assert connections.shape == (10, 40)
    assert bool((connections.count_nonzero(dim=1) == CONNECTIONS).all())
    assert sum(p.numel() for p in perceptron.parameters()) == 10 * 2 + 2


def test_no_passes_are_refused() -> None:
    with pytest.raises(ModelError, match="passes=0"):
        learn(Perceptron(2, 2), *XOR, passes=0)
