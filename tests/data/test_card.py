"""The card: what it states, what it finds (and what it does not), and that user text stays text."""

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

import bakeoff
from bakeoff.cli.main import main
from bakeoff.data.builtin import builtin_names
from bakeoff.data.card import DataCard, data_card
from bakeoff.data.copies import first_equal
from bakeoff.data.dataset import Dataset
from bakeoff.data.splits import make_splits
from bakeoff.messages import all_sentences, set_language
from bakeoff.report.terminal.data_card import card_table


def table(count: int = 400, seed: int = 0, **columns: Any) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    frame = {
        "a": rng.standard_normal(count),
        "b": rng.standard_normal(count),
        "y": rng.choice(["n", "p"], count),
    }
    return pl.DataFrame({**frame, **columns})


def kinds(dataset: Dataset) -> dict[str, dict[str, Any]]:
    return {finding.kind: finding.values for finding in data_card(dataset).findings}


def shown(card: DataCard, width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(card_table(card))
    return out.getvalue()


def test_a_clean_table_has_no_findings() -> None:
    assert kinds(bakeoff.load(table(1000), target="y")) == {}
    assert "Nothing was found that spoils a comparison." in shown(data_card(bakeoff.load("planted:linear")))


def test_a_column_that_gives_the_target_away_is_named_with_its_score() -> None:
    frame = table()
    leak = (frame["y"] == "p").cast(pl.Float64) * 3 + np.random.default_rng(1).uniform(0, 1, 400)
    found = kinds(bakeoff.load(frame.with_columns(paid=leak), target="y"))
    assert found["gives_target_away"]["column"] == "paid"
    assert found["gives_target_away"]["score"] == 1.0
    assert found["gives_target_away"]["baseline"] < 0.7
    weaker = leak + np.random.default_rng(2).standard_normal(400)
    assert "gives_target_away" not in kinds(bakeoff.load(frame.with_columns(paid=weaker), target="y"))


def test_a_category_that_gives_the_target_away_counts_with_all_its_features() -> None:
    rng = np.random.default_rng(0)
    number = rng.integers(0, 5, 500)
    frame = pl.DataFrame({"code": [f"c{n}" for n in number], "x": rng.standard_normal(500), "y": number})
    assert kinds(bakeoff.load(frame, target="y"))["gives_target_away"]["column"] == "code"


def test_a_number_that_gives_a_value_away_is_named_and_a_good_predictor_is_not() -> None:
    frame = table(600)
    value = frame["a"] * 2 + 1
    assert kinds(bakeoff.load(frame.with_columns(v=value), target="v"))["gives_target_away"]["column"] == "a"
    noisy = value + np.random.default_rng(3).standard_normal(600) * 0.5
    assert "gives_target_away" not in kinds(bakeoff.load(frame.with_columns(v=noisy), target="v"))


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "wine", "diabetes", "digits"])
def test_the_built_in_data_give_no_target_away(name: str) -> None:
    assert "gives_target_away" not in kinds(bakeoff.load(name))


def test_duplicates_are_counted_in_all_across_splits_and_where_they_contradict() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (300, 5, 5), dtype=np.uint8), np.arange(300) % 2
    assert not {"duplicates", "duplicates_across"} & set(kinds(bakeoff.load((x, y))))
    x[100:150] = x[:50]
    together = bakeoff.load((x, y))
    assert kinds(together)["duplicates_together"] == {"count": 50, "of": 300}
    assert "duplicates_across" not in kinds(together)
    dataset = together.changed(splits=make_splits(together.schema, together.targets))
    found = kinds(dataset)
    assert found["duplicates"] == {"count": 50, "of": 300}
    elsewhere = set(dataset.splits.train) | set(dataset.splits.validation)
    twin = {**{n: n + 100 for n in range(50)}, **{n + 100: n for n in range(50)}}
    expected = sum(twin.get(int(n), -1) in elsewhere for n in dataset.splits.test)
    assert found["duplicates_across"]["count"] == expected > 0
    assert "contradictions" not in found
    y[100:110] = 1 - y[100:110]
    assert kinds(bakeoff.load((x, y)))["contradictions"] == {"count": 10}


def test_equal_rows_are_found_exactly() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (20_000, 2, 7)).astype(np.float32)
    first = first_equal(rows)
    seen: dict[bytes, int] = {}
    expected = [seen.setdefault(row.tobytes(), place) for place, row in enumerate(rows)]
    np.testing.assert_array_equal(first, expected)


def test_small_classes_imbalance_and_small_tests_are_reported() -> None:
    labels = np.array(["common"] * 380 + ["rare"] * 14 + ["tiny"] * 6)
    found = kinds(bakeoff.load((np.random.default_rng(0).standard_normal((400, 3)), np.sort(labels))))
    assert found["small_classes"] == {"count": 1, "names": "'tiny'"}
    assert found["imbalance"]["largest"] == "common"
    assert found["imbalance"]["share"] == pytest.approx(0.95)
    assert found["small_test"]["count"] == 80


def test_an_order_that_follows_the_class_is_reported_and_a_shuffled_one_is_not() -> None:
    frame = table(400)
    assert "order_follows_class" in kinds(bakeoff.load(frame.sort("y"), target="y"))
    assert "order_follows_class" not in kinds(bakeoff.load(frame, target="y"))


def test_constant_columns_are_named() -> None:
    found = kinds(bakeoff.load(table(400, one=1.0, word="same"), target="y"))
    assert found["constant_columns"] == {"columns": "'one', 'word'", "count": 2}
    array = np.random.default_rng(0).standard_normal((300, 4))
    array[:, 2] = 7
    assert kinds(bakeoff.load((array, np.arange(300) % 2)))["constant_features"] == {"count": 1, "of": 4}


def test_classes_without_training_examples_are_named(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((60, 3))
    np.savez(
        tmp_path / "a.npz", x_train=x[:40], y_train=np.arange(40) % 2, x_test=x[40:], y_test=np.arange(20) % 3
    )
    assert kinds(bakeoff.load(tmp_path / "a.npz"))["class_not_in_training"] == {"count": 1, "names": "'2'"}


def test_the_card_states_counts_classes_splits_and_can_be_written_as_json() -> None:
    card = data_card(bakeoff.load("wine"))
    assert (card.kind, card.examples, card.classes[2]) == ("table", 178, ("class_2", 48))
    assert card.splits == {"train": 114, "validation": 28, "test": 36}
    assert len(card.columns) == 13
    record = json.loads(json.dumps(card.to_json()))
    assert record["schema"]["input"] == {"kind": "Table", "features": 13}
    assert record["findings"][0]["sentence"]
    assert data_card(bakeoff.load("diabetes")).target_range == (25.0, pytest.approx(152.1335), 346.0)


@pytest.mark.parametrize("name", builtin_names())
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_built_in_card_can_be_shown_in_both_languages(name: str, language: str) -> None:
    set_language(language)
    try:
        dataset = bakeoff.load(name)
        assert str(len(dataset)) in shown(data_card(dataset)).replace(",", "")
    finally:
        set_language(None)


HOSTILE = ["[red]cat[/red]", "\x1b[31mdog\x1b[0m", "<script>alert(1)</script>", "a\nb", "\u202egnp.exe"]


def test_names_with_markup_and_control_characters_are_shown_as_text() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {HOSTILE[0]: rng.standard_normal(100), HOSTILE[1]: rng.standard_normal(100), "one\x07": 1}
    )
    frame = frame.with_columns(pl.Series(HOSTILE[2], rng.choice(HOSTILE, 100)))
    text = shown(data_card(bakeoff.load(frame, target=HOSTILE[2])), width=300)
    assert "[red]cat[/red]" in text
    assert "<script>" in text
    assert not [sign for sign in text if not sign.isprintable() and sign != "\n"]
    assert "\\x1b[31mdog" in text
    assert "a\\nb" in text


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bakeoff", "data", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_command_alone_lists_every_built_in_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert run(monkeypatch) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in builtin_names())


def test_the_command_shows_the_card_and_writes_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table().write_csv(tmp_path / "t.csv")
    assert (
        run(monkeypatch, str(tmp_path / "t.csv"), "--target", "y", "--json", str(tmp_path / "card.json")) == 0
    )
    assert "table, 2 features" in capsys.readouterr().out
    assert json.loads((tmp_path / "card.json").read_text())["examples"] == 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.json", "t.csv"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.csv"], "no file or folder 'nowhere.csv'"),
        (["t.csv"], "Which column is to be predicted"),
        (["t.csv", "--target", "x\x1b[31m"], "There is no column 'x\\x1b[31m'."),
        (["digits", "--size", "huge"], "size must be like 32"),
        (["t.csv", "--target", "y", "--json", "no/such/card.json"], "cannot be written"),
    ],
)
def test_the_command_ends_with_one_sentence_and_status_one(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    sentence: str,
) -> None:
    table().write_csv(tmp_path / "t.csv")
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_every_kind_of_finding_has_its_sentence_and_every_such_sentence_its_kind() -> None:
    package = Path(bakeoff.__file__).parent / "data"
    used = {
        kind
        for file in package.rglob("*.py")
        for kind in re.findall(r'kind="([a-z_]+)",\s*severity', file.read_text())
    }
    used |= {
        f"left_out_{reason}" for reason in ("nested", "row_number", "identifier", "saved_index", "digits")
    }
    used |= {
        "dates_read",
        "dates_from_digits",
        "odd_numbers",
        "odd_dates",
        "row_names",
        "header_joined",
        "separator_after_rows",
    }
    assert len(used) > 20
    assert used == {key.rpartition(".")[2] for key in all_sentences() if key.startswith("data.finding.")}
