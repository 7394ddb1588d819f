"""Why a plan does not keep what was asked, and what to relax."""

from __future__ import annotations

import numpy as np

from territory.alignment.conflicts import conflict
from territory.alignment.task import Task
from territory.errors import Problem
from territory.model import percent, percent_up

EDGE = 1e-12
"""Rounding, of a deviation."""
WORDS = {
    "allowed": "where customers may be",
    "locked": "the locks",
    "moves": "how many may move",
}
"""What the rules of `conflict` are to people; bands are called after their measure."""


def is_too_heavy(task: Task) -> np.ndarray:
    """(q,) whether a measure has a unit that is more than the largest territory may hold."""
    return task.units.measure.max(axis=0) > task.highest.max(axis=0)


def why(task: Task, label: np.ndarray) -> tuple[Problem, ...]:
    """Which rules this plan, (n,) int, breaks, and which of them contradict each other; empty when it breaks none."""
    broken = [*_out_of_band(task, label), *_forbidden(task, label)]
    return (*broken, *_contradiction(task)) if broken else ()


def _out_of_band(task: Task, label: np.ndarray) -> list[Problem]:
    deviation = task.deviation(label)
    outside = np.maximum(deviation - task.band[:, :, 1], task.band[:, :, 0] - deviation).max(axis=0)
    problems = []
    for t in np.flatnonzero(outside > task.tolerance * EDGE):
        where, band = f"measure {t + 1}", float(task.tolerance[t])
        heaviest, most = float(task.units.measure[:, t].max()), float(task.shares[:, t].max())
        worst = int(np.maximum(deviation[:, t] - task.band[:, t, 1], task.band[:, t, 0] - deviation[:, t]).argmax())
        if is_too_heavy(task)[t]:
            room = percent(float(task.highest[:, t].max()))
            what = f"one customer alone holds {percent(heaviest)} of it; a territory may hold {room}."
            fix = f"Split that customer, take it out, or allow {percent(heaviest / most - 1)}."
            problems.append(Problem(where, what, fix))
        elif np.allclose(np.abs(task.band[worst, t]), band):
            off = float(np.abs(deviation[:, t]).max())
            what = f"the best plan found deviates by {percent(off)}; {percent(band)} was asked."
            problems.append(
                Problem(f"tolerance on {where}", what, f"Allow {percent_up(off)}, or ask for fewer territories.")
            )
        else:
            held = float(deviation[worst, t] + 1)
            low, high = (float(edge) + 1 for edge in task.band[worst, t])
            side = f"at most {percent(high)}" if held > high else f"at least {percent(low)}"
            what = f"in the best plan found a territory holds {percent(held)} of its fair share; {side} is asked."
            problems.append(Problem(f"limits on {where}", what, "Widen the limits, or ask for another number."))
    return problems


def _contradiction(task: Task) -> list[Problem]:
    rules = [WORDS.get(rule, f"the band on {rule}") for rule in conflict(task)]
    if not rules:
        return []
    if len(rules) == 1:
        return [Problem("rules", f"no plan can keep {rules[0]}.", "Relax it.")]
    what = (
        f"no plan can keep {', '.join(rules[:-1])} and {rules[-1]} at once; without any one of them there may be one."
    )
    return [Problem("rules", what, "Relax the one that matters least.")]


def _forbidden(task: Task, label: np.ndarray) -> list[Problem]:
    wrong = task.is_forbidden(label)
    if not wrong.any():
        return []
    rows = int(task.units.rows[wrong].sum())
    what = f"in the best plan found {rows} customers are where they may not be, or too far from the centre."
    return [Problem("limits", what, "Allow them in a territory next to them, or widen the radius.")]
