"""Weeks bred from weeks: good and different ones are crossed, their children bettered, the poor and alike forgotten.

A genetic search with control of diversity (Vidal, Crainic, Gendreau, Lahrichi and Rei 2012, Operations Research
60(3)). Weeks that break a limit are kept beside those that hold, at a price that keeps a part of the children within
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum

import numpy as np

from territory.callplan.periodic.crossing import bear, begin, tours_of
from territory.callplan.periodic.descent import descend
from territory.callplan.periodic.draft import Draft, Weeks, driven_and_excess, empty_draft
from territory.numeric import new_state

KEPT, CHILDREN = 25, 40
"""Of each herd: weeks that are kept, and how many more there may be before some are forgotten."""
ELITE, CLOSE = 4, 5
"""How many of the cheapest count by their cost alone; neighbours by which a week's difference from others is told."""
FIRST = 100
"""Weeks made of nothing, at first and whenever the search begins anew."""
MENDED, DEARER = 0.5, 10.0
"""How often what breaks a limit is bettered once more, with breaking it so many times as dear."""
HOLDING, LEEWAY, CHECKED = 0.3, 0.05, 100
"""The part of children that should hold, and how far off it may be before prices change, each so many children."""
RISE, FALL, LOWEST, HIGHEST = 1.2, 0.85, 1e-2, 1e4
STALE = 4
"""The search begins anew after one of so many parts of it without anything better."""
HOLDS = 1e-6


@dataclass(frozen=True, eq=False)
class Week:
    """Routes (stops and length as in `Draft`), the same as tours by day, who comes after and before whom on which day
    (n, D; -1 without a visit), what is driven, and by how much loads and lengths exceed their limits, (2,)."""

    stops: np.ndarray
    length: np.ndarray
    tours: np.ndarray
    sizes: np.ndarray
    after: np.ndarray
    before: np.ndarray
    driven: float
    excess: np.ndarray

    @property
    def holds(self) -> bool:
        """Whether no limit is broken."""
        return bool(self.excess.sum() < HOLDS)

    def cost(self, price: np.ndarray) -> float:
        """What is driven, with what breaking limits costs."""
        return self.driven + float(price[0] * self.excess[0] + price[1] * self.excess[1])


class _Herd:
    """Weeks of one kind, and how much each differs from each."""

    def __init__(self) -> None:
        self.weeks: list[Week] = []
        self.apart = np.zeros((0, 0))

    def add(self, new: Week, price: np.ndarray) -> None:
        """Take a week in; when there are too many, forget some."""
        row = np.array([_difference(new, other) for other in self.weeks])
        self.apart = np.block([[self.apart, row[:, None]], [row[None, :], np.zeros((1, 1))]])
        self.weeks.append(new)
        if len(self.weeks) == KEPT + CHILDREN:
            while len(self.weeks) > KEPT:
                self._forget(price)

    def unfitness(self, price: np.ndarray) -> np.ndarray:
        """(weeks,) the rank by cost and, less, the rank by difference from those most alike; small is good."""
        count = len(self.weeks)
        cost = np.array([week.cost(price) for week in self.weeks])
        others = np.sort(self.apart + np.diag(np.full(count, np.inf)), axis=1)
        near = others[:, : max(min(CLOSE, count - 1), 1)].sum(axis=1)
        return _ranks(cost) + max(0.0, 1 - ELITE / count) * _ranks(-near)

    def _forget(self, price: np.ndarray) -> None:
        """Forget the worst, but whoever has a double first, and never the cheapest."""
        count = len(self.weeks)
        bad = self.unfitness(price)
        bad[(self.apart + np.eye(count)).min(axis=1) < HOLDS] += 2 * count
        bad[int(np.argmin([week.cost(price) for week in self.weeks]))] = -1
        kept = np.delete(np.arange(count), int(np.argmax(bad)))
        self.weeks = [self.weeks[number] for number in kept]
        self.apart = self.apart[np.ix_(kept, kept)]


def _ranks(values: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ranks


def _difference(one: Week, other: Week) -> float:
    """The part of visits that are followed by another in one week than in the other, whichever way the other goes."""
    return np.count_nonzero((one.after != other.after) & (one.after != other.before)) / one.after.size


def breed(weeks: Weeks, *, children: int, seed: int) -> Week | None:
    """The cheapest week found that breaks no limit; None when none was found.

    Parameters
    ----------
    weeks : Weeks, with at least one customer
    children : weeks that are made
    seed : of the choices
    """
    draft = empty_draft(len(weeks.service), weeks.days, weeks.vehicles)
    # Summed exactly, because how numpy sums differs from machine to machine.
    mean_cost, mean_load = (fsum(each.ravel()) / each.size for each in (weeks.cost, weeks.load))
    draft.price[:] = max(mean_cost / max(mean_load, 1e-9), LOWEST), 1.0
    rng, random = np.random.default_rng(seed), new_state(seed)
    best: Week | None = None
    herds = (_Herd(), _Herd())
    newest = since = 0
    held = np.zeros((CHECKED, 2), bool)
    for number in range(children):
        if number - newest > max(children // STALE, 2 * FIRST):
            herds, newest, since = (_Herd(), _Herd()), number, number
        if number - since < FIRST:
            begin(weeks, draft, random)
        else:
            one, other = _parents(herds, draft.price, rng)
            bear(weeks, draft, (one.tours, one.sizes), (other.tours, other.sizes), random)
        for turn, week in enumerate(_litter(weeks, draft, rng, random)):
            if turn == 0:
                held[number % CHECKED] = week.excess < HOLDS
            herds[not week.holds].add(week, draft.price)
            if week.holds and (best is None or week.driven < best.driven - HOLDS):
                best, newest = week, number
        if number % CHECKED == CHECKED - 1:
            share = held.mean(axis=0)
            change = np.where(share < HOLDING - LEEWAY, RISE, np.where(share > HOLDING + LEEWAY, FALL, 1.0))
            draft.price[:] = np.clip(draft.price * change, LOWEST, HIGHEST)
    return best


def _litter(weeks: Weeks, draft: Draft, rng: np.random.Generator, random: np.ndarray) -> Iterator[Week]:
    """The week as it stands and, now and then, if it breaks a limit, the same mended."""
    week = _week(weeks, draft)
    yield week
    if not week.holds and rng.random() < MENDED:
        draft.price[:] *= DEARER
        descend(weeks, draft, random)
        draft.price[:] /= DEARER
        mended = _week(weeks, draft)
        if mended.holds:
            yield mended


def _parents(herds: tuple[_Herd, _Herd], price: np.ndarray, rng: np.random.Generator) -> tuple[Week, Week]:
    """Two weeks, each the better of two that chance picks."""
    among = [week for herd in herds for week in herd.weeks]
    bad = np.concatenate([herd.unfitness(price) / len(herd.weeks) for herd in herds if herd.weeks])
    one, other = (among[min(pair, key=lambda number: bad[number])] for pair in rng.integers(0, len(among), (2, 2)))
    return one, other


def _week(weeks: Weeks, draft: Draft) -> Week:
    """What a draft is by now."""
    tours, sizes = np.zeros((weeks.days, len(weeks.service)), np.int64), np.zeros(weeks.days, np.int64)
    tours_of(weeks, draft, tours, sizes)
    driven, load, length = driven_and_excess(weeks, draft)
    route, place = draft.route_of, draft.place_of
    return Week(
        stops=draft.stops.copy(),
        length=draft.length.copy(),
        tours=tours,
        sizes=sizes,
        after=np.where(route >= 0, draft.stops[route, place + 1], -1),
        before=np.where(route >= 0, draft.stops[route, place - 1], -1),
        driven=driven,
        excess=np.array([load, length]),
    )
