"""One more stop in a day as it stands: what fits, where, and that the exact search never finds less."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory import nearby, solve_route
from territory.model import Rules
from territory.routing.checking import SLACK
from territory.routing.insertion import insertions, on_the_way
from tests.worlds import portfolio_of

MINUTE = 1000.0
"""Metres that take a minute at 60 km/h."""


def road(places: dict[str, float], **columns: list[object]):
    """Customers along a road, a rep at its beginning who drives a kilometre a minute, from 8 to 10 without a break."""
    customers = pd.DataFrame(
        {
            "x": [MINUTE * minutes for minutes in places.values()],
            "y": 0.0,
            "potential": 100.0,
            "visits_per_year": 10.0,
            "minutes_per_visit": 10.0,
            "territory": "T1",
            **columns,
        },
        index=pd.Index(list(places), name="customer_id"),
    )
    home = pd.DataFrame({"x": [0.0], "y": [0.0], "territory": ["T1"]}, index=pd.Index(["R01"], name="rep_id"))
    return portfolio_of(customers, home, Rules(speed_kmh=60.0, detour_factor=1.0))


def day(portfolio, visits, *, pause=None, shift=("08:00", "10:00"), **asked):
    return solve_route(portfolio, rep="R01", day="2027-03-03", visits=visits, shift=shift, pause=pause, **asked)


def test_a_customer_beside_the_way_costs_no_detour_and_one_beyond_its_end_costs_both_ways():
    route = day(road({"near": 10.0, "far": 20.0, "beyond": 25.0}), ["far"])

    found = insertions(route, ["near", "beyond", "far"]).set_index("customer_id")

    assert found["detour_minutes"].to_dict() == {"near": 0.0, "beyond": pytest.approx(10.0)}
    assert found["after_stop"].to_dict() == {"near": 0, "beyond": 0}
    assert f"{found.loc['near', 'arrive']:%H:%M}" == "08:10"
    assert f"{found.loc['near', 'home']:%H:%M}" == "09:00"


def test_who_is_closed_when_one_comes_by_is_visited_on_the_way_back():
    world = road({"late": 10.0, "far": 20.0}, open_from=["08:45", None], open_until=["10:00", None])
    route = day(world, ["far"])

    (row,) = insertions(route, ["late"]).to_dict("records")

    assert (row["after_stop"], row["detour_minutes"]) == (1, 0.0)
    assert [f"{row[name]:%H:%M}" for name in ("arrive", "home")] == ["08:40", "09:05"]


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"shift": ("08:00", "09:10")}, True),
        ({"shift": ("08:00", "09:09")}, False),
        ({"max_drive": 50.0}, True),
        ({"max_drive": 49.0}, False),
        ({"shift": ("08:00", "09:40"), "pause": ("08:10", "08:40", 30.0)}, True),
        ({"shift": ("08:00", "09:39"), "pause": ("08:10", "08:40", 30.0)}, False),
    ],
)
def test_the_shift_the_drive_and_the_break_are_kept(asked: dict, fits: bool):
    route = day(road({"far": 20.0, "beyond": 25.0}), ["far"], **asked)

    found = insertions(route, ["beyond"])

    assert len(found) == fits


def test_a_day_without_visits_takes_whoever_can_be_reached_and_left_again():
    route = day(road({"near": 10.0, "unreachable": 56.0}), [])

    assert insertions(route, ["near", "unreachable"])["customer_id"].tolist() == ["near"]


def test_what_brings_most_for_its_minutes_comes_first_and_nobody_far_off():
    world = road({"far": 20.0, "poor": 10.0, "rich": 12.0, "beyond": 29.0}, potential=[100.0, 10.0, 500.0, 900.0])
    route = day(world, ["far"])

    found = on_the_way(route, max_detour=15.0)

    assert found["customer_id"].tolist() == ["rich", "poor"]


@settings(max_examples=8, deadline=None)
@given(
    places=st.lists(st.integers(1, 40), min_size=3, max_size=6, unique=True),
    until=st.integers(20, 59),
    has_break=st.booleans(),
)
def test_whoever_fits_fits_for_the_exact_search_as_well_and_with_no_longer_way(places, until, has_break):
    world = road({str(number): float(place) for number, place in enumerate(places)})
    pause = ("08:20", "09:00", 15.0) if has_break else None
    route = day(world, ["0", "1"], shift=("08:00", f"09:{until}"), pause=pause)
    others = [str(number) for number in range(2, len(places))]

    found = insertions(route, others).set_index("customer_id")["detour_minutes"]

    exact = nearby(route, max_detour=1000.0, count=100).set_index("customer_id")["detour_minutes"]
    assert set(found.index) <= set(exact.index) | set(route.unvisited["customer_id"])
    for name, detour in found.items():
        if name in exact.index:
            assert exact[name] <= detour + SLACK
