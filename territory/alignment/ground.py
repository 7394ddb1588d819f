"""What a search stands on, the plan that it changes, and who changes it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from territory.kernels import kernel
from territory.numeric import apart

LONGEST_CHAIN = 16
"""Units that one after the other a refused move may take with it."""


class Ground(NamedTuple):
    """What does not change during a search: n units, K territories, q measures."""

    ptr: np.ndarray  # (n + 1,) int, start of each unit's neighbours in `ind`
    ind: np.ndarray  # (2e,) int
    ring: np.ndarray  # (2e,) uint64, for each neighbour: which of the unit's neighbours, by position, border it
    xy: np.ndarray  # (n, 2) float
    mass: np.ndarray  # (n,) float, adds to 1
    measure: np.ndarray  # (n, q) float, each column adds to 1
    start: np.ndarray  # (n,) int, today's territory, -1 for none
    handover: np.ndarray  # (n,) float, what leaving it costs
    movable: np.ndarray  # (n,) bool
    wanted: np.ndarray  # (K, q) float, 1 / share of each measure
    ideal: np.ndarray  # (K, q) float, what a squared deviation costs
    pinned: np.ndarray  # (K,) bool, centre does not follow its territory
    centre: np.ndarray  # (K, 2) float, where pinned centres are
    travel: np.ndarray  # (n, K) float, what a unit of mass costs at each centre; (0, K): its squared distance
    allowed: np.ndarray  # (n, K) bool, where a unit may go; (0, K): anywhere
    radius: float  # how far a unit may go from the centre, squared
    loose: np.ndarray  # (K,) bool, may be in several pieces
    rows: np.ndarray  # (n,) int, customers of each unit
    most_given: np.ndarray  # (K,) int, how many may leave it
    most_taken: np.ndarray  # (K,) int, how many may come to it
    most_moved: int  # how many may change territory in all
    is_limited: bool  # whether any of these three limits binds


class Plan(NamedTuple):
    """What a search changes in place."""

    label: np.ndarray  # (n,) int
    load: np.ndarray  # (K, q) float, sums of each measure
    moment: np.ndarray  # (K, 3) float, sums of mass, mass x, mass y
    size: np.ndarray  # (K,) int, units
    foreign: np.ndarray  # (n,) int, neighbours in other territories
    given: np.ndarray  # (K,) int, customers that left it; kept up only when the ground is limited
    taken: np.ndarray  # (K,) int, customers that came to it
    moved: np.ndarray  # (1,) int


class Worker(NamedTuple):
    """Who changes a plan: in the territories of its own only."""

    own: np.ndarray  # (K,) bool
    border: np.ndarray  # (n,) int, the first border_count[0] are the own units at a border
    border_at: np.ndarray  # (n,) int, where each unit stands in `border`, -1 if nowhere
    border_count: np.ndarray  # (1,) int
    mark: np.ndarray  # (n,) int, scratch of the connectivity test
    stamp: np.ndarray  # (1,) int
    queue: np.ndarray  # (n + 1,) int
    chain: np.ndarray  # (LONGEST_CHAIN,) int, scratch of moves of several units
    random: np.ndarray  # (1,) uint64, generator state


def plan_of(ground: Ground, label: np.ndarray) -> Plan:
    """The plan that these labels, (n,) int, make."""
    count, q = ground.wanted.shape
    label = label.astype(np.int64).copy()
    n = len(label)
    weights = (ground.mass, ground.mass * ground.xy[:, 0], ground.mass * ground.xy[:, 1])
    row = np.repeat(np.arange(n), np.diff(ground.ptr))
    handed = (ground.start >= 0) & (ground.start != label)
    rows = ground.rows[handed].astype(float)
    return Plan(
        label=label,
        load=np.column_stack([np.bincount(label, ground.measure[:, t], count) for t in range(q)]),
        moment=np.column_stack([np.bincount(label, weight, count) for weight in weights]),
        size=np.bincount(label, minlength=count),
        foreign=np.bincount(row, label[row] != label[ground.ind], n).astype(np.int64),
        given=np.bincount(ground.start[handed], rows, count).astype(np.int64),
        taken=np.bincount(label[handed], rows, count).astype(np.int64),
        moved=np.array([rows.sum()], np.int64),
    )


def copy_of(plan: Plan) -> Plan:
    return Plan(*(values.copy() for values in plan))


def put_back(plan: Plan, kept: Plan) -> None:
    """Make a plan what it was when it was copied."""
    for values, as_kept in zip(plan, kept, strict=True):
        values[...] = as_kept


def worker_of(plan: Plan, own: np.ndarray, random: np.ndarray) -> Worker:
    """A worker for the territories `own`, (K,) bool, with the generator's state `random`."""
    n = len(plan.label)
    worker = Worker(
        own=own.copy(),
        border=np.empty(n, np.int64),
        border_at=np.empty(n, np.int64),
        border_count=apart(np.zeros(1, np.int64)),
        mark=np.zeros(n, np.int64),
        stamp=apart(np.zeros(1, np.int64)),
        queue=np.empty(n + 1, np.int64),
        chain=apart(np.empty(LONGEST_CHAIN, np.int64)),
        random=apart(random),
    )
    list_border(plan, worker)
    return worker


@kernel()
def list_border(plan, worker):
    """Find the worker's border units anew, as its territories stand in `own` now."""
    count = 0
    for i in range(plan.label.size):
        worker.border_at[i] = -1
        if plan.foreign[i] > 0 and worker.own[plan.label[i]]:
            worker.border[count] = i
            worker.border_at[i] = count
            count += 1
    worker.border_count[0] = count


def rings(ptr: np.ndarray, ind: np.ndarray) -> np.ndarray:
    """(2e,) uint64: for each neighbour of a unit, the positions of those of the unit's neighbours that border it.

    A unit with more than 64 neighbours has no ring: its bits are all zero.
    """
    ring = np.zeros(len(ind), np.uint64)
    _note_rings(ptr, ind, ring, np.full(len(ptr) - 1, -1))
    return ring


@kernel()
def _note_rings(ptr, ind, ring, position):
    for i in range(ptr.size - 1):
        if ptr[i + 1] - ptr[i] > 64:
            continue
        for e in range(ptr[i], ptr[i + 1]):
            position[ind[e]] = e - ptr[i]
        for e in range(ptr[i], ptr[i + 1]):
            v = ind[e]
            for f in range(ptr[v], ptr[v + 1]):
                if position[ind[f]] >= 0:
                    ring[e] |= np.uint64(1) << np.uint64(position[ind[f]])
        for e in range(ptr[i], ptr[i + 1]):
            position[ind[e]] = -1
