"""What one more visit takes at least beside everything planned, for many visits at once and without a search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from territory.routing.day import SECONDS, asked_task
from territory.routing.exact import prove
from territory.routing.request import Request
from territory.routing.task import Task, bounds_of

STEPS = 20_000_000
"""Comparisons for the least driving of what is planned."""


def least_drives(asked: Request, planned: int) -> np.ndarray:
    """Minutes that a day drives at least with everything planned and, each in turn, one further visit.

    Parameters
    ----------
    asked : Request, whose first `planned` visits are the planned ones, and whose travel is the same at any hour

    Returns
    -------
    (n - planned,) float; inf where it cannot be made beside the planned ones.

    Notes
    -----
    A route with one stop left out still holds, is no shorter than the shortest without it, and shorter than the route
    by the stop's detour between two of its neighbours (the triangle inequality, which closed matrices keep). What is
    driven, stayed and rested does not exceed the shift.
    """
    _, task = asked_task(**_plain(asked))
    first, last = np.arange(planned + 1), len(task.service) - 1
    others = np.arange(planned + 1, last)
    earliest, latest = bounds_of(task.window_of, task.opens, task.closes)
    least = _least_drive(task, others)
    here, there = first, np.append(first[1:], last)
    # (h, n) and (n, t): whether a visit can come straight after one place and before another.
    comes = earliest[here, None] + task.service[here, None] + task.drive[np.ix_(here, others)] <= latest[others]
    goes = earliest[others, None] + task.service[others, None] + task.drive[np.ix_(others, there)] <= latest[there]
    longer = np.full(len(others), np.inf)
    for row, place in enumerate(here):
        detour = task.drive[place, others][:, None] + task.drive[np.ix_(others, there)] - task.drive[place, there]
        is_way = comes[row][:, None] & goes & (there != place)
        longer = np.minimum(longer, np.where(is_way, detour, np.inf).min(axis=1, initial=np.inf))
    drive = least + longer
    stayed = task.service[first].sum() + task.service[others]
    _, until, long = task.pause
    rest = np.where(drive + stayed > until, long, 0) if long else 0
    fits = (drive + stayed + rest <= task.horizon) & (drive <= task.most_drive) & (latest[others] >= 0)
    return np.where(fits, drive / SECONDS, np.inf)


def _least_drive(task: Task, others: np.ndarray) -> int:
    """Seconds that the visits planned take to drive at least, past any of the others."""
    left_out = np.zeros(len(task.service), bool)
    left_out[others] = True
    alone, _ = task.without(left_out)
    is_visit = np.arange(len(alone.service)) % (len(alone.service) - 1) > 0
    proof = prove(replace(alone, cost=alone.drive, worth=np.zeros_like(alone.worth), must=is_visit), budget=STEPS)
    return max(-proof.bound, 0)


def _plain(asked: Request) -> dict:
    given = asked.arguments
    return {name: given[name] for name in ("matrix", "service", "windows", "prizes", "shift", "pause", "max_drive")}
