"""A rep's day, proven optimal.

`solve_day` takes a matrix of minutes and knows nothing of customers; `check_day` judges any plan by its own times.
`solve_route` is the same for people: a rep, a day, customers. Names load when they are first used.

What resists the proof goes on being searched by ruins, by OR-Tools' routing, by prices and columns, and keeps its
bound. OR-Tools alone, with every visit as a disjunction and tabu search, stayed 17 % below the best values known
(optw), all of which these searches reach and prove; but begun from the routes that ruins come to it bettered 43 of 94
dense days of 40 to 120 candidates in a twentieth of a second each (0.04 % on average, 1 % at most), and more time
brought nothing more. Its CP-SAT is the independent oracle in the tests.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from territory.routing.checking import check_day
from territory.routing.day import solve_day
from territory.routing.plan import DayPlan

if TYPE_CHECKING:
    from territory.routing.advice import best_days_for, nearby
    from territory.routing.request import opening_windows
    from territory.routing.route import Route, solve_route
    from territory.routing.team import TeamPlan, solve_team

__all__ = [
    "DayPlan",
    "Route",
    "TeamPlan",
    "best_days_for",
    "check_day",
    "nearby",
    "opening_windows",
    "solve_day",
    "solve_route",
    "solve_team",
]

_LATER = {
    "Route": "route",
    "TeamPlan": "team",
    "best_days_for": "advice",
    "nearby": "advice",
    "opening_windows": "request",
    "solve_route": "route",
    "solve_team": "team",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(import_module(f"territory.routing.{_LATER[name]}"), name)
    raise AttributeError(f"module 'territory.routing' has no attribute '{name}'")
