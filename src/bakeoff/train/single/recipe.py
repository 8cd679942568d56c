"""How one network of each kind is trained well: `recipe_for`, and which parameters have weight decay.

A kind's entry holds what the literature agrees on for AdamW; batch size, number of epochs and evaluations follow from
the amount of data.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from bakeoff.data.schema import Schema, Table
from bakeoff.errors import OptionError
from bakeoff.tasks.registry import task_of
from bakeoff.train.recipe import Recipe

#: Passes over the data by default ...
EPOCHS = 60
#: ... but at least this many steps.
LEAST_STEPS = 600
#: The smallest batch that is chosen by default ...
SMALLEST_BATCH = 16
#: ... and the largest.
LARGEST_BATCH = 128
#: The validation loss is measured once an epoch, but at most this many times.
MOST_EVALUATIONS = 50
#: A training ends early after this part of its evaluations in a row without a better one.
PATIENCE_PART = 0.3


@dataclass(frozen=True, kw_only=True)
class KindOfRecipe:
    """What is particular to the training of a kind of networks.

    Attributes:
        weight_decay: AdamW's, on matrices and filters only.
        clip_norm: largest norm of the gradient.
        label_smoothing: part of a class's probability that is spread over all classes (Szegedy et al. 2016,
            arXiv 1512.00567); used for classes of images, series and texts, not of tables.
        average_decay: of the moving average of the weights, which is evaluated and returned; None takes no average.
        augment: whether images are augmented by default.
        fine_tuning_rate: the largest learning rate where all of a network with published weights is trained. The
            learning-rate finder alone would choose too large a rate: it sees the new last layer learn, and not what
            the layers below forget.
    """

    weight_decay: float = 0.05
    clip_norm: float = 1.0
    label_smoothing: float = 0.1
    average_decay: float | None = 0.999
    augment: bool = True
    fine_tuning_rate: float = 1e-3


#: By the card's `recipe`.
KINDS: dict[str, KindOfRecipe] = {
    # after Wightman et al. 2021 (arXiv 2110.00476), with AdamW
    "convolutional": KindOfRecipe(),
    # Touvron et al. 2021 (arXiv 2012.12877): AdamW, decay 0.05, smoothing 0.1
    "attention": KindOfRecipe(fine_tuning_rate=1e-4),
    # clipping: Pascanu et al. 2013 (arXiv 1211.5063)
    "recurrent": KindOfRecipe(weight_decay=0.01, clip_norm=1.0, label_smoothing=0.0),
    "dense": KindOfRecipe(weight_decay=0.01, label_smoothing=0.0),
    "linear": KindOfRecipe(weight_decay=0.001, label_smoothing=0.0, augment=False),
}


@dataclass(frozen=True, kw_only=True)
class FitRecipe:
    """All that decides one training, besides data, network and learning rate.

    Attributes:
        steps, batch_size, evaluations, patience, weight_decay, clip_norm: as in `Recipe`.
        pieces: parts in which each batch goes through the network (gradient accumulation).
        label_smoothing, average_decay: as in `KindOfRecipe`.
        augment: names of the changes to training images, in the order in which they are made.
    """

    steps: int
    batch_size: int
    evaluations: int
    patience: int | None
    weight_decay: float
    clip_norm: float
    pieces: int = 1
    label_smoothing: float = 0.0
    average_decay: float | None = 0.999
    augment: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(record: dict[str, Any]) -> "FitRecipe":
        return FitRecipe(**{**record, "augment": tuple(record["augment"])})

    def shared(self) -> Recipe:
        """The fields that a comparison's recipe has too; the schedule is a short warm-up, then half a cosine."""
        return Recipe(
            steps=self.steps,
            batch_size=self.batch_size,
            weight_decay=self.weight_decay,
            schedule="cosine",
            evaluations=self.evaluations,
            patience=self.patience,
            clip_norm=self.clip_norm,
        )


def recipe_for(
    kind: str,
    schema: Schema,
    examples: int,
    *,
    augment: tuple[str, ...],
    epochs: int | None = None,
    batch_size: int | None = None,
    pieces: int = 1,
) -> FitRecipe:
    """The recipe of this kind for so many training examples.

    Args:
        kind: the card's `recipe`.
        schema: of the data.
        examples: training examples.
        augment: changes to the training images.
        epochs: passes over the training data; None is `EPOCHS`, and more for small data.
        batch_size: examples a step; None is about a twentieth of the data, from 16 to 128.
        pieces: parts of each batch.

    Raises:
        OptionError: a number below 1, a batch size that leaves one example alone, or more pieces than examples in a
            batch.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("accumulate", pieces)):
        if value is not None and value < 1:
            raise OptionError(f"'{name}' is {value}: give at least 1.")
    chosen = KINDS[kind]
    size = batch_size or _batch_size(examples)
    if batch_size is not None and _without_a_single_one(examples, size) != size:
        raise OptionError(
            f"'batch_size' is {size}, which leaves one of {examples} training examples alone in the last batch, and "
            f"batch normalisation cannot learn from one: give {_without_a_single_one(examples, size)}."
        )
    if pieces > size:
        raise OptionError(f"'accumulate' is {pieces}, and a batch has {size} examples: give at most {size}.")
    per_epoch = steps_per_epoch(examples, size)
    steps = epochs * per_epoch if epochs is not None else max(EPOCHS * per_epoch, LEAST_STEPS)
    evaluations = min(max(steps // per_epoch, 1), MOST_EVALUATIONS)
    smoothed = task_of(schema).takes_label_smoothing and not isinstance(schema.input, Table)
    return FitRecipe(
        steps=steps,
        batch_size=size,
        evaluations=evaluations,
        patience=max(5, round(PATIENCE_PART * evaluations)),
        weight_decay=chosen.weight_decay,
        clip_norm=chosen.clip_norm,
        pieces=pieces,
        label_smoothing=chosen.label_smoothing if smoothed else 0.0,
        average_decay=chosen.average_decay,
        augment=augment,
    )


def largest_rate(kind: str, *, published: bool, mode: str) -> float:
    """The largest rate that the finder may choose; infinite unless all of a published network is trained."""
    if not published or mode != "full":
        return math.inf
    return KINDS[kind].fine_tuning_rate


def suits_augmentation(kind: str, schema: Schema) -> bool:
    """Whether images are augmented by default: for networks that gain from it, and not where targets are values."""
    return KINDS[kind].augment and task_of(schema).survives_augmentation


def steps_per_epoch(examples: int, batch_size: int) -> int:
    return math.ceil(examples / batch_size)


def _batch_size(examples: int) -> int:
    """A power of two near a twentieth of the data, plus a little where the last batch would be a single example.

    >>> [_batch_size(n) for n in (90, 1078, 60_000, 129)]
    [16, 64, 128, 17]
    """
    size = 2 ** round(math.log2(max(examples / 20, 1)))
    return _without_a_single_one(examples, min(max(size, SMALLEST_BATCH), LARGEST_BATCH))


def _without_a_single_one(examples: int, size: int) -> int:
    """The next batch size whose last batch is not a single example, on which batch normalisation fails."""
    while examples > size > 1 and examples % size == 1:
        size += 1
    return size


def decay_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The trainable parameters as two groups: matrices and filters decay, vectors (biases, norms, gains) do not.

    >>> [(len(g["params"]), g["weight_decay"]) for g in decay_groups(nn.Linear(2, 2), 0.1)]
    [(1, 0.1), (1, 0.0)]
    """
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = [
        {
            "params": [p for p in trained if p.squeeze().dim() > 1 or p.dim() == 2],
            "weight_decay": weight_decay,
        },
        {"params": [p for p in trained if not (p.squeeze().dim() > 1 or p.dim() == 2)], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def frozen_but_head(module: nn.Module) -> nn.Module:
    """Freeze everything in the module except its last layer (linear probing), and return that layer.

    Raises:
        OptionError: the module has no last layer that can be identified.
    """
    head = last_layer(module)
    module.requires_grad_(False)
    head.requires_grad_(True)
    return head


def last_layer(module: nn.Module) -> nn.Module:
    """The network's `head` (in the catalogue), `fc` or `classifier` (in other packages), or its last linear layer.

    Raises:
        OptionError: there is none.
    """
    for name in ("head", "fc", "classifier"):
        found = getattr(module, name, None) or getattr(getattr(module, "network", None), name, None)
        if isinstance(found, nn.Module) and any(True for _ in found.parameters()):
            return found
    linear = [part for part in module.modules() if isinstance(part, nn.Linear)]
    if not linear or linear[-1] is module:
        raise OptionError(
            "Only the last layer is trained with mode 'probe', and this network has none apart: choose mode 'full'."
        )
    return linear[-1]


def rest_in_evaluation(module: nn.Module, head: nn.Module) -> None:
    """Set all but the head to evaluation mode, so that frozen normalisations keep their statistics."""
    module.eval()
    head.train()


def parameter_counts(module: nn.Module) -> tuple[int, int]:
    """How many parameters there are, and how many are trained."""
    sizes = [(p.numel(), p.requires_grad) for p in module.parameters()]
    return sum(size for size, _ in sizes), sum(size for size, trained in sizes if trained)
