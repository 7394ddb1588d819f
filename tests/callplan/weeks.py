"""Tiny worlds for call plans: one rep at the origin, customers around."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import pandas as pd

from territory.callplan import CallPlan, plan_calls
from territory.model import Portfolio, Rules
from tests.worlds import portfolio_of

MONDAY = "2027-03-01"
PLAIN = Rules(weeks_per_year=52, speed_kmh=60, detour_factor=1, pause_minutes=0, work_from="08:00", work_until="16:00")
"""A kilometre is a minute; a day has 480 minutes; 52 visits a year are one a week."""


def town(places: list[tuple[float, float]], rules: Rules = PLAIN, reps: int = 1, **columns: Any) -> Portfolio:
    """Customers "1", "2", ... at places in km, weekly for 30 minutes unless told otherwise; reps R01.. live at 0, 0."""
    names = pd.Index([str(number + 1) for number in range(len(places))], name="customer_id")
    x, y = np.array(places, float).reshape(-1, 2).T * 1000
    given = {"visits_per_year": 52.0, "minutes_per_visit": 30.0, "potential": 100.0, "territory": "T1"} | columns
    customers = pd.DataFrame({"x": x, "y": y} | given, index=names)
    people = pd.DataFrame(
        {"x": 0.0, "y": 0.0, "territory": [f"T{number + 1}" for number in range(reps)]},
        index=pd.Index([f"R{number + 1:02d}" for number in range(reps)], name="rep_id"),
    )
    return portfolio_of(customers, people, rules)


def ring(count: int, km: float = 10.0) -> list[tuple[float, float]]:
    """Places evenly on a circle around the home."""
    angle = 2 * np.pi * np.arange(count) / max(count, 1)
    return list(zip(km * np.cos(angle), km * np.sin(angle), strict=True))


def planned(portfolio: Portfolio, **asked: Any) -> CallPlan:
    """A quick plan from a Monday on, four weeks unless told otherwise."""
    return plan_calls(portfolio, **({"start": MONDAY, "weeks": 4, "seed": 1, "effort": 0.1, "workers": 1} | asked))


def days_of(calls: CallPlan, customer: str) -> list[str]:
    """The days on which a customer is visited."""
    return calls.visits.loc[calls.visits["customer_id"] == customer, "day"].tolist()


def gaps_of(calls: CallPlan, customer: str) -> list[int]:
    """Calendar days between its visits."""
    days = pd.to_datetime(days_of(calls, customer))
    return [int(gap) for gap in np.diff(days) / np.timedelta64(1, "D")]


def _round_trip(cost: np.ndarray, visits: tuple[int, ...]) -> float:
    """The cheapest way round, by trying every order."""
    depot = len(cost) - 1
    ways = ([depot, *order, depot] for order in permutations(visits))
    return min(float(cost[way[:-1], way[1:]].sum()) for way in ways)


def cheapest_week(cost: np.ndarray, patterns: list[list[list[int]]], days: int) -> float:
    """The least cost over every choice of days, one route a day."""
    memory: dict[tuple[int, ...], float] = {(): 0.0}
    best = np.inf
    for choice in product(*patterns):
        total = 0.0
        for day in range(days):
            visits = tuple(customer for customer, chosen in enumerate(choice) if day in chosen)
            if visits not in memory:
                memory[visits] = _round_trip(cost, visits)
            total += memory[visits]
        best = min(best, total)
    return best
