"""Sequences of different lengths in one batch: what is real, what is padding, and how to read past the padding.

A batch holds sequences of T steps; `lengths` int64 [B] says how many of them are real (None: all). Padding stands at
the end. Each function here answers one question, and none of them lets a padded step change an answer.
Tensor letters: B batch, T time, D features of one step, C channels.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Image, Input, Schema, Series, Tokens
from bakeoff.errors import ModelError
from bakeoff.models.layers.views import EMBEDDING, Embedding, StepSequence, is_real

Lengths = Int[Tensor, " batch"] | None

#: A series as in one of the small sets of the UCR archive (GunPoint): the catalogue states parameters and MACs at it.
GUNPOINT = Schema(input=Series(channels=1, length=150), target=Classes(names=("gun", "point")))


class EveryStep(nn.Module):
    """An example as a sequence [B, T, C] with nothing left out: each step of a series, word of a text, row of an image.

    The scalable families read long series in frames (`views.StepSequence`); the networks of the papers read every step.
    `channels` is C and `steps` is T; padded steps come out as zeros.
    """

    def __init__(self, kind: Input, embedding: int = EMBEDDING) -> None:
        super().__init__()
        self.rows = StepSequence(kind) if isinstance(kind, Image) else None
        self.embed = Embedding(kind.vocabulary_size, embedding) if isinstance(kind, Tokens) else None
        self.example: tuple[int | None, ...] = (
            kind.shape if self.rows is not None else (*kind.shape[:-1], None)
        )
        if self.rows is not None:
            self.steps, self.channels = self.rows.steps, self.rows.channels
        else:
            self.steps = kind.shape[-1]
            self.channels = kind.channels if isinstance(kind, Series) else embedding

    def forward(self, inputs: Tensor, lengths: Lengths = None) -> Float[Tensor, "batch time channels"]:
        """Raises `ModelError` where the input is not of the kind that the network was built for."""
        require_shape(inputs, self.example)
        if self.rows is not None:
            return self.rows(inputs)
        if self.embed is not None:
            return self.embed(inputs)
        return zero_padding(inputs, lengths).transpose(1, 2)


def require_shape(inputs: Tensor, example: tuple[int | None, ...]) -> None:
    """Raises `ModelError` where the input's examples are not of this shape; None stands for any length."""
    fits = inputs.ndim == len(example) + 1 and all(
        wanted in (None, found) for wanted, found in zip(example, inputs.shape[1:], strict=True)
    )
    if not fits:
        shown = ["batch", *("time" if size is None else size for size in example)]
        raise ModelError(
            f"This network was built for inputs of shape [{', '.join(map(str, shown))}], and these have "
            f"{list(inputs.shape)}: build it for the schema of this data."
        )


def require_positions(inputs: Tensor, positions: int) -> None:
    """Raises `ModelError` where tokens are not [B, T], or T is more than the network has positions for."""
    require_shape(inputs, (None,))
    if inputs.shape[1] > positions:
        raise ModelError(
            f"This network has {positions} positions, and these texts have {inputs.shape[1]} tokens: cut them or build "
            "it for a schema of that length."
        )


def zero_padding(
    signal: Float[Tensor, "batch channels time"], lengths: Lengths
) -> Float[Tensor, "batch channels time"]:
    """The signal [B, C, T] with exact zeros in its padded steps, as a shorter signal has beyond its end."""
    if lengths is None:
        return signal
    return signal.masked_fill(~is_real(lengths, signal.shape[-1])[:, None, :], 0.0)


def mean_over_time(
    signal: Float[Tensor, "batch channels time"], lengths: Lengths
) -> Float[Tensor, "batch channels"]:
    """Mean of the real steps of [B, C, T]: global average pooling."""
    if lengths is None:
        return signal.mean(dim=-1)
    count = lengths.clamp(min=1).to(signal.dtype)
    return zero_padding(signal, lengths).sum(dim=-1) / count[:, None]


def last_real_step(
    states: Float[Tensor, "batch time features"], lengths: Lengths
) -> Float[Tensor, "batch features"]:
    """The state [B, D] at the last real step of [B, T, D].

    >>> last_real_step(torch.tensor([[[1.0], [2.0], [9.0]]]), torch.tensor([2]))
    tensor([[2.]])
    """
    if lengths is None:
        return states[:, -1]
    index = (lengths.clamp(min=1) - 1)[:, None, None].expand(-1, 1, states.shape[-1])
    return states.gather(1, index).squeeze(1)


def reversed_in_time(
    states: Float[Tensor, "batch time features"], lengths: Lengths
) -> Float[Tensor, "batch time features"]:
    """[B, T, D] with the real steps backwards; padding stays where it is. Twice is the identity.

    >>> reversed_in_time(torch.tensor([[[1.0], [2.0], [0.0]]]), torch.tensor([2])).flatten()
    tensor([2., 1., 0.])
    """
    if lengths is None:
        return states.flip(1)
    steps = torch.arange(states.shape[1], device=states.device)
    index = torch.where(is_real(lengths, states.shape[1]), lengths[:, None] - 1 - steps, steps)
    return states.gather(1, index[:, :, None].expand(states.shape))
