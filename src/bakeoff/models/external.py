"""Networks of other packages by name: `timm:NAME` and `hf:NAME`, wherever a name of the catalogue may stand.

    timm:resnet26d                      a network of timm, random weights
    timm:resnet26d:pretrained           with the weights that timm publishes for it
    hf:prajjwal1/bert-tiny              the architecture of a Hugging Face id, random weights
    hf:prajjwal1/bert-tiny:pretrained   with its weights; its last layer is new, for the data's own classes
    hf:./folder                         the same from a folder with a config.json

Images go to image classifiers, texts to sequence classifiers (0 is padding and is masked out). The packages are an
extra: `pip install 'bakeoff[hub]'`. What such a network assumes about data is not known here, so its card declares
no biases.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Image, Schema, Tokens, Value
from bakeoff.errors import MissingExtraError, ModelError
from bakeoff.models.card import ModelCard

PRETRAINED = ":pretrained"
#: The packages by the word before the colon.
PACKAGES = {"timm": "timm", "hf": "transformers"}


def is_external(name: str) -> bool:
    """Whether a name is one of another package's networks."""
    return name.partition(":")[0] in PACKAGES


def external_card(name: str) -> ModelCard:
    """The card of `timm:NAME` or `hf:NAME`, with or without `:pretrained` at its end.

    Raises:
        MissingExtraError: the package is not installed.
        ModelError: no name stands after the colon, or timm does not know it.
    """
    source, _, rest = name.partition(":")
    pretrained = rest.endswith(PRETRAINED)
    network = rest.removesuffix(PRETRAINED)
    if not network:
        raise ModelError(f"'{name}' names no network: write {source}:NAME, or {source}:NAME{PRETRAINED}.")
    package = _package(PACKAGES[source])
    if source == "timm":
        _check_timm_name(package, network)
    build = _Build(source=source, network=network, pretrained=pretrained)
    return ModelCard(
        name=name,
        family=source,
        year=0,
        paper="",
        summary=f"{network} of the package {PACKAGES[source]}, {'published' if pretrained else 'random'} weights.",
        biases=(),
        build=build,
        inputs=(Image,) if source == "timm" else (Image, Tokens),
        targets=(Classes, Value, Forecast),
    )


@dataclass(frozen=True, kw_only=True)
class _Build:
    """`build(schema)` of another package's network; options go to its own constructor."""

    source: str
    network: str
    pretrained: bool

    def __call__(self, schema: Schema, width: int | None = None, **options: Any) -> nn.Module:
        if width is not None:
            raise ModelError(
                f"'{self.source}:{self.network}' has no width to choose: leave width={width} out."
            )
        make = _timm_network if self.source == "timm" else _transformers_network
        try:
            return make(self.network, self.pretrained, schema, options)
        except (RuntimeError, ValueError, TypeError, OSError, KeyError, AssertionError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ModelError(
                f"'{self.source}:{self.network}' cannot be built for this data ({reason}): check its name and options."
            ) from error


class Logits(nn.Module):
    """A transformers network as a map from inputs to logits, with padding masked out."""

    def __init__(self, network: nn.Module, *, tokens: bool) -> None:
        super().__init__()
        self.network, self.tokens = network, tokens

    def forward(self, x: Tensor) -> Float[Tensor, "batch outputs"]:
        if self.tokens:
            return self.network(input_ids=x, attention_mask=(x != 0).long()).logits
        return self.network(pixel_values=x).logits


def _timm_network(network: str, pretrained: bool, schema: Schema, options: dict[str, Any]) -> nn.Module:
    timm, image = _package("timm"), schema.input
    assert isinstance(image, Image)
    arguments = {
        "pretrained": pretrained,
        "num_classes": schema.outputs,
        "in_chans": image.channels,
        **options,
    }
    try:
        return timm.create_model(network, img_size=(image.height, image.width), **arguments)
    except TypeError:  # most networks of timm take any size and have no such argument
        return timm.create_model(network, **arguments)


def _transformers_network(
    network: str, pretrained: bool, schema: Schema, options: dict[str, Any]
) -> nn.Module:
    transformers = _package("transformers")
    is_text = isinstance(schema.input, Tokens)
    settings: dict[str, Any] = {"num_labels": schema.outputs, **options}
    if isinstance(schema.input, Image):
        settings["num_channels"] = schema.input.channels
    kind = (
        transformers.AutoModelForSequenceClassification
        if is_text
        else transformers.AutoModelForImageClassification
    )
    path = str(Path(network).resolve()) if Path(network).is_dir() else network
    if pretrained:
        module = kind.from_pretrained(path, ignore_mismatched_sizes=True, **settings)
    else:
        config = transformers.AutoConfig.from_pretrained(path, **settings)
        if isinstance(schema.input, Image) and hasattr(config, "image_size"):
            config.image_size = max(schema.input.height, schema.input.width)
        if isinstance(schema.input, Tokens):
            config.vocab_size = max(config.vocab_size, schema.input.vocabulary_size)
        config.pad_token_id = 0
        module = kind.from_config(config)
    return Logits(module.train(), tokens=is_text)


def _check_timm_name(timm: ModuleType, network: str) -> None:
    from bakeoff.errors import suggest

    if not timm.is_model(network):
        raise ModelError(f"timm has no network called '{network}'. {suggest(network, timm.list_models())}")


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(name, "hub") from error
