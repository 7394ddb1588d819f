"""Units that are more than any territory may hold: what can be fair all the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from territory.alignment.task import LET_GO, Task


def is_too_heavy(task: Task) -> np.ndarray:
    """(q,) whether a measure has a unit that is more than the largest territory may hold."""
    return task.units.measure.max(axis=0) > task.highest.max(axis=0)


def with_room(task: Task) -> Task:
    """The task with bands, on measures with a giant, in which the giants have room and the others share the rest.

    A tolerance that nothing can keep would spoil the others, and one that is let go altogether would leave a giant more
    than itself and the rest unfair. A limit alone, without a tolerance, is let go.
    """
    band, tolerance = task.band.copy(), task.tolerance.copy()
    for t in np.flatnonzero(is_too_heavy(task)).tolist():
        low, high = (-LET_GO, LET_GO) if t >= task.balanced else _room(task, t)
        # What is sought beside it comes first: as much as all are below their share counts as one tolerance elsewhere.
        band[:, t], tolerance[t] = (low, high), -low
    return replace(task, band=band, tolerance=tolerance)


def _room(task: Task, t: int) -> tuple[float, float]:
    """The lowest deviation of those that share what the giants leave, and the highest of the one that has the heaviest.

    It is not known which territories have giants; but where all others have their least, little is left to be had.
    """
    heaviest, shares, width = -np.sort(-task.units.measure[:, t]), np.sort(task.shares[:, t]), task.tolerance[t]
    rest, giants = 1.0, 0
    while giants < task.count - 1 and heaviest[giants] > rest * shares[-1] * (1 + width):
        giants += 1
        rest = (1 - heaviest[:giants].sum()) / (1 - shares[:giants].sum())
    return float(rest * (1 - width) - 1), float(heaviest[0] / shares[-1] * (1 + width) - 1)
