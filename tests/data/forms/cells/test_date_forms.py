"""Dates in every form that people write: what is written is read back, and an order that is not known is said."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff.data.forms.cells.dates import PATTERNS, DateForm, date_form_of, looks_like_dates

GERMAN = [
    *("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli"),
    *("August", "September", "Oktober", "November", "Dezember"),
]
FRENCH = [
    *("janvier", "février", "mars", "avril", "mai", "juin", "juillet"),
    *("août", "septembre", "octobre", "novembre", "décembre"),
]


def half(moment: datetime, early: str, late: str) -> str:
    return late if moment.hour >= 12 else early


def twelve(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment.minute:02}"


def by(pattern: str):  # type: ignore[no-untyped-def]
    return lambda moment: moment.strftime(pattern)


DAYS = {
    "ymd": [by("%Y-%m-%d"), by("%Y/%m/%d"), by("%Y.%m.%d"), lambda m: f"{m.year}. {m.month}. {m.day}."],
    "dmy": [by("%d.%m.%Y"), by("%d/%m/%Y"), by("%d-%m-%Y"), lambda m: f"{m.day}.{m.month}.{m.year}"],
    "mdy": [by("%m/%d/%Y"), by("%m-%d-%Y"), lambda m: f"{m.month}/{m.day}/{m.year}"],
    "dmy2": [by("%d.%m.%y"), by("%d/%m/%y")],
    "mdy2": [by("%m/%d/%y")],
    "ymd2": [by("%y-%m-%d"), by("%y.%m.%d")],
    "day month year": [
        by("%d-%b-%Y"),
        by("%d %B %Y"),
        by("%a, %d %b %Y"),
        lambda m: f"{m.day}. {GERMAN[m.month - 1]} {m.year}",
        lambda m: f"{m.day} {FRENCH[m.month - 1]} {m.year}",
    ],
    "month day year": [by("%B %d, %Y"), by("%b %d %Y"), by("%A, %B %d, %Y")],
    "cjk": [lambda m: f"{m.year}년 {m.month}월 {m.day}일", lambda m: f"{m.year}年{m.month}月{m.day}日"],
}
TIMES = [
    by(" %H:%M"),
    by(" %H:%M:%S"),
    by("T%H:%M:%S"),
    by(" %H:%M:%S.000"),
    lambda m: f" {twelve(m)} {half(m, 'AM', 'PM')}",
    lambda m: f" {twelve(m)}{half(m, 'am', 'pm')}",
    lambda m: f" {twelve(m)} {half(m, 'a.m.', 'p.m.')}",
    lambda m: f" {half(m, '오전', '오후')} {twelve(m)}",
]
OFFSETS = ["", "Z", "+09:00", "-0330", " +01"]
moments = st.lists(
    st.datetimes(datetime(1975, 1, 1), datetime(2060, 1, 1)).map(
        lambda m: m.replace(second=0, microsecond=0)
    ),
    min_size=5,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(moments=moments, order=st.sampled_from(list(DAYS)), data=st.data())
def test_dates_in_every_form_are_read_back(moments: list[datetime], order: str, data: st.DataObject) -> None:
    day = data.draw(st.sampled_from(DAYS[order]))
    time = data.draw(st.sampled_from([None, *TIMES]))
    offset = data.draw(st.sampled_from(OFFSETS)) if time in TIMES[:4] else ""
    words = pl.Series("d", [day(m) + (time(m) if time else "") + offset for m in moments])
    hint = order[:3] if order in ("dmy", "mdy", "dmy2", "mdy2", "ymd2") else None
    form = date_form_of(words, order=hint)
    assert form is not None, words.to_list()
    expected = moments if time else [m.replace(hour=0, minute=0) for m in moments]
    assert form.read(words).to_list() == expected, (form, words.to_list())


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("2023Q3", "2023-07-01T00:00:00"),
        ("2023-Q3", "2023-07-01T00:00:00"),
        ("Q3 2023", "2023-07-01T00:00:00"),
        ("2023년 3분기", "2023-07-01T00:00:00"),
        ("2023-W05", "2023-01-30T00:00:00"),
        ("2020-W53-7", "2021-01-03T00:00:00"),
        ("20230105", "2023-01-05T00:00:00"),
        ("202301051430", "2023-01-05T14:30:00"),
        ("20230105T143000Z", "2023-01-05T14:30:00"),
        ("2023-01-05T14:30:00.123Z", "2023-01-05T14:30:00.123000"),
        ("Thu Jan  5 14:30:00 2023", "2023-01-05T14:30:00"),
        ("Thu, 05 Jan 2023 14:30:00 GMT", "2023-01-05T14:30:00"),
        ("2023-01", "2023-01-01T00:00:00"),
        ("05/2023", "2023-05-01T00:00:00"),
        ("Jan-23", "2023-01-01T00:00:00"),
        ("12:05 AM", "1970-01-01T00:05:00"),
        ("5 de enero de 2023", "2023-01-05T00:00:00"),
        ("2023年1月5日 14時30分", "2023-01-05T14:30:00"),
        ("2023. 1. 5. 오후 2:30", "2023-01-05T14:30:00"),
        ("05.01.68", "2068-01-05T00:00:00"),
        ("05.01.69", "1969-01-05T00:00:00"),
    ],
)
def test_forms_by_hand(word: str, read: str) -> None:
    form = date_form_of(pl.Series([word]))
    assert form is not None
    assert form.read(pl.Series([word]))[0].isoformat() == read


@pytest.mark.parametrize(
    "words",
    [
        ["12.5", "13.2"],
        ["hello", "world"],
        ["2023-02-30"],
        ["2023-13-01"],
        ["25:10", "26:30"],
        ["2023-W60"],
        ["192.168.1.1"],
        ["5 apples 2023"],
        ["13:30 PM", "1:30 XM"],
    ],
)
def test_what_is_no_date_is_not_read_as_one(words: list[str]) -> None:
    form = date_form_of(pl.Series(words))
    assert form is None or form.read(pl.Series(words)).null_count() == 0


def test_iso_weeks_are_those_of_python() -> None:
    days = [datetime(2015, 1, 1) + timedelta(days=day) for day in range(0, 4000, 3)]
    words = pl.Series(["{}-W{:02}-{}".format(*day.isocalendar()) for day in days])
    assert DateForm(name="week").read(words).to_list() == days


def test_one_day_above_twelve_decides_the_order_of_the_whole_column() -> None:
    words = ["01/02/2023", "03/04/2023", "05/06/2023"]
    first, decided = date_form_of(pl.Series(words)), date_form_of(pl.Series([*words, "25/01/2023"]))
    assert first is not None
    assert decided is not None
    assert (first.name, first.ambiguous) == ("mdy", "dmy")
    assert (decided.name, decided.ambiguous) == ("dmy", "")
    asked = date_form_of(pl.Series(words), order="dmy")
    assert asked is not None
    assert (asked.name, asked.ambiguous) == ("dmy", "")
    assert date_form_of(pl.Series(words), order="off") is None


def test_first_days_of_months_are_taken_for_days() -> None:
    form = date_form_of(pl.Series([f"01/{month:02}/2023" for month in range(1, 13)]))
    assert form is not None
    assert form.name == "dmy"
    assert form.ambiguous == "mdy"


def test_a_column_of_one_offset_keeps_its_clock_and_of_several_is_read_in_utc() -> None:
    one = pl.Series(["2023-01-05 14:30+09:00", "2023-01-05 20:00+09:00"])
    two = pl.Series(["2023-01-05 14:30+09:00", "2023-07-05 20:00-01:00"])
    form, mixed = date_form_of(one), date_form_of(two)
    assert form is not None
    assert mixed is not None
    assert form.read(one).dt.hour().to_list() == [14, 20]
    assert form.read(two).dt.hour().to_list() == [14, 6]  # 21:00 UTC is 06:00 by that clock
    assert mixed.read(two).dt.hour().to_list() == [5, 21]


def test_what_looks_like_a_date_is_known_from_what_does_not() -> None:
    assert looks_like_dates(pl.Series(["5 Brumaire 1799", "6 Brumaire 1799"]))
    assert not looks_like_dates(pl.Series(["red", "blue"]))


def test_every_pattern_is_one_that_the_regular_expressions_of_polars_take() -> None:
    words = pl.Series(["2023-01-05"])
    for name in PATTERNS:
        DateForm(name=name).read(words)


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["令和5年1月23日", "平成元年1月8日"], ["2023-01-23", "1989-01-08"]),
        (["2024/01/23 15時", "2024/01/24 3時"], ["2024-01-23 15:00", "2024-01-24 03:00"]),
        (
            ["2023년 1월 5일 오후 2시 5분", "2023년 1월 6일 오전 11시"],
            ["2023-01-05 14:05", "2023-01-06 11:00"],
        ),
        (["2023年1月5日(木) 14時30分15秒"], ["2023-01-05 14:30:15"]),
        (["2024-01-23 15:00 KST", "2024-01-23 16:00 KST"], ["2024-01-23 15:00", "2024-01-23 16:00"]),
        (["2024-03-31 01:00 CET", "2024-03-31 03:00 CEST"], ["2024-03-31 00:00", "2024-03-31 01:00"]),
        (["23/Jan/2024:15:00:00 +0000"], ["2024-01-23 15:00"]),
        (["1Q24", "2Q24"], ["2024-01-01", "2024-04-01"]),
        (["Q1'24", "Q3'23"], ["2024-01-01", "2023-07-01"]),
        (["1. Quartal 2024", "4. Quartal 2023"], ["2024-01-01", "2023-10-01"]),
    ],
)
def test_eras_zones_quarters_and_hours_alone_are_read(words: list[str], read: list[str]) -> None:
    column = pl.Series("when", words)
    form = date_form_of(column)
    assert form is not None
    assert form.read(column).to_list() == [datetime.fromisoformat(moment) for moment in read]


@pytest.mark.parametrize("words", [["10.0.25.5", "10.0.3.17"], ["192.168.0.1"]])
def test_internet_addresses_do_not_look_like_dates(words: list[str]) -> None:
    assert not looks_like_dates(pl.Series(words))
