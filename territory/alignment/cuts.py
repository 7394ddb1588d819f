"""A higher bound for small tasks: the linear programme of `bound`, told that territories are in one piece.

Where a part of a territory lies apart from its root (the unit that could least be elsewhere), some unit of each ring
between them must belong to the territory too: separator inequalities (Carvajal, Constantino, Goycoolea, Vielma and
Weintraub 2013, Operations Research 61). GLOP (OR-Tools) solves the programme again and again, each time with the
inequalities that its last solution violates; what its prices prove is reckoned here, over all units and territories.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, eye_array, kron, vstack
from scipy.sparse.csgraph import connected_components

from territory.alignment.bound import bands_of
from territory.alignment.pieces import pieces
from territory.alignment.task import Task

log = logging.getLogger(__name__)

LARGEST = 50_000
"""Units x territories up to which bounds are raised."""
WORTH = 0.02
"""A gap below this part of the bound is small enough."""
LIKELY = 0.15
"""Pairs of unit and territory dearer than this part of the gap are not in the programme: hardly one is ever needed."""
ROUNDS, ENOUGH = 20, 0.006
"""How often inequalities are added at most; and the part of the gap that two rounds should close for one more."""
RINGS, EACH = 3, 3
"""Rings around a part that lies apart, and the units of the part, for which there are inequalities."""
SOME, VIOLATED = (0.03, 0.3), 0.01
"""From what share on a unit is looked at as a territory's, a look for each; and by how much an inequality that is
added is violated."""
SCALE = 1e3
"""What GLOP sees the objective as."""

Wall = tuple[int, int, np.ndarray]
"""A unit, a territory, and the units of which one must be in the territory if that unit and the root are."""


def raised(task: Task, label: np.ndarray, price: np.ndarray, bound: float) -> float:
    """What no plan at the centres of the plan `label`, (n,) int, can undercut: the `bound` of prices (K, q), or more.

    The bound of a task stays as it is when it has more than `LARGEST` pairs of unit and territory, a territory that may
    be in several pieces, or loads that are the better the nearer they are to the middle of their bands; and that of a
    plan which keeps not to its task.
    """
    if len(label) * task.count > LARGEST or task.loose.any() or task.ideal.any():
        return bound
    objective = task.objective(label)
    if not 0 < bound * (1 + WORTH) < objective:
        return bound
    if task.overrun(label) > 0 or pieces(task.units, label)[0].max() >= task.count:
        return bound
    return _Programme(task, label, price, objective - bound).raised(bound)


def _costs(task: Task, label: np.ndarray) -> np.ndarray:
    """(n, K) what each unit costs in each territory at the plan's centres; infinite where it may not be."""
    units, every = task.units, np.arange(task.count)
    away = ((units.xy[:, None, :] - task.centres(label)) ** 2).sum(axis=2)
    cost = units.mass[:, None] * (units.travel if len(units.travel) else away)
    is_away = (units.start[:, None] >= 0) & (units.start[:, None] != every)
    cost = cost + np.where(is_away, units.handover[:, None], 0.0)
    if len(units.allowed):
        cost[~units.allowed & units.movable[:, None]] = np.inf
    cost[is_away & ~units.movable[:, None]] = np.inf
    return cost


class _Programme:
    """Shares of units in territories, as a linear programme over the pairs that are likely, its columns."""

    def __init__(self, task: Task, label: np.ndarray, price: np.ndarray, gap: float) -> None:
        self._task, self._cost, self._objective = task, _costs(task, label), task.objective(label)
        n, count = self._cost.shape
        own = np.arange(n), label
        priced = self._cost + task.units.measure @ price.T
        is_likely = priced - priced.min(axis=1, keepdims=True) < LIKELY * gap
        is_likely[own] = True
        is_settled = is_likely.sum(axis=1, keepdims=True) == 1
        self._given = (is_likely & is_settled).ravel().astype(float)
        self._pair = np.flatnonzero(is_likely & ~is_settled)
        others = priced.copy()
        others[own] = np.inf
        order = np.lexsort((priced[own] - others.min(axis=1), label))
        self._root = order[np.searchsorted(label[order], np.arange(count))]
        graph = task.units
        self._graph = csr_matrix((np.ones(len(graph.ind), np.float32), graph.ind, graph.ptr), shape=(n, n))
        # Of few territories `kron` would make blocks with zeros in them, and a zero counts as an edge.
        self._side_by_side = kron(self._graph, eye_array(count, dtype=np.float32), format="csr")
        self._cuts = csr_matrix((0, n * count))

    def raised(self, bound: float) -> float:
        """The best that is proven, after as many rounds as are worth it."""
        solver, seen = self._solver(), [bound]
        for turn in range(ROUNDS):
            if not solver.is_solved():
                break
            seen.append(max(seen[-1], self._proven(solver.prices)))
            log.debug("bound after %d rounds of inequalities: %.6f", turn, seen[-1])
            if turn >= 2 and seen[-1] - seen[-3] < ENOUGH * (self._objective - seen[-1]):
                break
            walls = self._broken(solver.shares)
            if not walls:
                break
            cuts = _cuts_of(walls, self._root, *self._cost.shape)
            self._cuts = vstack([self._cuts, cuts], format="csr")
            most = 1.0 - cuts @ self._given
            solver.add(np.full(len(most), -np.inf), most, cuts[:, self._pair])
        return seen[-1]

    def _solver(self) -> _Solver:
        """The programme without inequalities: each unit is shared out, each load within its band."""
        task, count, size = self._task, self._task.count, len(self._pair)
        columns = np.arange(size)
        unit, territory = np.divmod(self._pair, count)
        shared, row = np.unique(unit, return_inverse=True)
        self._shared = len(shared)
        solver = _Solver(SCALE * self._cost.ravel()[self._pair])
        whole = np.ones(len(shared))
        solver.add(whole, whole, csr_matrix((np.ones(size), (row, columns)), shape=(len(shared), size)))
        given = self._given.reshape(-1, count)
        for t, measure in enumerate(task.units.measure.T):
            load = csr_matrix((count * measure[unit], (territory, columns)), shape=(count, size))
            held = given.T @ measure
            solver.add(count * (task.lowest[:, t] - held), count * (task.highest[:, t] - held), load)
        return solver

    def _proven(self, dual: np.ndarray) -> float:
        """The bound that the rows' dual values prove, whatever they are: the least of a Lagrangian over all pairs."""
        task = self._task
        (n, count), q = self._cost.shape, len(task.tolerance)
        loads, walls = np.split(dual[self._shared :], [q * count])
        price = -loads.reshape(q, count).T * (count / SCALE)
        penalty = np.maximum(-walls, 0.0) / SCALE
        total = self._cost + task.units.measure @ price.T + (self._cuts.T @ penalty).reshape(n, count)
        taken = bands_of(task).at(price) + float(penalty.sum())
        return float(total.min(axis=1).sum()) - taken + task.units.scatter

    def _broken(self, share: np.ndarray) -> list[Wall]:
        """Walls that these shares of the columns break through."""
        held = self._given.copy()
        held[self._pair] = share
        held = held.reshape(self._cost.shape)
        broken: list[Wall] = []
        apart = chain.from_iterable(self._pieces_apart(held > some) for some in SOME)
        for territory, inner, walls in apart:
            here = held[:, territory]
            largest = inner[np.argsort(-here[inner], kind="stable")[:EACH]]
            for wall in walls:
                most = here[wall].sum() + 1.0 - here[self._root[territory]] + VIOLATED
                broken += [(unit, territory, wall) for unit in largest if here[unit] > most]
        return broken

    def _pieces_apart(self, is_held: np.ndarray) -> Iterator[tuple[int, np.ndarray, list[np.ndarray]]]:
        """Of (n, K) bool: the pieces that lie apart from roots, as territory, units, and walls, units each."""
        part, of = self._parts(is_held)
        member = np.zeros((len(of), len(is_held)), bool)
        unit, territory = np.nonzero(is_held)
        member[part[unit, territory], unit] = True
        main = part[self._root, np.arange(len(self._root))][of]
        apart = np.flatnonzero((main >= 0) & (np.arange(len(of)) != main))
        inside, rings = member[apart], [self._around(member[main[apart]])]
        for _ in range(RINGS):
            ring = self._around(inside)
            inside = inside | ring
            # Once the root is in a ring or within, it is on the same side as the piece.
            ring[inside[np.arange(len(apart)), self._root[of[apart]]]] = False
            rings.append(ring)
        for at, piece in enumerate(apart):
            around = {ring[at].tobytes(): ring[at] for ring in rings if not (ring[at] & member[piece]).any()}
            walls = [np.flatnonzero(wall) for wall in around.values() if wall.any()]
            yield of[piece], np.flatnonzero(member[piece]), walls

    def _parts(self, is_held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The piece of each pair, (n, K) int, -1 where nothing is held, and the territory of each piece."""
        held = np.flatnonzero(is_held)
        count, piece = connected_components(self._side_by_side[held][:, held], directed=False)
        of, part = np.empty(count, np.int64), np.full(is_held.shape, -1)
        of[piece] = held % is_held.shape[1]
        part.ravel()[held] = piece
        return part, of

    def _around(self, inside: np.ndarray) -> np.ndarray:
        """(p, n) bool, the units that border each of these sets of units, (p, n) bool."""
        return (self._graph @ inside.T.astype(np.float32)).T.astype(bool) & ~inside


def _cuts_of(walls: list[Wall], root: np.ndarray, n: int, count: int) -> csr_matrix:
    """The inequalities unit - wall + root <= 1 of all pairs, (walls, n * K): a pair is unit * K + territory."""
    pairs, weights = [], []
    for unit, territory, wall in walls:
        pairs.append(np.r_[unit, root[territory], wall] * count + territory)
        weights.append(np.r_[1.0, 1.0, np.full(len(wall), -1.0)])
    ptr = np.cumsum([0, *map(len, pairs)])
    return csr_matrix((np.concatenate(weights), np.concatenate(pairs), ptr), shape=(len(walls), n * count))


class _Solver:
    """GLOP, which goes on from its last solution when rows are added."""

    def __init__(self, cost: np.ndarray) -> None:
        from ortools.linear_solver import linear_solver_pb2, pywraplp

        self._optimal = pywraplp.Solver.OPTIMAL
        self._solver = pywraplp.Solver.CreateSolver("GLOP")
        # Added rows leave the last prices feasible: the dual simplex goes on from them.
        self._solver.SetSolverSpecificParametersAsString(
            "use_dual_simplex: true use_preprocessing: false use_scaling: false"
        )
        self._columns = [self._solver.NumVar(0.0, 1.0, "") for _ in cost]
        # All values at once: to ask for one after the other takes a third of the time.
        self._found: Any = linear_solver_pb2.MPSolutionResponse()
        objective = self._solver.Objective()
        for column, value in zip(self._columns, cost.tolist(), strict=True):
            objective.SetCoefficient(column, value)

    def add(self, least: np.ndarray, most: np.ndarray, weight: csr_matrix) -> None:
        """Rows least <= weight @ x <= most; minus infinity is no limit."""
        ends = weight.indptr.tolist()
        index, value = weight.indices.tolist(), weight.data.tolist()
        for low, high, begin, end in zip(least.tolist(), most.tolist(), ends, ends[1:], strict=False):
            row = self._solver.Constraint(low, high)
            for at in range(begin, end):
                row.SetCoefficient(self._columns[index[at]], value[at])

    def is_solved(self) -> bool:
        """Whether there is an optimum, and it was found."""
        if self._solver.Solve() != self._optimal:
            return False
        self._solver.FillSolutionResponseProto(self._found)
        return True

    @property
    def shares(self) -> np.ndarray:
        """(columns,) the solution."""
        return np.array(self._found.variable_value)

    @property
    def prices(self) -> np.ndarray:
        """(rows,) what the objective gains with each row's limit."""
        return np.array(self._found.dual_value)
