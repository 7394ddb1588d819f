"""Whose hours hold what is due, and what would help."""

from __future__ import annotations

import pandas as pd

from territory.callplan.shortage import advice_on, hours_of
from tests.callplan.weeks import planned, ring, town


def hours(**short_or_free: float) -> pd.DataFrame:
    """Reps with forty hours a week each: above 0 they are short of so many, below 0 they have so many to spare."""
    apart = pd.Series(short_or_free)
    table = pd.DataFrame({"wanted": 40 + apart, "available": 40.0})
    return table.assign(short=apart.clip(lower=0), free=(-apart).clip(lower=0)).rename_axis("rep_id")


def test_wanted_hours_are_those_worked_and_those_that_found_no_room():
    measures = pd.DataFrame(
        {"worked_minutes": [2400.0], "capacity_minutes": [2400.0], "drive_minutes": [600.0], "visits": [30]},
        index=pd.Index(["R01"], name="rep_id"),
    )
    dropped = pd.DataFrame({"rep_id": "R01", "visits": [3, 1], "minutes": [180.0, 60.0], "code": ["full", "too long"]})

    told = hours_of(measures, dropped, weeks=1)

    # Three visits of an hour, and twenty minutes of driving each; the one that is too far is no matter of hours.
    assert told.loc["R01"].to_dict() == {"wanted": 44.0, "available": 40.0, "short": 4.0, "free": 0.0}


def test_who_is_short_of_hours_is_told_by_how_much_and_what_would_help():
    # Twenty weekly visits of two and a half hours want fifty hours before any driving.
    calls = planned(town(ring(20, km=5), minutes_per_visit=150.0), weeks=1)

    who, reps, visits = (said.en for said in calls.advice)

    assert who.startswith("1 of 1 reps wants more hours than there are, by 1")
    assert reps == "About 1 more rep would do: territory size tells what is best."
    assert "% fewer visits" in visits


def test_a_plan_that_holds_all_visits_has_no_advice():
    assert planned(town(ring(4)), weeks=1).advice == ()


def test_spare_hours_of_others_come_before_another_rep():
    told = [said.en for said in advice_on(hours(R01=6.0, R02=-30.0))]

    assert told[0] == "1 of 2 reps wants more hours than there are, by 6.0 a week: R01 6.0."
    assert told[1] == "Other reps have 30 hours a week to spare: territory realign evens the work."
    assert not any("more rep" in line for line in told[1:])


def test_where_spare_hours_are_not_enough_the_rest_is_told_in_reps():
    told = [said.en for said in advice_on(hours(R01=30.0, R02=25.0, R03=-5.0))]

    assert told[0] == "2 of 3 reps want more hours than there are, by 55 a week: R01 30.0, R02 25.0."
    assert "5 hours a week to spare, which is not enough" in told[1]
    assert told[2].startswith("About 2 more reps would do")


def test_only_the_shortest_are_named_of_many():
    many = hours(**{f"R{number:02d}": 1.0 + number for number in range(8)})

    who = advice_on(many)[0]

    assert "R07 8.0" in who.en
    assert "and 3 more" in who.en
    assert "另有 3 名" in who.zh


def test_a_few_minutes_are_no_shortage():
    assert advice_on(hours(R01=0.04)) == ()
