"""A trained network's folder from elsewhere runs no code and opens no file, whatever its record says."""

import builtins
import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff import models
from bakeoff.data.dataset import Dataset
from bakeoff.data.load import load
from bakeoff.errors import BakeoffError, ModelError, OptionError, StoreError
from bakeoff.inference.predictor import RECORD_FILE, Predictor
from bakeoff.models.registry.card import ModelCard
from bakeoff.models.registry.options import _declared, check_recorded_options
from bakeoff.study.fitting.fit import fit
from bakeoff.study.fitting.settings import FitSettings
from bakeoff.train.single.checkpoint import load_checkpoint, save_checkpoint
from examples import made_up, untrained

TRAP = """
from pathlib import Path
from torch import nn
Path({mark!r}).write_text("imported")


def run(*given, **options):
    Path({mark!r}).write_text("called")
    return nn.Linear(4, 3)
"""


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there as soon as the module or file `trap_of_records` is run; both can be found."""
    file = tmp_path / "mark"
    (tmp_path / "trap_of_records.py").write_text(TRAP.format(mark=str(file)))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "trap_of_records", raising=False)
    return file


@pytest.fixture(scope="module")
def iris() -> Dataset:
    return load("iris")


def _saved(place: Path, dataset: Dataset, model: str = "linear", **options: Any) -> Path:
    return untrained(dataset, model, **options).save(place)


def _change(place: Path, **changes: Any) -> None:
    record = json.loads((place / RECORD_FILE).read_text())
    (place / RECORD_FILE).write_text(json.dumps({**record, **changes}))


HOSTILE = [
    {"model": "subprocess:run", "options": {"args": ["touch", "mark"]}},
    {"model": "os:system", "options": {"command": "touch mark"}},
    {"model": "builtins:exec", "options": {"source": "open('mark', 'w')"}},
    {"model": "trap_of_records:run"},
    {"model": "trap_of_records.py:run"},
    {"model": "./trap_of_records.py:run"},
    {"model": "trap_of_records:run@3"},
    {"model": "x:run", "file": "trap_of_records.py"},
    {"model": "timm:resnet18", "options": {"pretrained": True}},
    {"model": "hf:owner/name", "options": {"trust_remote_code": True}},
    {"model": "hf:.", "options": {"trust_remote_code": True}},
    {"model": "hf:../..:pretrained"},
]


@pytest.mark.parametrize("changes", HOSTILE, ids=lambda changes: changes["model"])
def test_a_record_that_names_a_network_outside_the_catalogue_is_refused(
    changes: dict[str, Any], iris: Dataset, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = _saved(mark.parent / "champion", iris)
    _change(place, **changes)
    for package in ("timm", "transformers"):
        monkeypatch.setitem(sys.modules, package, _Untouchable())
    before = set(sys.modules)
    with pytest.raises(
        ModelError, match=r"names the network .* not of the catalogue.* add --trust .*--model"
    ) as caught:
        Predictor.load(place)
    assert changes["model"] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not mark.exists()
    assert not {name for name in set(sys.modules) - before if not name.startswith("bakeoff.")}


class _Untouchable:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model": "trap_of_records"}, "no network called 'trap_of_records'"),
        ({"model": "hf"}, "no network called|not of the catalogue"),
        ({"model": ""}, "no network called ''"),
        ({"model": 3}, "does not name a network"),
        ({"model": None}, "does not name a network"),
        ({"model": ["linear"]}, "does not name a network"),
        ({"model": {"trap_of_records": "run"}}, "does not name a network"),
        ({"file": 3}, "does not name a network"),
        ({"width": "3"}, "its width is '3'"),
        ({"width": True}, "its width is True"),
        ({"width": 0}, "its width is 0"),
        ({"width": 1.5}, "its width is 1.5"),
        ({"options": []}, "its options are a list"),
        ({"options": None}, "its options are a NoneType"),
        ({"options": {"depth": 3}}, "'linear' has no option 'depth'. It has none"),
        ({"options": {"schema": 3}}, "'linear' has no option 'schema'"),
        ({"options": {"width": 3}}, "'linear' has no option 'width'"),
        ({"options": {"seed": 3}}, "'linear' has no option 'seed'"),
        ({"options": {"name": "trap_of_records:run"}}, "'linear' has no option 'name'"),
        ({"encoder": "trap_of_records:run"}, "its encoder is a str"),
        (
            {"schema": {"input": {"kind": "trap_of_records:run"}, "target": {}}},
            "not a schema that bakeoff wrote",
        ),
    ],
    ids=str,
)
def test_a_record_of_another_form_is_one_sentence(
    changes: dict[str, Any], match: str, iris: Dataset, mark: Path
) -> None:
    place = _saved(mark.parent / "champion", iris)
    _change(place, **changes)
    with pytest.raises(BakeoffError, match=match) as caught:
        Predictor.load(place)
    assert "\n" not in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize(
    "kind", ["trap_of_records:run", "trap_of_records", "__builtins__", "arrays:run", ["arrays"], None]
)
def test_an_encoders_kind_chooses_no_module(kind: Any, iris: Dataset, mark: Path) -> None:
    place = _saved(mark.parent / "champion", iris)
    _change(place, encoder={"kind": kind, "axes": None})
    with pytest.raises(BakeoffError, match="train the network again"):
        Predictor.load(place).read("iris")
    assert not mark.exists()


def test_an_array_in_place_of_the_record_is_refused(iris: Dataset, mark: Path) -> None:
    place = _saved(mark.parent / "champion", iris)
    for text in ("[]", "3", "null", '"trap_of_records:run"', "[" * 100_000):
        (place / RECORD_FILE).write_text(text)
        with pytest.raises(StoreError, match="cannot be read"):
            Predictor.load(place)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"dropout": "a lot"}, r"option 'dropout' of 'inceptiontime|has no option 'dropout'"),
        ({"depth": "6"}, r"The option 'depth' of 'inceptiontime' cannot be '6': it is a value like 6"),
        ({"depth": True}, r"cannot be True: it is a value like 6"),
        ({"depth": 6.5}, r"cannot be 6\.5"),
        ({"depth": None}, r"cannot be None"),
        ({"depth": [6]}, r"cannot be \[6\]"),
        ({"depht": 6}, r"'inceptiontime' has no option 'depht'\. Did you mean 'depth'"),
        ({"__class__": 6}, r"has no option '__class__'"),
        ({"\x1b[31m": 6}, r"has no option '\\x1b\[31m'"),
    ],
    ids=str,
)
def test_options_of_a_record_are_those_that_the_network_declares(
    options: dict[str, Any], match: str, tmp_path: Path
) -> None:
    dataset = made_up("short series")
    place = _saved(tmp_path, dataset, "inceptiontime", depth=3)
    assert Predictor.load(place).module is not None
    _change(place, options=options)
    with pytest.raises(OptionError, match=match):
        Predictor.load(place)


def test_the_defaults_of_every_kind_of_network_pass_as_options() -> None:
    """Whatever `fit` may have written is taken again; a table in the place of any value is not."""
    builders = {getattr(card.build, "func", card.build): card for card in models.catalogue().values()}
    checked = 0
    for card in builders.values():
        defaults = {name: one.default for name, one in _declared(card, card.example).items()}
        check_recorded_options(card, card.example, json.loads(json.dumps(defaults)))
        for name in list(defaults)[:1]:
            with pytest.raises(OptionError, match=f"The option '{name}'"):
                check_recorded_options(card, card.example, {name: {"a": "b"}})
        checked += len(defaults)
    assert checked > 25


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({"zero_init_last": False, "drop_rate": 0.1, "hidden_act": "relu", "pad_token_id": 3}, True),
        ({"trust_remote_code": True}, False),
        ({"TRUST_REMOTE_CODE": True}, False),
        ({"pretrained": True}, False),
        ({"pretrained_cfg": "x"}, False),
        ({"weights_only": False}, False),
        ({"use_safetensors": False}, False),
        ({"checkpoint_path": "x"}, False),
        ({"attn_implementation": "kernels"}, False),
        ({"use_kernels": True}, False),
        ({"revision": "a/b"}, False),
        ({"auto_map": {"AutoConfig": "x.y"}}, False),
        ({"hidden_act": "../x"}, False),
        ({"hidden_act": ["x"]}, False),
        ({"_name_or_path": "x"}, False),
        ({"cache_dir": "x"}, False),
        ({"not a name": 1}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["hf:owner/name", "timm:resnet18"])
def test_a_record_sets_nothing_that_says_whose_code_another_package_loads(
    name: str, options: dict[str, Any], passes: bool
) -> None:
    """Not even in a folder that is trusted."""
    card = ModelCard(
        name=name, family="hf", year=0, paper="", summary="", biases=(), build=lambda *given: None
    )
    schema = made_up("image").schema
    if passes:
        check_recorded_options(card, schema, options)
        return
    with pytest.raises(
        OptionError, match=r"may not come from a file, since it can say what is loaded and run"
    ):
        check_recorded_options(card, schema, options)


def test_a_folder_that_is_trusted_or_whose_network_is_typed_is_used(iris: Dataset, mark: Path) -> None:
    place = mark.parent / "champion"
    card = models.card("./trap_of_records.py:run")
    saved = untrained(iris, card)
    saved.save(place)
    record = json.loads((place / RECORD_FILE).read_text())
    assert (record["model"], record["file"]) == (
        "trap_of_records.py:run",
        str(mark.parent / "trap_of_records.py"),
    )
    with pytest.raises(ModelError, match="not of the catalogue"):
        Predictor.load(place)
    for given in ({"trust": True}, {"model": card}, {"model": "trap_of_records.py:run"}):
        mark.unlink(missing_ok=True)
        loaded = Predictor.load(place, **given)  # type: ignore[arg-type]
        np.testing.assert_array_equal(loaded.predict(iris.inputs), saved.predict(iris.inputs))
        assert mark.read_text() == "called"


def test_a_typed_network_takes_the_place_of_the_recorded_one(iris: Dataset, mark: Path) -> None:
    """What is typed is built; what the record names is not even imported."""
    place = _saved(mark.parent / "champion", iris)
    _change(place, model="trap_of_records:run")
    assert Predictor.load(place, model="linear").model == "linear"
    assert not mark.exists()
    with pytest.raises(
        ModelError, match=r"weights are not those of this 'mlp' \('layers.* should be .* and is missing\)"
    ):
        _ = Predictor.load(place, model="mlp").module


def test_a_network_that_was_registered_in_this_process_is_of_the_catalogue(
    iris: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models._registry, "_cards", dict(models.catalogue()))
    linear = models.card("linear")
    models.register(
        ModelCard(name="mine", family="user", year=0, paper="", summary="", biases=(), build=linear.build)
    )
    assert Predictor.load(_saved(tmp_path, iris, "mine")).predict(iris.inputs[:2]).shape == (2,)


def test_weights_of_another_network_are_refused_by_the_tensor(iris: Dataset, tmp_path: Path) -> None:
    place = _saved(tmp_path, iris)
    _change(place, model="perceptron")
    with pytest.raises(ModelError, match="are not those of this 'perceptron'"):
        _ = Predictor.load(place).module


def test_mutated_records_are_read_or_refused_in_a_sentence_and_open_nothing_else(
    iris: Dataset, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every value of a record is put in the place of every part of it, and names of code in all places."""
    place = _saved(mark.parent / "champion", iris)
    good = json.loads((place / RECORD_FILE).read_text())
    poisons: list[Any] = [
        "trap_of_records:run",
        "/etc/passwd",
        "../trap_of_records.py",
        None,
        -1,
        1e300,
        [],
        {},
        True,
    ]
    opened: list[str] = []
    real: Callable[..., Any] = builtins.open

    def watched(file: Any, *given: Any, **named: Any) -> Any:
        opened.append(str(file))
        return real(file, *given, **named)

    tried = 0
    for path in _paths(good):
        for poison in poisons:
            (place / RECORD_FILE).write_text(json.dumps(_with(good, path, poison)))
            with monkeypatch.context() as watching:
                watching.setattr(builtins, "open", watched)
                _try(place)
            assert not mark.exists(), (path, poison)
            tried += 1
    assert tried > 150
    outside = [name for name in opened if not name.startswith((str(place), sys.prefix, sys.base_prefix))]
    assert not [name for name in outside if "passwd" in name or "trap_of_records" in name]


@pytest.mark.filterwarnings("ignore::bakeoff.errors.BakeoffWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("form", ["table", "text", "forecast"])
def test_predicting_with_a_mutated_record_ends_in_a_sentence_or_well(form: str, tmp_path: Path) -> None:
    """Each part of the record by another type, none, negative, huge, or gone: 738 of 4,389 such were tracebacks."""
    source, asked = _files(tmp_path)[form]
    dataset = load(source, **asked)
    place = _saved(tmp_path / "champion", dataset, "lstm" if form == "text" else "linear")
    good = json.loads((place / RECORD_FILE).read_text())
    for path in _paths(good):
        for poison in (None, -1, 1e300, float("nan"), [], {"a": 1}, "x", ["a", ["b"]], 10**9):
            (place / RECORD_FILE).write_text(json.dumps(_with(good, path, poison)))
            with contextlib.suppress(BakeoffError), np.errstate(all="ignore"):
                Predictor.load(place).predict(source)


def _files(folder: Path) -> dict[str, tuple[Path, dict[str, str]]]:
    rows = range(60)
    texts = {
        "table": [
            "size,day,colour,y",
            *(f"{n % 7},2024-0{1 + n % 9}-11,{'rgb'[n % 3]},{'ab'[n % 2]}" for n in rows),
        ],
        "text": ["words,y", *(f"a good long film number {n} of them all,{'ab'[n % 2]}" for n in rows)],
        "forecast": ["day,y", *(f"2024-0{1 + n // 28}-{1 + n % 28:02d},{n % 7 + n / 100}" for n in rows)],
    }
    for name, lines in texts.items():
        (folder / f"{name}.csv").write_text("\n".join(lines))
    asked = {"table": {"target": "y"}, "text": {"target": "y"}, "forecast": {"target": "y", "time": "day"}}
    return {name: (folder / f"{name}.csv", asked[name]) for name in texts}


def test_a_checkpoint_of_a_fit_imports_nothing_that_it_names(iris: Dataset, mark: Path) -> None:
    """A name of code in every place of its facts, which most often ends in an error: it is never one of that code."""
    call: dict[str, Any] = {"epochs": 1, "learning_rate": 0.01, "out": mark.parent / "runs", "name": "f"}
    fit(iris, FitSettings(model="linear", **call))
    checkpoint = mark.parent / "runs" / "f" / "checkpoint.safetensors"
    loaded = load_checkpoint(checkpoint)
    assert loaded is not None
    tensors, facts = loaded
    failed = 0
    for path in _paths(facts):
        if "moments" in path or (path[0] == "definition" and len(path) > 2):
            continue
        save_checkpoint(checkpoint, tensors, _with(facts, path, "./trap_of_records.py:run"))
        try:
            fit(iris, FitSettings(model="linear", **call))
        except Exception:
            failed += 1
        assert not mark.exists(), path
        assert "trap_of_records" not in sys.modules
        for other in (mark.parent / "runs").glob("f-*"):
            shutil.rmtree(other)
    assert failed > 5


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("recipe",), "evil:run"),
        (("recipe", "evil"), "run"),
        (("learning_rate",), "evil:run"),
        (("training",), {}),
        (("training", "run"), {}),
        (("training", "moments"), [{"evil": "run"}]),
    ],
    ids=str,
)
def test_a_checkpoint_of_another_form_says_to_remove_it(
    place: tuple[str, ...], value: Any, iris: Dataset, tmp_path: Path
) -> None:
    call: dict[str, Any] = {"epochs": 1, "learning_rate": 0.01, "out": tmp_path, "name": "f"}
    fit(iris, FitSettings(model="linear", **call))
    checkpoint = tmp_path / "f" / "checkpoint.safetensors"
    loaded = load_checkpoint(checkpoint)
    assert loaded is not None
    before: Any = loaded[1]
    for part in place[:-1]:
        before = before[part]
    before[place[-1]] = value
    save_checkpoint(checkpoint, *loaded)
    with pytest.raises(
        StoreError, match=r"is not one of this training .* remove it to train from the beginning"
    ):
        fit(iris, FitSettings(model="linear", **call))


def _try(place: Path) -> None:
    with contextlib.suppress(BakeoffError):
        _ = Predictor.load(place).module


def _paths(record: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = (
        record.items()
        if isinstance(record, dict)
        else enumerate(record[:2])
        if isinstance(record, list)
        else ()
    )
    return [path for key, value in items for path in ((*before, key), *_paths(value, (*before, key)))]


def _with(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = list(record) if isinstance(record, list) else dict(record)
    changed[path[0]] = _with(record[path[0]], path[1:], value)
    return changed
