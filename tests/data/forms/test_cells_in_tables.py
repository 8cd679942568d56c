"""What a table makes of its cells: features, what is told of them, and new files read as the training data were."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import bakeoff
from bakeoff.data.card import data_card
from bakeoff.data.load import read_new
from bakeoff.data.schema import Table, Tokens

COUNT = 120
RNG = np.random.default_rng(0)
MOMENTS = [datetime(2023, 1, 1) + timedelta(minutes=int(m)) for m in RNG.integers(0, 700 * 1440, COUNT)]
NUMBERS = RNG.normal(20, 900, COUNT).round(2)


def german(number: float) -> str:
    return f"{number:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


def file(folder: Path, header: str, rows: list[str], name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def found(dataset: bakeoff.Dataset) -> dict[str, dict[str, Any]]:
    return {finding.kind: finding.values for finding in dataset.findings}


def again(dataset: bakeoff.Dataset, source: Any) -> Any:
    assert dataset.encoder is not None
    record = json.loads(json.dumps(dataset.encoder.to_json()))
    return read_new(record, source, schema=dataset.schema)


def german_rows(numbers: Any = NUMBERS) -> list[str]:
    return [
        f"{moment:%d.%m.%Y %H:%M};{german(number)};{'ja' if number > 0 else 'nein'}"
        for moment, number in zip(MOMENTS, numbers, strict=False)
    ]


def test_decimal_commas_beside_german_dates_are_numbers_and_new_files_are_read_so(tmp_path: Path) -> None:
    path = file(tmp_path, "Datum;Wert;Klasse", german_rows())
    dataset = bakeoff.load(path, target="Klasse")
    columns = data_card(dataset).columns
    assert [(name, kind) for name, kind, _ in columns] == [("Datum", "date"), ("Wert", "number")]
    np.testing.assert_allclose(dataset.inputs[:, -1], NUMBERS, rtol=1e-6)
    np.testing.assert_array_equal(again(dataset, path).inputs, dataset.inputs)
    one = file(
        tmp_path, "Datum;Wert", ["03.04.2023 05:06;1.234"], "new.csv"
    )  # a thousand, and the 3rd of April
    new = again(dataset, one).inputs[0]
    names = dataset.encoder.feature_names  # type: ignore[union-attr]
    values = dict(zip(names, new.tolist(), strict=True))
    assert values["Wert"] == 1234
    assert (values["Datum: month"], values["Datum: hour"]) == (4, 5)


def test_a_target_with_thousands_and_words_for_missing_is_a_number(tmp_path: Path) -> None:
    rows = [f'{n},"{1000 + 37 * n:,}"' for n in range(100)] + ["1,-", "2,none"]
    dataset = bakeoff.load(file(tmp_path, "x,price", rows), target="price")
    np.testing.assert_array_equal(dataset.targets[:, 0], [1000 + 37 * n for n in range(100)])
    assert found(dataset)["target_missing"]["count"] == 2
    new = again(dataset, file(tmp_path, "x,price", ['5,"1,185"', "6,999"], "new.csv"))
    np.testing.assert_array_equal(new.targets[:, 0], [1185, 999])


def test_odd_cells_among_numbers_are_named_in_training_and_in_new_data(tmp_path: Path) -> None:
    rows = [f"{n if n % 20 else 'broken'},{'ab'[n % 2]}" for n in range(1, 101)]
    path = file(tmp_path, "x,y", rows)
    odd = found(bakeoff.load(path, target="y"))["odd_numbers"]
    assert (odd["column"], odd["count"], odd["examples"]) == ("x", 5, "'broken' (5)")
    new = again(bakeoff.load(path, target="y"), path)
    assert [finding.kind for finding in new.findings] == ["odd_numbers"]


@pytest.mark.parametrize(("option", "first"), [(None, 5678.0), ("comma", 5.678), ("point", 5678.0)])
def test_what_can_be_read_either_way_is_reported_with_the_option_that_decides(
    tmp_path: Path, option: str | None, first: float
) -> None:
    rows = [f'"{5 + n % 90},{678 + n}",{"ab"[n % 2]}' for n in range(100)]
    dataset = bakeoff.load(file(tmp_path, "x,y", rows), target="y", decimal=option)
    assert dataset.inputs[0, 0] == pytest.approx(first)
    assert ("numbers_ambiguous" in found(dataset)) == (option is None)


@pytest.mark.parametrize(("option", "month"), [(None, 2), ("dmy", 3), ("mdy", 2)])
def test_the_order_of_day_and_month_is_reported_and_kept_for_new_files(
    tmp_path: Path, option: str | None, month: int
) -> None:
    rows = [f"{1 + n % 12:02}/{1 + n % 11:02}/2023,{'ab'[n % 2]}" for n in range(100)]
    dataset = bakeoff.load(file(tmp_path, "d,y", rows), target="y", dates=option)
    assert ("dates_ambiguous" in found(dataset)) == (option is None)
    new = again(dataset, file(tmp_path, "d", ["02/03/2023"], "new.csv")).inputs[0]
    names = dataset.encoder.feature_names  # type: ignore[union-attr]
    assert dict(zip(names, new.tolist(), strict=True))["d: month"] == month


def test_digits_that_are_dates_are_dates_unless_the_person_says_otherwise(tmp_path: Path) -> None:
    rows = [f"{moment:%Y%m%d%H%M},{'ab'[n % 2]}" for n, moment in enumerate(MOMENTS)]
    path = file(tmp_path, "d,y", rows)
    dataset = bakeoff.load(path, target="y")
    assert "dates_from_digits" in found(dataset)
    np.testing.assert_array_equal(again(dataset, path).inputs, dataset.inputs)
    assert bakeoff.load(path, target="y", dates="off").schema.input == Table(features=1)


def test_whole_numbers_that_are_no_dates_stay_numbers(tmp_path: Path) -> None:
    rows = [f"{20_231_340 + n},{'ab'[n % 2]}" for n in range(100)]
    assert "dates_from_digits" not in found(bakeoff.load(file(tmp_path, "n,y", rows), target="y"))


def test_dates_in_no_known_form_and_codes_of_digits_are_named_as_what_they_are(tmp_path: Path) -> None:
    rows = [
        f"{1 + n % 28} Brumaire {1700 + n},{n:03}-{7 * n:04}-{n},{n % 7},{'ab'[n % 2]}" for n in range(100)
    ]
    kinds = found(bakeoff.load(file(tmp_path, "d,code,x,y", rows), target="y"))
    assert kinds["dates_unread"]["column"] == "d"
    assert kinds["left_out_digits"]["columns"] == "'code'"
    assert "code" not in kinds.get("left_out_identifier", {}).get("columns", "")


def test_points_that_group_thousands_are_read_so(tmp_path: Path) -> None:
    values = [999, 5, *range(1000, 99_000, 997)]
    rows = [f"{value:,}".replace(",", ".") + f";{'ab'[n % 2]}" for n, value in enumerate(values)]
    dataset = bakeoff.load(file(tmp_path, "x;y", rows), target="y")
    np.testing.assert_array_equal(dataset.inputs[:, 0], values)
    assert found(dataset)["numbers_ambiguous"]["column"] == "x"


def test_a_table_with_columns_to_learn_from_stays_one_and_names_the_text(tmp_path: Path) -> None:
    rows = [f'"Fox, Mr. Owen James the {n}",{n % 3},{n % 50},{"ab"[n % 2]}' for n in range(100)]
    path = file(tmp_path, "Name,Pclass,Age,y", rows)
    dataset = bakeoff.load(path, target="y")
    assert isinstance(dataset.schema.input, Table)
    assert found(dataset)["left_out_text"]["first"] == "Name"
    assert isinstance(bakeoff.load(path, target="y", text="Name").schema.input, Tokens)


def test_names_alone_are_read_by_their_characters(tmp_path: Path) -> None:
    rows = [
        f"{'bcdfghk'[n % 7]}{'aeiou'[n % 5]}{n}{'ova' if n % 2 else 'gyeong'},{'ab'[n % 2]}"
        for n in range(100)
    ]
    dataset = bakeoff.load(file(tmp_path, "name,y", rows), target="y")
    assert isinstance(dataset.schema.input, Tokens)
    assert dataset.encoder.unit == "characters"  # type: ignore[union-attr]
    new = again(dataset, ["kaova"])
    assert new.lengths.tolist() == [5]


def test_exact_copies_stay_on_one_side_and_are_counted_as_the_file_has_them(tmp_path: Path) -> None:
    rows = [f"shop {n // 2},{(n // 2) % 10},{'ab'[(n // 2) % 2]}" for n in range(140)]
    rows += [f"shop {n},{n + more},{'ab'[n % 2]}" for n in range(70, 270) for more in (0, 1000)]
    dataset = bakeoff.load(file(tmp_path, "shop,x,y", rows), target="y", kind="table")
    findings = {finding.kind: finding.values for finding in data_card(dataset).findings}
    assert (
        findings["duplicates_together"]["count"] == 70
    )  # and not what lumping rare shops together makes alike
    assert not {"duplicates", "duplicates_across", "contradictions"} & set(findings)
    side = np.empty(len(dataset), int)
    for place, part in enumerate((dataset.splits.train, dataset.splits.validation, dataset.splits.test)):
        side[part] = place
    assert (side[0:140:2] == side[1:140:2]).all()


def test_dates_and_repeated_identifiers_are_reported_and_a_table_can_be_divided_by_time() -> None:
    frame = pl.DataFrame(
        {
            "when": MOMENTS,
            "patient": np.arange(COUNT) % 30,
            "x": NUMBERS,
            "y": ["ab"[n % 2] for n in range(COUNT)],
        }
    )
    kinds = found(bakeoff.load(frame, target="y"))
    assert kinds["rows_have_dates"]["first"] == "when"
    assert kinds["repeated_identifier"] == {"column": "patient", "count": 30, "of": COUNT}
    assert "repeated_identifier" not in found(bakeoff.load(frame, target="y", group="patient"))
    splits = bakeoff.load(frame, target="y", order="when").splits
    latest = max(MOMENTS[row] for row in splits.train)
    assert all(MOMENTS[row] >= latest for row in splits.test)
