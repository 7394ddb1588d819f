"""What bounds tell of one more visit agrees with solving the day with each visit in turn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.model import Portfolio
from territory.routing import Route, nearby, solve_route
from territory.routing.advice import not_planned
from territory.routing.bounding import least_drives
from territory.routing.request import with_visits
from territory.rules import Rules
from tests.worlds import portfolio_of

WEDNESDAY = "2027-03-03"


def town(seed: int, count: int = 14) -> Portfolio:
    """Customers of R1 in 30 x 30 km around his home, some open for two hours only."""
    rng = np.random.default_rng(seed)
    ids = pd.Index([str(n) for n in range(count)], name="customer_id")
    opens = [f"{hour:02d}:00" if hour > 8 else None for hour in rng.integers(6, 12, count)]
    customers = pd.DataFrame(
        {
            "x": rng.uniform(-15_000, 15_000, count),
            "y": rng.uniform(-15_000, 15_000, count),
            "potential": rng.integers(1, 20, count) * 100.0,
            "visits_per_year": 10.0,
            "minutes_per_visit": rng.integers(2, 8, count) * 5.0,
            "territory": "T1",
            "open_from": opens,
            "open_until": [text and f"{int(text[:2]) + 2:02d}:00" for text in opens],
        },
        index=ids,
    )
    hours = {"work_from": ["08:00"], "work_until": ["12:30"]}
    reps = pd.DataFrame({"x": [0.0], "y": [0.0], "territory": ["T1"], **hours}, index=pd.Index(["R1"], name="rep_id"))
    return portfolio_of(customers, reps, Rules(detour_factor=1.2, speed_kmh=40.0))


def day(seed: int, **asked: object) -> Route:
    """A day of some of them, with a break or without."""
    visits = [str(n) for n in range(2 + seed % 4)]
    pause = ("10:00", "11:00", 20) if seed % 2 else None
    return solve_route(town(seed), rep="R1", day=WEDNESDAY, visits=visits, pause=pause, **asked)


def detours(route: Route) -> dict[str, float]:
    """Minutes of driving more that each further customer takes who fits, the day solved anew with each."""
    planned = len(route.plan.order)
    asked = with_visits(route.request.only(route.plan.order), list(not_planned(route)))
    found = {}
    for row in range(planned, len(asked.visits)):
        everyone = np.ones(planned + 1, bool)
        plan = asked.only([*range(planned), row]).solve(mandatory=everyone, objective="drive")
        if plan.status != "infeasible":
            found[str(asked.visits.index[row])] = plan.drive - route.plan.drive
    return found


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_whoever_is_near_is_found_as_if_every_day_were_solved(seed: int):
    route = day(seed)

    table = nearby(route, max_detour=25.0, count=100)

    wanted = {name: detour for name, detour in detours(route).items() if detour <= 25.0}
    assert dict(zip(table["customer_id"], table["detour_minutes"], strict=True)) == pytest.approx(wanted, abs=0.006)


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 4))
def test_the_first_ones_near_are_the_same_however_many_are_asked_for(seed: int, count: int):
    route = day(seed)

    some, everyone = nearby(route, count=count), nearby(route, count=100)

    assert some["customer_id"].tolist() == everyone["customer_id"].tolist()[:count]


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_no_day_with_one_more_visit_drives_less_than_its_bound(seed: int):
    route = day(seed, objective="home")
    planned = len(route.plan.order)
    asked = with_visits(route.request.only(route.plan.order), list(not_planned(route)))

    least = dict(zip(asked.visits.index[planned:], least_drives(asked, planned), strict=True))

    for name, detour in detours(route).items():
        assert least[name] <= route.plan.drive + detour + 1e-6
