"""Networks of other packages by name: `timm:NAME` and `hf:NAME`, wherever a name of the catalogue may stand.

    timm:resnet26d                      a network of timm, random weights
    timm:resnet26d:pretrained           with the weights that timm publishes for it
    hf:prajjwal1/bert-tiny              the architecture of a Hugging Face id, random weights
    hf:prajjwal1/bert-tiny:pretrained   with its weights; its last layer is new, for the data's own classes
    hf:./folder                         the same from a folder with a config.json

Images go to image classifiers, texts to sequence classifiers (padding is masked out). Published weights know the
tokens of their own tokenizer, so with `:pretrained` texts must be cut by it (`bakeoff.load(..., tokenizer=...)`;
`bakeoff.fit` sees to it). The packages are an extra: `pip install 'bakeoff[hub]'`. Code that a network
of the hub brings along is not run, unless a person passes `trust_remote_code=True` to `build` or `fit` in Python. What
such a network assumes about data is not known here, so its card declares no biases.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from bakeoff.data.schema import Classes, Forecast, Image, Schema, Tokens, Value
from bakeoff.errors import BakeoffError, ModelError
from bakeoff.models.layers.sequences import Lengths
from bakeoff.models.layers.views import is_real
from bakeoff.models.registry.card import ModelCard
from bakeoff.system.extras import first_line, package, root_cause
from bakeoff.system.files import refuse_special

PRETRAINED = ":pretrained"
#: A published network may have a few more embeddings than its tokenizer has tokens (rounded up), down to this share.
SAME_VOCABULARY = 0.95
#: The packages by the word before the colon.
PACKAGES = {"timm": "timm", "hf": "transformers"}
EXTRA = "hub"


def is_external(name: str) -> bool:
    """Whether a name is one of another package's networks."""
    return name.partition(":")[0] in PACKAGES


def external_card(name: str) -> ModelCard:
    """The card of `timm:NAME` or `hf:NAME`, with or without `:pretrained` at its end.

    Raises:
        MissingExtraError: the package is not installed, or cannot be imported.
        ModelError: no name stands after the colon, or timm does not know it.
    """
    source, _, rest = name.partition(":")
    pretrained = rest.endswith(PRETRAINED)
    network = rest.removesuffix(PRETRAINED)
    if not network:
        raise ModelError(f"'{name}' names no network: write {source}:NAME, or {source}:NAME{PRETRAINED}.")
    module = package(PACKAGES[source], EXTRA)
    if source == "timm":
        _check_timm_name(module, network)
    build = _Build(source=source, network=network, pretrained=pretrained)
    return ModelCard(
        name=name,
        family=source,
        year=0,
        paper="",
        summary=f"{network} of the package {PACKAGES[source]}, {'published' if pretrained else 'random'} weights.",
        biases=(),
        recipe="attention" if source == "hf" else "convolutional",
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
        except BakeoffError:
            raise
        except Exception as error:  # another package's: any kind
            advice = "check its name and options"
            if _is_about_fetching(error):
                advice = (
                    "the hub cannot be reached or has no such network; give a folder that was fetched before"
                    if self.source == "hf"
                    else f"its weights cannot be fetched; without {PRETRAINED} they are random"
                )
            reason = first_line(root_cause(error))
            raise ModelError(
                f"'{self.source}:{self.network}' cannot be built for this data ({reason}): {advice}."
            ) from error


class Logits(nn.Module):
    """A transformers network as a map from inputs to logits, with padding masked out."""

    def __init__(self, network: nn.Module, *, tokens: bool) -> None:
        super().__init__()
        self.network, self.tokens = network, tokens

    def forward(self, x: Tensor, lengths: Lengths = None) -> Float[Tensor, "batch outputs"]:
        if self.tokens:
            mask = x != 0 if lengths is None else is_real(lengths, x.shape[1])
            return self.network(input_ids=x, attention_mask=mask.long()).logits
        return self.network(pixel_values=x).logits


def _timm_network(network: str, pretrained: bool, schema: Schema, options: dict[str, Any]) -> nn.Module:
    timm, image = package("timm", EXTRA), schema.input
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
    transformers = package("transformers", EXTRA)
    is_text = isinstance(schema.input, Tokens)
    settings: dict[str, Any] = {"num_labels": schema.outputs, "trust_remote_code": False, **options}
    if isinstance(schema.input, Image):
        settings["num_channels"] = schema.input.channels
    kind = (
        transformers.AutoModelForSequenceClassification
        if is_text
        else transformers.AutoModelForImageClassification
    )
    path = str(Path(network).resolve()) if Path(network).is_dir() else network
    for file in Path(path).iterdir() if Path(path).is_dir() else ():
        refuse_special(file, ModelError)
    if pretrained:
        if isinstance(schema.input, Tokens):
            own_code = settings["trust_remote_code"]
            config = transformers.AutoConfig.from_pretrained(path, trust_remote_code=own_code)
            _check_vocabulary(network, config, schema.input)
        with _without_its_notes(transformers):
            module = kind.from_pretrained(path, ignore_mismatched_sizes=True, **settings)
    else:
        config = transformers.AutoConfig.from_pretrained(path, **settings)
        if isinstance(schema.input, Image) and hasattr(config, "image_size"):
            config.image_size = max(schema.input.height, schema.input.width)
        if isinstance(schema.input, Tokens):
            config.vocab_size = max(config.vocab_size, schema.input.vocabulary_size)
        config.pad_token_id = 0
        module = kind.from_config(config, trust_remote_code=settings["trust_remote_code"])
    return Logits(module.train(), tokens=is_text)


@contextmanager
def _without_its_notes(transformers: ModuleType) -> Iterator[None]:
    """transformers tells at length that the last layer is new, which is what was asked for."""
    log = transformers.utils.logging
    before = log.get_verbosity()
    log.set_verbosity_error()
    try:
        yield
    finally:
        log.set_verbosity(before)


def _check_vocabulary(network: str, config: Any, tokens: Tokens) -> None:
    """Published embeddings of other words than the data's would be nonsense, so the two sizes must agree."""
    known = int(getattr(config, "vocab_size", tokens.vocabulary_size))
    if not SAME_VOCABULARY * known <= tokens.vocabulary_size <= known:
        raise ModelError(
            f"'hf:{network}' knows {known} tokens and this data has {tokens.vocabulary_size}, so its words are others: "
            f"cut the texts with its own tokenizer (--tokenizer {network}, or tokenizer='{network}' in Python)."
        )


def _is_about_fetching(error: BaseException) -> bool:
    """Whether a package failed because something could not be fetched, judged by its words and its causes."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    words = " ".join(f"{type(one).__name__} {one}" for one in chain)
    return any(word in words for word in ("Connect", "connect", "huggingface.co", "urlopen", "Repository"))


def _check_timm_name(timm: ModuleType, network: str) -> None:
    from bakeoff.errors import suggest

    if not timm.is_model(network):
        raise ModelError(f"timm has no network called '{network}'. {suggest(network, timm.list_models())}")
