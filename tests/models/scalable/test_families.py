"""The scalable families really use their bias: what each sees, how far, and what it does not see."""

import pytest
import torch
from torch import Tensor, nn

from bakeoff import models
from bakeoff.data.schema import Classes, Image, Input, Schema, Series, Table, Tokens
from bakeoff.models.layers.views import takes_lengths

THREE = Classes(names=("a", "b", "c"))
INPUTS: dict[str, Input] = {
    "image": Image(channels=2, height=9, width=11),
    "series": Series(channels=2, length=40),
    "long series": Series(channels=1, length=300),
    "tokens": Tokens(vocabulary_size=20, length=30),
    "table": Table(features=6),
}
FAMILIES = ("linear", "mlp", "cnn", "rnn", "lstm", "gru", "transformer")
CASES = [
    pytest.param(family, kind, id=f"{family}-{kind}")
    for family in FAMILIES
    for kind, given in INPUTS.items()
    if models.card(family).takes(Schema(input=given, target=THREE))
]
PADDED = [
    pytest.param(family, kind, id=f"{family}-{kind}")
    for family in FAMILIES
    for kind in ("series", "long series", "tokens")
]


def network(family: str, given: Input) -> nn.Module:
    return models.build(family, Schema(input=given, target=THREE), seed=1)


def example(given: Input, count: int = 4, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if isinstance(given, Tokens):
        return torch.randint(1, given.vocabulary_size, (count, given.length), generator=generator)
    return torch.randn(count, *given.shape, generator=generator)


def with_lengths(module: nn.Module, x: Tensor, lengths: Tensor) -> Tensor:
    """A network that finds padding by itself (token 0) takes no lengths."""
    return module(x, lengths) if takes_lengths(module) else module(x)


@pytest.mark.parametrize(("family", "kind"), CASES)
def test_every_parameter_gets_a_gradient_and_the_answer_has_one_number_a_class(
    family: str, kind: str
) -> None:
    module = network(family, INPUTS[kind])
    if family == "linear" and kind == "tokens":
        nn.init.normal_(module.counts.weight.weight)
    outputs = module(example(INPUTS[kind]))
    assert outputs.shape == (4, 3)
    nn.functional.cross_entropy(outputs, torch.tensor([0, 1, 2, 0])).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("family", "kind"), PADDED)
def test_what_lies_beyond_an_examples_length_changes_no_prediction(family: str, kind: str) -> None:
    given = INPUTS[kind]
    module, x = network(family, given).eval(), example(given)
    lengths = torch.tensor([3, given.shape[-1] // 2, given.shape[-1] - 1, given.shape[-1]])
    beyond = torch.arange(given.shape[-1]) >= lengths[:, None]
    beyond = beyond if isinstance(given, Tokens) else beyond[:, None].expand_as(x)
    clean = x.masked_fill(beyond, 0)
    noisy = clean if isinstance(given, Tokens) else x.masked_fill(beyond, 1e3)
    before, after = with_lengths(module, clean, lengths), with_lengths(module, noisy, lengths)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-5)
    # The one that must differ: the same change inside its length.
    inside = clean.clone()
    inside[..., 0] = 2 if isinstance(given, Tokens) else 7.0
    if not torch.equal(inside, clean):
        assert not torch.allclose(with_lengths(module, inside, lengths), before) or family == "linear"


@pytest.mark.parametrize("family", ["cnn", "rnn", "lstm", "gru", "transformer"])
def test_padding_more_changes_nothing_for_networks_whose_weights_do_not_depend_on_the_length(
    family: str,
) -> None:
    """A recurrent state and a masked mean are the same however long the zeros behind the example are."""
    short, long = Series(channels=1, length=20), Series(channels=1, length=28)
    x, lengths = example(short), torch.tensor([5, 9, 20, 14])
    padded = nn.functional.pad(x, (0, 8))
    if family in (
        "cnn",
        "transformer",
    ):  # weights a position: the same network reads the padded batch cut to length
        module = network(family, long).eval()
        other = torch.cat([padded[..., :20], torch.randn(4, 1, 8)], dim=2)
        torch.testing.assert_close(module(other, lengths), module(padded, lengths))
        return
    module = network(family, short).eval()
    torch.testing.assert_close(module(padded, lengths), module(x, lengths))


@pytest.mark.parametrize("family", ["rnn", "lstm", "gru"])
def test_recurrent_networks_unroll_over_all_steps(family: str) -> None:
    """The answer depends on every step, on their order, and equals a cell applied by hand step by step."""
    given = Series(channels=1, length=12)
    module, x = network(family, given), example(given, count=1).requires_grad_()
    (reach,) = torch.autograd.grad(module(x).sum(), x)
    assert (reach.abs() > 0).all()
    assert not torch.allclose(module(x), module(x.flip(2)), atol=1e-4)
    cells = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
    cell = cells[family](1, 64)
    cell.load_state_dict(
        {name.removesuffix("_l0"): value for name, value in module.cell.state_dict().items()}
    )
    state = (torch.zeros(1, 64), torch.zeros(1, 64)) if family == "lstm" else torch.zeros(1, 64)
    for step in range(12):
        state = cell(x[:, :, step], state)
    hidden = state[0] if family == "lstm" else state
    torch.testing.assert_close(module(x), module.head(hidden))


def test_the_receptive_field_of_the_series_cnn_is_what_it_claims() -> None:
    given = Series(channels=1, length=200)
    module = network("cnn", given)
    x = example(given, count=1).requires_grad_()
    features = x
    for stage in module.stages:
        features = stage(features)
    middle = features.shape[2] // 2
    (reach,) = torch.autograd.grad(features[0, :, middle].sum(), x)
    assert int((reach != 0).sum()) == module.receptive_field


def test_the_receptive_field_of_the_image_cnn_is_what_it_claims() -> None:
    given = Image(channels=1, height=64, width=64)
    module = network("cnn", given)
    x = torch.zeros(1, 1, 64, 64)
    seen = torch.zeros(64, 64, dtype=torch.bool)
    base = _last_features(module, x)
    middle = base.shape[2] // 2
    for place in range(64):
        changed = x.clone()
        changed[0, 0, :, place] = 5.0 + torch.arange(64) * 0.01
        moved = _last_features(module, changed)[0, :, middle, middle] != base[0, :, middle, middle]
        seen[:, place] = bool(moved.any())
    assert int(seen[0].sum()) == module.receptive_field


def _last_features(module: nn.Module, x: Tensor) -> Tensor:
    for stage in module.stages:
        x = nn.functional.max_pool2d(nn.functional.leaky_relu(stage(x), 0.5), 2)
    return x


def test_the_convolution_moves_with_its_input_and_the_mlp_does_not() -> None:
    module = network("cnn", Series(channels=1, length=80))
    x = torch.zeros(1, 1, 80)
    x[0, 0, 30:35] = torch.tensor([1.0, -2.0, 3.0, 1.0, 2.0])
    moved = torch.roll(x, 2, dims=2)  # the first stage has stride 2
    first = module.stages[0]
    torch.testing.assert_close(first(moved)[..., 1:], first(x)[..., :-1])
    mlp = network("mlp", Series(channels=1, length=80))
    assert not torch.allclose(mlp(moved), mlp(x))


def test_every_element_attends_to_every_other_and_only_to_real_ones() -> None:
    module = network("transformer", Series(channels=1, length=16))
    x = torch.randn(2, 16, 64)
    weights = module.blocks[0].attention.weights(x)
    assert weights.shape == (2, 4, 16, 16)
    assert (weights > 0).all()
    torch.testing.assert_close(weights.sum(3), torch.ones(2, 4, 16))
    real = torch.arange(16) < torch.tensor([[5], [16]])
    masked = module.blocks[0].attention.weights(x, real)
    assert (masked[0, :, :, 5:] == 0).all()
    assert (masked[0, :, :, :5] > 0).all()


def test_attention_equals_torchs_own() -> None:
    ours = network("transformer", Series(channels=1, length=16)).blocks[0].attention
    theirs = nn.MultiheadAttention(64, 4, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.qkv.weight)
        theirs.in_proj_bias.copy_(ours.qkv.bias)
        theirs.out_proj.weight.copy_(ours.out.weight)
        theirs.out_proj.bias.copy_(ours.out.bias)
    x = torch.randn(3, 16, 64)
    wanted, weights = theirs(x, x, x, average_attn_weights=False)
    torch.testing.assert_close(ours(x), wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.weights(x), weights, atol=1e-5, rtol=1e-5)


def test_the_bag_of_words_does_not_see_order_and_the_others_do() -> None:
    given = Tokens(vocabulary_size=20, length=10)
    x = example(given)
    bag = network("linear", given)
    nn.init.normal_(bag.counts.weight.weight)
    torch.testing.assert_close(bag(x), bag(x.flip(1)))
    for family in ("mlp", "cnn", "gru", "transformer"):
        module = network(family, given)
        assert not torch.allclose(module(x), module(x.flip(1)), atol=1e-5), family


def test_a_wider_network_has_more_parameters_and_the_same_seed_the_same_weights() -> None:
    schema = Schema(input=INPUTS["series"], target=THREE)
    for family in ("mlp", "cnn", "rnn", "lstm", "gru", "transformer"):
        sizes = [
            sum(p.numel() for p in models.build(family, schema, width=width).parameters())
            for width in (8, 16)
        ]
        assert sizes[0] < sizes[1]
        first, again, other = (models.build(family, schema, seed=seed) for seed in (3, 3, 4))
        assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
        assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
