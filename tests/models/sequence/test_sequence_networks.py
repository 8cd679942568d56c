"""Sequence networks: published counts, what padding may not change, and what each network can and cannot see."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Image, Schema, Series, Tokens
from bakeoff.errors import ModelError, OptionError
from bakeoff.models import build, card
from bakeoff.models.sequence.autoregressive import Autoregressive, LatentAutoregressive
from bakeoff.models.sequence.inceptiontime import InceptionTimeEnsemble
from bakeoff.models.sequence.rnns import CELLS, Recurrence
from bakeoff.models.sequence.tcn import reach

THREE = Classes(names=("a", "b", "c"))
SERIES = Schema(input=Series(channels=2, length=40), target=THREE)
TEXT = Schema(input=Tokens(vocabulary_size=50, length=24), target=THREE)

#: Networks and options small enough for a fast test; the published shapes are counted on the meta device below.
ON_SERIES: dict[str, dict[str, object]] = {
    "ar": {},
    "latent_ar": {},
    "elman": {},
    "bilstm": {},
    "deep_lstm": {},
    "bigru": {},
    "deep_gru": {},
    "tcn": {},
    "fcn": {"width": 16},
    "resnet1d": {"width": 8},
    "mlp_ucr": {"width": 32},
    "inceptiontime": {"width": 8},
    "inceptiontime_ensemble": {"width": 4, "networks": 2},
    "transformer_encoder": {"width": 32, "heads": 4, "layers": 2},
}
ON_TEXT: dict[str, dict[str, object]] = {
    "elman": {},
    "deep_gru": {},
    "tcn": {},
    "transformer_encoder": {"width": 32, "heads": 4, "layers": 2},
    "bert_tiny": {},
    "llama": {"width": 96},
}


def parameters(name: str, **options: object) -> int:
    """Of the published shape: counted without memory."""
    with torch.device("meta"):
        module = build(name, card(name).example, **options)
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("name", "head", "count"),
    [
        ("gpt2", "language_model", 124_439_808),
        ("gpt2_medium", "language_model", 354_823_168),
        ("gpt2_large", "language_model", 774_030_080),
        ("gpt2_xl", "language_model", 1_557_611_200),
        ("bert_base", "none", 109_482_240),
        ("bert_large", "none", 335_141_888),
        ("bert_tiny", "none", 4_385_920),
        ("minilm_l6", "none", 22_713_216),
        ("llama_7b", "language_model", 6_738_415_616),
        ("llama3_8b", "language_model", 8_030_261_248),
        ("llama3_2_1b", "language_model", 1_235_814_400),
    ],
)
def test_parameters_equal_the_published_counts(name: str, head: str, count: int) -> None:
    assert parameters(name, head=head) == count
    assert parameters(name) != count  # with a head for two classes there are others


def test_parameters_of_the_networks_for_series_equal_a_count_by_hand() -> None:
    """GunPoint: 1 channel, 150 steps, 2 classes. A convolution k from c to d has c d k + d, batch norm 2 d."""
    fcn = (
        (1 * 128 * 8 + 128 + 256) + (128 * 256 * 5 + 256 + 512) + (256 * 128 * 3 + 128 + 256) + (128 * 2 + 2)
    )
    assert parameters("fcn") == fcn

    def unit(c: int, d: int) -> int:
        shortcut = 2 * d + (c * d + d if c != d else 0)
        return (c * d * 8 + d * d * 5 + d * d * 3) + 3 * (d + 2 * d) + shortcut

    assert parameters("resnet1d") == unit(1, 64) + unit(64, 128) + unit(128, 128) + 128 * 2 + 2
    assert parameters("mlp_ucr") == (150 * 500 + 500) + 2 * (500 * 500 + 500) + (500 * 2 + 2)

    def module(c: int) -> int:
        narrow = 32 if c > 1 else 1
        return (c * 32 if c > 1 else 0) + narrow * 32 * (40 + 20 + 10) + c * 32 + 2 * 128

    shortcuts = (1 * 128 + 256) + (128 * 128 + 256)
    assert parameters("inceptiontime") == module(1) + 5 * module(128) + shortcuts + 128 * 2 + 2
    assert parameters("inceptiontime_ensemble") == 5 * parameters("inceptiontime")


def test_the_2017_encoder_has_as_many_parameters_as_torchs_own() -> None:
    with torch.device("meta"):
        theirs = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(512, 8, 2048), 6, enable_nested_tensor=False
        )
        ours = build("transformer_encoder", card("transformer_encoder").example)
    count = sum(parameter.numel() for parameter in theirs.parameters())
    assert (
        sum(parameter.numel() for parameter in ours.get_submodule("body").parameters()) == count == 18_914_304
    )


def batch(schema: Schema, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if isinstance(schema.input, Tokens):
        return torch.randint(1, schema.input.vocabulary_size, (3, schema.input.length), generator=generator)
    return torch.randn(3, *schema.input.shape, generator=generator)


CASES = [(name, SERIES, options) for name, options in ON_SERIES.items()]
CASES += [(name, TEXT, options) for name, options in ON_TEXT.items()]


@pytest.mark.parametrize(("name", "schema", "options"), CASES, ids=lambda case: str(case)[:12])
def test_padding_changes_no_prediction(name: str, schema: Schema, options: dict[str, object]) -> None:
    """Whatever stands in the padded steps, and however many there are; without lengths it does make a difference."""
    module = build(name, schema, seed=0, **options).eval()
    inputs, lengths = batch(schema), torch.tensor([5, 9, schema.input.shape[-1]])
    other = inputs.clone()
    for index, length in enumerate(lengths.tolist()):
        other[index, ..., length:] = 3
    with torch.no_grad():
        answer = module(inputs, lengths)
        torch.testing.assert_close(module(other, lengths), answer, rtol=0, atol=1e-6)
        assert (module(other) - answer).abs().max() > 1e-4
        if name != "mlp_ucr":  # its length is fixed by its first layer
            torch.testing.assert_close(module(inputs[1:2, ..., :9]), answer[1:2], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("name", "schema", "options"), CASES, ids=lambda case: str(case)[:12])
def test_every_parameter_gets_a_gradient(name: str, schema: Schema, options: dict[str, object]) -> None:
    module = build(name, schema, seed=0, **options)
    answer = module(batch(schema))
    assert answer.shape == (3, 3)
    nn.functional.cross_entropy(answer, torch.tensor([0, 1, 2])).backward()
    for parameter_name, parameter in module.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.abs().max() > 0 or parameter_name.endswith("attention.key.bias"), parameter_name


@pytest.mark.parametrize("name", ["elman", "deep_lstm", "tcn", "transformer_encoder"])
def test_an_image_is_read_row_by_row(name: str) -> None:
    schema = Schema(input=Image(channels=1, height=8, width=6), target=THREE)
    options = ON_SERIES[name]
    assert build(name, schema, seed=0, **options)(batch(schema)).shape == (3, 3)


@pytest.mark.parametrize("name", ["ar", "latent_ar", "elman", "tcn", "fcn", "inceptiontime"])
def test_a_forecast_has_a_number_for_each_step(name: str) -> None:
    schema = Schema(input=Series(channels=2, length=40), target=Forecast(horizon=6))
    assert build(name, schema, seed=0)(batch(schema)).shape == (3, 6)


def test_a_fixed_shape_says_that_it_cannot_be_widened() -> None:
    with pytest.raises(OptionError, match="fixed at 768"):
        build("gpt2", TEXT, width=100)
    with pytest.raises(OptionError, match="only 'llama' has a width"):
        build("llama_7b", TEXT, width=100)
    with pytest.raises(OptionError, match="choose 'classes'"):
        build("bert_tiny", TEXT, head="class")
    with pytest.raises(ModelError, match="choose another network"):
        build("fcn", TEXT)


@pytest.mark.parametrize("name", [name for name in ON_SERIES if name != "mlp_ucr"])
def test_a_series_with_other_channels_is_refused_in_a_sentence(name: str) -> None:
    module = build(name, SERIES, seed=0, **ON_SERIES[name]).eval()
    with pytest.raises(ModelError, match=r"shape \[batch, 2, time\], and these have \[1, 3, 40\]"):
        module(torch.randn(1, 3, 40))
    assert module(torch.randn(1, 2, 33)).shape == (1, 3)  # any length


def test_a_text_that_is_too_long_and_a_row_that_is_too_short_are_refused_in_a_sentence() -> None:
    with pytest.raises(ModelError, match="512 positions, and these texts have 513 tokens"):
        build("bert_tiny", TEXT)(torch.ones(1, 513, dtype=torch.int64))
    longer = Schema(input=Tokens(vocabulary_size=50, length=600), target=THREE)
    assert build("bert_tiny", longer)(torch.ones(1, 513, dtype=torch.int64)).shape == (1, 3)
    with pytest.raises(ModelError, match=r"shape \[batch, 2, 40\], and these have \[1, 2, 39\]"):
        build("mlp_ucr", SERIES)(torch.randn(1, 2, 39))


def test_ar_learns_the_weights_of_least_squares() -> None:
    """x_t = 0.6 x_(t-1) - 0.3 x_(t-2) + noise: trained weights are those of `lstsq`, and near the true ones."""
    random = np.random.default_rng(0)
    series = np.zeros(2000)
    for t in range(2, 2000):
        series[t] = 0.6 * series[t - 1] - 0.3 * series[t - 2] + random.normal()
    windows = np.lib.stride_tricks.sliding_window_view(series, 4)
    design = np.column_stack([windows[:, :3], np.ones(len(windows))])
    best, *_ = np.linalg.lstsq(design, windows[:, 3], rcond=None)
    module = Autoregressive(1, 1, window=3).double()
    optimiser = torch.optim.LBFGS(module.parameters(), max_iter=50, line_search_fn="strong_wolfe")
    inputs, targets = torch.tensor(windows[:, None, :3].copy()), torch.tensor(windows[:, 3:].copy())

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = nn.functional.mse_loss(module(inputs), targets)
        loss.backward()
        return loss

    optimiser.step(closure)
    learned = [*module.head.weight[0].tolist(), *module.head.bias.tolist()]
    np.testing.assert_allclose(learned, best, atol=1e-4)
    np.testing.assert_allclose(learned[:3], [0.0, -0.3, 0.6], atol=0.06)


def test_a_latent_state_that_shifts_is_an_autoregression() -> None:
    """A moves each entry one place on, B writes the newest: then the state is the window, and C its weights."""
    torch.manual_seed(0)
    window, inputs = 5, torch.randn(3, 1, 12)
    ar = Autoregressive(1, 2, window=window)
    latent = LatentAutoregressive(1, 2, width=window)
    with torch.no_grad():
        latent.carry.weight.copy_(torch.diag(torch.ones(window - 1), 1))
        latent.enter.weight.copy_(torch.eye(window)[:, -1:])
        latent.head.load_state_dict(ar.head.state_dict())
        expected = ar(inputs)
        torch.testing.assert_close(latent(inputs), expected)
        latent.carry.weight.mul_(0.9)
        assert (latent(inputs) - expected).abs().max() > 1e-3


@pytest.mark.parametrize("cell", CELLS)
def test_the_equations_give_what_the_fused_kernel_gives(cell: str) -> None:
    torch.manual_seed(0)
    fused = Recurrence(cell, 3, 8, layers=2, bidirectional=True)
    equations = Recurrence(cell, 3, 8, layers=2, bidirectional=True, fused=False)
    equations.load_state_dict(fused.state_dict())
    inputs, lengths = torch.randn(4, 11, 3), torch.tensor([11, 3, 7, 1])
    torch.testing.assert_close(equations(inputs, lengths), fused(inputs, lengths), rtol=0, atol=1e-6)
    with torch.no_grad():
        equations.bias_hh_l1[:] += 0.1
    assert (equations(inputs, lengths) - fused(inputs, lengths)).abs().max() > 1e-3


def test_a_tcn_sees_exactly_its_reach_and_never_the_future() -> None:
    """The gradient of one step's answer by the inputs: zero after it, zero beyond the reach, not zero within."""
    schema = Schema(input=Series(channels=1, length=64), target=Forecast(horizon=1))
    body = build("tcn", schema, kernel=3, levels=3, dropout=0.0, seed=0).get_submodule("body").double()
    inputs = torch.randn(1, 64, 1, dtype=torch.float64, requires_grad=True)
    body(inputs)[0, 50].abs().sum().backward()
    assert inputs.grad is not None
    seen = inputs.grad[0, :, 0].nonzero().flatten()
    assert reach(3, 3) == 29
    assert (seen.min(), seen.max()) == (50 - 28, 50)


def test_gpt_and_llama_never_see_the_future_and_bert_does() -> None:
    tokens = batch(TEXT)
    changed = tokens.clone()
    changed[:, 15] = (changed[:, 15] % 49) + 1
    for name, sees in (("llama", False), ("bert_tiny", True)):
        module = build(name, TEXT, head="none", seed=0).eval()
        with torch.no_grad():
            moved = (module(tokens) - module(changed)).abs().amax(dim=(0, 2))
        assert (moved[:15].max() > 1e-4) == sees
        assert moved[15:].min() > 1e-6


def test_rotary_positions_know_distances_and_not_where() -> None:
    """The product of a query and a key depends on how far apart they stand alone."""
    from bakeoff.models.language.llama import SIZES, angles, rotated

    torch.manual_seed(0)
    query, key = torch.randn(48, dtype=torch.float64), torch.randn(48, dtype=torch.float64)
    angle = angles(40, 48, SIZES["llama"], torch.device("cpu")).double()

    def product(at: int, other: int) -> float:
        turned = [
            rotated(x[None, None, None], angle[p : p + 1]).flatten() for x, p in ((query, at), (key, other))
        ]
        return float(turned[0] @ turned[1])

    assert product(9, 4) == pytest.approx(product(35, 30), abs=1e-4)
    assert product(9, 4) != pytest.approx(product(9, 5), abs=1e-2)


def test_an_ensemble_answers_with_the_mean_probability() -> None:
    module = build("inceptiontime_ensemble", SERIES, width=4, networks=3, seed=0).eval()
    assert isinstance(module, InceptionTimeEnsemble)
    inputs = batch(SERIES)
    with torch.no_grad():
        mean = torch.stack([member(inputs).softmax(dim=1) for member in module.members]).mean(dim=0)
        torch.testing.assert_close(module(inputs).softmax(dim=1), mean)
        assert (module.members[0](inputs).softmax(dim=1) - mean).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["elman", "bilstm", "bigru"])
def test_recurrent_networks_are_vectorised_over_replicas(name: str) -> None:
    """Under `torch.func.vmap` the equations stand in for the fused kernel, which has no vectorised form."""
    replicas = [build(name, SERIES, seed=seed, width=8) for seed in range(2)]
    parameters, buffers = torch.func.stack_module_state(replicas)
    inputs = torch.stack([batch(SERIES, seed) for seed in range(2)])

    def one(own: dict[str, Tensor], own_buffers: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(replicas[0], (own, own_buffers), (x,))

    together = torch.func.vmap(one)(parameters, buffers, inputs)
    apart = torch.stack([module(x) for module, x in zip(replicas, inputs, strict=True)])
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-6)
    assert (together[0] - together[1]).abs().max() > 1e-3
