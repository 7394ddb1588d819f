"""Several reps, or one rep's several days, sharing visits out: each made once, by whom it suits best, with a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from territory.errors import DataError, Problem
from territory.routing.day import asked_task
from territory.routing.exact import prove
from territory.routing.outlook import outlook_of
from territory.routing.plan import Status
from territory.routing.prices import prices_for
from territory.routing.ruin import improve
from territory.routing.task import Task, bounds_of, sides_of

ROUNDS, STARTS = 24_000, 4
"""Ruins and recreations at effort 1: half of them shared out among several starts, half from the best of those."""
PRICE_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class TeamPlan:
    """Routes that share visits out.

    orders : of each vehicle, its visits in order, as numbers from 0; prize : of all visits made; bound : what no routes of
    so many vehicles exceed; gap : (bound - prize) / bound.
    """

    orders: tuple[tuple[int, ...], ...]
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
    effort : multiplies the rounds of the search
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
    Routes by ruin and recreate (`territory.routing.ruin`). The bound is the Lagrangian one: with a price on each visit the
    vehicles fall apart into equal problems of one, each of which the outlook bounds (`territory.routing.outlook`).
    """
    if vehicles < 1:
        raise DataError([Problem("vehicles", f"There are {vehicles}.", "Give 1 or more.")])
    asked, task = asked_task(matrix, service, windows, prizes, shift, pause, max_drive)
    _, latest = bounds_of(task.window_of, task.opens, task.closes)
    smaller, kept = task.without((latest < 0) & ~_is_end(len(latest)))
    routes, worth, bound = share_out(smaller, vehicles, rounds=int(ROUNDS * effort), seed=seed)
    orders = tuple(tuple(int(kept[place]) - 1 for place in route) for route in routes)
    prize = float(sum(asked.prizes[list(order)].sum() for order in orders))
    unit = asked.prize_units * asked.prize_weight
    most = float(max(np.floor(bound / asked.prize_weight + 1) / asked.prize_units, prize))
    most = min(most, float(asked.prizes.sum()))
    gap = (most - prize) / most if most > 0 else 0.0
    del worth, unit
    return TeamPlan(orders, prize, most, gap, "optimal" if gap <= 1e-12 else "gap")


def share_out(task: Task, vehicles: int, *, rounds: int, seed: int) -> tuple[list[list[int]], int, int]:
    """The routes found for a task, as places; their worth together; and what no such routes exceed."""
    if task.visits == 0:
        return [[] for _ in range(vehicles)], 0, 0
    side = sides_of(task)[0]
    first = list(prove(task, budget=0).route)
    best = [first, *([] for _ in range(vehicles - 1))]
    found = -1
    starts = [best, *([[] for _ in range(vehicles)] for _ in range(STARTS - 1))]
    for number, start in enumerate(starts):
        share = rounds // (2 * STARTS)
        routes, worth = improve(side, task.worth, task.must, start, rounds=share, seed=seed + number)
        if worth > found:
            best, found = routes, worth
    best, found = improve(side, task.worth, task.must, best, rounds=rounds // 2, seed=seed + STARTS)
    price = prices_for(task, side, found, PRICE_ROUNDS, vehicles)
    outlook = outlook_of(side, task.worth - price)
    bound = int(task.worth.sum())
    if outlook.tick:
        one = int(outlook.best[int(task.pause[2] == 0), 0, 0])
        bound = min(bound, int(price.sum()) + vehicles * one)
    return best, found, max(bound, found)


def _is_end(places: int) -> np.ndarray:
    return np.isin(np.arange(places), [0, places - 1])
