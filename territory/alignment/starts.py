"""Where a search begins: from nothing, from a table of ways, or from today's territories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from territory.alignment.bound import HEATS, bands_of, choose, prices_at
from territory.alignment.diagram import centre_on_all, centroids, power_diagram
from territory.alignment.pieces import connect
from territory.alignment.prices import Bands
from territory.alignment.task import Task
from territory.alignment.units import parts_of

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


@dataclass(frozen=True)
class Island:
    """Units that reach each other, (m,) int, and the territories that lie there, (k,) int."""

    units: np.ndarray
    territories: np.ndarray


def islands_of(task: Task) -> list[Island]:
    """Parts of the ground between which no territory can lie (rivers, borders), each with territories for its mass.

    Parts too light for a territory of their own are on none.
    """
    units = task.units
    part = parts_of(units, np.zeros(len(units.mass), np.int64))
    left, room, share = np.bincount(part, units.mass), np.bincount(part), task.shares.mean(axis=1)
    island = np.full(task.count, -1)
    for territory in np.argsort(-share, kind="stable"):
        widest = int(np.where(room > 0, left, -np.inf).argmax())
        island[territory] = widest
        left[widest] -= share[territory]
        room[widest] -= 1
    return [Island(np.flatnonzero(part == at), np.flatnonzero(island == at)) for at in np.unique(island)]


def start_from_scratch(task: Task, turn: float, islands: Sequence[Island] = ()) -> Start:
    """A power diagram's cells, moved to where the fractional plan within all bands would have its centres.

    Where there are several islands, each has cells of its own.
    """
    if len(islands) > 1 and task.fixed is None:
        return _start_on_islands(task, turn, islands)
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


def _start_on_islands(task: Task, turn: float, islands: Sequence[Island]) -> Start:
    units, bands = task.units, bands_of(task)
    centres, price, promise = np.zeros((task.count, 2)), np.zeros_like(task.shares), 0.0
    label = np.full(len(units.mass), -1)
    for island in islands:
        rows, own = island.units, island.territories
        xy, mass, measure = units.xy[rows], units.mass[rows], units.measure[rows]
        share = task.shares.mean(axis=1)[own]
        _, middle = power_diagram(xy, mass / mass.sum(), share / share.sum(), turn)
        there = Bands(bands.wanted[own], bands.least[own], bands.most[own], bands.ideal)
        centres[own], price[own], cost = centre_on_all(
            xy, mass, measure, there, middle, is_fixed=np.zeros(len(own), bool)
        )
        promise += cost
        away = ((xy[:, None] - centres[own]) ** 2).sum(axis=2) * mass[:, None]
        label[rows] = own[(away + measure @ price[own].T).argmin(axis=1)]
    lost = np.flatnonzero(label < 0)
    label[lost] = ((units.xy[lost][:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    label = connect(units, _fill_empty(task, label, centres), task.loose)
    return Start(label, centres, price, promise)


def start_on_tables(task: Task) -> Start:
    """The fractional plan by the travel table to centres that hold still, as far as it is in one piece."""
    centres = task.pin(np.zeros((task.count, 2)))
    price, promise = prices_at(task, centres)
    return Start(connect(task.units, _choose(task, centres, price), task.loose), centres, price, promise)


def start_from_today(task: Task) -> Start:
    """Today's territories, or those of the plan to begin with, each in one piece."""
    label = connect(task.units, _settle(task, task.units.start if task.begin is None else task.begin), task.loose)
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


def _settle(task: Task, label: np.ndarray) -> np.ndarray:
    """The labels, (n,) int; units without one, -1, go to the nearest centre of those that have one."""
    units, label = task.units, label.copy()
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
