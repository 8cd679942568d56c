"""What the language networks (BERT, GPT-2, LLaMA) share: their three heads, their shapes and the refusals.

Each of them gives a state for each token, and one of three heads makes of the states what is asked for:
"classes" [B, K] one answer a text, "language_model" [B, T, V] a word at each position, "none" [B, T, D] the states.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bakeoff.data.schema import Classes, Schema, Tokens
from bakeoff.errors import OptionError

Head = Literal["classes", "language_model", "none"]
HEADS = ("classes", "language_model", "none")


@dataclass(frozen=True, kw_only=True)
class Size:
    """A published shape: layers, width D, heads; the feed-forward part has 4 D units."""

    layers: int
    width: int
    heads: int


def require_head(head: str) -> None:
    """Raises `OptionError` where there is no such head."""
    if head not in HEADS:
        raise OptionError(f"head='{head}': choose 'classes', 'language_model' or 'none'.")


def require_published_width(width: int | None, published: int, names: Iterable[str]) -> None:
    """Raises `OptionError` where another width is asked for than the published one; `names` are the other shapes."""
    if width is not None and width != published:
        raise OptionError(
            f"width={width}: this shape is fixed at {published}; choose another of {', '.join(names)}."
        )


def sentiment(words: int, length: int) -> Schema:
    """Texts of this length from so many words, liked or not: where the catalogue states parameters and MACs."""
    return Schema(
        input=Tokens(vocabulary_size=words, length=length), target=Classes(names=("negative", "positive"))
    )
