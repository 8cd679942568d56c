"""What the compiled library says of itself: Python reads it there, and the sources and what the library does agree."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

import bakeoff.train
from bakeoff.train.families.registry import compile_program, stack_networks
from bakeoff.train.kernels import chain, compilation, native, operators, recurrent
from bakeoff.train.tensors import TrainingData
from examples import made_up

pytestmark = pytest.mark.skipif(
    not native.available(), reason=f"no compiled operators here: {native.describe()}"
)
TRAIN = Path(bakeoff.train.__file__).parent


def named_kinds() -> Iterator[str]:
    """The kinds of ops that rules add, from the first argument of every `builder.add` and `self.add`."""
    for file in (*TRAIN.glob("fused/*.py"), *TRAIN.glob("families/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield str(first.value)


def test_the_kinds_that_rules_add_are_those_of_the_library() -> None:
    assert set(named_kinds()) == set(native.limits().op_kinds)


def test_the_numbers_are_those_of_the_c_sources_and_stand_nowhere_in_python() -> None:
    source = (compilation.SOURCES / "limits.c").read_text()
    written = {name: int(value) for name, value in re.findall(r"#define (\w+) +(\d+)", source)}
    limits = native.limits()
    assert (limits.header_words, limits.op_words) == (written["HEADER"], written["OP_WORDS"])
    assert (limits.most_ops, limits.most_parameters) == (written["CHAIN_OPS"], written["CHAIN_SLOTS"])
    assert limits.largest_windows == written["LARGEST_WINDOWS"]
    assert limits.most_words == 2**24
    python = "".join(
        file.read_text()
        for file in [*TRAIN.glob("fused/*.py"), *TRAIN.glob("families/*.py"), *TRAIN.glob("kernels/*.py")]
    )
    assert not re.search(r"\b(2\*\*24|4_000_000|OP_WORDS|MOST_OPS|MOST_SLOTS)\b", python)


@pytest.mark.parametrize("more", [0, 1])
def test_a_program_has_as_many_ops_as_the_library_says_and_no_more(more: int) -> None:
    dataset = made_up("series")
    layers = [nn.Linear(24, 24) for _ in range(native.limits().most_ops - 1 + more)]
    module = nn.Sequential(nn.Flatten(), *layers, nn.Linear(24, 3)).double()
    network = stack_networks([module], [0], dtype=torch.float64)
    program = compile_program(network, TrainingData(dataset, dtype=torch.float64))
    if more:
        assert program is None
        return
    assert program is not None
    network.program = program
    inputs = torch.from_numpy(dataset.inputs_at(range(5))).double()
    torch.testing.assert_close(network.outputs_of(inputs)[0], module(inputs).detach(), atol=1e-12, rtol=0)


def test_a_program_with_more_parameters_than_the_library_has_room_for_is_none() -> None:
    limits = native.limits()

    def block(number: int) -> chain.Op:
        more = tuple(f"{number}.{part}" for part in range(2, 12))
        return chain.Op(
            kind="block",
            before=8,
            after=8,
            sizes=(2, 4, 1, 4, 0),
            weight=f"{number}.0",
            bias=f"{number}.1",
            more=more,
        )

    fitting = limits.most_parameters // 12
    assert chain.Program.of([block(number) for number in range(fitting)]) is not None
    assert chain.Program.of([block(number) for number in range(fitting + 1)]) is None


def test_the_cells_are_those_of_the_pure_path_and_both_paths_agree() -> None:
    limits = native.limits()
    assert set(limits.cells) == set(recurrent._STEP) == set(limits.cell_saved)
    generator = torch.Generator().manual_seed(0)
    for cell, torchs in (("rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)):
        layer = torchs(2, 3, batch_first=True).double()
        x = torch.randn(1, 4, 5, 2, generator=generator).double()
        weights = tuple(
            getattr(layer, f"{name}_l0")[None] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        torch.testing.assert_close(
            operators.recurrent(cell, x, [weights])[0], layer(x[0])[0], atol=1e-12, rtol=0
        )


def test_what_a_block_keeps_is_what_it_keeps_by_hand() -> None:
    """Of each position: two normed inputs, qkv, the mixed values, x after attention, hidden units, and statistics."""
    steps, width, heads, units = 10, 8, 2, 16
    op = chain.Op(kind="block", before=80, after=80, sizes=(steps, width, heads, units, 0))
    by_hand = 2 * width + 3 * width + width + width + units + 2 * 2 + 2 * heads
    assert native.saved_of_op(op.words({})) == steps * by_hand
    norm = chain.Op(kind="norm", before=80, after=80, sizes=(steps, width, 0))
    assert native.saved_of_op(norm.words({})) == 2 * steps
    dense = chain.Op(kind="dense", before=80, after=80, sizes=(80, 80, 0, 1))
    assert native.saved_of_op(dense.words({})) == 0
