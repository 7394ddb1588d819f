"""The linear programme of a plan's bound, which grows: units' shares in territories, and inequalities on them.

It begins at the plan itself. A column is the part of a unit that goes from its territory in the plan to another, and
comes in when the prices ask for it (column generation: Gilmore and Gomory 1961, Operations Research 9); a row is a load
in its band, an inequality that was added, or a unit with several columns, of which no more than all of it can go. What
the rows' prices prove is reckoned here, over all units and territories, so that it holds whatever the solver does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix, eye_array, hstack, vstack

from territory.alignment.bound import bands_of
from territory.alignment.task import Task

LIKELY = 0.003
"""Columns are there from the beginning where a unit is dearer elsewhere by this part of the gap at most."""
CHEAPER = 1e-7
"""By what part of a unit's mean cost a column must be cheaper than those that are there."""
TORN = 1e-6
"""By how much more than all of a unit a solution may take."""
SCALE, UNBOUND = 1e3, 100.0
"""What the solver sees the objective as; and how many objectives it costs to loosen a row by one."""

Choice = tuple[int, int, bool]
"""A unit, a territory, and whether the unit is there or is not."""


@dataclass(frozen=True)
class Relaxation:
    """What is relaxed: plans at the centres of the plan `label`, (n,) int, of which each pair has a cost, (n, K)."""

    task: Task
    label: np.ndarray
    cost: np.ndarray
    objective: float

    @classmethod
    def at(cls, task: Task, label: np.ndarray) -> Relaxation:
        """The costs at the plan's own centres; infinite where a unit may not be."""
        units, every = task.units, np.arange(task.count)
        away = ((units.xy[:, None, :] - task.centres(label)) ** 2).sum(axis=2)
        cost = units.mass[:, None] * (units.travel if len(units.travel) else away)
        is_away = (units.start[:, None] >= 0) & (units.start[:, None] != every)
        cost = cost + np.where(is_away, units.handover[:, None], 0.0)
        if len(units.allowed):
            cost[~units.allowed & units.movable[:, None]] = np.inf
        cost[is_away & ~units.movable[:, None]] = np.inf
        return cls(task, label, cost, task.objective(label))

    @property
    def weight(self) -> np.ndarray:
        """(n,) the largest part of all loads that each unit is."""
        return self.task.units.measure.max(axis=1)

    def priced(self, price: np.ndarray) -> np.ndarray:
        """(n, K) costs with prices (K, q) on loads."""
        return self.cost + self.task.units.measure @ price.T

    def dearer(self, price: np.ndarray) -> np.ndarray:
        """(n, K) by how much a unit is dearer at these prices than where it is cheapest."""
        priced = self.priced(price)
        return priced - priced.min(axis=1, keepdims=True)

    def roots(self, price: np.ndarray) -> np.ndarray:
        """(K,) int, the unit of each territory that would be dearest elsewhere."""
        own, priced = (np.arange(len(self.label)), self.label), self.priced(price)
        others = priced.copy()
        others[own] = np.inf
        order = np.lexsort((priced[own] - others.min(axis=1), self.label))
        return order[np.searchsorted(self.label[order], np.arange(self.task.count))]


class Programme:
    """The programme of a relaxation: inequalities are added to it, and units fixed in territories."""

    def __init__(self, relaxation: Relaxation, pairs: np.ndarray, whole: np.ndarray) -> None:
        """`pairs`, unit * K + territory, to begin with; `whole`, units that may be fixed: all their pairs are there."""
        self._all, self._whole = relaxation, whole
        self._fixed: tuple[Choice, ...] = ()
        task, (n, count) = relaxation.task, relaxation.cost.shape
        q = len(task.tolerance)
        self._own = np.arange(n) * count + relaxation.label
        self._cost, self._cuts = relaxation.cost, csr_matrix((0, n * count))
        self._solver = _Solver()
        held = np.column_stack([np.bincount(relaxation.label, column, count) for column in task.units.measure.T])
        none = csr_matrix((q * count, 0))
        least, most = (count * (limit - held).T.ravel() for limit in (task.lowest, task.highest))
        self._solver.add_rows(least, most, none)
        self._cut_rows, self._sum_row = np.zeros(0, np.int64), np.full(n, -1)
        # A unit that is fixed may need columns that are not there yet: a load more or less, and walls open.
        ways = hstack([eye_array(q * count), -eye_array(q * count), np.zeros((q * count, 1))])
        self._ways = ways.shape[1]
        dear = np.full(self._ways, SCALE * UNBOUND * relaxation.objective)
        self._solver.add_columns(dear, csc_matrix(ways), most=np.inf)
        self._pair, self._is_in = np.zeros(0, np.int64), np.zeros(n * count, bool)
        self._is_in[self._own] = True
        every = (whole[:, None] * count + np.arange(count)).ravel()
        self._admit(np.union1d(pairs, every))
        units, times = np.unique(self._pair // count, return_counts=True)
        self._sum_up(np.union1d(units[times > 1], whole))

    def again(self) -> Programme:
        """A programme of its own with the same columns, and the inequalities that have a price."""
        twin = Programme(self._all, self._pair, self._whole)
        twin.add(self._cuts[self._prices()[1] > 0])
        return twin

    def add(self, cuts: csr_matrix) -> None:
        """Inequalities of all pairs, (w, n * K), at most 1 each."""
        over = self.share.sum(axis=1) > 1.0 + TORN
        self._sum_up(np.flatnonzero(over & (self._sum_row < 0)))
        own = self._own[self._pair // self._cost.shape[1]]
        room = 1.0 - np.asarray(cuts[:, self._own].sum(axis=1)).ravel()
        weight = csr_matrix(cuts[:, self._pair] - cuts[:, own])
        weight.eliminate_zeros()
        ways = np.zeros((len(room), self._ways))
        ways[:, -1] = -1.0
        self._cut_rows = np.r_[self._cut_rows, self._solver.rows + np.arange(len(room))]
        self._solver.add_rows(np.full(len(room), -np.inf), room, csr_matrix(hstack([ways, weight])))
        self._cuts = vstack([self._cuts, cuts], format="csr")

    def fix(self, choices: tuple[Choice, ...]) -> None:
        """Let these units be, or not be, in these territories; and all others be free again."""
        count, cost = self._cost.shape[1], self._all.cost.copy()
        for unit, territory, is_there in choices:
            is_out = (np.arange(count) == territory) ^ is_there
            cost[unit, is_out] = np.inf
        for unit in {unit for unit, _, _ in (*self._fixed, *choices)}:
            is_free = np.isfinite(cost[unit])
            # Where it is in the plan there is no column: all of it has gone if it may not stay.
            must_go = not is_free[self._all.label[unit]]
            self._solver.bound_row(self._sum_row[unit], float(must_go), 1.0)
            for column in np.flatnonzero(self._pair // count == unit):
                self._solver.bound_column(self._ways + column, float(is_free[self._pair[column] % count]))
        self._cost, self._fixed = cost, choices

    def solved(self, bound: float, *, is_priced: bool = True) -> float:
        """The bound that the rows prove, or the one given if that is higher; `share` is what the solver leaves.

        With `is_priced`, columns that the prices ask for come in.
        """
        if not self._solver.is_solved(is_dual=True):
            return bound
        proven, missing = self._judged()
        if is_priced and len(missing):
            self._admit(missing)
            if self._solver.is_solved(is_dual=False):
                proven = max(proven, self._judged()[0])
        return max(bound, proven)

    @property
    def share(self) -> np.ndarray:
        """(n, K) the last solution; of a unit that goes to several, it may be more than all."""
        share = np.zeros(self._cost.size)
        found = self._solver.shares[self._ways :]
        share[self._pair[: len(found)]] = found
        share[self._own] = np.maximum(1.0 - share.reshape(self._cost.shape).sum(axis=1), 0.0)
        return share.reshape(self._cost.shape)

    def _admit(self, pairs: np.ndarray) -> None:
        """Columns for those of these pairs that have none yet and may be."""
        pairs = pairs[~self._is_in[pairs] & np.isfinite(self._all.cost.ravel()[pairs])]
        task, count = self._all.task, self._cost.shape[1]
        (unit, territory), column = np.divmod(pairs, count), np.arange(len(pairs))
        own = self._all.label[unit]
        rows, columns, values = [], [], []
        for t, measure in enumerate(task.units.measure.T):
            rows += [t * count + territory, t * count + own]
            columns += [column, column]
            values += [count * measure[unit], -count * measure[unit]]
        cuts = (self._cuts[:, pairs] - self._cuts[:, self._own[unit]]).tocoo()
        summed = np.flatnonzero(self._sum_row[unit] >= 0)
        rows += [self._cut_rows[cuts.row], self._sum_row[unit[summed]]]
        columns += [cuts.col, summed]
        values += [cuts.data, np.ones(len(summed))]
        entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        weight = csc_matrix(entries, shape=(self._solver.rows, len(pairs)))
        weight.eliminate_zeros()
        cost = self._all.cost.ravel()
        self._solver.add_columns(SCALE * (cost[pairs] - cost[self._own[unit]]), weight)
        self._pair, self._is_in[pairs] = np.r_[self._pair, pairs], True

    def _sum_up(self, units: np.ndarray) -> None:
        """Rows that say that no more than all of these units goes elsewhere."""
        at = np.full(len(self._sum_row), -1)
        at[units] = np.arange(len(units))
        row = at[self._pair // self._cost.shape[1]]
        column = np.flatnonzero(row >= 0)
        shape = len(units), self._ways + len(self._pair)
        weight = csr_matrix((np.ones(len(column)), (row[column], self._ways + column)), shape=shape)
        self._sum_row[units] = self._solver.rows + np.arange(len(units))
        self._solver.add_rows(np.full(len(units), -np.inf), np.ones(len(units)), weight)

    def _prices(self) -> tuple[np.ndarray, np.ndarray]:
        """(K, q) what loads cost, and (w,) what inequalities do, by the solver's last prices."""
        (_, count), prices = self._cost.shape, self._solver.prices
        q = len(self._all.task.tolerance)
        penalty = np.zeros(len(self._cut_rows))
        known = self._cut_rows < len(prices)
        penalty[known] = np.maximum(-prices[self._cut_rows[known]], 0.0) / SCALE
        return -prices[: q * count].reshape(q, count).T * (count / SCALE), penalty

    def _judged(self) -> tuple[float, np.ndarray]:
        """What the prices prove, whatever they are: the least of a Lagrangian over all pairs; and who undercuts it."""
        task, (price, penalty) = self._all.task, self._prices()
        total = self._cost + task.units.measure @ price.T + (self._cuts.T @ penalty).reshape(self._cost.shape)
        taken = bands_of(task).at(price) + float(penalty.sum())
        best = total.argmin(axis=1)
        least = total[np.arange(len(best)), best]
        known = np.where(self._is_in.reshape(total.shape), total, np.inf).min(axis=1)
        is_missing = least < known - CHEAPER * self._all.objective / len(best)
        missing = np.flatnonzero(is_missing) * total.shape[1] + best[is_missing]
        return float(least.sum()) - taken + task.units.scatter, missing


class _Solver:
    """GLOP (OR-Tools), which goes on from its last solution when rows are added, or columns, but not both at once."""

    def __init__(self) -> None:
        from ortools.linear_solver import linear_solver_pb2, pywraplp

        self._optimal = pywraplp.Solver.OPTIMAL
        self._solver = pywraplp.Solver.CreateSolver("GLOP")
        self._objective = self._solver.Objective()
        self._columns: list[Any] = []
        self._rows: list[Any] = []
        # All values at once: to ask for one after the other takes a third of the time.
        self._found: Any = linear_solver_pb2.MPSolutionResponse()
        self._is_dual: bool | None = None

    @property
    def rows(self) -> int:
        return len(self._rows)

    def add_rows(self, least: np.ndarray, most: np.ndarray, weight: csr_matrix) -> None:
        """Rows least <= weight @ x <= most; infinite is no limit."""
        ends, index, value = (part.tolist() for part in (weight.indptr, weight.indices, weight.data))
        for low, high, begin, end in zip(least.tolist(), most.tolist(), ends, ends[1:], strict=False):
            row = self._solver.Constraint(low, high)
            self._rows.append(row)
            for at in range(begin, end):
                row.SetCoefficient(self._columns[index[at]], value[at])

    def add_columns(self, cost: np.ndarray, weight: csc_matrix, *, most: float = 1.0) -> None:
        """Columns from 0 to `most` of these costs; weight (rows, columns)."""
        ends, index, value = (part.tolist() for part in (weight.indptr, weight.indices, weight.data))
        for each, begin, end in zip(cost.tolist(), ends, ends[1:], strict=False):
            column = self._solver.NumVar(0.0, most, "")
            self._columns.append(column)
            self._objective.SetCoefficient(column, each)
            for at in range(begin, end):
                self._rows[index[at]].SetCoefficient(column, value[at])

    def bound_row(self, row: int, least: float, most: float) -> None:
        self._rows[row].SetBounds(least, most)

    def bound_column(self, column: int, most: float) -> None:
        self._columns[column].SetBounds(0.0, most)

    def is_solved(self, *, is_dual: bool) -> bool:
        """Whether there is an optimum, and it was found.

        New rows and limits leave the last prices feasible: the dual simplex goes on from them. New columns leave the
        last solution feasible: the primal does.
        """
        if is_dual != self._is_dual:
            self._is_dual = is_dual
            self._solver.SetSolverSpecificParametersAsString(
                f"use_dual_simplex: {str(is_dual).lower()} use_preprocessing: false use_scaling: false"
            )
        if self._solver.Solve() != self._optimal:
            return False
        self._solver.FillSolutionResponseProto(self._found)
        return True

    @property
    def shares(self) -> np.ndarray:
        """(columns,) the last solution."""
        return np.array(self._found.variable_value)

    @property
    def prices(self) -> np.ndarray:
        """(rows,) what the objective gains with each row's limit."""
        return np.array(self._found.dual_value)
