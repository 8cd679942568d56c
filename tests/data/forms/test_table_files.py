"""Table files as people have them: other separators, other encodings, no header, ragged, damaged, empty."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bakeoff
from bakeoff.data.forms.cells.numbers import number_form_of
from bakeoff.data.forms.encodings import text_encoding
from bakeoff.data.forms.table_file import read_table_file
from bakeoff.errors import DataError

ROWS = [("a", 1.5, "서울"), ("b", 2.5, "café"), ("c", -3.0, "x")]


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_separator_and_the_line_ends_are_found(tmp_path: Path, separator: str, newline: str) -> None:
    lines = [separator.join(("name", "size", "city")), *(separator.join(map(str, row)) for row in ROWS), ""]
    frame, findings = read_table_file(written(tmp_path / "t.csv", newline.join(lines)))
    assert frame.rows() == ROWS
    assert findings == []


def test_a_comma_for_decimals_is_read_where_semicolons_separate(tmp_path: Path) -> None:
    frame, _ = read_table_file(written(tmp_path / "t.csv", "a;b\n1,5;x\n2,25;y\n"))
    form = number_form_of(frame["a"])
    assert form is not None
    assert form.read(frame["a"]).to_list() == [1.5, 2.25]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp949", "latin-1"])
def test_other_encodings_are_read_and_said(tmp_path: Path, encoding: str) -> None:
    word = "été" if encoding == "latin-1" else "한국어"
    text = f"word,n\n{word},1\nplain,2\n"
    frame, findings = read_table_file(written(tmp_path / "t.csv", text, encoding))
    assert frame["word"].to_list() == [word, "plain"]
    assert frame.columns == ["word", "n"]
    expected = [] if encoding == "utf-8-sig" else [encoding]
    assert [finding.values["encoding"] for finding in findings] == expected


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="가각간갈감값나다라마바사아자차카타파하 abc").map(lambda text: "한국어 " + text))
def test_korean_text_in_cp949_is_never_taken_for_another_encoding(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("encoding") / "t.csv"
    for encoding in ("cp949", "utf-8"):
        with written(path, text, encoding).open("rb") as file:
            assert text_encoding(file, name=path.name) == encoding


def test_words_for_not_known_are_missing_values(tmp_path: Path) -> None:
    frame, _ = read_table_file(written(tmp_path / "t.csv", "a,b\n1,x\nNA,?\n,y\nnan,NULL\n4,z\n"))
    assert frame["a"].to_list() == [1, None, None, None, 4]
    assert frame["b"].to_list() == ["x", None, "y", None, "z"]


def test_a_file_without_a_header_gets_numbered_columns_and_a_note(tmp_path: Path) -> None:
    frame, findings = read_table_file(written(tmp_path / "t.csv", "1,2.5\n3,4.5\n"))
    assert frame.columns == ["column_1", "column_2"]
    assert len(frame) == 2
    assert [finding.kind for finding in findings] == ["no_header"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n3\n4,5\n", "Line 3 .* has 1 cells where the first line has 2"),
        ("a,b\n1,2\n3,4,5\n", "Line 3 .* has 3 cells where the first line has 2"),
        ('a,b\n"x,y",2\n"z",3,4\n', "Line 3 .* has 3 cells where the first line has 2"),
        ("a,b\n\n1,2\n\n3\n", "Line 5 .* has 1 cells"),
    ],
)
def test_ragged_rows_are_refused_by_their_line(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_table_file(written(tmp_path / "t.csv", text))


def test_separators_and_line_breaks_inside_quotes_are_no_ragged_rows(tmp_path: Path) -> None:
    frame, _ = read_table_file(written(tmp_path / "t.csv", 'a,b\n"x,y",2\n"two\nlines",3\n'))
    assert frame["a"].to_list() == ["x,y", "two\nlines"]


cell = st.text(alphabet='ab ,"\n\t;|é한', max_size=6)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(cell, cell), min_size=1, max_size=8))
def test_whatever_a_writer_quotes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    frame = pl.DataFrame({"first": [row[0] for row in rows], "second": [row[1] for row in rows]})
    frame.write_csv(path, quote_style="always")
    back, _ = read_table_file(path)
    assert back.fill_null("").select(pl.all().cast(pl.String)).rows() == frame.rows()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"  \n\n", "nothing but blanks"),
        ("t.csv", b"a,b\n1,\x00\x00\n", "is not a text file"),
        ("t.csv", b"a,b\n", "has 0 rows"),
        ("t.parquet", b"PAR1nonsense", "cannot be read as a table"),
        ("t.jsonl", b'{"a": 1}\n{"a": \n', "Line 2 .* is not a JSON object"),
        ("t.jsonl", b"[1, 2]\n", "Line 1 .* is not a JSON object"),
        ("t.xlsx", b"PK", "damaged or no workbook"),
        ("t.docx", b"PK", "ending that is not known"),
    ],
)
def test_damaged_files_are_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        bakeoff.load(tmp_path / name, target="a")


def test_numbers_too_large_for_any_type_do_not_stop_the_reading(tmp_path: Path) -> None:
    lines = [f"{10**25 * number},{number % 2}" for number in range(20)]
    dataset = bakeoff.load(written(tmp_path / "t.csv", "\n".join(["a,y", *lines])), target="y")
    assert np.isfinite(dataset.inputs).all()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "a,b\n1,2\n")
    path.chmod(0)
    with pytest.raises(DataError, match="may not be read by you"):
        bakeoff.load(path, target="a")


def test_a_denied_permission_is_explained_whoever_runs_the_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "t.csv", "a,b\n1,2\n")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("bakeoff.system.files._without_waiting", refused)
    with pytest.raises(DataError, match="may not be read by you"):
        bakeoff.load(path, target="a")


@pytest.mark.parametrize("end", [b"\n", b"\x00\xd8"])
def test_utf16_that_is_cut_or_damaged_is_refused(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "t.csv").write_bytes("a,b\n1,2\n".encode("utf-16") + end)
    with pytest.raises(DataError, match=r"begins as text in UTF-16 and byte 19 is none .*: save it again"):
        bakeoff.load(tmp_path / "t.csv", target="a")


def test_no_such_file_names_the_nearest(tmp_path: Path) -> None:
    written(tmp_path / "flowers.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match=r"no file or folder .*Did you mean 'flowers.csv'"):
        bakeoff.load(tmp_path / "flower.csv", target="a")
    with pytest.raises(DataError, match="Did you mean 'digits'"):
        bakeoff.load("digts")
