"""What a folder of images holds: parts by their names, classes, links, wrappers; what is left out is counted."""

import os
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bakeoff
from bakeoff.data.forms.image_folders import understood
from bakeoff.data.forms.image_parts import part_folders
from bakeoff.errors import DataError

pytestmark = pytest.mark.usefixtures("own_cache")


def put(folder: Path, count: int = 6) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("L", (4, 4), 10 * number).save(folder / f"{number}.png")
    return folder


def classes(root: Path, count: int = 6) -> Path:
    for name in ("cat", "dog"):
        put(root / name, count)
    return root


def kinds(root: Path) -> dict[str, dict[str, Any]]:
    return {finding.kind: finding.values for finding in understood(root).findings}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train", "test"], {"train": "train", "test": "test"}),
        (["Training", "VAL", "Testing"], {"Training": "train", "VAL": "validation", "Testing": "test"}),
        (["training_set", "test_set"], {"training_set": "train", "test_set": "test"}),
        (["images_train", "images-val"], {"images_train": "train", "images-val": "validation"}),
        (["trainImages", "testImages"], {"trainImages": "train", "testImages": "test"}),
        (["train2017", "val2017"], {"train2017": "train", "val2017": "validation"}),
        (["seg_train", "seg_test", "seg_pred"], {"seg_train": "train", "seg_test": "test"}),
        (["train"], {"train": "train"}),
        (["train", "tram", "bus"], {}),
        (["test tube", "flask"], {}),
        (["cat", "dog"], {}),
        (["0", "1"], {}),
    ],
)
def test_folders_are_parts_by_their_names(names: list[str], expected: dict[str, str]) -> None:
    assert part_folders(names) == expected


def test_parts_under_any_of_their_names_are_the_splits(tmp_path: Path) -> None:
    for name, count in (("Training_Set", 8), ("valid", 3), ("images_test", 4)):
        classes(tmp_path / "x" / name, count)
    dataset = bakeoff.load(tmp_path / "x")
    assert dataset.splits.how == "given"
    assert [len(part) for part in (dataset.splits.train, dataset.splits.validation, dataset.splits.test)] == [
        16,
        6,
        8,
    ]
    assert dataset.schema.target.names == ("cat", "dog")  # type: ignore[union-attr]


def test_parts_without_class_folders_are_reported_and_are_no_classes(tmp_path: Path) -> None:
    put(tmp_path / "x" / "train"), put(tmp_path / "x" / "test")
    with pytest.raises(
        DataError, match=r"parts by their names .* put one sub-folder for each class into each"
    ):
        bakeoff.load(tmp_path / "x")


def test_images_that_have_no_class_beside_parts_that_have_are_counted(tmp_path: Path) -> None:
    classes(tmp_path / "x" / "train"), put(tmp_path / "x" / "test", 5), put(tmp_path / "x" / "more", 2)
    found = understood(tmp_path / "x")
    assert len(found.parts["all" if "all" in found.parts else "train"].files) == 12
    assert kinds(tmp_path / "x")["images_beside_parts"] == {"count": 7, "names": "'test', 'more'"}


def test_a_single_part_with_class_folders_is_a_part_beside_anything(tmp_path: Path) -> None:
    classes(tmp_path / "x" / "train"), put(tmp_path / "x" / "extra", 3)
    assert set(understood(tmp_path / "x").parts["train"].classes) == {"cat", "dog"}


@pytest.mark.parametrize("depth", [1, 3])
def test_a_folder_around_everything_is_entered_and_reported(tmp_path: Path, depth: int) -> None:
    root = tmp_path / "x"
    inner = root.joinpath(*["photos"] * depth)
    classes(inner)
    (root / "__MACOSX").mkdir()
    assert understood(root).root == inner
    assert kinds(root)["wrapper_entered"] == {"folder": str(inner.relative_to(root))}
    assert bakeoff.load(root).schema.target.names == ("cat", "dog")  # type: ignore[union-attr]


def test_a_folder_around_the_classes_of_each_part_is_entered(tmp_path: Path) -> None:
    for part in ("seg_train", "seg_test"):
        classes(tmp_path / "x" / part / part)
    assert set(understood(tmp_path / "x").parts) == {"train", "test"}


def test_a_linked_class_folder_is_followed_once_and_no_circle_is(tmp_path: Path) -> None:
    store, root = classes(tmp_path / "store"), tmp_path / "x"
    (root / "dog").mkdir(parents=True)
    os.symlink(store / "cat", root / "cat")
    os.symlink(store / "dog", root / "dog" / "all")
    os.symlink(store / "dog", root / "dog" / "again")
    os.symlink(root, root / "dog" / "circle")
    parts = understood(root).parts
    assert sorted(parts["all"].classes) == ["cat"] * 6 + ["dog"] * 6


def test_links_that_lead_nowhere_are_reported(tmp_path: Path) -> None:
    root = classes(tmp_path / "x")
    os.symlink(tmp_path / "gone", root / "fox")
    os.symlink(tmp_path / "gone", root / "dog" / "more")
    assert kinds(root)["links_broken"] == {"count": 2, "names": "'dog/more', 'fox'"}
    assert not kinds(classes(tmp_path / "y"))


def test_what_is_no_picture_is_counted_by_its_ending(tmp_path: Path) -> None:
    root = classes(tmp_path / "x")
    for number in range(3):
        (root / "cat" / f"{number}.txt").write_text("words")
        (root / "dog" / f"{number}.heic").write_bytes(b"photo")
    (root / "dog" / "list.json").write_text("{}")
    (root / "dog" / "Thumbs.db").write_bytes(b"")
    put(root, 2)
    found = kinds(root)
    assert found["images_of_other_formats"] == {"count": 3, "endings": ".heic 3"}
    assert found["files_ignored"] == {"count": 4, "endings": ".txt 3, .json 1"}
    assert found["images_beside_classes"]["count"] == 2


def test_class_folders_that_differ_in_unicode_form_alone_are_one_class(tmp_path: Path) -> None:
    root = put(tmp_path / "x" / "개").parent
    composed, apart = unicodedata.normalize("NFC", "고양이"), unicodedata.normalize("NFD", "고양이")
    put(root / composed), put(root / apart)
    if len(list(root.iterdir())) < 3:
        pytest.skip("this file system knows one form of names alone")
    dataset = bakeoff.load(root)
    assert dataset.schema.target.names == ("개", composed)  # type: ignore[union-attr]
    assert np.bincount(dataset.targets).tolist() == [6, 12]
    assert "class_folders_joined" in {finding.kind for finding in dataset.findings}


def test_a_folder_that_may_not_be_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = classes(tmp_path / "x")

    def refuse(folder: str) -> Any:
        raise PermissionError(13, "no", folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="may not be read by you: change its permissions"):
        understood(root)
    shutil.rmtree(root, ignore_errors=True)


def test_parts_inside_every_class_are_the_splits(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        put(tmp_path / "x" / name / "train", 8), put(tmp_path / "x" / name / "test", 3)
    found = understood(tmp_path / "x").parts
    assert {part: sorted(set(files.classes)) for part, files in found.items()} == {
        "train": ["cat", "dog"],
        "test": ["cat", "dog"],
    }
    assert bakeoff.load(tmp_path / "x").splits.how == "given"
    put(tmp_path / "x" / "fox")
    assert set(understood(tmp_path / "x").parts) == {"all"}
