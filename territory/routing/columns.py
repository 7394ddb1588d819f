"""Prices by column generation: the lowest bound that routes taken in parts allow, and the routes it is made of.

A linear programme chooses among the routes known so far; its prices of a visit, and of a vehicle, say which routes are
missing (Dantzig and Wolfe 1960, Operations Research 8(1)). These are looked for among routes that come back to a
visit only after they have forgotten it (ng-routes: Baldacci, Mingozzi and Roberti 2011, Operations Research 59(5)).
Prices are drawn towards those of the best bound so far (Wentges 1997, International Transactions in Operational
Research 4(2)), else they would leap from vertex to vertex.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.optimize import linprog
from scipy.sparse import csc_matrix, vstack

from territory.routing.labelling import UNASKED, Labels, ends_from, grow, packed, route_to
from territory.routing.outlook import MANY, outlook_of, steps_of
from territory.routing.schedule import worth_of
from territory.routing.sides import NEVER, NO_ENDS, NO_OUTLOOK, Side, end_time
from territory.routing.task import Task, sides_of, turned

NEAR = 8
"""So many of the visits nearest to it a place remembers at first."""
DRAWN, PULLED, MOST_PULL = 0.8, 0.1, 0.99
"""How far prices are drawn towards those of the best bound at first, by what part that changes, and how far at most."""
NEW, LOOKED_AT = 20, 400
"""Routes taken at a time, and labels that they are chosen from."""
LOOSE = 20_000_000
CLOSE, SETTLED = 2e-2, 2e-4
"""When routes in parts come so near to the bound, as a ratio, it is time to remember more, and to end."""
SHRUNK = 0.7
"""Legs are sifted again when the gap has shrunk by this factor."""
COARSE, COARSE_AMONG_MANY = 0.4, 0.8
"""How fine the clock of an outlook is that only keeps searches short."""
SOLVING = 300_000
"""Comparisons that a linear programme takes as long as."""

Route = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Priced:
    """Prices (m,) int and the bound they give; remembered (m, m) bool, by the place that remembers; legs (m, m) bool,
    those of all routes that are worth more than what was known; the elementary routes met on the way with their worth;
    comparisons made."""

    price: np.ndarray
    bound: int
    remembered: np.ndarray
    legs: np.ndarray
    routes: dict[Route, int]
    steps: int


def generate(
    task: Task,
    sides: tuple[Side, Side],
    vehicles: int,
    price: np.ndarray,
    routes: Iterable[Sequence[int]],
    *,
    known: int,
    near_enough: float,
    budget: int,
) -> Priced:
    """Prices under which the bound on the worth of all routes together is low.

    Parameters
    ----------
    task : Task, of one vehicle where some visits are musts; its worth should be large whole numbers, as prices are
        whole as well
    sides : the day from its start, and from its end
    vehicles : routes that share the visits out
    price : (m,) int, prices to begin from
    routes : some that hold; at least one with every must, where there are any
    known : routes together that are worth no more are not looked for
    near_enough : the bound need not be nearer to `known`, as a ratio
    budget : comparisons that may be made
    """
    master, pricing, walk = _Master(task, vehicles), _Pricing(task, sides), _Walk(price)
    for route in routes:
        master.add(tuple(route), worth_of(sides[0], task.worth, route) or 0, is_kept=True)
    is_complete, gap = True, np.inf
    while is_complete and (walk.bound >= NEVER or pricing.steps < budget):
        wanted, vehicle_price, worth = master.solve()
        tried = walk.towards(wanted)
        floor = master.most_at(tried)
        pricing.look_out(tried)
        added, is_better = 0, False
        if walk.bound < NEVER:
            pricing.quickly(floor)
            added = master.take(pricing.found, wanted, vehicle_price)
        if not added:
            most, is_complete = pricing.thoroughly(floor, budget)
            most = most if master.is_full else max(most, 0)
            is_better = walk.judge(tried, int(tried.sum()) + vehicles * most, wanted, pricing.excess(vehicles))
            added = master.take(pricing.found, wanted, vehicle_price)
            if vehicles == 1:
                known = max(known, master.best)
            if is_complete and is_better and walk.bound - known < SHRUNK * gap:
                gap = walk.bound - known
                pricing.sift(known - int(tried.sum()) - (vehicles - 1) * most, budget)
                master.keep(pricing.allows)
        if walk.bound <= known + near_enough * abs(known):
            break
        is_stuck = walk.bound - worth <= SETTLED * abs(worth) or not (added or is_better or walk.drawn)
        is_close = is_stuck or walk.bound - worth <= CLOSE * abs(worth)
        remembers = is_close and pricing.remember(master.cyclic)
        if remembers:
            master.keep(pricing.allows)
        elif is_stuck:
            break
        walk.go_on(has_news=bool(added) or is_better or remembers)
    return Priced(
        walk.centre, max(walk.bound, known), pricing.remembered, pricing.side.legs, master.elementary, pricing.steps
    )


class _Walk:
    """Where prices are looked for: between those of the best bound, the centre, and those that the routes want.

    How far they are drawn to the centre follows from whether the bound still falls on the way there (Pessoa, Sadykov,
    Uchoa and Vanderbeck 2018, INFORMS Journal on Computing 30(2)).
    """

    def __init__(self, price: np.ndarray) -> None:
        self.centre, self.bound = price, int(NEVER)
        self.pull, self.drawn, self.misses = DRAWN, 1.0, 0

    def towards(self, wanted: np.ndarray) -> np.ndarray:
        """The prices to be tried, whole numbers."""
        return np.round(self.drawn * self.centre + (1 - self.drawn) * wanted).astype(np.int64)

    def judge(self, tried: np.ndarray, bound: int, wanted: np.ndarray, excess: np.ndarray) -> bool:
        """Learn what bound the prices tried have given, and how often too much each visit is made; is it better?"""
        if (excess * (wanted - self.centre)).sum() < 0:
            self.pull = min(self.pull + PULLED * (1 - self.pull), MOST_PULL)
        else:
            self.pull = max(self.pull - PULLED * max(1 - self.pull, 0.5), 0.0)
        if bound >= self.bound:
            return False
        self.centre, self.bound = tried, bound
        return True

    def go_on(self, *, has_news: bool) -> None:
        """The more tries have brought nothing new, the nearer the next one is to what is wanted."""
        self.misses = 0 if has_news else self.misses + 1
        self.drawn = max(1 - (self.misses + 1) * (1 - self.pull), 0.0)


class _Master:
    """The routes known, how much of each is best, and what visits and vehicles are worth then.

    Of routes that are forgotten those remain in `elementary` that make no visit twice.
    """

    def __init__(self, task: Task, vehicles: int) -> None:
        self.must, self.vehicles = task.must, vehicles
        self.is_full = bool(task.must.any())
        self.scale = max(float(np.abs(task.worth).sum() + task.cost.max(initial=0)) / 1e4, 1.0)
        self.worth: dict[Route, int] = {}
        self.elementary: dict[Route, int] = {}
        self.kept: set[Route] = set()
        self.part = np.zeros(0)

    def add(self, route: Route, worth: int, *, is_kept: bool = False) -> bool:
        """Take a route in, for good where it is kept; whether it is new."""
        if not route or route in self.worth:
            return False
        self.worth[route] = worth
        if len(set(route)) == len(route):
            self.elementary[route] = worth
        if is_kept:
            self.kept.add(route)
        return True

    def take(self, found: dict[Route, int], price: np.ndarray, vehicle_price: float) -> int:
        """Take in the routes that gain something at these prices; how many are new."""
        least = vehicle_price + 1e-7 * self.scale
        gains = (route for route, worth in found.items() if worth - price[list(route)].sum() > least)
        return sum([self.add(route, found[route]) for route in gains])

    def solve(self) -> tuple[np.ndarray, float, float]:
        """Price of each visit (m,) and of a vehicle, and what the routes are worth in the best parts."""
        m = len(self.must)
        if not self.worth:
            return np.zeros(m), 0.0, 0.0
        visits = self._visits()
        rows = np.flatnonzero(~self.must)
        ones = csc_matrix(np.ones((1, len(self.worth))))
        kept = visits[rows] if self.is_full else _stack(visits[rows], ones)
        most = np.ones(len(rows) + (not self.is_full))
        if not self.is_full:
            most[-1] = self.vehicles
        equal = _stack(visits[np.flatnonzero(self.must)], ones) if self.is_full else None
        total = np.append(np.ones(int(self.must.sum())), self.vehicles) if self.is_full else None
        worth = np.array(list(self.worth.values()), float) / self.scale
        solved = linprog(-worth, A_ub=kept, b_ub=most, A_eq=equal, b_eq=total, method="highs-ds")
        if solved.x is None:
            # The bound so far holds all the same; the search goes on without prices.
            self.part = np.zeros(len(self.worth))
            return np.zeros(m), 0.0, 0.0
        self.part = solved.x
        price = np.zeros(m)
        at_most = -solved.ineqlin.marginals * self.scale
        price[rows] = at_most[: len(rows)]
        if not self.is_full:
            return price, float(at_most[-1]), -solved.fun * self.scale
        exactly = -solved.eqlin.marginals * self.scale
        price[self.must] = exactly[:-1]
        return price, float(exactly[-1]), -solved.fun * self.scale

    def _visits(self) -> csc_matrix:
        """How often each route (a column) makes each visit (a row)."""
        places = np.concatenate([np.array(route) for route in self.worth])
        columns = np.repeat(np.arange(len(self.worth)), [len(route) for route in self.worth])
        table = csc_matrix((np.ones(len(places)), (places, columns)), shape=(len(self.must), len(self.worth)))
        table.sum_duplicates()
        return table

    def most_at(self, price: np.ndarray) -> int:
        """What the best of the known routes gains at these prices."""
        if not self.worth:
            return -int(NEVER)
        return max(worth - int(price[list(route)].sum()) for route, worth in self.worth.items())

    @property
    def cyclic(self) -> list[Route]:
        """Routes with a part in the best that make some visit twice."""
        used = zip(self.worth, self.part, strict=False)
        return [route for route, part in used if part > 1e-6 and len(set(route)) < len(route)]

    def keep(self, allows: Callable[[Route], bool]) -> None:
        """Forget the routes not allowed any more; those given remain, or there might be none with all musts."""
        self.worth = {route: worth for route, worth in self.worth.items() if route in self.kept or allows(route)}

    @property
    def best(self) -> int:
        """What the best of the routes known is worth that make every must, and no visit twice."""
        musts = set(np.flatnonzero(self.must).tolist())
        return max((worth for route, worth in self.elementary.items() if musts <= set(route)), default=-int(NEVER))


class _Pricing:
    """The search for routes that gain most at given prices; what it found stands in `found` with its worth."""

    def __init__(self, task: Task, sides: tuple[Side, Side]) -> None:
        self.task, self.sides, self.steps = task, sides, 0
        self.found: dict[Route, int] = {}
        self.price, self.prized, self.outlook = np.zeros_like(task.worth), task.worth, NO_OUTLOOK
        m = len(task.service)
        near = self.side.drive + self.side.drive.T
        near[:, [0, m - 1]] = NEVER
        np.fill_diagonal(near, NEVER)
        nearest = np.argsort(near, axis=1, kind="stable")[:, : max(min(NEAR, m - 3), 0)]
        self.remembered = np.eye(m, dtype=bool)
        self.remembered[np.arange(m)[:, None], nearest] = True
        self.memory = packed(self.remembered)
        self.none = np.zeros(self.memory.shape[1], np.uint64)

    @property
    def side(self) -> Side:
        """The day from its start, with the legs that are left."""
        return self.sides[0]

    def look_out(self, price: np.ndarray) -> None:
        """Search at these prices from now on."""
        self.price, self.prized = price, self.task.worth - price
        self.outlook = outlook_of(self.side, self.prized, COARSE if len(price) <= MANY else COARSE_AMONG_MANY)
        self.steps += steps_of(self.outlook, self.side) + SOLVING

    def quickly(self, floor: int) -> None:
        """Routes found when labels are compared by time and worth alone."""
        everything = np.full_like(self.memory, np.iinfo(np.uint64).max)
        labels, count, _, _ = self._from_start(floor, LOOSE, memory=everything, is_loose=True)
        self._keep_best(labels, count, floor)

    def thoroughly(self, floor: int, budget: int) -> tuple[int, bool]:
        """What the best route gains at most, and whether that was searched to the end: else it is the outlook's."""
        outlook = self.outlook
        floor = max([floor, *(worth - int(self.price[list(route)].sum()) for route, worth in self.found.items())])
        labels, count, best, is_complete = self._from_start(floor, max(budget - self.steps, 0), raises_cut=True)
        self._keep_best(labels, count, floor)
        if is_complete or not outlook.tick:
            return int(best) if is_complete else int(NEVER), is_complete
        return int(outlook.best[int(self.task.pause[2] == 0), 0, 0]), False

    def sift(self, cut: int, budget: int) -> None:
        """Leave only legs by which some route may gain more than `cut`.

        Irnich, Desaulniers, Desrosiers and Hadjar 2010, "Path-reduced costs for eliminating arcs in routing and
        scheduling", INFORMS Journal on Computing 22(2).
        """
        prized, m = self.prized, len(self.prized)
        labels, count, _, is_complete = self._from_start(cut, max(budget - self.steps, 0))
        if not is_complete:
            return
        ends = ends_from(labels, count, self.side, prized, 0)
        promising = np.zeros((m, m), np.bool_)
        *_, steps, is_complete = grow(
            self.sides[1],
            prized,
            prized,
            0,
            self.memory,
            self.none,
            ends,
            True,
            NO_OUTLOOK,
            cut,
            False,
            False,
            False,
            max(budget - self.steps, 0),
            promising,
        )
        self.steps += steps
        if is_complete:
            legs = turned(promising)
            # A search sees no leg into its end: whoever is first on the way there is the last one seen from the other.
            legs[0] = True
            self.sides = sides_of(self.task, legs & self.side.legs)

    def _from_start(
        self,
        cut: int,
        comparisons: int,
        *,
        memory: np.ndarray | None = None,
        is_loose: bool = False,
        raises_cut: bool = False,
    ) -> tuple[Labels, int, int, bool]:
        """Routes that gain more than `cut`: labels, how many, the most gained, and whether the search came to its end.

        memory, is_loose, raises_cut, comparisons (as budget) : as `grow` has them
        """
        labels, count, best, _, steps, is_complete = grow(
            self.side,
            self.prized,
            self.prized,
            0,
            self.memory if memory is None else memory,
            self.none,
            NO_ENDS,
            False,
            self.outlook,
            cut,
            False,
            is_loose,
            raises_cut,
            comparisons,
            UNASKED,
        )
        self.steps += steps
        return labels, count, best, is_complete

    def excess(self, vehicles: int) -> np.ndarray:
        """(m,) how often too much each visit is made when every vehicle drives the best route found; 0 without one."""
        made = np.zeros(len(self.price), np.int64)
        if self.found:
            best = max(self.found, key=lambda route: self.found[route] - int(self.price[list(route)].sum()))
            np.add.at(made, list(best), vehicles)
            made[1:-1] -= 1
        return made

    def _keep_best(self, labels: Labels, count: int, floor: int) -> None:
        """Keep the routes that gain more than `floor`, the best first, no two of the same visits."""
        gains = _gains(self.side, labels, count)
        self.found, held = {}, set()
        for label in np.argsort(-gains, kind="stable")[:LOOKED_AT]:
            if gains[label] <= floor or len(self.found) == NEW:
                break
            route = tuple(route_to(labels, label).tolist())
            visits = tuple(sorted(route))
            if visits not in held:
                held.add(visits)
                self.found[route] = int(gains[label]) + int(self.price[list(route)].sum())

    def remember(self, routes: Iterable[Route]) -> bool:
        """Remember what these routes forgot; whether there was anything."""
        before = int(self.remembered.sum())
        for route in routes:
            at: dict[int, int] = {}
            for position, place in enumerate(route):
                if place in at:
                    self.remembered[list(route[at[place] : position]), place] = True
                at[place] = position
        self.memory = packed(self.remembered)
        return int(self.remembered.sum()) > before

    def allows(self, route: Route) -> bool:
        """Whether the route takes only legs that are left, and comes back to no visit that is remembered."""
        if not self.side.legs[[0, *route[:-1]], list(route)].all():
            return False
        memory: set[int] = set()
        for place in route:
            if place in memory:
                return False
            memory = {other for other in memory if self.remembered[place, other]} | {place}
        return True


def _stack(upper: csc_matrix, lower: csc_matrix) -> csc_matrix:
    return vstack([upper, lower]).tocsc()


@njit(cache=True)
def _gains(side: Side, labels: Labels, count: int) -> np.ndarray:
    """(count,) what the route of each label gains when it ends there; -NEVER where it cannot."""
    gains = np.full(count, -NEVER, np.int64)
    last = len(side.service) - 1
    for q in range(count):
        if labels.place[q] == 0:
            continue
        back = end_time(side, labels.place[q], labels.time[q], np.int64(labels.paused[q]))
        if back < NEVER:
            gains[q] = labels.priced[q] - side.cost[labels.place[q], last] - (back if side.pays_time else 0)
    return gains
