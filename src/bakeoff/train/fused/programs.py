"""Compiles a network that is a chain of layers into a program (`bakeoff.train.kernels.chain`).

The compiled code trains such a program without autograd, many steps in one call. Each kind of module has a rule that
follows its forward and adds one `Op` a layer; a user's module without a rule is traced once (`tracing`). Networks
that cannot be compiled are trained through autograd. A user's network is compiled where it consists of layers with a
rule, one after the other, in an `nn.Sequential` or in a forward.
"""

from collections.abc import Mapping

import torch
from torch import nn

from bakeoff.data.schema import Tokens
from bakeoff.models.layers.graphs import GraphBatch
from bakeoff.train.folds import StackData
from bakeoff.train.fused.builder import CompiledRule, ProgramBuilder, UnknownError
from bakeoff.train.fused.tracing import agrees, trace
from bakeoff.train.kernels import native
from bakeoff.train.kernels.chain import Program
from bakeoff.train.replicas.module import NetworkStack


def compile_program(
    network: NetworkStack, data: StackData, rules: Mapping[type[nn.Module], CompiledRule]
) -> Program | None:
    """The network as a program by these rules; None where the network, the data or this machine does not allow it."""
    parameters = list(network.parameters.values())
    if not len(data.train) or not parameters or not native.takes(*parameters):
        return None
    inputs, _, lengths, _ = data.train.at(torch.zeros(1, dtype=torch.int64))
    if isinstance(inputs, GraphBatch):
        return None
    is_text = isinstance(data.schema.input, Tokens)
    if len(network.tensors) > len(parameters) or not (is_text or native.takes(inputs)):
        return None
    if any(part._forward_hooks or part._forward_pre_hooks for part in network.template.modules()):
        return None
    reads_lengths = lengths is not None and network.takes_lengths
    builder = ProgramBuilder(
        network=network, shape=tuple(inputs.shape[1:]), rules=rules, reads_lengths=reads_lengths
    )
    known = type(network.template) in rules
    try:
        if known:
            builder.visit(network.template)
        else:
            trace(builder, network.template)
    except UnknownError:
        return None
    if bool(builder.positions) != reads_lengths:
        return None
    program = Program.of(builder.ops, builder.positions) if builder.shape == (data.outputs,) else None
    return program if program is None or known or agrees(program, network, data) else None
