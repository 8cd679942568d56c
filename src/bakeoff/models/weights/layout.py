"""`Layout`: how a publisher names a network's tensors, as a table from their names to ours."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def transposed(tensor: Tensor) -> Tensor:
    """A matrix with its two axes exchanged (GPT-2 keeps [inputs, outputs] where `nn.Linear` keeps the
    reverse).
    """
    return tensor.t()


@dataclass(frozen=True)
class Part:
    """Theirs is the `index`-th of `of` parts of ours, which are joined on axis 0."""

    name: str
    index: int
    of: int


@dataclass(frozen=True)
class Cut:
    """Theirs is cut on axis 0 into equal parts, one for each of these names, after `change`."""

    names: tuple[str, ...]
    change: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Changed:
    """Ours is a function of theirs."""

    name: str
    change: Callable[[Tensor], Tensor]


Target = str | Part | Cut | Changed | None


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """What became of a file's tensors.

    Attributes:
        ours: tensors under our names.
        unknown: names of theirs that no rule matches.
        incomplete: names of ours of which some parts are missing.
    """

    ours: dict[str, Tensor]
    unknown: tuple[str, ...]
    incomplete: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A publisher's names for the tensors of a network.

    `{word}` in a rule stands for one word between dots and `{rest}` for everything, dots and all; what
    they matched on the left is put in on the right. The first rule that matches wins.

    >>> layout = Layout(rules={"fc.{p}": "head.{p}", "layer1.{rest}": "stages.0.{rest}"})
    >>> layout.rename({"fc.bias": torch.zeros(2), "layer1.0.weight": torch.ones(1)}).ours.keys()
    dict_keys(['head.bias', 'stages.0.0.weight'])
    >>> layout.theirs("head.bias")
    'fc.bias'

    Attributes:
        rules: their names to ours (see `bakeoff.models.weights`).
        prefixes: each is taken off the front of a name where it stands there, the first that does.
        options: of the network's `build` that this publisher's weights need besides names (another
            epsilon ...).
    """

    rules: Mapping[str, Target]
    prefixes: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def rename(self, tensors: Mapping[str, Tensor]) -> Renamed:
        """Their tensors under our names."""
        ours: dict[str, Tensor] = {}
        parts: dict[str, dict[int, Tensor]] = {}
        counts: dict[str, int] = {}
        unknown = []
        for name, tensor in tensors.items():
            found = self._find(name)
            if found is None:
                unknown.append(name)
                continue
            target, words = found
            if isinstance(target, str):
                ours[target.format(**words)] = tensor
            elif isinstance(target, Changed):
                ours[target.name.format(**words)] = target.change(tensor)
            elif isinstance(target, Cut):
                changed = tensor if target.change is None else target.change(tensor)
                pieces = changed.chunk(len(target.names))
                ours |= {one.format(**words): piece for one, piece in zip(target.names, pieces, strict=True)}
            elif isinstance(target, Part):
                whole = target.name.format(**words)
                parts.setdefault(whole, {})[target.index] = tensor
                counts[whole] = target.of
        complete = {whole: found for whole, found in parts.items() if len(found) == counts[whole]}
        ours |= {whole: torch.cat([found[i] for i in sorted(found)]) for whole, found in complete.items()}
        return Renamed(ours=ours, unknown=tuple(unknown), incomplete=tuple(set(parts) - set(complete)))

    def theirs(self, ours: str) -> str | None:
        """Their name (or names, joined by " + ") of our tensor; None where no rule gives it."""
        found = []
        for pattern, target in self.rules.items():
            targets = target.names if isinstance(target, Cut) else (_name(target),)
            for name in targets:
                match = name and _compiled(name).fullmatch(ours)
                if match:
                    found.append(_fill(pattern, match.groupdict()))
        return " + ".join(found) or None

    def _find(self, name: str) -> tuple[Target, dict[str, str]] | None:
        for prefix in self.prefixes:
            if name.startswith(prefix):
                name = name[len(prefix) :]
                break
        for pattern, target in self.rules.items():
            match = _compiled(pattern).fullmatch(name)
            if match:
                return target, match.groupdict()
        return None


def _name(target: Target) -> str | None:
    return target if isinstance(target, str) or target is None else getattr(target, "name", None)


def _fill(pattern: str, words: dict[str, str]) -> str:
    """The pattern with the words we know put in; a placeholder we do not know stays as it is."""
    return _PLACEHOLDER.sub(lambda found: words.get(found.group(1), found.group(0)), pattern)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern such as `layer1.{b}.{rest}`."""
    out, end = "", 0
    for found in _PLACEHOLDER.finditer(pattern):
        word = found.group(1)
        out += re.escape(pattern[end : found.start()])
        out += f"(?P<{word}>{'.+' if word == 'rest' else '[^.]+'})"
        end = found.end()
    return re.compile(out + re.escape(pattern[end:]))
