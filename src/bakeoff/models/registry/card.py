"""The card of a network: what is known of it before it sees data.

To add a network: write `models/<folder>/<name>.py` with a plain `nn.Module`, a `build(schema, width, **options)`
function and `register(ModelCard(...))` calls, and name the file ("folder.name") in `_FILES` of `models/__init__.py`.
The conformance suite (`bakeoff.testing`) then runs over it by itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from bakeoff.data.schema import Classes, Forecast, Graph, Image, Schema, Series, Table, Tokens, Value
from bakeoff.models.weights.layout import Layout

#: What a network may assume about data. A card declares its own; `bakeoff why` measures them.
BIASES = {
    "linearity": "the answer is a weighted sum of the inputs",
    "locality": "neighbours belong together",
    "translation": "a pattern means the same wherever it appears",
    "hierarchy": "large patterns are made of small ones",
    "order": "inputs come one after another",
    "recency": "the recent past matters most",
    "relation": "any two elements may be related; which, is learned",
    "symmetry": "the numbering of the elements means nothing",
    "none": "nothing is assumed",
}
#: How a network is trained alone (`bakeoff fit`); the numbers stand in `train/single/recipe.py`.
RECIPES = {
    "convolutional": "as convolutional networks of images are",
    "attention": "as Transformers are",
    "recurrent": "as networks are that read step by step",
    "dense": "as multi-layer perceptrons are",
    "linear": "as linear models are",
}
#: The family of networks that a user brings.
OWN_FAMILY = "user"
Build = Callable[..., nn.Module]


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What is known of a network before it sees data.

    Attributes:
        name: unique in the catalogue; torchvision's or Hugging Face's name where they have one.
        family: "linear", "mlp", "cnn", "rnn", "transformer", "gnn" ...: networks that share their inductive bias.
        year, paper: first publication ("Author et al., Title, venue year" with an arXiv id or DOI).
        summary: one sentence: the idea.
        biases: keys of `BIASES`.
        recipe: one of `RECIPES`.
        inputs: input kinds that it takes, by whatever change of view.
        targets: target kinds.
        build: `build(schema, width=None, **options) -> nn.Module`. Its module maps inputs [B, *schema.input.shape]
            (and `lengths` int64 [B], where its forward has such an argument) to [B, schema.outputs]: logits, or
            values in standardised units.
        width: default of the one dial that makes the network wider; None where the shape is fixed by the paper.
        scalable: True for the families that a comparison enters by default where they take the data.
        example: the schema at which the catalogue states parameters and MACs.
        layouts: how publishers name the tensors, by publisher (see `bakeoff.models.weights`).
        file: where a network of one's own was named by its file: the absolute path.
    """

    name: str
    family: str
    year: int
    paper: str
    summary: str
    biases: tuple[str, ...]
    build: Build
    inputs: tuple[type, ...] = (Image, Series, Tokens, Table, Graph)
    targets: tuple[type, ...] = (Classes, Value, Forecast)
    recipe: str = "convolutional"
    width: int | None = None
    scalable: bool = False
    example: Schema = field(
        default_factory=lambda: Schema(
            input=Image(channels=3, height=224, width=224), target=Classes(names=tuple(map(str, range(1000))))
        )
    )
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    file: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether a user brought it, so that nothing is declared of it."""
        return self.family == OWN_FAMILY

    @property
    def assumes_nothing(self) -> bool:
        """Whether it is declared to have no bias: where such a network loses, all lose, since information is gone."""
        return self.biases == ("none",)

    def takes(self, schema: Schema) -> bool:
        return isinstance(schema.input, self.inputs) and isinstance(schema.target, self.targets)
