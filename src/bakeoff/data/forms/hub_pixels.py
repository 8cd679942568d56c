"""The pixels of new pictures in a `Dataset` of Hugging Face, of the form that a network was trained on."""

from typing import Any

from numpy.typing import NDArray

from bakeoff.data.forms.hub_datasets import image_column, pictures
from bakeoff.data.forms.image_cache import decode_now
from bakeoff.data.forms.image_decoder import PixelForm
from bakeoff.errors import DataError


def new_hub_pictures(source: Any, form: PixelForm) -> tuple[NDArray[Any], list[str]]:
    """Pixels [N, C, H, W] of new pictures and a name for each.

    Raises:
        DataError: a picture cannot be read.
    """
    column = image_column(source)
    assert column is not None
    pixels, decoded, refused = decode_now([file or b"" for file in pictures(source, column)], form)
    if refused:
        raise DataError(
            f"{len(refused)} pictures of the column '{column}' cannot be read ({named_rows(refused)}): leave those out."
        )
    return pixels, [str(row + 1) for row in decoded]


def named_rows(refused: list[tuple[int, str]]) -> str:
    """The first rows that were skipped, each with its reason."""
    shown = ", ".join(f"row {row + 1} ({reason})" for row, reason in refused[:5])
    return shown + (", ..." if len(refused) > 5 else "")
