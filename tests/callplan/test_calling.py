"""Call plans as a manager asks for them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from territory.callplan import plan_calls
from territory.errors import DataError, NotFoundError
from territory.routing import solve_route
from tests.bench.callplan import month
from tests.callplan.weeks import MONDAY, PLAIN, days_of, gaps_of, planned, ring, town


def test_a_weekly_customer_is_visited_once_in_every_week():
    calls = planned(town(ring(5)))

    weeks = pd.to_datetime(calls.visits["day"]).dt.isocalendar().week
    assert calls.visits.groupby(["customer_id", weeks]).size().tolist() == [1] * 20
    assert (calls.coverage["share"] == 1.0).all()
    assert calls.dropped.empty
    assert calls.stretched.empty


@pytest.mark.parametrize(("visits_per_year", "visits", "gap"), [(104, 8, 3.5), (26, 2, 14), (13, 1, 28)])
def test_visits_a_year_set_the_rhythm(visits_per_year: float, visits: int, gap: float):
    calls = planned(town(ring(4), visits_per_year=float(visits_per_year)))

    assert calls.visits["customer_id"].value_counts().tolist() == [visits] * 4
    for customer in "1234":
        assert all(abs(each - gap) <= max(0.25 * gap, 1) + 1 for each in gaps_of(calls, customer))


def test_customers_without_a_last_visit_take_turns_by_place_when_not_all_are_due():
    calls = planned(town(ring(24), visits_per_year=13 / 3))  # every twelve weeks

    visited = sorted(int(name) for name in calls.visits["customer_id"])
    around = sorted((number - visited[0]) % 24 for number in visited)
    assert len(visited) == 8
    # Eight neighbours: the longest stretch of customers not visited has all the others.
    assert max((after - before) % 24 for before, after in zip(visited, [*visited[1:], visited[0]], strict=True)) == 17
    assert around[0] == 0


def test_the_next_weeks_visit_those_whose_turn_it_was_not():
    world = town(ring(24), visits_per_year=13 / 3)

    months = [planned(world, start=start) for start in ("2027-03-01", "2027-03-29", "2027-04-26")]

    visited = [set(calls.visits["customer_id"]) for calls in months]
    assert [len(names) for names in visited] == [8, 8, 8]
    assert len(set.union(*visited)) == 24


def test_days_are_equally_long():
    calls = planned(town(ring(60, km=15), visits_per_year=26.0), effort=0.5)

    assert calls.visits["customer_id"].nunique() == 60
    assert calls.measures.loc["R01", "spread"] <= 0.10


def test_neighbours_are_visited_on_the_same_day():
    east, west = [(30.0, 0.0)] * 4, [(-30.0, 0.0)] * 4

    calls = planned(town([*east, *west], visits_per_year=13.0, minutes_per_visit=100.0), weeks=4)

    # Two days each way have room for all; balance may ask for more days, but never for both ends on one day.
    sides = calls.visits.assign(side=calls.visits["customer_id"].astype(int) <= 4).groupby("day")["side"].nunique()
    assert sides.tolist() == [1] * len(sides)


def test_a_customer_is_visited_on_its_weekdays_only():
    calls = planned(town(ring(4), weekdays=["Tue", "Mon, Wed", "Fri", "Mon-Fri"]))

    weekday = pd.to_datetime(calls.visits["day"]).dt.day_of_week
    by_customer = {name: set(days) for name, days in weekday.groupby(calls.visits["customer_id"])}
    assert by_customer["1"] == {1}
    assert by_customer["2"] <= {0, 2}
    assert by_customer["3"] == {4}


def test_a_preferred_weekday_is_kept_where_it_costs_little():
    world = town(ring(5))
    world = replace(world, customers=world.customers.assign(preferred_weekdays=["Thu", None, None, None, None]))

    calls = planned(world)

    assert {pd.Timestamp(day).day_of_week for day in days_of(calls, "1")} == {3}


def test_nobody_works_on_holidays_and_absences():
    calls = planned(town(ring(6)), holidays=["2027-03-03"], absences={"R01": ("2027-03-15", "2027-03-19")}, effort=0.2)

    days = set(calls.days["day"])
    assert len(days) == 14
    assert not days & {"2027-03-03", "2027-03-15", "2027-03-19"}
    # Time is counted in working days: a week off is no reason to hurry, and the plan says what it does to the gaps.
    assert set(calls.stretched["reason"]) == {"holidays or an absence lie between"}


def test_holidays_of_the_rules_count_as_well():
    calls = planned(town(ring(2), replace(PLAIN, holidays=("2027-03-01",))), weeks=1)

    assert calls.days["day"].tolist() == ["2027-03-02", "2027-03-03", "2027-03-04", "2027-03-05"]


def test_who_is_overdue_comes_first():
    last = ["2027-02-26", "2027-01-04", "2027-02-26", "2027-02-26"]  # the second waits for eight weeks

    calls = planned(town(ring(4), visits_per_year=13.0, last_visit=last), weeks=4)

    assert days_of(calls, "2")[0] <= "2027-03-02"
    assert calls.stretched.set_index("customer_id").loc["2", "reason"].startswith("overdue when the plan begins: 2.0")


def test_the_last_visit_sets_when_the_next_is_due():
    calls = planned(town(ring(3), visits_per_year=26.0, last_visit=["2027-02-26", "2027-02-19", None]), weeks=2)

    assert len(days_of(calls, "1")) == 1
    assert days_of(calls, "1")[0] >= "2027-03-08"
    assert days_of(calls, "2")[0] <= "2027-03-09"


def test_appointments_are_kept_to_the_minute():
    calls = planned(
        town(ring(8)), fixed=[("3", "2027-03-10", "10:30"), ("5", "2027-03-10", "14:00"), ("6", "2027-03-04")]
    )

    on_time = calls.on("2027-03-10", rep="R01").set_index("customer_id")
    assert str(on_time.loc["3", "start"]) == "2027-03-10 10:30:00"
    assert str(on_time.loc["5", "start"]) == "2027-03-10 14:00:00"
    assert on_time.loc["3", "appointment"] == "10:30"
    assert calls.on("2027-03-04").set_index("customer_id").loc["6", "must"]


def test_appointments_that_cannot_be_kept_are_all_told():
    world = town(ring(3))

    with pytest.raises(DataError) as error:
        planned(
            world,
            fixed=[("1", "2027-03-06"), ("2", "2027-05-03"), ("3", "2027-03-02", "22:00"), ("1", "2027-03-02", "ten")],
        )

    assert "'ten' is no time of day" in str(error.value)
    with pytest.raises(DataError) as error:
        planned(world, fixed=[("1", "2027-03-06"), ("2", "2027-05-03"), ("3", "2027-03-02", "22:00")])
    assert [problem.where for problem in error.value.problems] == [f"fixed, customer '{name}'" for name in "123"]


def test_visits_keep_to_opening_hours():
    calls = planned(town(ring(6), open_from="13:00", open_until="15:00"))

    clock = calls.visits["start"].dt.strftime("%H:%M")
    assert clock.min() >= "13:00"
    assert calls.visits["leave"].dt.strftime("%H:%M").max() <= "15:00"
    assert calls.dropped.empty


def test_a_full_calendar_drops_the_least_valuable_visits_and_says_what_would_help():
    potential = [1000.0] * 10 + [10.0] * 10

    calls = planned(
        town(ring(20), minutes_per_visit=200.0, potential=potential, tier=["A"] * 10 + ["D"] * 10), weeks=1, effort=0.3
    )

    assert calls.coverage.loc["A", "share"] == 1.0
    assert calls.coverage.loc["D", "share"] < 0.2
    assert set(calls.dropped["customer_id"]).isdisjoint(map(str, range(1, 11)))
    assert (
        calls.dropped["reason"]
        .str.fullmatch(r"the days are full: it fits if 2027-03-0\d were \d+ minutes longer")
        .all()
    )


def test_each_visit_left_out_has_the_cheapest_reason():
    places = [(0.0, 5.0), (0.0, 300.0), (0.0, 100.0), (5.0, 0.0)]
    calls = planned(
        town(
            places,
            weekdays=["Sat", None, None, "Mon"],
            minutes_per_visit=[30.0, 30.0, 300.0, 30.0],
            visits_per_year=[52.0, 52.0, 52.0, 104.0],
        ),
        weeks=1,
    )

    assert calls.dropped.set_index("customer_id")["reason"].to_dict() == {
        "1": "none of the rep's working days is one of its weekdays",
        "2": "the trip takes 630 minutes, and a day has 480; a night away would do",
        "3": "the trip takes 500 minutes, and a day has 480; a night away would do",
        "4": "it may be visited on 1 of the rep's days only",
    }


def test_reasons_tell_the_same_figures_in_both_languages():
    world = town([(0.0, 300.0), *ring(30)], minutes_per_visit=200.0, last_visit=["2027-01-04", None] + [None] * 29)

    calls = planned(world, weeks=2)

    told = pd.concat([calls.dropped, calls.stretched])
    assert set(told["code"]) >= {"too long", "full"}
    figures = [told[column].str.findall(r"[0-9.]+").map(set) for column in ("reason", "reason_zh")]
    assert figures[0].tolist() == figures[1].tolist()
    assert told["reason_zh"].str.contains("[一-龥]").all()


def test_customers_without_a_rep_are_not_lost():
    world = town(ring(4), territory=["T1", "T1", "T9", None])

    calls = planned(world, weeks=1)

    assert calls.dropped.set_index("customer_id")["reason"].to_dict() == {
        "3": "territory T9 has no rep",
        "4": "it has no territory",
    }


def test_a_night_away_is_spent_where_it_saves_driving():
    far = [(180.0 + km, 0.0) for km in range(8)]
    world = town(far, minutes_per_visit=45.0, visits_per_year=13.0)

    at_home = planned(replace(world, reps=world.reps.assign(nights_away=0.0)), weeks=4, effort=0.3)
    away = planned(replace(world, reps=world.reps.assign(nights_away=1.0)), weeks=4, effort=0.3)

    drive = [calls.measures.loc["R01", "drive_minutes"] for calls in (at_home, away)]
    nights = away.days[away.days["ends_at"] != "home"]
    assert len(nights) >= 1
    assert drive[1] <= drive[0] - 90 * len(nights)
    for row in nights.index:
        assert away.days.loc[row + 1, "begins_at"] == away.days.loc[row, "ends_at"]


def test_who_has_waited_longest_is_not_left_out_for_having_waited():
    # The least of six: long overdue, worth little, and quick.
    world = town(
        ring(6),
        potential=[1.0] + [1000.0] * 5,
        minutes_per_visit=[10.0] + [60.0] * 5,
        last_visit=["2027-01-04"] + ["2027-02-26"] * 5,
    )

    calls = planned(world, weeks=2)

    assert len(days_of(calls, "1")) == 2
    assert calls.dropped.empty


def test_gaps_are_judged_in_working_days():
    # Every four and a half working days: from Monday to Friday is well within the tolerance.
    world = town(ring(5), visits_per_year=52.0, last_visit="2027-02-26", rules=replace(PLAIN, weeks_per_year=46))
    fixed = [("1", "2027-03-01"), ("1", "2027-03-05")]

    calls = planned(world, weeks=1, fixed=fixed)

    told = calls.stretched[(calls.stretched["customer_id"] == "1") & (calls.stretched["from"] == "2027-03-01")]
    assert days_of(calls, "1") == ["2027-03-01", "2027-03-05"]
    assert told.empty


def test_who_is_too_far_for_a_day_is_visited_on_a_tour_with_nights():
    places = [(230.0 + km, 0.0) for km in range(12)]
    world = town(places, minutes_per_visit=45.0)

    at_home = planned(world, weeks=1)
    away = planned(replace(world, reps=world.reps.assign(nights_away=2.0)), weeks=1)

    assert at_home.visits.empty
    assert set(at_home.dropped["code"]) == {"too long"}
    assert len(away.visits) == 12
    assert away.measures.loc["R01", "nights_away"] == 2


def test_no_night_is_planned_where_the_way_there_leaves_no_time_for_the_break():
    lunch = replace(PLAIN, pause_minutes=60, pause_from="11:30", pause_until="13:30", work_until="19:00")
    world = town([(340.0, 0.0), (5.0, 0.0)], rules=replace(lunch, hours_per_week=50))

    calls = planned(replace(world, reps=world.reps.assign(nights_away=2.0)), weeks=1)

    assert calls.visits["customer_id"].tolist() == ["2"]
    assert calls.measures.loc["R01", "nights_away"] == 0


def test_an_absence_in_the_middle_of_the_month_moves_as_little_as_possible():
    world = town(ring(24, km=12), visits_per_year=26.0)
    before = planned(world, effort=0.4)

    after = planned(world, start="2027-03-15", weeks=2, previous=before, absences={"R01": ["2027-03-17"]}, effort=0.4)

    moved = after.changes[after.changes["change"] == "moved"]
    gone = before.on("2027-03-17")
    assert set(gone["customer_id"]) <= set(moved["customer_id"])
    assert len(moved) <= len(gone) + 2
    assert set(after.changes["change"]) == {"moved"}


def test_without_a_reason_nothing_moves():
    world = town(ring(20, km=12), visits_per_year=26.0)
    before = planned(world, effort=0.4)

    again = planned(world, start="2027-03-15", weeks=2, previous=before, effort=0.4)

    assert again.changes.empty
    assert len(again.visits) == (before.visits["day"] >= "2027-03-15").sum()


def test_the_same_plan_comes_out_for_any_number_of_workers():
    world = town(ring(12), reps=3, territory=["T1"] * 4 + ["T2"] * 4 + ["T3"] * 4)

    one, two = (planned(world, workers=workers) for workers in (1, 2))

    pd.testing.assert_frame_equal(one.visits, two.visits)
    pd.testing.assert_frame_equal(one.measures, two.measures)


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_is_told_rep_by_rep(workers: int):
    world = town(ring(4), reps=2, territory=["T1"] * 2 + ["T2"] * 2)
    told: list[tuple[str, float]] = []

    planned(world, weeks=1, workers=workers, progress=lambda stage, part: told.append((stage, part)))

    assert told == [("calls", 0.0), ("calls", 0.5), ("calls", 1.0)]


def test_a_plan_of_one_rep_and_one_week_is_not_told_in_the_plural():
    calls = planned(town([(1.0, 0.0)]), weeks=1)

    assert repr(calls) == "CallPlan of 1 rep from 2027-03-01 over 1 week: 1 visit, 100 % of those due"


def test_a_rep_planned_alone_gets_the_same_weeks_as_among_others():
    world = town(ring(12), reps=2, territory=["T1"] * 6 + ["T2"] * 6)

    together, alone = planned(world), planned(world, reps="R02")

    pd.testing.assert_frame_equal(together.on("2027-03-04", rep="R02"), alone.on("2027-03-04"))
    assert alone.reps == ["R02"]


def test_reps_who_share_a_territory_part_it_by_place():
    world = town([(-20.0, 0.0)] * 3 + [(20.0, 0.0)] * 3, reps=2)
    world = replace(
        world, reps=world.reps.assign(territory="T1").set_geometry(world.customers.geometry.iloc[[0, 5]].values)
    )

    calls = planned(world, weeks=1)

    assert calls.visits.groupby("rep_id")["customer_id"].apply(lambda names: "".join(sorted(names))).tolist() == [
        "123",
        "456",
    ]


def test_a_part_time_rep_has_shorter_days():
    world = town(ring(20))
    half = world.half_time("R01")

    calls = planned(half, weeks=1)

    assert calls.measures.loc["R01", "capacity_minutes"] == 5 * 240
    assert calls.days["worked_minutes"].max() <= 240


def test_no_customers_make_an_empty_plan_of_working_days():
    calls = planned(town([]), weeks=1)

    assert calls.visits.empty
    assert calls.days["visits"].tolist() == [0] * 5
    assert calls.on(MONDAY).empty


def test_a_rep_who_is_away_all_the_time_visits_nobody_and_the_plan_says_so():
    calls = planned(town(ring(2)), weeks=1, absences={"R01": (MONDAY, "2027-03-05")})

    assert calls.days.empty
    assert set(calls.dropped["reason"]) == {"the rep does not work in these weeks"}


def test_a_rep_without_a_home_begins_amid_the_customers_and_the_plan_says_so():
    world = town([(10.0, 10.0), (12.0, 10.0)])
    world = replace(world, reps=world.reps.set_geometry([None], crs=world.customers.crs))

    calls = planned(world, weeks=1)

    assert calls.measures.loc["R01", "drive_minutes"] < 30
    assert "the home is not known" in str(calls.problems[0])


def test_a_day_of_the_plan_goes_straight_into_a_route():
    world = town(ring(9))
    calls = planned(world, fixed=[("3", "2027-03-03", "10:30")])

    day = calls.on("2027-03-03", rep="R01")
    route = solve_route(world, rep="R01", day="2027-03-03", visits=day)

    assert set(route.stops["customer_id"]) == set(day["customer_id"])
    assert route.drive_minutes == pytest.approx(calls.days.set_index("day").loc["2027-03-03", "drive_minutes"], abs=0.5)


def test_what_cannot_be_planned_is_told_at_once():
    world = town(ring(2), weekdays=["Moonday", None])
    world = replace(world, reps=world.reps.assign(work_from="nine"))

    with pytest.raises(DataError, match=r"(?s)nine.*Moonday"):
        planned(world)
    with pytest.raises(DataError, match="weeks"):
        plan_calls(world, start=MONDAY, weeks=0)
    with pytest.raises(DataError, match="no day"):
        plan_calls(world, start="soon")
    with pytest.raises(NotFoundError, match="R77"):
        planned(world, reps="R77")


def test_a_day_outside_of_the_plan_is_not_simply_empty():
    calls = planned(town(ring(2)), weeks=1)

    with pytest.raises(NotFoundError, match="2027-03-07"):
        calls.on("2027-03-08")
    with pytest.raises(NotFoundError, match="There are R01"):
        calls.on(MONDAY, rep="R02")


def test_no_day_is_driven_in_a_bad_order_to_look_as_long_as_the_others():
    calls = planned(month(7), effort=0.5)

    measures = calls.measures.loc["R01"]
    assert measures["visits"] == measures["due"]
    assert measures["spread"] <= 0.1
