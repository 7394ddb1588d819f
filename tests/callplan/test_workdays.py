"""When a rep works."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.callplan.workdays import Workdays, days_of, workdays_of
from territory.errors import DataError
from tests.callplan.weeks import PLAIN, ring, town

MONDAY = date(2027, 3, 1)


def rep_days(**columns: object) -> Workdays:
    """A week of a rep with these columns, under rules with a pause of an hour."""
    world = town(ring(1))
    row = world.reps.assign(**columns).iloc[0]
    return workdays_of(row, replace(PLAIN, pause_minutes=60, work_until="17:00"), MONDAY, 1, set(), set())


def test_a_day_has_the_hours_between_start_and_end_without_the_pause():
    days = rep_days(capacity_hours_per_week=60.0)

    assert (days.start, days.minutes, days.finish, days.pause) == (480, 480, 1020, (690, 810, 60))


def test_hours_a_week_are_shared_out_among_the_working_days():
    assert rep_days(weekdays="Mon-Thu", capacity_hours_per_week=24.0).minutes == 360
    assert rep_days(share=0.5).minutes == 240


def test_who_is_home_before_the_pause_takes_none():
    days = rep_days(share=0.4)

    assert days.pause is None
    assert days.finish == 480 + 192


def test_a_rep_s_own_hours_come_before_the_rules():
    days = rep_days(work_from="09:00", work_until="12:00", weekdays="Tue, Thu")

    assert (days.start, days.minutes) == (540, 120)
    assert [day.isoformat() for day in days.days] == ["2027-03-02", "2027-03-04"]


@given(
    st.dates(date(2026, 1, 1), date(2027, 3, 1)),
    st.integers(0, 400),
    st.sets(st.integers(0, 6), min_size=1),
    st.sets(st.dates(date(2026, 1, 1), date(2028, 3, 1)), max_size=5),
)
def test_working_days_between_two_days_are_counted_as_on_fingers(
    before: date, length: int, weekdays: set[int], holidays: set[date]
):
    days = replace(rep_days(), weekdays=frozenset(weekdays), holidays=holidays)
    after = before + timedelta(length)

    steps = (before + timedelta(step) for step in range(1, length + 1))
    assert days.between(before, after) == sum(day.weekday() in weekdays and day not in holidays for day in steps)


def test_days_are_given_one_by_one_or_as_a_span():
    assert days_of("2027-03-01", "holidays") == {MONDAY}
    assert days_of(["2027-03-01", "2027-03-05"], "holidays") == {MONDAY, date(2027, 3, 5)}
    assert len(days_of(("2027-03-01", "2027-03-05"), "holidays")) == 5
    with pytest.raises(DataError, match="holidays: 'May' is no day"):
        days_of(["May"], "holidays")
