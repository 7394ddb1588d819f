"""Several reps, or one rep's several days, sharing visits out: each made once, by whom it suits best, with a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from territory.errors import DataError, Problem
from territory.routing.columns import generate
from territory.routing.day import ROUNDING, Asked, asked_task, solve_day
from territory.routing.exact import prove
from territory.routing.plan import DayPlan, Status
from territory.routing.prices import prices_for
from territory.routing.ruin import improve
from territory.routing.task import Task, bounds_of, sides_of

RUINS, STARTS, GOING_ON = 230_000_000, 4, 2
"""Comparisons of ruin and recreate at effort 1, shared out among starts, and parts that go on from the best so far."""
PRICE_ROUNDS = 60
STEPS = 180_000_000
"""Comparisons at effort 1 for the bound."""


@dataclass(frozen=True, eq=False)
class TeamPlan:
    """Routes that share visits out.

    days : the plan of each vehicle, visits as numbers from 0 of all; prize : of all visits made; bound : what no
    routes of so many vehicles exceed; gap : (bound - prize) / bound.
    """

    days: tuple[DayPlan, ...]
    prize: float
    bound: float
    gap: float
    status: Status


def solve_team(
    matrix: np.ndarray,
    service: np.ndarray,
    windows: Sequence[Sequence[tuple[float, float]]] | None = None,
    prizes: np.ndarray | None = None,
    vehicles: int = 2,
    shift: tuple[float, float] = (480.0, 1020.0),
    *,
    pause: tuple[float, float, float] | None = None,
    max_drive: float | None = None,
    effort: float = 1.0,
    seed: int = 0,
) -> TeamPlan:
    """The largest prize that several equal vehicles can collect, each visit made at most once.

    Parameters
    ----------
    matrix, service, windows, prizes, shift, pause, max_drive : as in `solve_day`, the same for every vehicle
    vehicles : how many
    effort : multiplies the steps of the search and of the proof; 1 is about nine seconds of one core at most
    seed : of its choices

    Returns
    -------
    TeamPlan

    Raises
    ------
    DataError
        As `solve_day`, or there is no vehicle.

    Notes
    -----
    Routes by ruin and recreate (`territory.routing.ruin`). The bound is that of routes taken in parts: with a price on
    each visit the vehicles fall apart into equal problems of one (`territory.routing.columns`).
    """
    if vehicles < 1:
        raise DataError([Problem("vehicles", f"There are {vehicles}.", "Give 1 or more.")])
    asked, task = asked_task(matrix, service, windows, prizes, shift, pause, max_drive)
    _, latest = bounds_of(task.window_of, task.opens, task.closes)
    ends = np.isin(np.arange(len(latest)), [0, len(latest) - 1])
    smaller, kept = task.without((latest < 0) & ~ends)
    ruins, budget = int(RUINS * effort), int(STEPS * effort)
    routes, _, bound = share_out(smaller, vehicles, ruins=ruins, budget=budget, seed=seed)
    days = tuple(_driven(asked, kept[np.array(route, np.int64)] - 1, effort, seed) for route in routes)
    prize = float(sum(day.prize for day in days))
    most = max(bound // asked.prize_weight / asked.prize_units, prize)
    gap = (most - prize) / most if most > 0 else 0.0
    return TeamPlan(days, prize, most, gap, "optimal" if gap <= ROUNDING else "gap")


def _driven(asked: Asked, visits: np.ndarray, effort: float, seed: int) -> DayPlan:
    """The day that makes these visits with the least driving."""
    places = [0, *(visits + 1), len(asked.matrix) - 1]
    plan = solve_day(
        asked.matrix[np.ix_(places, places)],
        asked.service[visits],
        [asked.windows[visit] for visit in visits],
        asked.prizes[visits],
        np.ones(len(visits), bool),
        asked.shift,
        pause=asked.pause,
        max_drive=asked.max_drive,
        objective="drive",
        effort=min(effort, 1.0),
        seed=seed,
    )
    return replace(plan, order=visits[plan.order])


def share_out(task: Task, vehicles: int, *, ruins: int, budget: int, seed: int) -> tuple[list[list[int]], int, int]:
    """The routes found for a task, as places; their worth together; and what no such routes exceed."""
    if task.visits == 0:
        return [[] for _ in range(vehicles)], 0, 0
    sides = sides_of(task)
    side = sides[0]
    none: list[list[int]] = [[] for _ in range(vehicles)]
    share = ruins // (STARTS + GOING_ON)
    best, found = [list(prove(task, budget=0).route), *none[1:]], -1
    for number, start in enumerate([best, *[none] * (STARTS - 1)]):
        routes, worth = improve(side, task.worth, task.must, start, budget=share, seed=seed + number)
        if worth > found:
            best, found = routes, worth
    for number in range(GOING_ON):
        best, found = improve(side, task.worth, task.must, best, budget=share, seed=seed + STARTS + number)
    price = prices_for(task, side, found, PRICE_ROUNDS, vehicles)
    enough = found + int(np.gcd.reduce(task.worth)) - 1
    priced = generate(task, sides, vehicles, price, best, known=enough, near_enough=0.0, budget=budget)
    return best, found, max(min(priced.bound, int(task.worth.sum())), found)
