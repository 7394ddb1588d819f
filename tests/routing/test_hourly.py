"""A day on roads that take longer in some hours: each leg takes what its hours take, and the bound is honest."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.callplan import plan_calls
from territory.errors import DataError
from territory.itinerary import days_of
from territory.routing import DayPlan, check_day, solve_route
from territory.routing.checking import check_drives
from territory.routing.clocked import left_at_last, reached
from territory.routing.hourly import Day, as_driven, solve_day_by_hour
from territory.travel import HourlyTimes, LineTravel, RoadTravel, TravelMatrix, build_roads, hourly_times
from tests.towns import osm_xml
from tests.worlds import line_of_customers

REST = {"windows": None, "mandatory": None, "shift": (480.0, 720.0), "pause": None, "max_drive": None}
RUSH = (2.0, 1.0, 1.0, 1.0)
"""From eight to nine everything takes twice as long."""


@pytest.fixture(scope="module")
def main_road(tmp_path_factory: pytest.TempPathFactory) -> RoadTravel:
    """A main road from -1 to 20 km along the customers of `line_of_customers`; its hours are those of a working day."""
    path = tmp_path_factory.mktemp("roads") / "town.osm"
    places = {name: (1000.0 * km, 0.0) for name, km in zip("ABCDEF", (-1, 3, 7, 11, 15, 20), strict=True)}
    path.write_text(osm_xml(places, [("ABCDEF", {"highway": "primary"})]), encoding="utf-8")
    return build_roads(path)


def by_hour(*kilometres: float, factors: tuple[float, ...] = RUSH) -> HourlyTimes:
    """A street from the home at 0 to visits at these kilometres; a kilometre takes a minute times the hour's factor."""
    x = np.array([0.0, *kilometres, 0.0])
    return hours_of([abs(x[:, None] - x) * factor for factor in factors])


def hours_of(tables: list[np.ndarray]) -> HourlyTimes:
    nowhere = np.zeros(len(tables[0]))
    return HourlyTimes(8, tuple(TravelMatrix(table, table * 1000, nowhere, nowhere) for table in tables))


def solved(hourly: HourlyTimes, service: list[float], **asked: Any) -> DayPlan:
    return solve_day_by_hour(hourly, np.array(service, float), **{"shift": (480.0, 720.0), **asked})


def driven(minutes: np.ndarray, leave: float) -> float:
    """When one arrives who leaves at `leave` on a way that takes minutes[h] in hour 8 + h: another reckoning."""
    left = 1.0
    while True:
        hour = min(max(int(leave // 60) - 8, 0), len(minutes) - 1)
        over = 60.0 * (hour + 9) if hour < len(minutes) - 1 else np.inf
        if leave + left * minutes[hour] <= over:
            return leave + left * minutes[hour]
        left -= (over - leave) / minutes[hour]
        leave = over


def brute_force(hourly: HourlyTimes, service: np.ndarray, windows: list, prizes: np.ndarray, until: float) -> float:
    """The largest prize of any route that holds by the clock."""
    best, n = 0.0, len(service)
    for count in range(1, n + 1):
        for order in permutations(range(n), count):
            now, here = 480.0, 0
            for visit in order:
                now = max(driven(hourly.minutes[:, here, visit + 1], now), windows[visit][0][0])
                if now > windows[visit][0][1]:
                    break
                now, here = now + service[visit], visit + 1
            else:
                if driven(hourly.minutes[:, here, n + 1], now) <= until:
                    best = max(best, float(prizes[list(order)].sum()))
    return best


def test_a_leg_takes_what_the_hours_take_in_which_it_is_driven():
    # 45 km at half pace: 30 of them by nine, the other 15 a quarter of an hour later.
    plan = solved(by_hour(45), [30])

    assert plan.arrive.tolist() == [9 * 60 + 15]
    assert plan.drives.tolist() == [75, 45]
    assert plan.drive == 120
    assert plan.home == 10 * 60 + 30


def test_the_home_is_left_as_late_as_the_first_visit_allows_and_so_after_the_rush():
    plan = solved(by_hour(30), [30], windows=[[(600.0, 660.0)]])

    assert (plan.depart, plan.arrive[0], plan.drives[0]) == (570, 600, 30)


def test_a_window_is_kept_by_the_clock_that_the_mean_of_the_hours_would_miss():
    # On the mean of the hours, 37.5 minutes, one would be at the second visit by 08:38; in the rush it takes an hour.
    plan = solved(by_hour(10, 30), [10, 10], windows=[[(480.0, 720.0)], [(480.0, 530.0)]], prizes=np.array([1.0, 5.0]))

    assert plan.order.tolist() == [0]


def test_a_visit_goes_where_its_way_is_quick():
    # The way to the second visit is blocked in the first hour, that to the first one is free.
    free = abs(np.array([0.0, 20, -20, 0])[:, None] - np.array([0.0, 20, -20, 0]))
    blocked = free.copy()
    blocked[:, 2] = blocked[2] = 90

    plan = solved(hours_of([blocked, free, free, free]), [40, 40])

    assert plan.order.tolist() == [0, 1]


def test_the_pause_stands_between_drives_that_know_their_hours():
    asked = {"service": np.array([20.0, 20.0]), "pause": (540.0, 560.0, 30.0), "shift": (480.0, 720.0)}
    hourly = by_hour(20, 40)

    plan = solve_day_by_hour(hourly, **asked)

    assert plan.pause is not None
    assert 540 <= plan.pause <= 560
    assert check_drives(plan, hourly, asked["pause"]) == []
    assert check_day(plan, as_driven(plan, 2), **asked) == []


def test_a_must_that_no_hour_allows_is_told():
    plan = solved(by_hour(200), [10], mandatory=np.array([True]))

    assert plan.status == "infeasible"
    assert "too long" in plan.impossible.values() or plan.reasons


def test_musts_that_only_the_quickest_hours_would_allow_are_told_together():
    # 60 km to and from each side in four hours of which the first is slow: neither is impossible alone.
    plan = solved(by_hour(55, -55), [5, 5], mandatory=np.ones(2, bool), shift=(480.0, 720.0))

    assert plan.status == "infeasible"
    assert len(plan.order) == 1
    assert [problem.where for problem in plan.reasons] == ["visits 0, 1"]


def test_a_day_without_visits_goes_from_its_start_to_its_end():
    plan = solved(by_hour(), [])

    assert (plan.order.tolist(), plan.drive, plan.status) == ([], 0, "optimal")


def test_an_end_that_cannot_be_reached_is_told():
    tables = [np.array([[0.0, 200 * factor], [200 * factor, 0.0]]) for factor in (2, 2, 2, 1)]

    with pytest.raises(DataError, match="The end cannot be reached"):
        solved(hours_of(tables), [])


def test_drives_that_are_quicker_than_their_hours_do_not_pass_the_check():
    hourly = by_hour(45)
    plan = solved(hourly, [30])
    plan.drives[0] = 45

    assert [problem.where for problem in check_drives(plan, hourly)] == ["leg 0"]


@given(st.lists(st.floats(1, 90), min_size=4, max_size=4), st.integers(0, 20_000), st.integers(0, 3_000))
def test_who_leaves_later_never_arrives_earlier(minutes, leave, later):
    seconds = np.array(minutes).reshape(4, 1, 1) * 60
    ends = np.array([3600, 7200, 10_800, 1 << 60])

    first, second = (int(reached(seconds, ends, 0, 0, at)) for at in (leave, leave + later))

    assert first <= second
    assert first >= leave + min(minutes) * 60 - 1
    last = int(left_at_last(seconds, ends, 0, 0, first))
    assert last >= leave
    assert reached(seconds, ends, 0, 0, last) <= first < reached(seconds, ends, 0, 0, last + 1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_no_route_by_the_clock_is_worth_more_than_the_bound_says(seed):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-20, 20, (5, 2))[[0, 1, 2, 3, 4, 0]]
    apart = np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1))
    hourly = hours_of([np.round(apart * rng.uniform(1, 2, apart.shape), 3) for _ in range(3)])
    service, prizes = rng.integers(10, 40, 4).astype(float), rng.integers(1, 10, 4).astype(float)
    windows = [[(480.0 + begin, 480.0 + begin + 60)] for begin in rng.integers(0, 90, 4).astype(float)]
    rules = {"service": service, "windows": windows, "prizes": prizes, "shift": (480.0, 640.0)}

    plan = solve_day_by_hour(hourly, **rules)

    best = brute_force(hourly, service, windows, prizes, 640.0)
    assert plan.prize <= best + 1e-9 or plan.prize == pytest.approx(best)
    assert plan.bound >= best - 1e-9
    if plan.status == "optimal":
        assert plan.prize == pytest.approx(best)
    assert check_day(plan, as_driven(plan, 4), **rules) == []


@pytest.mark.parametrize("objective", ["value", "drive", "home"])
@pytest.mark.parametrize("pause", [None, (540.0, 600.0, 30.0)])
def test_the_proven_day_is_the_best_of_all_orders_by_the_clock(objective, pause):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        xy = rng.uniform(-20, 20, (5, 2))[[0, 1, 2, 3, 4, 0]]
        apart = np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1))
        hourly = hours_of([np.round(apart * rng.uniform(1, 2.5, apart.shape), 2) for _ in range(4)])
        rules = {
            "service": rng.integers(5, 45, 4).astype(float),
            "windows": [[(480.0 + begin, 560.0 + begin)] for begin in rng.integers(0, 120, 4).tolist()],
            "prizes": rng.integers(10, 60, 4).astype(float),
            "mandatory": rng.random(4) < 0.2,
            "shift": (480.0, 690.0),
            "pause": pause,
            "max_drive": None,
        }

        plan = solve_day_by_hour(hourly, **rules, objective=objective)

        day = Day.of(hourly, rules, objective)
        orders = [np.array(order, int) for count in range(5) for order in permutations(range(4), count)]
        best = max(found.merit for found in map(day.timed, orders) if found is not None)
        assert plan.status in ("optimal", "infeasible")
        assert day.timed(plan.order).merit == pytest.approx(best)


def test_a_route_on_roads_with_hours_is_true_for_each_of_them(main_road):
    street = line_of_customers(3, reps=1, spacing=4000)

    route = solve_route(street, rep="R01", day="2027-03-03", travel=main_road, pause=None)

    assert route.certificate == "optimal"
    assert check_drives(route.plan, route.request.hourly) == []
    left = pd.concat([pd.Series([route.depart]), route.stops["leave"]]).dt.hour.tolist()
    by_hour = [main_road.matrix(route.request.places, departure_minutes=60.0 * hour).minutes for hour in left]
    places = [0, *(route.plan.order + 1).tolist(), 4]
    driven = [table[legs] for table, legs in zip(by_hour, pairwise(places), strict=True)]
    assert route.plan.drives == pytest.approx(driven, abs=0.05)
    assert len({round(float(table[1, 2]), 3) for table in by_hour}) > 1
    assert len(route.geometry) == 4


def test_a_call_plan_on_roads_with_hours_tells_the_minutes_of_each_leg_s_hour(main_road):
    street = line_of_customers(3, reps=1, spacing=4000)
    street = replace(street, customers=street.customers.assign(visits_per_year=46.0))

    calls = plan_calls(street, start="2027-03-01", weeks=1, travel=main_road, effort=0.05, workers=1)

    assert calls.days["is_proven"].all()
    first = calls.visits[calls.visits["stop"] == 1]
    took = (first["arrive"] - calls.days.set_index("day")["depart"].reindex(first["day"]).to_numpy()).dt.total_seconds()
    assert first["drive_minutes"].tolist() == pytest.approx((took / 60).tolist(), abs=0.02)
    (day, *_) = days_of(calls, street, travel=main_road)
    assert len(day.legs) == len(day.stops) + 1


def test_a_place_without_a_road_is_named_and_no_way_leads_there_at_any_hour(main_road):
    # The last two are behind the end of the road, one of them farther than anybody walks.
    street = line_of_customers(4, reps=1, spacing=9500)

    route = solve_route(street, rep="R01", day="2027-03-03", travel=main_road, pause=None)

    left = route.unvisited.set_index("customer_id")
    assert left.loc["4", ["code", "reason"]].tolist() == ["unreachable", "no way leads there"]
    (note,) = route.notes
    assert re.fullmatch(r"2 places are far from the nearest road: 4 1\d\.\d km, 3 \d\.\d km\.", note.what)


def test_a_call_plan_tells_who_is_far_from_the_roads(main_road):
    # The last one is a little behind the end of the road, and reached over the ground.
    street = line_of_customers(4, reps=1, spacing=7000)

    calls = plan_calls(street, start="2027-03-01", weeks=1, travel=main_road, effort=0.05, workers=1)

    (problem,) = calls.problems
    assert problem.where == "rep 'R01'"
    assert re.fullmatch(r"1 place is far from the nearest road: 4 [1-4]\.\d km\.", problem.what)


def test_where_all_hours_of_the_shift_are_alike_there_is_one_matrix(main_road):
    places = line_of_customers(2, reps=1).customers.geometry

    assert hourly_times(LineTravel(), places, 480, 1020) is None
    assert hourly_times(main_road, places, 60, 300) is None
    assert hourly_times(main_road, places, 480, 600).minutes.shape == (2, 2, 2)


def test_a_better_order_of_the_same_visits_is_taken_whatever_their_prizes_add_up_to():
    # 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 to a computer.
    hourly = by_hour(30, 10, 20)

    plan = solved(hourly, [10, 10, 10], prizes=np.array([0.1, 0.2, 0.3]))

    day = Day.of(hourly, {"service": np.full(3, 10.0), "prizes": np.array([0.1, 0.2, 0.3]), **REST}, "value")
    merits = {day.timed(np.array(order)).merit[1] for order in permutations(range(3))}
    assert len(merits) == 1
    assert plan.status == "optimal"
