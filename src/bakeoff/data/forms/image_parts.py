"""Names of folders that say what they are for: training, validation or test."""

import re
from collections.abc import Sequence

from bakeoff.data.forms.unicode import composed

_PART_WORDS = {
    **dict.fromkeys(("train", "training", "trainset", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "valset"), "validation"),
    **dict.fromkeys(("test", "testing", "testset", "tst"), "test"),
}
#: Words that say nothing beside them: "training set", "images_train", "val2017".
_FILLERS = frozenset(
    {
        "set",
        "data",
        "dataset",
        "images",
        "image",
        "imgs",
        "img",
        "pictures",
        "photos",
        "split",
        "folder",
        "files",
    }
)


def part_folders(names: Sequence[str]) -> dict[str, str]:
    """Name -> part, of the names that say train, validation or test.

    A name with further words counts where another part has the same ones (`seg_train`, `seg_test`); `test_tube` alone
    is a class, and so is a single `train` beside folders that are no parts.

    >>> part_folders(["training_set", "Test"])
    {'training_set': 'train', 'Test': 'test'}
    >>> part_folders(["train", "tram", "bus"])
    {}
    """
    said = {name: word for name in names if (word := part_said(name)) is not None}
    together: dict[tuple[str, ...], set[str]] = {}
    for part, rest in said.values():
        together.setdefault(rest, set()).add(part)
    everything = len(said) == len(names)
    return {
        name: part
        for name, (part, rest) in said.items()
        if len(together[rest]) > 1 or (everything and not rest)
    }


def part_said(name: str) -> tuple[str, tuple[str, ...]] | None:
    """(part, further words) of a folder's name, None where it names no part or two."""
    words = [word.casefold() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\d_A-Za-z]+", composed(name))]
    parts = [_PART_WORDS[word] for word in words if word in _PART_WORDS]
    if len(parts) != 1:
        return None
    return parts[0], tuple(word for word in words if word not in _PART_WORDS and word not in _FILLERS)
