"""Tables: what each kind of column becomes, learned from the training rows alone, and the same again for new rows."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bakeoff
from bakeoff.data.card import data_card
from bakeoff.data.findings import findings_of
from bakeoff.data.forms.columns import MOST_CATEGORIES
from bakeoff.data.forms.table import TableEncoder
from bakeoff.data.load import load
from bakeoff.data.schema import Classes, Table, Value
from bakeoff.errors import BakeoffWarning, DataError, OptionError
from examples import read_again


def people(count: int = 60, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": rng.integers(18, 80, count),
            "city": rng.choice(["서울", "Busan", "Jeju"], count),
            "joined": [date(2020, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 900, count)],
            "income": rng.standard_normal(count) * 10 + 50,
            "buys": rng.choice(["yes", "no"], count),
        }
    )


def encoder_of(dataset: Any) -> TableEncoder:
    assert isinstance(dataset.encoder, TableEncoder)
    return dataset.encoder


def test_each_kind_of_column_becomes_the_numbers_it_should() -> None:
    frame = people()
    dataset = bakeoff.load(frame, target="buys")
    names = encoder_of(dataset).feature_names
    column = {name: dataset.inputs[:, place] for place, name in enumerate(names)}
    np.testing.assert_array_equal(column["age"], frame["age"].to_numpy())
    np.testing.assert_array_equal(column["city = 서울"], (frame["city"] == "서울").to_numpy())
    assert column["city = (other)"].max() == 0
    np.testing.assert_array_equal(column["joined: year"], frame["joined"].dt.year().to_numpy())
    np.testing.assert_array_equal(column["joined: weekday"], frame["joined"].dt.weekday().to_numpy())
    assert "joined: hour" not in names
    np.testing.assert_allclose(column["income"], frame["income"].to_numpy(), rtol=1e-6)
    assert dataset.schema.target == Classes(names=("no", "yes"))
    np.testing.assert_array_equal(dataset.targets, (frame["buys"] == "yes").to_numpy())


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "jsonl"])
def test_every_file_format_gives_the_same_dataset(tmp_path: Path, ending: str) -> None:
    frame = people()
    path = tmp_path / f"people.{ending}"
    {
        "csv": frame.write_csv,
        "tsv": lambda file: frame.write_csv(file, separator="\t"),
        "parquet": frame.write_parquet,
        "jsonl": frame.write_ndjson,
    }[ending](path)
    dataset = bakeoff.load(path, target="buys")
    expected = bakeoff.load(frame, target="buys")
    np.testing.assert_array_equal(dataset.inputs, expected.inputs)
    np.testing.assert_array_equal(dataset.targets, expected.targets)
    assert dataset.name == "people"
    assert encoder_of(dataset).feature_names == encoder_of(expected).feature_names


def test_pandas_and_polars_frames_and_x_y_pairs_give_the_same_dataset() -> None:
    frame = people()
    expected = bakeoff.load(frame, target="buys")
    as_pandas = pd.DataFrame(frame.to_dict(as_series=False))
    shuffled_index = as_pandas.set_index(np.arange(len(as_pandas))[::-1])
    for source in (as_pandas, shuffled_index, frame.lazy()):
        dataset = bakeoff.load(source, target="buys")
        np.testing.assert_array_equal(dataset.inputs, expected.inputs)
        np.testing.assert_array_equal(dataset.targets, expected.targets)
    pair = bakeoff.load((as_pandas.drop(columns="buys"), as_pandas["buys"]))
    np.testing.assert_array_equal(pair.inputs, expected.inputs)


def test_missing_values_get_the_training_median_and_a_flag() -> None:
    frame = people(200)
    gaps = np.arange(200) % 7 == 3
    frame = frame.with_columns(
        pl.Series("age", [None if gap else age for gap, age in zip(gaps, frame["age"], strict=True)]),
        pl.Series("city", [None if gap else city for gap, city in zip(gaps, frame["city"], strict=True)]),
    )
    dataset = bakeoff.load(frame, target="buys")
    names = encoder_of(dataset).feature_names
    column = {name: dataset.inputs[:, place] for place, name in enumerate(names)}
    train = frame["age"].to_numpy()[dataset.splits.train]
    np.testing.assert_array_equal(column["age"][gaps], np.nanmedian(train))
    np.testing.assert_array_equal(column["age is missing"], gaps)
    np.testing.assert_array_equal(column["city is missing"], gaps)
    assert any(finding.kind == "missing_filled" for finding in dataset.findings)


def test_what_is_learned_comes_from_the_training_rows_alone() -> None:
    frame = people(200)
    dataset = bakeoff.load(frame, target="buys")
    held = np.setdiff1d(np.arange(200), dataset.splits.train)
    changed = frame.with_row_index("i").with_columns(
        pl.when(pl.col("i").is_in(held.tolist()))
        .then(pl.lit("Daegu"))
        .otherwise(pl.col("city"))
        .alias("city"),
        pl.when(pl.col("i").is_in(held.tolist())).then(1e6).otherwise(pl.col("income")).alias("income"),
    )
    other = bakeoff.load(changed.drop("i"), target="buys")
    assert encoder_of(other).to_json() == encoder_of(dataset).to_json()
    np.testing.assert_array_equal(other.scaling.mean, dataset.scaling.mean)  # type: ignore[union-attr]
    place = encoder_of(other).feature_names.index("city = (other)")
    np.testing.assert_array_equal(np.flatnonzero(other.inputs[:, place]), held)


def test_many_categories_keep_the_frequent_ones_and_an_other_bucket() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"code": [f"c{number}" for number in rng.geometric(0.04, 2000)], "y": np.arange(2000) % 2}
    )
    dataset = bakeoff.load(frame, target="y")
    names = encoder_of(dataset).feature_names
    assert len(names) == MOST_CATEGORIES + 1
    assert "code = c1" in names
    np.testing.assert_array_equal(dataset.inputs.sum(axis=1), 1)
    assert dataset.inputs[:, names.index("code = (other)")].sum() > 0


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S"])
def test_dates_written_as_words_are_dates(tmp_path: Path, form: str) -> None:
    frame = people()
    dataset = bakeoff.load(
        frame.with_columns(pl.col("joined").cast(pl.Datetime).dt.to_string(form)), target="buys"
    )
    expected = bakeoff.load(frame, target="buys")
    np.testing.assert_array_equal(dataset.inputs, expected.inputs)


def test_numbers_to_predict_are_values_and_few_whole_numbers_classes_unless_the_person_says() -> None:
    frame = people(100).with_columns(pl.Series("stars", np.arange(100) % 5))
    assert isinstance(bakeoff.load(frame, target="income").schema.target, Value)
    assert isinstance(bakeoff.load(frame, target="stars").schema.target, Classes)
    assert isinstance(bakeoff.load(frame, target="stars", task="value").schema.target, Value)
    assert isinstance(bakeoff.load(frame, target="age").schema.target, Value)


def test_new_rows_in_any_order_of_columns_with_or_without_answers_are_encoded_the_same(
    tmp_path: Path,
) -> None:
    frame = people(80)
    dataset = bakeoff.load(frame, target="buys")
    frame.select(["buys", "income", "joined", "city", "age"]).write_csv(tmp_path / "new.csv")
    new = read_again(dataset, tmp_path / "new.csv")
    np.testing.assert_array_equal(new.inputs, dataset.inputs)
    np.testing.assert_array_equal(new.targets, dataset.targets)
    assert read_again(dataset, frame.drop("buys")).targets is None
    unknown = read_again(dataset, frame.with_columns(city=pl.lit("Paris")).head(3))
    place = encoder_of(dataset).feature_names.index("city = (other)")
    assert unknown.inputs[:, place].tolist() == [1, 1, 1]


def test_new_rows_with_gaps_where_training_had_none_get_the_median() -> None:
    dataset = bakeoff.load(people(80), target="buys")
    new = read_again(dataset, people(3).with_columns(age=pl.lit(None, pl.Int64)))
    train = people(80)["age"].to_numpy()[dataset.splits.train]
    np.testing.assert_array_equal(new.inputs[:, 0], np.median(train))


def test_text_where_numbers_were_and_lost_columns_are_reported() -> None:
    dataset = bakeoff.load(people(80), target="buys")
    with pytest.raises(
        DataError, match="'age' held numbers in training, and row 1 of the new data has 'old'"
    ):
        read_again(dataset, people(5).with_columns(age=pl.lit("old")))
    with pytest.raises(DataError, match=r"no column 'income'.*Did you mean 'incom'"):
        read_again(dataset, people(5).rename({"income": "incom"}))
    with pytest.raises(DataError, match="'joined' should hold dates"):
        read_again(dataset, people(5).with_columns(joined=pl.lit("soon")))


def test_built_in_tables_take_new_rows_as_a_table_or_as_an_array(tmp_path: Path) -> None:
    dataset = bakeoff.load("iris")
    new = read_again(dataset, dataset.inputs[:7])
    np.testing.assert_array_equal(new.inputs, dataset.inputs[:7])
    np.testing.assert_array_equal(read_again(dataset, "iris").targets, dataset.targets)
    with pytest.raises(DataError, match="trained on 4 columns"):
        read_again(dataset, np.zeros((3, 5)))


def test_groups_are_never_divided_and_are_no_feature() -> None:
    frame = people(300).with_columns(pl.Series("patient", np.arange(300) // 5))
    dataset = bakeoff.load(frame, target="buys", group="patient")
    sides = [
        set(np.asarray(dataset.groups)[part])
        for part in vars(dataset.splits).values()
        if not isinstance(part, str)
    ]
    assert len(sides) == 3
    assert all(not sides[a] & sides[b] for a, b in ((0, 1), (0, 2), (1, 2)))
    assert "patient" not in encoder_of(dataset).feature_names
    assert data_card(dataset).groups == 60


def test_row_numbers_and_identifiers_are_left_out_and_said() -> None:
    frame = people(100).with_columns(
        pl.Series("id", np.arange(100)), pl.Series("name", [f"person {number}" for number in range(100)])
    )
    dataset = bakeoff.load(frame, target="buys")
    assert not {"id", "name"} & {column.name for column in encoder_of(dataset).columns}
    assert {finding.kind for finding in dataset.findings} >= {"left_out_row_number", "left_out_identifier"}
    shuffled = frame.with_columns(pl.col("id").shuffle(seed=1))
    assert "id" in encoder_of(bakeoff.load(shuffled, target="buys")).feature_names


def test_rows_without_an_answer_are_left_out_and_counted() -> None:
    frame = people(100)
    frame = frame.with_columns(buys=pl.when(pl.int_range(100) < 20).then(None).otherwise(pl.col("buys")))
    dataset = bakeoff.load(frame, target="buys")
    assert len(dataset) == 80
    finding = next(finding for finding in dataset.findings if finding.kind == "target_missing")
    assert (finding.values["count"], finding.severity) == (20, "fault")
    mostly = frame.with_columns(buys=pl.when(pl.int_range(100) < 60).then(None).otherwise(pl.col("buys")))
    with pytest.raises(DataError, match="missing in 60 of 100 rows, more than half"):
        bakeoff.load(mostly, target="buys")


@pytest.mark.parametrize(
    ("change", "options", "error", "sentence"),
    [
        ({}, {}, OptionError, "Which column is to be predicted"),
        ({}, {"target": "buy"}, DataError, "no column 'buy'. Did you mean 'buys'"),
        ({"buys": pl.lit("yes")}, {"target": "buys"}, DataError, "All 60 examples are of one class"),
        ({"income": pl.lit(float("inf"))}, {"target": "buys"}, DataError, "'income' has inf in row 1"),
        ({"income": pl.lit(float("inf"))}, {"target": "income"}, DataError, "missing or infinite"),
        ({"income": pl.lit(2.0)}, {"target": "income", "task": "value"}, DataError, "is 2 in every example"),
        ({"n": pl.int_range(60) == 7}, {"target": "n"}, DataError, r"class 'True' has one example only"),
        ({}, {"target": "joined"}, DataError, "neither a class nor a number"),
        ({}, {"target": "buys", "group": "patien"}, DataError, "no column 'patien'"),
        ({}, {"target": "buys", "size": 8}, OptionError, "'size' does not go with a table"),
        ({}, {"target": "buys", "horizon": 8}, OptionError, "'horizon' does not go with"),
        ({}, {"target": "buys", "task": "clas"}, OptionError, "Did you mean 'classes'"),
    ],
)
def test_tables_that_cannot_be_compared_on_are_refused_in_a_sentence(
    change: dict[str, pl.Expr], options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        bakeoff.load(people().with_columns(**change), **options)


def test_ten_examples_are_read_and_nine_are_too_few() -> None:
    frame = people(40)
    few = pl.concat(
        [frame.filter(pl.col("buys") == "yes").head(5), frame.filter(pl.col("buys") == "no").head(5)]
    )
    dataset = bakeoff.load(few, target="buys")
    kinds = {finding.kind for finding in data_card(dataset).findings}
    assert {"small_classes", "small_test"} <= kinds
    with pytest.raises(DataError, match="There are 9 examples in all; a comparison needs at least 10"):
        bakeoff.load(few.head(9), target="buys")


def test_nothing_left_to_learn_from_is_refused() -> None:
    with pytest.raises(DataError, match="No column is left"):
        bakeoff.load(people().select("buys", one=pl.lit(1)), target="buys")


def test_truth_values_are_the_same_classes_in_new_data(tmp_path: Path) -> None:
    frame = people(60).with_columns(buys=pl.col("buys") == "yes")
    dataset = bakeoff.load(frame, target="buys")
    assert dataset.schema.target == Classes(names=("False", "True"))
    frame.write_csv(tmp_path / "new.csv")
    np.testing.assert_array_equal(read_again(dataset, tmp_path / "new.csv").targets, dataset.targets)


def test_pandas_is_read_where_pyarrow_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = people(60)
    as_pandas = pd.DataFrame(frame.to_dict(as_series=False))
    as_pandas.loc[3, "city"] = None
    expected = bakeoff.load(as_pandas, target="buys")

    def needs_pyarrow(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("pyarrow is required")

    monkeypatch.setattr("narwhals.from_native", needs_pyarrow)
    dataset = bakeoff.load(as_pandas, target="buys")
    np.testing.assert_array_equal(dataset.inputs, expected.inputs)
    assert encoder_of(dataset).feature_names == encoder_of(expected).feature_names


def test_a_new_class_costs_the_score_and_not_the_predictions() -> None:
    dataset = bakeoff.load(people(80), target="buys")
    with pytest.warns(BakeoffWarning, match="never saw the class 'maybe'"):
        new = read_again(dataset, people(4).with_columns(buys=pl.lit("maybe")))
    assert new.targets is None
    assert len(new) == 4


cells = st.one_of(
    st.none(),
    st.floats(-(2.0**90), 2.0**90, width=32),
    st.integers(-(10**9), 10**9).map(float),
)
words = st.one_of(st.none(), st.sampled_from(["a", "b", "c d", "", "é", "한글", '"', "x,y", "1e5"]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), count=st.integers(12, 40))
def test_any_table_is_encoded_finite_and_the_same_again(data: st.DataObject, count: int) -> None:
    frame = pl.DataFrame(
        {
            "number": pl.Series(data.draw(st.lists(cells, min_size=count, max_size=count)), dtype=pl.Float64),
            "word": pl.Series(data.draw(st.lists(words, min_size=count, max_size=count)), dtype=pl.String),
            "sure": pl.Series(np.arange(count) * 1.5),
            "y": pl.Series(["a", "b"] * count, dtype=pl.String)[:count],
        }
    )
    dataset = bakeoff.load(frame, target="y")
    assert dataset.inputs.shape == (count, len(encoder_of(dataset).feature_names))
    assert isinstance(dataset.schema.input, Table)
    assert np.isfinite(dataset.inputs).all()
    assert np.isfinite(dataset.inputs_at(np.arange(count))).all()
    new = read_again(dataset, frame)
    np.testing.assert_array_equal(new.inputs, dataset.inputs)
    np.testing.assert_array_equal(new.targets, dataset.targets)
    parts = np.concatenate([dataset.splits.train, dataset.splits.validation, dataset.splits.test])
    np.testing.assert_array_equal(np.sort(parts), np.arange(count))


def test_words_where_the_target_has_numbers_are_named_and_numbers_in_words_are_numbers() -> None:
    written = [f"{value / 7:.3f}" for value in range(60)]
    frame = pl.DataFrame({"x": range(60), "v": written}, schema_overrides={"v": pl.String})
    assert isinstance(load(frame, target="v").schema.target, Value)
    damaged = frame.with_columns(v=pl.Series([*written[:41], "twelve", *written[42:]]))
    with pytest.raises(DataError, match=r"words where numbers are: 'twelve' in row 42 \(1 of 60\)"):
        load(damaged, target="v")
    codes = pl.DataFrame({"x": range(60), "v": ["01", "02", "03"] * 20})
    assert load(codes, target="v").schema.target.names == ("01", "02", "03"), "a few codes stay what they are"


def test_a_number_from_which_the_class_was_made_gives_it_away_and_a_good_predictor_does_not() -> None:
    price = np.random.default_rng(0).normal(size=300)
    label = np.where(price > 0.3, "dear", "cheap")
    flipped = np.where(np.arange(300) % 20 == 7, "cheap", label)

    def given_away(labels: np.ndarray) -> list[str]:
        dataset = load(pl.DataFrame({"price": price, "other": price[::-1], "label": labels}), target="label")
        found = findings_of(dataset)
        return [f.values["column"] for f in found if f.kind == "gives_target_away"]

    assert given_away(label) == ["price"]
    assert given_away(flipped) == []
