"""Weekdays and times of day as people write them."""

from __future__ import annotations

import pytest

from territory.hours import clock, minutes_of, weekdays_of


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon-Fri", {0, 1, 2, 3, 4}),
        ("mon, wed", {0, 2}),
        ("Tuesday;Thu", {1, 3}),
        ("Sat - Mon", {5, 6, 0}),
        ("周一至周五", {0, 1, 2, 3, 4}),
        ("周二、周四", {1, 3}),
        ("星期天", {6}),
        ("1-5", {0, 1, 2, 3, 4}),
        ("Fri", {4}),
    ],
)
def test_weekdays_are_read_the_way_people_write_them(text: str, days: set[int]):
    assert weekdays_of(text) == days


@pytest.mark.parametrize("text", ["", "Moonday", "Mon-Wed-Fri", "8", "M"])
def test_what_is_no_weekday_is_not_guessed(text: str):
    assert weekdays_of(text) is None


def test_times_of_day_are_minutes_since_midnight():
    assert [minutes_of(text) for text in ("08:30", "8:30", "00:00", "24:00")] == [510, 510, 0, 1440]
    assert [minutes_of(text) for text in ("24:01", "8.30", "noon", "12:60")] == [None] * 4
    assert clock(510.4) == "08:30"
