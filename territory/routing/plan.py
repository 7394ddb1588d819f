"""What a day's plan says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from territory.errors import Problem

Objective = Literal["value", "drive", "home"]
Status = Literal["optimal", "gap", "heuristic", "infeasible"]


@dataclass(frozen=True, eq=False)
class DayPlan:
    """A day: which visits, in which order, when, and what no other plan could do better.

    Visits are numbers from 0, as in the arrays given; times are minutes since midnight.

    order (k,) int; arrive, wait, start, leave (k,) float, of each stop; depart, home : when the day's start is left and
    its end is reached; pause : when it begins, None for none; pause_leg : it is taken between stop pause_leg - 1 and
    stop pause_leg (0: before the first, k: after the last), or -1; it interrupts that leg's drive where it begins after
    one has left and before one arrives; drive : minutes; prize : of the visits made.

    objective, bound : what was asked for and what no plan exceeds ("value": the prize; "home": the prize;
    "drive": minutes of driving less prizes, and no plan is below); least : the drive (for "home": the time of return)
    that no plan of this objective undercuts, NaN when unknown; gap : relative distance to the bound, of `least` once
    the objective itself is proven; inf when nothing is known.

    impossible : visit -> "closed" (no window in the shift), "unreachable" (from the start, none is reached in time) or
    "too long" (one cannot be back within the shift), for visits that no plan can make. reasons : why the musts cannot
    all be kept; the plan then keeps as many as it can. drives : (k + 1,) float, minutes of each leg in the hours in
    which it is driven, the last to the day's end; None where they are the matrix's.
    """

    order: np.ndarray
    arrive: np.ndarray
    wait: np.ndarray
    start: np.ndarray
    leave: np.ndarray
    depart: float
    home: float
    pause: float | None
    pause_leg: int
    drive: float
    prize: float
    objective: float
    bound: float
    least: float
    gap: float
    status: Status
    impossible: dict[int, str]
    reasons: tuple[Problem, ...] = ()
    steps: int = 0
    drives: np.ndarray | None = None
