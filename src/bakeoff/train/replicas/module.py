"""R networks of one architecture evaluated as one: their parameters are stacked, and one call runs all of them.

The networks stay plain `nn.Module`s. A module whose class has a rule is evaluated by it on tensors with the replicas on
the first axis; any other module by `torch.func.vmap`, with the rules still applied to the modules inside it; and where
an operation cannot be vectorised, by a plain loop over the replicas. Graphs have no common shape: networks that read
them are given one batch a replica, by their rule or in the loop.

A rule gets the stack, the plain module and its inputs [R, B, ...], and returns the outputs [R, B, ...]. It finds the
stacked parameters [R, ...] with `stack.of(module, "weight")` and evaluates inner modules with `stack.call`.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from bakeoff.errors import BakeoffWarning
from bakeoff.models.layers.graphs import GraphBatch
from bakeoff.models.layers.views import dense, takes_graphs, takes_lengths
from bakeoff.system.patches import PROCESS_LOCK
from bakeoff.train.kernels.chain import Program
from bakeoff.train.replicas.process_state import dropout_seed, random_numbers_of, without_fused_attention

#: Gets the stack, a module of the template and its inputs [R, B, ...], and returns its outputs [R, B, ...].
StackedRule = Callable[..., Any]

#: Inputs [R, B, ...], or of graphs one batch a replica.
StackInputs = Tensor | Sequence[GraphBatch]


class NetworkStack:
    """R networks with their own parameters and buffers.

    Args:
        modules: plain networks of one architecture; they are read, and the first is kept as the template.
        seeds: of each network's dropout.
        rules: by the class of a module (not of classes derived from it).
        dtype: of parameters and buffers that are numbers.
        device: where they live.

    Attributes:
        template: the first network; its training mode is the stack's.
        tensors: parameters and buffers by name, [R, ...]; parameters are leaves that ask for a gradient.
        strategy: of evaluation: "rules", "vmap" or "loop".
        program: the networks compiled as a chain of layers, where the training found that possible; else None.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        seeds: Sequence[int],
        *,
        rules: Mapping[type[nn.Module], StackedRule],
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> None:
        self._rules = rules
        self.template = modules[0]
        self.takes_lengths, self.takes_graphs = takes_lengths(self.template), takes_graphs(self.template)
        self.counts = torch.zeros(len(modules), dtype=torch.int64)
        self.generators = [torch.Generator(device).manual_seed(dropout_seed(seed)) for seed in seeds]
        unruled = "loop" if self.takes_graphs else "vmap"
        self.strategy = "rules" if type(self.template) in self._rules else unruled
        states = [dict(_named_tensors(module)) for module in modules]
        self.tensors: dict[str, Tensor] = {}
        for name, first in states[0].items():
            kind = dtype if first.is_floating_point() else first.dtype
            stacked = torch.stack([state[name].detach().to(device, kind) for state in states])
            self.tensors[name] = stacked.requires_grad_(first.requires_grad)
        self._names = _names_by_module(self.template)
        self._token = torch.zeros(len(modules), device=device)
        if self.strategy != "loop":
            self._route_through_rules(self.template)
        self.program: Program | None = None

    def __len__(self) -> int:
        return len(self.generators)

    @property
    def parameters(self) -> dict[str, Tensor]:
        """Those that are trained, by name."""
        return {name: tensor for name, tensor in self.tensors.items() if tensor.requires_grad}

    def of(self, module: nn.Module, name: str) -> Tensor:
        """The stacked parameter or buffer [R, ...] of one of the template's modules."""
        return self.tensors[self._names[module][name]]

    def name_of(self, module: nn.Module, local: str) -> str | None:
        """The name in the whole network of a parameter or buffer of one of the template's modules, if it has it."""
        return self._names[module].get(local)

    def bias(self, module: nn.Module) -> Tensor | None:
        """The stacked bias [R, ...] of a module that may have none."""
        return self.of(module, "bias") if "bias" in self._names[module] else None

    def forward(
        self, inputs: StackInputs, lengths: Tensor | None = None, counts: Tensor | None = None
    ) -> Tensor:
        """Outputs [R, B, K] for inputs [R, B, ...], true lengths [R, B]; `counts` [R] says how many rows are real."""
        size = inputs.shape[1] if isinstance(inputs, Tensor) else inputs[0].batch_size
        self.counts = torch.full((len(self),), size) if counts is None else counts
        arguments = (inputs, lengths) if self.takes_lengths and lengths is not None else (inputs,)
        if self.strategy != "loop":
            try:
                return self.call(self.template, *arguments)
            except (RuntimeError, ValueError, NotImplementedError, TypeError) as error:
                self._fall_back(arguments, error)
        return self._loop(arguments)

    def call(self, module: nn.Module, *inputs: Any, **options: Any) -> Any:
        """One of the template's modules on inputs [R, B, ...], by its rule or vectorised."""
        rule = self._rules.get(type(module))
        return self.vectorised(module, *inputs) if rule is None else rule(self, module, *inputs, **options)

    def outputs_of(self, inputs: Tensor | GraphBatch, lengths: Tensor | None = None) -> Tensor:
        """Outputs [R, N, K] for inputs [N, ...] and true lengths [N] that all replicas share."""
        if isinstance(inputs, GraphBatch):
            if self.takes_graphs:
                return self.forward([inputs] * len(self))
            inputs = dense(inputs)
        if self.program is not None:
            weights = [self.tensors[name].detach() for name in self.program.names]
            return self.program.outputs(inputs, weights, lengths)
        shared = None if lengths is None else lengths.expand(len(self), -1)
        return self.forward(inputs.expand(len(self), *inputs.shape), shared)

    def keep(self, rows: Sequence[int]) -> None:
        """Continue with these replicas only."""
        chosen = list(rows)
        for name, tensor in self.tensors.items():
            self.tensors[name] = tensor.detach()[chosen].requires_grad_(tensor.requires_grad)
        self.generators = [self.generators[row] for row in chosen]
        self._token = self._token[chosen]

    def with_tensors(self, tensors: Mapping[str, Tensor]) -> "NetworkStack":
        """A stack with these weights instead, of their number of replicas, for evaluation only."""
        other = object.__new__(NetworkStack)
        other.__dict__.update(self.__dict__)
        size = len(next(iter(tensors.values())))
        other.tensors = {name: tensor.detach() for name, tensor in tensors.items()}
        other.generators, other._token = self.generators[:1] * size, self._token[:1].expand(size)
        return other

    def state_dict(self, row: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One replica's weights as its plain module names them, copied to the CPU."""
        return {
            name: tensors[self._canonical[name]][row].detach().cpu().clone()
            for name in self.template.state_dict()
        }

    @property
    def _canonical(self) -> dict[str, str]:
        """Every name of a parameter or buffer, and the first one of the same tensor (they may be tied)."""
        paths = {module: path for path, module in self.template.named_modules()}
        return {
            f"{paths[module]}.{local}".lstrip("."): first
            for module, names in self._names.items()
            for local, first in names.items()
        } | {name: name for name in self.tensors}

    def _route_through_rules(self, module: nn.Module) -> None:
        """Replace the forward of the outermost modules with a rule by one that leaves vmap and calls the rule."""
        for child in module.children():
            if type(module) not in self._rules and type(child) in self._rules:
                child.forward = _RoutedForward(child)  # type: ignore[method-assign]
            self._route_through_rules(child)

    def vectorised(self, module: nn.Module, *inputs: Any) -> Any:
        """One of the template's modules on inputs [R, B, ...] by `torch.func.vmap`, with rules inside it.

        Changed meanwhile, with `PROCESS_LOCK` held: for the whole process, PyTorch's choice of attention kernels, since
        the fused ones cannot be vectorised, and `_CURRENT`; of this module, the forward, which would call its own rule.
        """
        keys: dict[str, str] = {}  # one a tensor: functional_call finds those tied to it
        for path, child in module.named_modules():
            for local, name in self._names[child].items():
                keys.setdefault(name, f"{path}.{local}".lstrip("."))
        own = {key: self.tensors[name] for name, key in keys.items()}

        def one(tensors: dict[str, Tensor], token: Tensor, arguments: tuple[Any, ...]) -> Any:
            outer, _CURRENT["token"] = _CURRENT.get("token"), token
            outer_stack, _CURRENT["stack"] = _CURRENT.get("stack"), self
            try:
                return functional_call(module, tensors, arguments)
            finally:
                _CURRENT["token"], _CURRENT["stack"] = outer, outer_stack

        axes = tuple(0 if isinstance(argument, Tensor) else None for argument in inputs)
        with PROCESS_LOCK, _unrouted(module), without_fused_attention():
            return vmap(one, in_dims=(0, 0, axes), randomness="different")(own, self._token, inputs)

    def _fall_back(self, arguments: tuple[Any, ...], error: Exception) -> None:
        self.strategy = "loop"
        for module in self.template.modules():
            module.__dict__.pop("forward", None)
        name = type(self.template).__name__
        if name not in _WARNED:
            _WARNED.add(name)
            reason = str(error).strip().split("\n")[0][:200]
            warnings.warn(
                f"'{name}' cannot be trained as a stack ({reason}): its replicas are trained one after the other, "
                "which gives the same results and takes longer.",
                BakeoffWarning,
                stacklevel=2,
            )

    def _loop(self, arguments: tuple[Any, ...]) -> Tensor:
        names, rows = list(self.tensors), [tensor.unbind(0) for tensor in self.tensors.values()]
        longest = int(self.counts.max())
        outputs = []
        for row, generator in enumerate(self.generators):
            count = int(self.counts[row])
            own = {name: tensors[row] for name, tensors in zip(names, rows, strict=True)}
            given = tuple(_first_of(argument, row, count) for argument in arguments)
            with random_numbers_of(generator):
                output = functional_call(self.template, own, given)
            filler = output.new_zeros(longest - count, *output.shape[1:])
            outputs.append(torch.cat((output, filler)) if count < longest else output)
        return torch.stack(outputs)


def _first_of(argument: StackInputs, row: int, count: int) -> Tensor | GraphBatch:
    """The first examples of one replica."""
    if isinstance(argument, Tensor):
        return argument[row, :count]
    return argument[row].index_select(0, torch.arange(count, device=argument[row].offsets.device))


#: The stack evaluated by vmap now, and the tensor by which its replicas are told; read and written with `PROCESS_LOCK`
#: held, since a forward that PyTorch calls can be handed nothing of ours.
_CURRENT: dict[str, Any] = {}
_WARNED: set[str] = set()


class _RoutedForward:
    """The forward of a module with a rule inside a vectorised one: calls the rule, or with options the plain one."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if any(value is not None and value is not False for value in options.values()):
            return type(self.module).forward(self.module, *inputs, **options)
        return _Call.apply(self.module, _CURRENT["stack"], _CURRENT["token"], *inputs)  # type: ignore[no-untyped-call]


class _Call(torch.autograd.Function):
    """Leaves vmap: the rule gets the tensors of all replicas at once, and autograd records what it does with them."""

    generate_vmap_rule = False

    @staticmethod
    def forward(module: nn.Module, stack: NetworkStack, token: Tensor, *inputs: Any) -> Any:
        raise AssertionError("only called under vmap")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        module: nn.Module,
        stack: NetworkStack,
        token: Tensor,
        *inputs: Any,
    ) -> Any:
        stacked = [
            argument
            if not isinstance(argument, Tensor)
            else argument.expand(info.batch_size, *argument.shape)
            if axis is None
            else argument.movedim(axis, 0)
            for argument, axis in zip(inputs, in_dims[3:], strict=True)
        ]
        outputs = stack.call(module, *stacked)
        return outputs, (0 if isinstance(outputs, Tensor) else tuple(0 for _ in outputs))


@contextmanager
def _unrouted(module: nn.Module) -> Iterator[None]:
    """Inside, the module's forward is that of its class, and not the one that calls its rule."""
    routed = module.__dict__.pop("forward", None)
    try:
        yield
    finally:
        if routed is not None:
            module.forward = routed  # type: ignore[method-assign]


def _named_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, a tied one once."""
    return dict(module.named_parameters()) | dict(module.named_buffers())


def _names_by_module(template: nn.Module) -> dict[nn.Module, dict[str, str]]:
    """For every module, the name in the whole network of each of its own parameters and buffers."""
    first: dict[int, str] = {}
    for name, tensor in _named_tensors(template).items():
        first.setdefault(id(tensor), name)
    return {
        module: {
            local: first[id(tensor)]
            for local, tensor in (
                *module.named_parameters(recurse=False),
                *module.named_buffers(recurse=False),
            )
        }
        for module in template.modules()
    }
