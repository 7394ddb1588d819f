"""Numbers, days and yes or no, the way people write them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.files import check_files, read_portfolio
from territory.files.cells import numbers


def read_numbers(*texts: str | None) -> list[float]:
    return numbers(pa.chunked_array([pa.array(texts, pa.string())]))[0].tolist()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.5", 1234.5),
        ("1,234,567", 1234567.0),
        ("￥1,200", 1200.0),
        ("¥ 1200", 1200.0),
        ("１２３．５", 123.5),
        ("1 234", 1234.0),
        ("1\u00a0234.5", 1234.5),
        ("1'234", 1234.0),
        ("$5", 5.0),
        ("300元", 300.0),
        ("−12", -12.0),
        ("+7", 7.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-0", 0.0),
    ],
)
def test_a_number_may_be_written_in_many_ways(text, value):
    assert read_numbers(text) == [value]


@pytest.mark.parametrize(
    "text", ["NaN", "inf", "-Infinity", "1e999", "abc", "12,34", "1_000", "1.2.3", "0x1f", "--1", "15%", "#N/A", "٣"]
)
def test_what_is_no_finite_number_is_wrong(text):
    is_wrong = numbers(pa.chunked_array([pa.array([text, "1.5"])]))[1]

    assert is_wrong.tolist() == [True, False]


def test_a_column_that_writes_commas_for_points_is_understood_and_noted(write):
    path = write("id;lon;lat;potential", "1;2,35;48,85;1.234", "2;2,36;48,86;1.500,5")

    check = check_files(path)

    assert check.unplaced == 0
    assert check.portfolio.customers["potential"].tolist() == [1234.0, 1500.5]
    assert "Numbers were read with a comma as the decimal point." in "\n".join(map(str, check.notes))


def test_commas_between_thousands_are_no_decimal_commas(write):
    path = write("id;lon;lat;potential", "1;2.35;48.85;1,234", "2;2.36;48.86;1,500")

    assert read_portfolio(path).customers["potential"].tolist() == [1234.0, 1500.0]


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_a_number_reads_back_exactly_as_it_was_written(values):
    assert read_numbers(*map(repr, values)) == [value + 0.0 for value in values]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("是", True),
        ("TRUE", True),
        ("１", True),
        ("no", False),
        ("否", False),
        ("0", False),
        ("", False),
    ],
)
def test_yes_and_no_may_be_written_in_many_ways(write, text, value):
    assert read_portfolio(write("id,lon,lat,locked", f"1,2,48,{text}")).customers["locked"].tolist() == [value]


@pytest.mark.parametrize(
    "text", ["2027-03-01", "2027/3/1", "2027.3.1", "2027年3月1日", "20270301", "2027-03-01 09:30:00", "２０２７-03-01"]
)
def test_a_day_is_written_year_first(write, text):
    assert read_portfolio(write("id,lon,lat,last_visit", f"1,2,48,{text}")).customers["last_visit"].tolist() == [
        "2027-03-01"
    ]


@pytest.mark.parametrize("text", ["8:30", "08:30", "08:30:00", "8：30"])
def test_a_time_of_day_is_kept_as_hours_and_minutes(write, text):
    assert read_portfolio(write("id,lon,lat,open_from", f"1,2,48,{text}")).customers["open_from"].tolist() == ["08:30"]
