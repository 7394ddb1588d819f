"""Where a search begins: from nothing, from a table of ways, or from today's territories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from territory.alignment.bound import HEATS, bands_of, choose, prices_at
from territory.alignment.diagram import centre_on_all, centroids, power_diagram
from territory.alignment.pieces import connect
from territory.alignment.task import Task

BROKEN = 1.5
"""A start with a load this far off is no better than none."""
WARM = 3
"""How many of the temperatures lead to prices that are good enough to begin with."""


@dataclass(frozen=True)
class Start:
    """Where a search begins: labels (n,), centres (K, 2), prices (K, q), and a value that is low when it looks good."""

    label: np.ndarray
    centres: np.ndarray
    price: np.ndarray
    promise: float = 0.0


def start_from_scratch(task: Task, turn: float) -> Start:
    """A power diagram's cells, moved to where the fractional plan within all bands would have its centres."""
    units = task.units
    cells, centres = power_diagram(units.xy, units.mass, task.shares.mean(axis=1), turn, fixed=task.fixed)
    if len(units.allowed) and task.fixed is None:
        cells, centres = _named_as_allowed(task, cells, centres)
    centres, price, promise = centre_on_all(
        units.xy, units.mass, units.measure, bands_of(task), centres, is_fixed=task.pinned
    )
    label = connect(units, _choose(task, centres, price), task.loose)
    # The fractional plan's cells may be in so many pieces that nothing of their balance is left once each is whole.
    if np.abs(task.deviation(label)).max() > BROKEN:
        label = connect(units, _fill_empty(task, cells, centres), task.loose)
    return Start(label, centres, price, promise)


def start_on_tables(task: Task) -> Start:
    """The fractional plan by the travel table to centres that hold still, as far as it is in one piece."""
    centres = task.pin(np.zeros((task.count, 2)))
    price, promise = prices_at(task, centres)
    return Start(connect(task.units, _choose(task, centres, price), task.loose), centres, price, promise)


def start_from_today(task: Task) -> Start:
    """Today's territories, or those of the plan to begin with, each in one piece."""
    label = connect(task.units, _settle(task) if task.begin is None else task.begin, task.loose)
    if task.count == 1:
        return Start(label, task.centres(label), np.zeros_like(task.shares))
    centres = task.centres(label)
    price, _ = prices_at(task, centres, heats=HEATS[:WARM])
    return Start(label, centres, price)


def _named_as_allowed(task: Task, cells: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same cells (n,) and centres (K, 2), named so that least lies where it may not be."""
    wrong = np.column_stack([np.bincount(cells, task.units.mass * ~may, task.count) for may in task.units.allowed.T])
    name = linear_sum_assignment(wrong)[1]
    return name[cells], centres[np.argsort(name)]


def _choose(task: Task, centres: np.ndarray, price: np.ndarray) -> np.ndarray:
    label = np.empty(len(task.units.mass), np.int64)
    choose(task, centres, price, label)
    return _fill_empty(task, label, centres)


def _settle(task: Task) -> np.ndarray:
    """Today's labels; units without one go to the nearest centre of those that have one."""
    units = task.units
    label = units.start.copy()
    has = label >= 0
    if not has.all():
        known = np.unique(label[has])
        centre = centroids(units.xy[has], units.mass[has], label[has], task.count)[known]
        distance = ((units.xy[~has][:, None, :] - centre[None]) ** 2).sum(axis=2)
        label[~has] = known[distance.argmin(axis=1)]
    centres = centroids(units.xy, units.mass, label, task.count)
    return _fill_empty(task, label, task.pin(centres))


def _fill_empty(task: Task, label: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Every territory holds at least one unit: an empty one takes the nearest that another can spare."""
    label = label.copy()
    size = np.bincount(label, minlength=task.count)
    for empty in np.flatnonzero(size == 0):
        spare = np.flatnonzero(task.units.movable & (size[label] > 1) & task.may_be(int(empty)))
        if not len(spare):
            break
        distance = ((task.units.xy[spare] - centres[empty]) ** 2).sum(axis=1)
        taken = spare[distance.argmin()]
        size[label[taken]] -= 1
        size[empty] += 1
        label[taken] = empty
    return label
