"""Compiles users' networks without a rule: their forward is traced once, by `torch.fx`, and translated node by node.

A forward can be compiled where it applies modules with a rule one after the other, and between them views of one
example's values (reshape, flatten, transpose, permute, unsqueeze, squeeze), ReLU, the sum with a parameter, or a mean
over positions. The program is used only where its outputs agree with the network's.
"""

import operator
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call
from torch.nn import functional as F

from bakeoff.train.folds import StackData
from bakeoff.train.fused.builder import ProgramBuilder, UnknownError
from bakeoff.train.fused.layers import mean, offsets
from bakeoff.train.kernels.chain import Program
from bakeoff.train.replicas.module import NetworkStack

VIEWS = ("reshape", "view", "flatten", "transpose", "permute", "unsqueeze", "squeeze", "contiguous")
RELUS = (F.relu, torch.relu, "relu")
#: Operations on shapes that are evaluated while tracing.
ARITHMETIC = (operator.getitem, operator.mul, operator.floordiv)
#: Networks with more modules than this are not traced: they are rarely chains, and tracing them takes time.
MOST_MODULES = 200
_CURRENT = object()


class _Tracer(fx.Tracer):
    def __init__(self, leaves: Collection[type[nn.Module]]) -> None:
        super().__init__()
        self.leaves = leaves

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m) in self.leaves or "forward" in m.__dict__


def trace(builder: ProgramBuilder, module: nn.Module) -> None:
    """Translate a module's traced forward into ops; modules with a rule are leaves.

    Raises:
        UnknownError: the forward is not a chain, or cannot be traced.
    """
    if sum(1 for _ in module.modules()) > MOST_MODULES:
        raise UnknownError("a large network")
    modes = {part: part.training for part in module.modules()}
    try:
        graphs = [_Tracer(builder.rules).trace(module.train(mode)) for mode in (True, False)]
    except Exception as error:
        raise UnknownError(f"a forward that cannot be traced: {error}") from error
    finally:
        for part, mode in modes.items():
            part.training = mode
    if str(graphs[0]) != str(graphs[1]):
        raise UnknownError("a forward that does something else while training")
    _Followed(builder, module).through(graphs[0])


class _Followed:
    """One pass over a traced forward.

    Attributes:
        values: what each node evaluates to: a parameter, a shape or a number.
        head: the node with the chain's present output.
        shapes: of all nodes that were the head, with a batch of 1.
    """

    def __init__(self, builder: ProgramBuilder, module: nn.Module) -> None:
        self.builder, self.module = builder, module
        self.values: dict[fx.Node, Any] = {}
        self.head: fx.Node | None = None
        self.shapes: dict[fx.Node, torch.Size] = {}

    def through(self, graph: fx.Graph) -> None:
        for node in graph.nodes:
            if node.op == "placeholder":
                self._begin(node)
            elif node.op == "output":
                if node.args[0] is not self.head:
                    raise UnknownError("outputs that are not the chain's end")
            elif node.op == "get_attr":
                self.values[node] = self._parameter(str(node.target))
            elif self._shape_of(node):
                continue
            else:
                self._step(node)

    def _begin(self, node: fx.Node) -> None:
        if self.head is not None:
            raise UnknownError("two inputs")
        self._move_to(node)

    def _move_to(self, node: fx.Node) -> None:
        self.head = node
        self.shapes[node] = torch.Size((1, *self.builder.shape))

    def _parameter(self, path: str) -> Tensor:
        return self.module.get_parameter(path)

    def _shape_of(self, node: fx.Node) -> bool:
        """Whether this node computes a shape or a part of one, with a batch of 1; stores the result in `values`."""
        first = node.args[0] if node.args else None
        if not isinstance(first, fx.Node):
            return False
        shape = self.shapes.get(first)
        if shape is not None and node.target is getattr and node.args[1] == "shape":
            self.values[node] = shape
        elif shape is not None and node.op == "call_method" and node.target == "size":
            axis: Any = node.args[1] if len(node.args) > 1 else slice(None)
            self.values[node] = shape[axis]
        elif node.target in ARITHMETIC:
            if not isinstance(self.values.get(first), int | torch.Size):
                return False
            compute: Any = node.target
            self.values[node] = compute(*(self._value(argument) for argument in node.args))
        else:
            return False
        return True

    def _value(self, argument: Any) -> Any:
        if not isinstance(argument, fx.Node):
            return argument
        if argument is self.head:
            return _CURRENT
        if argument not in self.values:
            raise UnknownError("a value of before")
        return self.values[argument]

    def _step(self, node: fx.Node) -> None:
        arguments = list(fx.node.map_arg(node.args, self._value))
        options = dict(fx.node.map_arg(node.kwargs, self._value))
        target: Any = node.target
        on_head = bool(arguments) and arguments[0] is _CURRENT
        if node.op == "call_module" and on_head and len(arguments) == 1 and not options:
            self.builder.visit(self.module.get_submodule(target))
        elif target in (operator.add, torch.add) and len(arguments) == 2 and not options:
            self._add(*arguments)
        elif not on_head:
            raise UnknownError(f"{target}")
        elif target in RELUS and len(arguments) == 1 and not options.get("inplace"):
            self.builder.fuse_relu()
        elif target in ("mean", torch.mean) and [*arguments[1:], *options.values()] in ([1], [(1,)], [[1]]):
            mean(self.builder)
        elif (name := getattr(target, "__name__", target)) in VIEWS:
            self.builder.rearrange(lambda x: getattr(x, name)(*arguments[1:], **options))
        else:
            raise UnknownError(f"{target}")
        self._move_to(node)

    def _add(self, first: Any, second: Any) -> None:
        parameter = second if first is _CURRENT else first
        if not isinstance(parameter, nn.Parameter) or (first is not _CURRENT and second is not _CURRENT):
            raise UnknownError("a sum of something else")
        names = {id(value): name for name, value in self.module.named_parameters()}
        offsets(self.builder, parameter, names.get(id(parameter)))


@torch.no_grad()
def agrees(program: Program, network: NetworkStack, data: StackData) -> bool:
    """Whether the program's outputs are those of the first network, for three examples."""
    inputs = data.train.at(torch.arange(min(3, len(data.train)))).array.contiguous()
    first = {name: tensor[0].detach() for name, tensor in network.tensors.items()}
    routed = {part: part.__dict__.pop("forward", None) for part in network.template.modules()}
    try:
        wanted = functional_call(network.template, first, (inputs,))
    finally:
        for part, forward in routed.items():
            if forward is not None:
                part.forward = forward
    found = program.outputs(inputs, [first[name][None] for name in program.names])[0]
    return wanted.shape == found.shape and torch.allclose(found, wanted, rtol=1e-3, atol=1e-4)
