"""Where the table begins: lines before the header, row names, broken headers, line ends."""

from pathlib import Path

import polars as pl
import pytest

from bakeoff.data.forms.table_file import read_table_file
from bakeoff.errors import DataError

ROWS = ["a,1.5,x", "b,2.5,y", "c,-3.0,x", "d,4.0,y"]
PLAIN = pl.DataFrame(
    {"name": ["a", "b", "c", "d"], "size": [1.5, 2.5, -3.0, 4.0], "kind": ["x", "y", "x", "y"]}
)


def read(path: Path, lines: list[str], newline: str = "\n") -> tuple[pl.DataFrame, list[str]]:
    path.write_bytes((newline.join(lines) + newline).encode())
    frame, findings = read_table_file(path)
    return frame, [finding.kind for finding in findings]


@pytest.mark.parametrize(
    "before",
    [
        ["# exported 2024-03-05, station 7, north", "# units: mm"],
        ["Report of the year"],
        ["Report of the year", "", "made by hand"],
        ["// a, b"],
        ["Station,7"],
    ],
)
def test_lines_before_the_header_are_left_out_and_counted(tmp_path: Path, before: list[str]) -> None:
    frame, kinds = read(tmp_path / "t.csv", [*before, "name,size,kind", *ROWS])
    assert frame.equals(PLAIN)
    assert kinds == ["lines_before_header"]


@pytest.mark.parametrize("first", ["sep=,", "SEP=,", '"sep=,"'])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_line_that_names_the_separator_is_no_row_and_no_news(
    tmp_path: Path, first: str, newline: str
) -> None:
    frame, kinds = read(tmp_path / "t.csv", [first, "name,size,kind", *ROWS], newline)
    assert frame.equals(PLAIN)
    assert kinds == []


def test_the_separator_that_the_file_names_is_believed(tmp_path: Path) -> None:
    frame, _ = read(tmp_path / "t.csv", ["sep=;", "a;b", "1,5,1;2,5,1", "3,5,1;4,5,1", "1,1,1;2,2,2"])
    assert frame.columns == ["a", "b"]


def test_line_ends_of_old_macs_are_read(tmp_path: Path) -> None:
    frame, kinds = read(tmp_path / "t.csv", ["name,size,kind", *ROWS], "\r")
    assert frame.equals(PLAIN)
    assert kinds == []


def test_row_names_of_r_get_a_column_of_their_own(tmp_path: Path) -> None:
    rows = [f'"{number}",{row}' for number, row in enumerate(ROWS, 1)]
    frame, kinds = read(tmp_path / "t.csv", ['"name","size","kind"', *rows])
    assert frame.drop("row_names").equals(PLAIN)
    assert frame["row_names"].to_list() == [1, 2, 3, 4]
    assert kinds == ["row_names"]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (["name,size", "of it,kind"], ["name", "size of it", "kind"]),
        (['name,"size', 'of it",kind'], ["name", "size\nof it", "kind"]),
    ],
)
def test_a_header_over_two_lines_is_one(tmp_path: Path, header: list[str], names: list[str]) -> None:
    frame, kinds = read(tmp_path / "t.csv", [*header, *ROWS])
    assert frame.columns == names
    assert frame.height == 4
    assert kinds == ([] if '"' in header[0] else ["header_joined"])


def test_a_header_in_a_comment_is_the_header(tmp_path: Path) -> None:
    frame, kinds = read(tmp_path / "t.csv", ["# name,size,kind", *ROWS])
    assert frame.columns == ["# name", "size", "kind"]
    assert frame.height == 4
    assert kinds == []


def test_the_line_of_a_ragged_row_is_counted_from_the_beginning_of_the_file(tmp_path: Path) -> None:
    lines = ["# one", "# two", "name,size,kind", *ROWS, "e,1", *ROWS]
    with pytest.raises(DataError, match=r"Line 8 of 't.csv' has 2 cells where the first line has 3"):
        read(tmp_path / "t.csv", lines)


def test_line_breaks_in_quotes_after_lines_before_the_header_stay_cells(tmp_path: Path) -> None:
    frame, _ = read(tmp_path / "t.csv", ["# one", "name,size,kind", '"two\nlines",1,x', *ROWS])
    assert frame["name"][0] == "two\nlines"
    assert frame.height == 5


@pytest.mark.parametrize("units", ["mm,kg,-", "[mm],[kg],", "Millimeter,Kilogramm,Art"])
def test_a_line_of_units_under_the_header_is_left_out_and_told(tmp_path: Path, units: str) -> None:
    rows = ["1.5,2,x", "2.5,3,y", "3.5,4,x", "4.5,5,y"]
    frame, kinds = read(tmp_path / "t.csv", ["size,mass,kind", units, *rows])
    assert frame["size"].to_list() == [1.5, 2.5, 3.5, 4.5]
    assert kinds == ["units_row"]


@pytest.mark.parametrize("first", ["unknown,?,x", "N/A,-,x", "1.0,unknown,x", ",,x"])
def test_a_first_row_with_missing_values_is_no_line_of_units(tmp_path: Path, first: str) -> None:
    frame, kinds = read(
        tmp_path / "t.csv", ["size,mass,kind", first, "1.5,2,x", "2.5,3,y", "3.5,4,x", "4.5,5,y"]
    )
    assert len(frame) == 5
    assert kinds == []


@pytest.mark.parametrize(
    "title", ["Report of sales,,", "Place,Measures,", "Measures,Measures,Result", ",Measures,"]
)
def test_the_header_is_found_under_titles_with_as_many_separators(tmp_path: Path, title: str) -> None:
    frame, kinds = read(tmp_path / "t.csv", [title, "name,size,kind", *ROWS])
    assert frame.equals(PLAIN)
    assert kinds == ["lines_before_header"]


def test_two_columns_of_one_name_are_no_title(tmp_path: Path) -> None:
    frame, kinds = read(tmp_path / "t.csv", ["name,size,size", "a,1,2", "b,2,3", "c,3,4", "d,4,5"])
    assert (len(frame), frame.columns[:2], kinds) == (4, ["name", "size"], [])


def test_a_separator_at_the_end_of_the_rows_alone_shifts_no_column(tmp_path: Path) -> None:
    frame, kinds = read(tmp_path / "t.csv", ["name,size,kind", *(f"{row}," for row in ROWS)])
    assert frame.equals(PLAIN)
    assert kinds == ["separator_after_rows"]


def test_a_separator_at_the_end_of_every_line_makes_no_column(tmp_path: Path) -> None:
    frame, kinds = read(tmp_path / "t.csv", [f"{line}," for line in ("name,size,kind", *ROWS)])
    assert frame.equals(PLAIN)
    assert kinds == []


def test_columns_apart_by_blanks_are_read(tmp_path: Path) -> None:
    lines = ["name   size kind", "a       1.5  x", "b       2.5  y  ", "  c    -3.0  x", "d       4.0  y"]
    frame, kinds = read(tmp_path / "t.txt", lines)
    assert frame.equals(PLAIN)
    assert kinds == []
