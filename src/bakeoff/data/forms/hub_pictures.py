"""Pictures in a `Dataset` of Hugging Face: files' bytes in a column beside the column of their classes."""

from typing import Any

from bakeoff.data.assembly import make_dataset
from bakeoff.data.dataset import Dataset, Finding
from bakeoff.data.forms.hub_datasets import image_column, pictures, to_polars
from bakeoff.data.forms.hub_pixels import named_rows
from bakeoff.data.forms.image_cache import common_form, cut_files, decode_now, read_headers
from bakeoff.data.forms.image_decoder import Header, PixelForm
from bakeoff.data.forms.images import ImageEncoder
from bakeoff.data.forms.size_checks import check_fits
from bakeoff.data.forms.targets import read_target
from bakeoff.data.schema import Image
from bakeoff.errors import OptionError, listed, printable, suggest


def load_hub_pictures(
    source: Any, *, target: str | None, size: tuple[int, int] | None, seed: int, name: str | None
) -> Dataset:
    """A dataset from the pictures of the first column of images and the classes of `target`.

    Args:
        target: None takes the one column of class labels.

    Raises:
        DataError: no picture can be read, or classes are missing.
        OptionError: there is no such column, or several could be meant.
    """
    column = image_column(source)
    assert column is not None
    labels = to_polars(source, without=(column,))
    target = _target(source, labels.columns, target)
    files = [b"" if file is None else file for file in pictures(source, column)]
    known = read_headers(files)
    form = common_form(known, size)
    check_fits(len(files) * form.example_bytes, f"{len(files)} pictures of {form.height}x{form.width} pixels")
    pixels, decoded, refused = decode_now(files, form)
    answers = labels[target].to_numpy()[decoded]
    codes, schema_target = read_target(answers, task="classes", what=f"target '{target}'")
    return make_dataset(
        name=name or "pictures",
        input=Image(channels=form.channels, height=form.height, width=form.width),
        target=schema_target,
        inputs=pixels,
        targets=codes,
        encoder=ImageEncoder(channels=form.channels, height=form.height, width=form.width, depth=form.depth),
        seed=seed,
        source="dataset in memory",
        findings=_findings(
            column, [other for other in labels.columns if other != target], refused, known, form
        ),
    )


def _target(source: Any, columns: list[str], target: str | None) -> str:
    labels = [name for name in columns if hasattr(source.features[name], "names")]
    if target is None and len(labels) == 1:
        return labels[0]
    if target not in columns:
        raise OptionError(
            f"Which column holds the classes? Name it as target. {suggest(target or '', columns)}"
        )
    return target


def _findings(
    column: str, others: list[str], refused: list[tuple[int, str]], known: list[Header], form: PixelForm
) -> list[Finding]:
    """The pictures that were skipped, lost depth or have others after them, and the columns that are not used."""
    findings = []
    if refused:
        values: dict[str, Any] = {"count": len(refused), "names": named_rows(refused)}
        findings.append(Finding(kind="images_skipped", severity="fault", values=values))
    if cut := cut_files(known, form):
        findings.append(Finding(kind="images_cut_to_bytes", severity="warning", values={"count": cut}))
    if more := sum(header.more for header in known):
        findings.append(Finding(kind="images_of_frames", severity="note", values={"count": more}))
    if others:
        values = {"column": printable(column), "count": len(others), "others": listed(others)}
        findings.append(Finding(kind="pictures_only", severity="note", values=values))
    return findings
