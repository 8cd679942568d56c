"""Encodings are found from little text: one word of a header, or the words of a column."""

import random
from pathlib import Path

import pytest

import bakeoff
from bakeoff.data.forms.encodings import text_encoding
from bakeoff.errors import DataError

NUMBERS = "".join(f"{place},{place * 7 % 11},{place % 2}\n" for place in range(60))


def found_in(path: Path) -> str:
    with path.open("rb") as file:
        return text_encoding(file, name=path.name)


def words(header: str, *choices: str) -> str:
    """A table whose first column is drawn from these words."""
    drawn = random.Random(0)
    return f"{header}\n" + "".join(f"{drawn.choice(choices)},{place},{place % 2}\n" for place in range(100))


TABLES = {
    "one German word": ("Größe,Brust,y\n" + NUMBERS, "latin-1"),
    "a degree sign": ("temp °C,b,y\n" + NUMBERS, "latin-1"),
    "a micro sign": ("µm,b,y\n" + NUMBERS, "latin-1"),
    "Spanish": ("año,niño,y\n" + NUMBERS, "latin-1"),
    "French": (words("ville,n,y", "Orléans", "Besançon", "Paris"), "latin-1"),
    "the euro": (words("text,n,y", "5 €", "“schön” – naïve"), "cp1252"),
    "one Korean word": ("a,b,y\n" + NUMBERS + "한국어,1,2\n", "cp949"),
    "one Korean syllable": ("값,b,y\n" + NUMBERS, "cp949"),
    "Korean with a symbol": ("온도(℃),b,y\n" + NUMBERS, "cp949"),
    "Korean": (words("후기,n,y", "정말 좋아요", "배송이 빨라요", "똠방각하"), "cp949"),
    "Russian": (words("город,n,y", "Москва", "Казань", "Тула"), "cp1251"),
    "Turkish": (words("şehir,n,y", "İstanbul", "Işıl", "Muş"), "cp1254"),
    "Japanese": (words("都市,n,y", "東京", "大阪", "とても良い"), "cp932"),
    "Chinese": (words("城市,n,y", "北京", "上海", "很好"), "gb18030"),
    "UTF-16": ("이름,b,y\n" + NUMBERS, "utf-16"),
    "UTF-16 without its mark": ("name,b,y\n" + NUMBERS, "utf-16-le"),
    "the other UTF-16 without its mark": ("name,b,y\n" + NUMBERS, "utf-16-be"),
}


@pytest.mark.parametrize("what", TABLES)
def test_the_encoding_is_found(tmp_path: Path, what: str) -> None:
    text, encoding = TABLES[what]
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    found = found_in(tmp_path / "t.csv")
    assert text.encode(encoding).decode(found) == text
    assert found == encoding


def test_a_column_with_an_umlaut_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "kleidung.csv").write_bytes(TABLES["one German word"][0].encode("latin-1"))
    dataset = bakeoff.load(tmp_path / "kleidung.csv", target="Größe", task="value")
    assert [finding.values for finding in dataset.findings if finding.kind == "encoding"] == [
        {"encoding": "latin-1"}
    ]


def test_bytes_that_no_other_encoding_takes_are_latin_1(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n\x81\x8d\xff,1\n")
    assert found_in(tmp_path / "t.csv") == "latin-1"


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08" * 20)
    with pytest.raises(DataError, match="is not a text file"):
        found_in(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("encoding", "target", "town"),
    [
        ("cp1250", "třída", "Plzeň"),
        ("cp1251", "цех", "Тула"),
        ("cp1253", "τιμή", "Πάτρα"),
        ("big5", "價格", "台北"),
    ],
)
def test_the_name_that_the_user_says_decides_where_the_text_is_little(
    tmp_path: Path, encoding: str, target: str, town: str
) -> None:
    text = f"a,town,{target}\n" + "".join(f"{place},{town},{'xy'[place % 2]}\n" for place in range(60))
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    with (tmp_path / "t.csv").open("rb") as file:
        assert text_encoding(file, name="t.csv", column=target) == encoding
    dataset = bakeoff.load(tmp_path / "t.csv", target=target)
    assert dataset.schema.target.class_names == ("x", "y")
