"""The conformance suite: what every network of the catalogue must do, and yours may be held to as well.

    import pytest
    from bakeoff.testing import CHECKS, conformance_schema

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_network(check):
        check("my_package.my_module:make_network", conformance_schema("image"))

A check takes a catalogue name, `file.py:NAME`, `package.module:NAME` or a `ModelCard`, a schema, and options of the
network's `build`; it returns nothing, or raises `AssertionError` with a sentence that says what is wrong. The checks:

    check_forward                  outputs [B, outputs], finite
    check_gradients                a loss reaches every parameter
    check_batch_independence       an example's output does not depend on its neighbours in the batch
    check_determinism              two evaluations give the same bits; a seed gives the same initial weights
    check_save_and_load            weights through a safetensors file, and the outputs are the same bits
    check_meta                     built and run on meta tensors: shapes without memory
    check_wrong_size               an input of another size, or too small an image, is refused, and sizes are named
"""

import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bakeoff.data.packed_graphs import PackedGraphs
from bakeoff.data.schema import Classes, Forecast, Graph, Image, Input, Schema, Series, Table, Target, Tokens
from bakeoff.errors import ModelError
from bakeoff.models import ModelCard, build, card
from bakeoff.models.layers.graphs import GraphBatch
from bakeoff.models.layers.views import arguments
from bakeoff.models.weights import load_tensors, read_tensors, save_tensors

#: Examples that are passed through a network: few, since every network of the catalogue is run.
BATCH = 4
#: Float32 rounding differs with the batch's size, through other orders of summation.
ROUNDING = 1e-4

_INPUTS: dict[str, Input] = {
    "image": Image(channels=3, height=32, width=32),
    "series": Series(channels=2, length=24),
    "tokens": Tokens(vocabulary_size=50, length=12),
    "table": Table(features=9),
    "graph": Graph(nodes=8, features=3, edges=16),
}


def conformance_schema(kind: str, target: Target | None = None) -> Schema:
    """A small schema of this kind ("image", "series", "tokens", "table", "graph"): three classes if none is given."""
    return Schema(input=_INPUTS[kind], target=target or Classes(names=("a", "b", "c")))


def schemas_of(model: ModelCard) -> list[Schema]:
    """A small schema for every kind of input that a network takes, and one for each further kind of target."""
    kinds = [kind for kind, value in _INPUTS.items() if isinstance(value, model.inputs)]
    schemas = [schema for kind in kinds if model.takes(schema := conformance_schema(kind))]
    if kinds and not schemas:
        schemas = [replace(model.example, input=_INPUTS[kinds[0]])]
    if "series" in kinds and model.takes(forecast := conformance_schema("series", Forecast(horizon=5))):
        schemas.append(forecast)
    return schemas


def example_inputs(
    schema: Schema, count: int = BATCH, *, seed: int = 0, device: str = "cpu"
) -> Tensor | GraphBatch:
    """Random inputs [count, ...]: standard normal numbers, tokens without padding, or graphs."""
    if isinstance(schema.input, Graph):
        return _example_graphs(schema.input, count, seed).each(lambda tensor: tensor.to(device))
    if device == "meta":
        kind = torch.int64 if isinstance(schema.input, Tokens) else torch.float32
        return torch.empty(count, *schema.input.shape, dtype=kind, device="meta")
    generator = torch.Generator().manual_seed(seed)
    if isinstance(schema.input, Tokens):
        high = schema.input.vocabulary_size
        return torch.randint(1, high, (count, *schema.input.shape), generator=generator)
    return torch.randn(count, *schema.input.shape, generator=generator)


def _example_graphs(kind: Graph, count: int, seed: int) -> GraphBatch:
    """Graphs of as many nodes as there may be, and of at most as many edges, between random nodes."""
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, kind.nodes, (count * kind.most_edges, 2))
    ends += kind.nodes * np.repeat(np.arange(count), kind.most_edges)[:, None]
    numbers = rng.standard_normal((count * kind.nodes, kind.features))
    return GraphBatch.of(PackedGraphs.of_edges(numbers, [kind.nodes] * count, ends), kind)


def _called(module: nn.Module, inputs: Tensor | GraphBatch, lengths: Tensor | None = None) -> Tensor:
    outputs: Tensor = module(*arguments(module, inputs, lengths))
    return outputs


def check_forward(model: str | ModelCard, schema: Schema, **options: Any) -> None:
    """Outputs are [B, outputs] and finite, with and without lengths where the network takes those."""
    module = _built(model, schema, options).eval()
    x = example_inputs(schema)
    with torch.no_grad():
        outputs = [_called(module, x)]
        if isinstance(schema.input, Series | Tokens | Graph):
            outputs.append(_called(module, x, torch.full((BATCH,), schema.input.shape[-1])))
    for y in outputs:
        assert y.shape == (BATCH, schema.outputs), (
            f"outputs are {list(y.shape)}, not {[BATCH, schema.outputs]}"
        )
        assert bool(torch.isfinite(y).all()), "outputs are not finite"


def check_gradients(model: str | ModelCard, schema: Schema, **options: Any) -> None:
    """In training mode a loss on the outputs reaches every parameter, and every gradient is finite."""
    module = _built(model, schema, options).train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # one pattern of dropout
        y = _called(module, example_inputs(schema))
    (y * torch.randn(y.shape, generator=torch.Generator().manual_seed(1))).sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, f"no gradient reaches '{name}'"
            assert bool(torch.isfinite(parameter.grad).all()), f"the gradient of '{name}' is not finite"
            assert bool(parameter.grad.any()), f"the gradient of '{name}' is zero everywhere"


def check_batch_independence(model: str | ModelCard, schema: Schema, **options: Any) -> None:
    """In evaluation mode an example gives the same alone, among others, and wherever it stands."""
    module = _built(model, schema, options).eval()
    x = example_inputs(schema)
    with torch.no_grad():
        first, backwards = torch.arange(1), torch.arange(BATCH).flip(0)
        together, alone = _called(module, x), _called(module, x.index_select(0, first))
        turned = _called(module, x.index_select(0, backwards)).flip(0)
    scale = float(together.abs().max()) + 1e-6
    assert float((together[:1] - alone).abs().max()) <= ROUNDING * scale, (
        "an example alone gives another output"
    )
    assert float((together - turned).abs().max()) <= ROUNDING * scale, (
        "the order of a batch changes an output"
    )


def check_determinism(model: str | ModelCard, schema: Schema, **options: Any) -> None:
    """The same seed gives the same weights; two evaluations, the same bits; building leaves the random state alone."""
    state = torch.random.get_rng_state()
    module, again = _built(model, schema, options).eval(), _built(model, schema, options).eval()
    assert torch.equal(torch.random.get_rng_state(), state), "building changed the global random state"
    for (name, one), other in zip(module.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(one, other), f"the same seed gives another '{name}'"
    x = example_inputs(schema)
    with torch.no_grad():
        assert torch.equal(_called(module, x), _called(module, x)), "two evaluations of the same batch differ"


def check_save_and_load(model: str | ModelCard, schema: Schema, **options: Any) -> None:
    """Weights written as safetensors and read into a network of another seed give the same bits."""
    module, other = _built(model, schema, options).eval(), _built(model, schema, options, seed=1).eval()
    x = example_inputs(schema)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "model.safetensors"
        save_tensors(module.state_dict(), path)
        load_tensors(other, read_tensors(path))
        assert torch.equal(_called(module, x), _called(other, x)), (
            "the outputs differ after saving and loading"
        )


def check_meta(model: str | ModelCard, schema: Schema, **options: Any) -> None:
    """Built inside `torch.device("meta")` it has the same parameters, and meta inputs give meta outputs."""
    with torch.device("meta"):
        module = build(model, schema, **options).eval()
    assert all(parameter.is_meta for parameter in module.parameters()), "a parameter is not on meta"
    with torch.no_grad():
        y = _called(module, example_inputs(schema, device="meta"))
    assert y.is_meta, "the output is not on meta"
    assert y.shape == (BATCH, schema.outputs), f"outputs are {list(y.shape)}, not {[BATCH, schema.outputs]}"


def check_wrong_size(model: str | ModelCard, schema: Schema, **options: Any) -> None:
    """One channel or feature more than the network was built for is an error that names both sizes.

    And where an image can be too small, building for it is a `ModelError` that names the least side, and that side is
    really enough.
    """
    if not isinstance(schema.input, Tokens):
        module = _built(model, schema, options).eval()
        try:
            with torch.no_grad():
                _called(module, _of_wrong_size(schema.input))
        except (RuntimeError, ValueError) as error:
            if len(set(re.findall(r"\d+", str(error)))) < 2:
                raise AssertionError(
                    f"the error does not say which size came and which is wanted: {error}"
                ) from error
        else:
            raise AssertionError("an input with one channel or feature more is taken without an error")
    if isinstance(schema.input, Image):
        _check_least_side(model, schema, options)


def _of_wrong_size(kind: Input) -> Tensor | GraphBatch:
    """Examples with one channel or feature more."""
    if isinstance(kind, Graph):
        return _example_graphs(replace(kind, features=kind.features + 1), BATCH, 0)
    first, *others = kind.shape
    return torch.zeros(BATCH, first + 1, *others)


def _check_least_side(model: str | ModelCard, schema: Schema, options: dict[str, Any]) -> None:
    """From one pixel up: either it works, or the error names a least side that works, and one less that does not."""

    image = schema.input
    assert isinstance(image, Image)

    def try_side(side: int) -> None:
        smaller = replace(schema, input=replace(image, height=side, width=side))
        with torch.device("meta"):
            module = build(model, smaller, **options).eval()
        with torch.no_grad():
            _called(module, example_inputs(smaller, device="meta"))

    try:
        try_side(1)
    except ModelError as error:
        named = re.search(r"at least (\d+)", str(error))
        if named is None:
            raise AssertionError(f"the error names no least side: {error}") from error
        least = int(named.group(1))
        try_side(least)
        try:
            try_side(least - 1)
        except ModelError:
            return
        raise AssertionError(f"the least side is said to be {least}, but {least - 1} works") from None


def _built(model: str | ModelCard, schema: Schema, options: dict[str, Any], *, seed: int = 0) -> nn.Module:
    return build(model if isinstance(model, ModelCard) else card(model), schema, seed=seed, **options)


CHECKS: tuple[Callable[..., None], ...] = (
    check_forward,
    check_gradients,
    check_batch_independence,
    check_determinism,
    check_save_and_load,
    check_meta,
    check_wrong_size,
)
