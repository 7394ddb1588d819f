"""The proof: bounds from both ends that tighten each other until only the best route is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from territory.routing.columns import generate
from territory.routing.labelling import UNASKED, ends_from, grow, packed, route_to
from territory.routing.outlook import outlook_of, steps_of
from territory.routing.prices import TICKS, prices_for
from territory.routing.ruin import improve
from territory.routing.schedule import worth_of
from territory.routing.sides import NEVER, NO_ENDS, NO_OUTLOOK, Ends
from territory.routing.tabu import LOOKS, go_on_from
from territory.routing.task import Task, sides_of

NEAR = (0, 2, 4, 6, 8, 10, 12)
"""How many of the visits nearest to it a place remembers, pass by pass."""
FEW = 60_000
"""With so few living labels left, everything is remembered."""
PASSES = 40
LARGE = 130
"""So many visits are no longer a day's, and take more of a search."""
FIRST_TRY, FIRST_TRY_AT_MOST = 5_000, 10_000_000
"""Comparisons for each pair of visits before prices are looked for, which take a while themselves."""
LOOSE, LOOSE_OF_ALL = 20_000_000, 50
"""Comparisons for a first route from one side, and the part of all that they may be at most."""
PATIENCE, FINER = 5, 2
"""For what resists: passes before everything is remembered, and how much finer the outlook's clock is."""
STRAIGHT, CLOSE = 20_000_000, 0.02
"""Comparisons for the search with everything remembered, unless the bound is this close: then it gets half of all, and
after better prices all."""
NEAR_ENOUGH, MANY = 0.04, 60
"""Where the bound is farther and there are more visits than so many, nothing comes of it; nor, after better prices,
however many there are."""
REFINED, REFINING = 0.01, 0.75
"""A bound this close needs no better prices, which may take this part of what is left, or all where it is far."""
FEW_MUSTS, FEW_VISITS = 5, 14
"""With at most so many musts no prices are looked for at first; with at most so many visits, all of them musts, every
set of them can be remembered at once."""
COARSE, AT_ONCE = 0.1, 1_500_000
"""How fine the outlook's clock is then, and the comparisons that may be made."""
ROUNDS, FEWEST_ROUNDS, PRICING_OF_ALL = 40, 8, 4
"""Corrections of prices, at least and at most, and the part of all comparisons that they take as long as."""
RUINS, A_PAIR, MORE, AGAIN = 1_500_000, 3_000, 10, 4
"""Comparisons of ruin and recreate before the proof, at most so many for each pair of visits; so many times as many
beyond a day's visits; and, where every visit is a must, after a proof that failed."""
RESISTING, MOST_RUINS, OF_ALL = 5_000, 30_000_000, 6
"""Looks of ruin and recreate for each pair of visits of what resists, at most, and the part of all that they may be."""
TRIES = 2
"""Ruins in so many parts, each from the best route: one may be stuck where the other is not."""
A_LOOK = 1_500
"""OR-Tools looks once at a neighbour for each so many comparisons: a twentieth of the time, where that binds."""
A_PLACE = 3
"""Comparisons that a look at a place for a visit takes as long as."""
WORTHLESS = -int(NEVER)


@dataclass(frozen=True)
class Proof:
    """A route as places in order, its worth, and what no route can exceed; worth is None when no route was found.

    is_proven : the route is the best, or, without one, there is none.
    """

    route: tuple[int, ...]
    worth: int | None
    bound: int
    is_proven: bool
    steps: int


def prove(task: Task, *, budget: int, start: Sequence[int] | None = None, seed: int = 0) -> Proof:
    """The route of most worth, less what its legs (and the time, if that is paid) cost; with its bound.

    Parameters
    ----------
    task : Task, tightened and closed
    budget : comparisons that may be made
    start : a route to begin from
    seed : of the search for a better first route

    Notes
    -----
    A loose search from both ends gives a first route. Then ng-route searches alternate between the two ends: each uses
    the living labels of the one before as ends that a label must have to be kept, and remembers more (decremental state
    space: Righini and Salani 2009; memories grow where the best route has a cycle: Roberti and Mingozzi 2014,
    Transportation Science 48(3)). When few labels are left everything is remembered, and what remains is proven. Only
    elementary routes raise the value that labels are measured against. What resists is tried again with prices on
    the visits (`territory.routing.prices`), under which the relaxation hardly gains from cycles, and then from the
    route that OR-Tools goes on to (`territory.routing.tabu`), with better prices, and without the legs that no better
    route can take (`territory.routing.columns`).
    """
    search = _Search(task)
    if start is not None:
        search.offer(start)
    for side in (0, 1):
        search.loosely(side, budget=LOOSE if budget == 0 else min(LOOSE, budget // LOOSE_OF_ALL))
    if budget == 0:
        return search.proof
    first_try = min(FIRST_TRY * task.visits**2, FIRST_TRY_AT_MOST)
    if search.musts <= FEW_MUSTS and search.alternately(budget=min(budget, search.steps + first_try)):
        return search.proof
    if search.has_musts_only and task.visits <= FEW_VISITS:
        search.look_out(COARSE)
        if search.directly(budget=min(budget, search.steps + AT_ONCE)):
            return search.proof
    ruins = min(RUINS, A_PAIR * task.visits**2) if task.visits <= LARGE else MORE * RUINS
    search.better(seed, budget=ruins)
    search.use_prices(budget=budget // PRICING_OF_ALL)
    straight = budget // 2 if search.is_close else STRAIGHT
    is_worth_it = search.is_near or search.has_musts_only or task.visits <= MANY
    if not (is_worth_it and search.directly(budget=min(budget, search.steps + straight))):
        again = (
            AGAIN * ruins if search.has_musts_only else min(RESISTING * task.visits**2, MOST_RUINS, budget // OF_ALL)
        )
        for number in range(1, TRIES + 1):
            search.better(seed + number, budget=max(ruins, again) // TRIES)
        search.go_on(looks=min(LOOKS, budget // A_LOOK))
        left = budget - search.steps
        search.refine(budget=search.steps + (int(REFINING * left) if search.is_near else left))
        if search.is_proven or not search.is_near:
            return search.proof
        search.look_out(FINER)
        if not (search.is_close and search.directly(budget=(search.steps + budget) // 2)):
            search.alternately(budget=budget, patience=PATIENCE)
    return search.proof


class _Search:
    """One proof in the making: the best route, the bound, and what is remembered where.

    worth and route are the best so far; what visits are worth in searches is `prized`, where a route then counts
    `constant` more before its first visit, and `extra` more when it is complete.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.steps = task, 0
        self.sides = sides_of(task)
        m = len(task.service)
        self.must = packed(task.must[None, :])[0]
        self.full = np.full((m, len(self.must)), np.iinfo(np.uint64).max, np.uint64)
        self.route: tuple[int, ...] = ()
        self.worth = WORTHLESS
        self.bound = int(NEVER)
        self.is_impossible = False
        self.outlooks, self.finer = [NO_OUTLOOK, NO_OUTLOOK], 1.0
        musts = np.flatnonzero(task.must)
        # A must is worth more than everything else, so that searches that may miss one do not.
        spent = int(task.cost.max(initial=0)) * m + task.horizon
        large = int(task.worth.sum()) + spent + 1
        self.musts = len(musts)
        self.prized, self.extra, self.constant = task.worth + large * task.must, large * len(musts), 0
        self.exact_worth = self.ample = self.prized
        self.least_with_musts = self.extra - spent
        self.remembered = np.eye(m, dtype=bool)
        self.remembered[:, musts] = True
        near = self.sides[0].drive + self.sides[0].drive.T
        near[:, [0, m - 1]] = NEVER
        np.fill_diagonal(near, NEVER)
        self.nearest = np.argsort(near, axis=1, kind="stable")[:, : max(m - 3, 0)]
        # Every route is worth a multiple of this: what is better is better by it.
        self.unit = 1 if task.pays_time else max(int(np.gcd.reduce(np.append(task.cost, task.worth))), 1)
        self.price = np.zeros(m, np.int64)
        self.offer(())

    def use_prices(self, *, budget: int) -> None:
        """Let visits cost what makes cycles not worth their while, and begin to remember anew."""
        target = self.worth if self.worth > WORTHLESS else -int(self.task.cost.max(initial=0))
        a_round = max(TICKS * int(self.sides[0].legs.sum()) * 2 // 3, 1)
        rounds = min(max(budget // a_round, FEWEST_ROUNDS), ROUNDS)
        self.steps += rounds * a_round
        self._price(prices_for(self.task, self.sides[0], target, rounds))
        self.remembered = np.eye(len(self.price), dtype=bool)
        self.look_out(1)

    def refine(self, *, budget: int) -> None:
        """Better prices, those of routes in parts, and fewer legs; there is nothing to begin from without a route."""
        if self.worth == WORTHLESS or budget <= self.steps:
            return
        found = generate(
            self.task,
            self.sides,
            1,
            self.price,
            [self.route],
            known=self.cut,
            near_enough=REFINED,
            budget=budget - self.steps,
        )
        self.steps += found.steps
        for route in found.routes:
            self.offer(route)
        self._lower(found.bound)
        self._price(found.price)
        self.remembered |= found.remembered
        self.sides = sides_of(self.task, found.legs)

    def _price(self, price: np.ndarray) -> None:
        self.price = price
        self.prized, self.constant, self.extra = self.task.worth - price, int(price.sum()), 0
        self.exact_worth = self.task.worth
        self.least_with_musts = WORTHLESS

    def _lower(self, bound: int) -> None:
        """Take a bound if it is the lowest so far, down to what routes can be worth."""
        self.bound = min(self.bound, max(bound // self.unit * self.unit, self.worth))

    def look_out(self, finer: float) -> None:
        """See from the start what can be gained at most, on a clock `finer` times as fine."""
        self.finer = finer
        self.outlooks[0] = outlook_of(self.sides[0], self.prized, finer)
        self.steps += steps_of(self.outlooks[0], self.sides[0])
        if self.outlooks[0].tick:
            owes = int(self.task.pause[2] == 0)
            self._lower(int(self.outlooks[0].best[owes, 0, 0]) + self.constant)

    def offer(self, route: Sequence[int]) -> None:
        """Take a route if it holds and is the best so far."""
        if self.task.must[list(route)].sum() != self.musts:
            return
        worth = worth_of(self.sides[0], self.task.worth, route)
        if worth is not None and worth > self.worth:
            self.worth, self.route = worth, tuple(int(place) for place in route)

    @property
    def cut(self) -> int:
        """What a label must come to, as searches count."""
        return self.worth + self.extra + self.unit - 1 if self.worth > WORTHLESS else WORTHLESS

    def loosely(self, side: int, *, budget: int) -> None:
        """A first route: labels are compared by time and worth alone."""
        none = np.zeros(len(self.must), np.uint64)
        labels, _, _, last, steps, _ = grow(
            self.sides[side],
            self.prized,
            self.prized,
            0,
            self.full,
            none,
            NO_ENDS,
            False,
            NO_OUTLOOK,
            self.cut,
            True,
            True,
            True,
            budget,
            UNASKED,
        )
        self.steps += steps
        if last >= 0:
            self.offer(_forward(route_to(labels, last), side))

    @property
    def is_proven(self) -> bool:
        """Whether nothing can be better than the best route."""
        return self.worth > WORTHLESS and self.bound <= self.worth

    @property
    def is_close(self) -> bool:
        """Whether the bound is so near that little is left to search."""
        return self.bound - self.worth <= CLOSE * abs(self.worth)

    @property
    def is_near(self) -> bool:
        """Whether the bound is so near that a search may come to its end after better prices."""
        return self.worth == WORTHLESS or self.bound - self.worth <= NEAR_ENOUGH * abs(self.worth)

    @property
    def has_musts_only(self) -> bool:
        """Whether every visit must be made."""
        return self.musts == self.task.visits

    def better(self, seed: int, *, budget: int) -> None:
        """Better the route by ruin and recreate."""
        routes, _ = improve(self.sides[0], self.ample, self.task.must, [self.route], budget=budget, seed=seed)
        self.offer(routes[0])
        self.steps += A_PLACE * budget

    def go_on(self, *, looks: int) -> None:
        """Better the route by other neighbourhoods, those of OR-Tools."""
        if self.worth > WORTHLESS:
            self.offer(go_on_from(self.task, self.route, looks=looks))

    def directly(self, *, budget: int) -> bool:
        """Search with everything remembered at once, with the outlook alone; whether that proved it."""
        if not self.outlooks[0].tick:
            return False
        labels, _, _, last, steps, is_complete = grow(
            self.sides[0],
            self.exact_worth,
            self.prized,
            self.constant,
            self.full,
            self.must,
            NO_ENDS,
            False,
            self.outlooks[0],
            self.cut,
            True,
            False,
            True,
            max(budget - self.steps, 0),
            UNASKED,
        )
        self.steps += steps
        if last >= 0:
            self.offer(_forward(route_to(labels, last), 0))
        if is_complete:
            self.bound = self.worth
            self.is_impossible = self.worth == WORTHLESS
        return is_complete

    def alternately(self, *, budget: int, patience: int = 2) -> bool:
        """Bound from both ends in turn; whether the best route, or that there is none, is proven."""
        if self.outlooks[0].tick:
            self.outlooks[1] = outlook_of(self.sides[1], self.prized, self.finer)
        ends: Ends = NO_ENDS
        none = np.zeros(len(self.must), np.uint64)
        side, alive = 1, FEW
        for turn in range(PASSES):
            near_ones = self.nearest[:, : NEAR[min(turn, len(NEAR) - 1)]]
            self.remembered[np.arange(len(self.nearest))[:, None], near_ones] = True
            is_exact = (turn >= patience and alive < FEW) or turn == PASSES - 1
            labels, count, best, last, steps, is_complete = grow(
                self.sides[side],
                self.exact_worth if is_exact else self.prized,
                self.prized,
                self.constant,
                self.full if is_exact else packed(self.remembered),
                self.must if is_exact else none,
                ends,
                turn > 0,
                self.outlooks[side],
                self.cut,
                is_exact,
                False,
                # From the end, the time of return is only known at best.
                is_exact and not (side == 1 and self.task.pays_time),
                max(budget - self.steps, 0),
                UNASKED,
            )
            self.steps += steps
            if not is_complete:
                return False
            if best < self.least_with_musts or (last < 0 and self.worth == WORTHLESS):
                self.is_impossible = True
                return True
            self._lower(int(best) - self.extra)
            if last >= 0:
                path = _forward(route_to(labels, last), side)
                if len(set(path)) == len(path):
                    self.offer(path)
                self._remember_cycles(path)
            if last < 0 or self.worth >= self.bound:
                self.bound = self.worth
                return True
            ends = ends_from(labels, count, self.sides[side], self.prized, self.constant)
            alive = len(ends.latest)
            side = 1 - side
        return False

    def _remember_cycles(self, path: list[int]) -> None:
        at: dict[int, int] = {}
        for position, place in enumerate(path):
            if place in at:
                self.remembered[path[at[place] : position], place] = True
            at[place] = position

    @property
    def proof(self) -> Proof:
        """What is known by now."""
        if self.is_impossible:
            return Proof((), None, WORTHLESS, True, self.steps)
        found = self.worth > WORTHLESS
        return Proof(self.route, self.worth if found else None, self.bound, self.is_proven, self.steps)


def _forward(places: np.ndarray, side: int) -> list[int]:
    return [int(place) for place in (places if side == 0 else places[::-1])]
