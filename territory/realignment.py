"""Plans for people: from a portfolio to a proposal whose moves have names, reasons and prices."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from territory.alignment import Progress, UnitPlan, align_units
from territory.errors import DataError, InfeasibleError, Problem
from territory.measures import demand_of, measure
from territory.model import MEASURES, Basis, Portfolio, Proposal, TravelMode, percent

log = logging.getLogger(__name__)

HANDOVER = 5.0
"""What moving a customer costs: as much as serving it that many mean squared distances farther away."""
DEARER, PROBES = 25.0, 7
"""When few may move: how much dearer a move becomes, and how many tolerances are tried."""


def align(
    portfolio: Portfolio,
    *,
    territories: int,
    tolerance: float | Mapping[str, float] | None = None,
    seed: int = 0,
    travel: TravelMode = "line",
    progress: Progress | None = None,
) -> Proposal:
    """Cut territories from scratch: balanced on potential and workload, in one piece, compact.

    Territories are named after today's by what they share (an assignment problem), so that few customers seem to move.

    Parameters
    ----------
    portfolio : Portfolio
    territories : int, how many, of equal shares; the reps' shares count when there are as many reps' territories
    tolerance : ratio, or {"potential": ratio, "workload": ratio}; the rules' by default
    seed : int
    travel : what workload counts beside visits x minutes
    progress : called with the stage and the part done

    Raises
    ------
    InfeasibleError
        Fewer customers than territories, or a measure is zero everywhere.
    """
    band = _band(portfolio, tolerance)
    if territories < 1:
        raise InfeasibleError(
            [Problem("territories", f"{territories} territories cannot be cut.", "Ask for 1 or more.")]
        )
    _need_customers(portfolio)
    work = _Work(portfolio, band, travel, seed, progress)
    names = portfolio.territories
    share = portfolio.shares(names).to_numpy() if len(names) == territories else np.full(territories, 1 / territories)
    plan = work.solve(share)
    return work.proposal(plan, _names_for(plan, portfolio, work.mass, share), share)


def realign(
    portfolio: Portfolio,
    *,
    tolerance: float | Mapping[str, float] | None = None,
    max_moved: float | None = None,
    seed: int = 0,
    travel: TravelMode = "line",
    handover: float = HANDOVER,
    effort: float = 1.0,
    progress: Progress | None = None,
) -> Proposal:
    """Bring every territory back into its band on potential and workload, moving few customers.

    A territory without a rep is shared out among the others; when there are no reps at all, every territory stays.
    The territory of a rep who has no customers yet is founded around the rep's home.

    Parameters
    ----------
    portfolio : Portfolio, with today's alignment
    tolerance : ratio, or {"potential": ratio, "workload": ratio}; the rules' by default
    max_moved : ratio of customers that may change territory; the balance then is the best within that
    seed : int
    travel : what workload counts beside visits x minutes
    handover : price of a move, in mean squared distances to the centre; more means fewer moves and longer ways
    effort : multiplies the steps of the search; 0.3 is enough to compare many portfolios
    progress : called with the stage and the part done

    Raises
    ------
    DataError
        No customer has a territory today.
    InfeasibleError
        Fewer customers than territories, or a measure is zero everywhere.
    """
    band = _band(portfolio, tolerance)
    _need_customers(portfolio)
    names = _staffed(portfolio)
    work = _Work(portfolio, band, travel, seed, progress, effort)
    start = pd.Index(names).get_indexer(portfolio.alignment.to_numpy())
    if (start < 0).all():
        raise DataError(
            [Problem("customers, column 'territory'", "no customer has a territory today.", "Use align instead.")]
        )
    share = portfolio.shares(names).to_numpy()
    today, start = start, _with_newcomers(work, names, share, start)
    plan = work.solve(share, start=start, handover=handover)
    if max_moved is not None:
        plan = _within(work, share, today, start, handover, max_moved, plan)
    return work.proposal(plan, names, share)


@dataclass(frozen=True)
class _Plan(UnitPlan):
    """A plan with today's label of each customer, (n,), and what leaving it costs, (n,) square metres x mass."""

    start: np.ndarray
    handover: np.ndarray


@dataclass(frozen=True, eq=False)
class _Work:
    """One portfolio, ready for the algorithm."""

    portfolio: Portfolio
    band: Mapping[str, float]
    travel: TravelMode
    seed: int
    progress: Progress | None
    effort: float = 1.0

    @cached_property
    def demand(self) -> pd.DataFrame:
        return demand_of(self.portfolio, self.travel)

    @cached_property
    def loads(self) -> np.ndarray:
        """(n, 2) potential and workload of each customer."""
        return self.demand[["potential", "workload_minutes"]].to_numpy(float)

    @cached_property
    def mass(self) -> np.ndarray:
        """(n,) each customer's mean share of potential and workload."""
        return shares_of(self.loads).mean(axis=1)

    def solve(
        self,
        share: np.ndarray,
        *,
        start: np.ndarray | None = None,
        handover: float = 0.0,
        wider: float = 1.0,
        effort: float = 1.0,
    ) -> _Plan:
        # By id, so that the order of the rows in a file changes nothing, not even the last digit of a sum.
        order = np.argsort(self.portfolio.customers.index.to_numpy(str), kind="stable")
        begin = None if start is None else start[order]
        locked = self.portfolio.customers["locked"].to_numpy()[order]
        price = np.zeros(len(order)) if begin is None else self._handover(order, begin, handover)
        try:
            plan = align_units(
                self.portfolio.xy[order],
                self.loads[order],
                share,
                np.array([self.band[name] for name in MEASURES]) * wider,
                seed=self.seed,
                start=begin,
                handover=price,
                locked=None if begin is None else locked & (begin >= 0),
                effort=self.effort * effort,
                progress=self.progress,
            )
        except InfeasibleError as error:
            said = [_in_words(problem, self.portfolio, self.loads) for problem in error.problems]
            raise InfeasibleError(said) from error
        row = np.argsort(order)
        today = np.full(len(order), -1) if start is None else start
        return _Plan(**{**vars(plan), "labels": plan.labels[row]}, start=today, handover=price[row])

    def excess(self, share: np.ndarray, start: np.ndarray) -> float:
        """How many times its tolerance today's worst territory is off; owners outside `start` count for nobody."""
        owned = start >= 0
        loads = [np.bincount(start[owned], load[owned], len(share)) / load.sum() for load in self.loads.T]
        tolerance = np.array([self.band[name] for name in MEASURES])
        return float((np.abs(np.column_stack(loads) / share[:, None] - 1) / tolerance).max())

    def _handover(self, order: np.ndarray, start: np.ndarray, price: float) -> np.ndarray:
        """(n,) what moving each customer costs, in square metres x mass; a close relation costs more."""
        owned = start >= 0
        loads = self.loads[order]
        xy, mass = self.portfolio.xy[order], shares_of(loads).mean(axis=1)
        centre = _centres(xy[owned], mass[owned], start[owned], int(start.max()) + 1)
        spread = float((mass[owned] * ((xy[owned] - centre[start[owned]]) ** 2).sum(axis=1)).sum())
        relation = self.portfolio.customers["relation"].fillna(0.5).to_numpy()[order]
        return price * spread / mass[owned].sum() * mass * (0.5 + relation)

    def proposal(self, plan: _Plan, names: list[str], share: np.ndarray) -> Proposal:
        portfolio, shares = self.portfolio, pd.Series(share, index=names)
        alignment = pd.Series(np.array(names)[plan.labels], index=portfolio.customers.index, name="territory")
        has_today = portfolio.alignment.notna().any()
        before = measure(portfolio, travel=self.travel, demand=self.demand) if has_today else None
        after = measure(portfolio, alignment, travel=self.travel, demand=self.demand, shares=shares)
        return Proposal(
            portfolio=portfolio,
            alignment=alignment,
            moves=self._moves(plan, names, before),
            before=before,
            after=after,
            tolerance=self.band,
            travel=self.travel,
            seed=self.seed,
            objective=plan.objective / 1e6,
            lower_bound=plan.lower_bound / 1e6,
            gap=plan.gap,
            reasons=tuple(_in_words(problem, portfolio, self.loads) for problem in plan.reasons),
            basis=_basis(plan, names),
        )

    def _moves(self, plan: _Plan, names: list[str], before: pd.DataFrame | None) -> pd.DataFrame:
        """Each customer whose territory changes: why, at what price, and who else could have had it."""
        today = self.portfolio.alignment
        moved = np.flatnonzero((np.array(names)[plan.labels] != today.to_numpy()) & today.notna().to_numpy())
        to = plan.labels[moved]
        came = pd.Index(names).get_indexer(today.iloc[moved])
        price, second = price_moves(_basis(plan, names), self.portfolio.xy, self.loads, moved, came, to)
        explain = _Reasons(plan, names, before, self.portfolio.xy)
        return pd.DataFrame(
            {
                "customer_id": self.portfolio.customers.index[moved],
                "from": today.iloc[moved].to_numpy(),
                "to": np.array(names)[to],
                "reason": [explain(int(row), int(a), int(b)) for row, a, b in zip(moved, came, to, strict=True)],
                "price": price,
                "runner_up": np.array(names)[second],
            }
        )


def shares_of(loads: np.ndarray) -> np.ndarray:
    """(n, 2) potential and workload as parts of their totals."""
    return loads / np.maximum(loads.sum(axis=0), 1e-300)


def price_moves(
    basis: Basis, xy: np.ndarray, loads: np.ndarray, moved: np.ndarray, came: np.ndarray, to: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What each move saves against staying, in percent of the plan's objective, and who else could have had it.

    A customer costs a territory its squared distance to the centre x its mass, plus the prices of its loads there.

    Parameters
    ----------
    basis : Basis, of K territories
    xy : (n, 2) float, metres
    loads : (n, 2) float, potential and workload of every customer
    moved : (m,) int, rows that move
    came, to : (m,) int, the territory that each leaves, -1 when it is not among the K, and the one it goes to

    Returns
    -------
    price : (m,) float, percent; against the runner-up where `came` is -1
    runner_up : (m,) int, the cheapest territory but `to`
    """
    share, rows = shares_of(loads)[moved], np.arange(len(moved))
    distance = ((xy[moved][:, None, :] - basis.centres[None]) ** 2).sum(axis=2)
    cost = distance * share.mean(axis=1)[:, None] + share @ basis.load_price.T
    others = cost.copy()
    others[rows, to] = np.inf
    second = others.argmin(axis=1) if len(basis.territories) > 1 else to
    stay = np.where(came >= 0, cost[rows, np.maximum(came, 0)], cost[rows, second])
    return np.round((stay - cost[rows, to]) / max(basis.objective, 1e-12) * 100, 4), second


def _basis(plan: _Plan, names: list[str]) -> Basis:
    return Basis(tuple(names), plan.centres, plan.price, plan.start, plan.handover, plan.objective, plan.lower_bound)


class _Reasons:
    """Says in words why a customer changes territory."""

    def __init__(self, plan: UnitPlan, names: list[str], before: pd.DataFrame | None, xy: np.ndarray) -> None:
        self._plan, self._names, self._before, self._xy = plan, names, before, xy

    def __call__(self, row: int, came: int, to: int) -> str:
        if came < 0:
            return "its territory has no rep"
        parts = [self._out(came), self._in(to)]
        words = [part for part in parts if part]
        nearer = self._km(row, came) - self._km(row, to)
        if nearer >= 0.5 or not words:
            words.append(f"{abs(nearer):.0f} km {'nearer' if nearer >= 0 else 'farther'}")
        return "; ".join(words)

    def _out(self, territory: int) -> str:
        name = self._names[territory]
        worst, value = self._worst(name)
        if value > 0:
            return f"{name} is {percent(value)} over its share of {worst}"
        return f"{name} takes from its other neighbours and passes on"

    def _in(self, territory: int) -> str:
        name = self._names[territory]
        worst, value = self._worst(name)
        return f"{name} is {percent(-value)} under its share of {worst}" if value < 0 else ""

    def _worst(self, name: str) -> tuple[str, float]:
        """The measure on which a territory is farthest from its share today, and how far."""
        if self._before is None or name not in self._before.index:
            return MEASURES[0], 0.0
        today = {measured: float(self._before.loc[name, f"deviation_{measured}"]) for measured in MEASURES}
        worst = max(MEASURES, key=lambda measured: abs(today[measured]))
        return worst, today[worst]

    def _km(self, row: int, territory: int) -> float:
        return float(np.hypot(*(self._xy[row] - self._plan.centres[territory]))) / 1000


def _within(
    work: _Work,
    share: np.ndarray,
    today: np.ndarray,
    start: np.ndarray,
    handover: float,
    max_moved: float,
    plan: _Plan,
) -> _Plan:
    """The most balanced plan found that moves at most `max_moved` of the customers.

    First moves are made dearer; when that is not enough, the tolerance is widened as far as it takes.
    """

    def moved(found: _Plan) -> float:
        return float(((found.labels != today) & (today >= 0)).mean())

    if moved(plan) <= max_moved:
        return plan
    dear = handover * DEARER
    needed = work.solve(share, start=start, handover=dear)
    if needed.status == "infeasible":
        needed = plan
    elif moved(needed) <= max_moved:
        return needed
    # Nobody needs to move to keep as wide a band as today's worst territory needs.
    narrow, wide = 1.0, max(work.excess(share, today), 1.0) * 1.01
    kept = None
    for _ in range(PROBES):
        middle = wide if kept is None else float(np.sqrt(narrow * wide))
        trial = work.solve(share, start=start, handover=dear, wider=middle, effort=0.3)
        if moved(trial) <= max_moved:
            kept, wide = trial, middle
        elif kept is None:
            break
        else:
            narrow = middle
    if kept is None:
        problem = _too_few_moves(max_moved, moved(needed))
        return replace(needed, status="infeasible", reasons=(*needed.reasons, problem))
    best = work.solve(share, start=start, handover=dear, wider=wide)
    if moved(best) <= max_moved and best.max_deviation.max() <= kept.max_deviation.max():
        kept = best
    worst = float(kept.max_deviation.max())
    problem = Problem(
        "max_moved",
        f"with {percent(max_moved)} of the customers moving, territories deviate by up to {percent(worst)}.",
        f"Allow {_at_least(moved(needed))} to move to come nearest to the tolerance asked.",
    )
    return replace(kept, status="infeasible", reasons=(problem,))


def _too_few_moves(max_moved: float, needed: float) -> Problem:
    return Problem(
        "max_moved",
        f"no plan was found that moves only {percent(max_moved)} of the customers: a territory is in pieces, or new.",
        f"Allow {_at_least(needed)}.",
    )


def _at_least(ratio: float) -> str:
    """The ratio in percent, rounded up: who allows what is said must find it enough."""
    return f"{np.ceil(1000 * ratio - 1e-9) / 10:.1f} %"


def _band(portfolio: Portfolio, tolerance: float | Mapping[str, float] | None) -> dict[str, float]:
    """The tolerance on each measure, checked."""
    asked = portfolio.rules.tolerance if tolerance is None else tolerance
    band = dict(asked) if isinstance(asked, Mapping) else dict.fromkeys(MEASURES, float(asked))
    problems = [
        Problem("tolerance", f"{name}: {value:g} is not a ratio above 0.", "Give 0.05 for 5 %.")
        for name, value in band.items()
        if not 0 < value < 100
    ]
    problems += [
        Problem("tolerance", f"'{name}' is missing.", f"Give one for each of {', '.join(MEASURES)}.")
        for name in MEASURES
        if name not in band
    ]
    problems += [
        Problem("tolerance", f"'{name}' is not a measure.", f"The measures are {', '.join(MEASURES)}.")
        for name in band
        if name not in MEASURES
    ]
    if problems:
        raise DataError(problems)
    return band


def _need_customers(portfolio: Portfolio) -> None:
    if portfolio.customers.empty:
        raise DataError([Problem("customers", "no customer has a usable place.", "Give coordinates.")])


def _staffed(portfolio: Portfolio) -> list[str]:
    """The territories to fill: those with a rep, or all of today's when no rep has one."""
    staffed = set(portfolio.reps["territory"].dropna())
    return [name for name in portfolio.territories if not staffed or name in staffed]


def _with_newcomers(work: _Work, names: list[str], share: np.ndarray, start: np.ndarray) -> np.ndarray:
    """`start`, where a rep who has no customers yet begins with those nearest to home, up to the rep's share.

    From a single customer a territory amid others hardly grows; and a territory that is founded has to lie somewhere.
    """
    portfolio, start = work.portfolio, start.copy()
    homes = portfolio.reps[~(portfolio.reps.geometry.isna() | portfolio.reps.geometry.is_empty)]
    homes = homes.drop_duplicates("territory").set_index("territory").geometry
    ids = portfolio.customers.index.to_numpy(str)
    free = ~(portfolio.customers["locked"].to_numpy() & (start >= 0))
    for territory in [k for k in range(len(names)) if names[k] in homes.index and not (start == k).any()]:
        home = homes[names[territory]]
        away = np.hypot(*(portfolio.xy - (home.x, home.y)).T)
        left = np.bincount(start[start >= 0], minlength=len(names))
        room = share[territory]
        for row in np.lexsort((ids, away)):
            is_last = start[row] >= 0 and left[start[row]] == 1
            if not free[row] or is_last:
                continue
            # Not to the last digit of a sum, which the order of the rows may change.
            if work.mass[row] > room + 1e-9:
                break
            left[start[row]] -= start[row] >= 0
            start[row], free[row], room = territory, False, room - work.mass[row]
    return start


def _centres(xy: np.ndarray, mass: np.ndarray, label: np.ndarray, count: int) -> np.ndarray:
    weight = np.maximum(np.bincount(label, mass, count), 1e-300)
    return np.column_stack([np.bincount(label, mass * axis, count) / weight for axis in xy.T])


def _names_for(plan: UnitPlan, portfolio: Portfolio, mass: np.ndarray, share: np.ndarray) -> list[str]:
    """A name for each label: today's territory that it shares most with; new names where there are more labels.

    Labels mean nothing from run to run: unmatched, nearly every customer would count as moved. Names of reps without
    customers go to where the reps live. A name is given only where its rep's share was planned.
    """
    today, count = portfolio.alignment, len(share)
    names, is_same_share = portfolio.territories, True
    if len(names) == count:
        is_same_share = np.isclose(share[:, None], portfolio.shares(names).to_numpy()[None])
    else:
        names = [name for name in names if (today == name).any()]
    shared = np.zeros((count, len(names)))
    for column, name in enumerate(names):
        shared[:, column] = np.bincount(plan.labels, mass * (today == name).to_numpy(), count)
    fit = shared - 1e-6 * _home_distance(plan, portfolio, names)
    label, column = linear_sum_assignment(np.where(is_same_share, -fit, count))
    given = dict(zip(label.tolist(), (names[c] for c in column), strict=True))
    # From west to east, so that numbers can be found on the map.
    unnamed = sorted(set(range(count)) - set(given), key=lambda k: tuple(plan.centres[k]))
    width = len(str(count))
    fresh = (name for name in (f"T{n:0{width}d}" for n in range(1, 2 * count + len(names) + 1)) if name not in names)
    given.update(zip(unnamed, fresh, strict=False))
    return [given[k] for k in range(count)]


def _home_distance(plan: UnitPlan, portfolio: Portfolio, names: list[str]) -> np.ndarray:
    """(K, names) how far each centre is from the home of each name's rep, the farthest 1; 0 where none is known."""
    homes = portfolio.reps[~(portfolio.reps.geometry.isna() | portfolio.reps.geometry.is_empty)]
    homes = homes.drop_duplicates("territory").set_index("territory").geometry.reindex(names)
    distance = np.hypot(*(plan.centres[:, None, :] - np.column_stack([homes.x, homes.y])[None]).transpose(2, 0, 1))
    known = np.nan_to_num(distance)
    return known / max(float(known.max(initial=0.0)), 1e-12)


def _in_words(problem: Problem, portfolio: Portfolio, loads: np.ndarray) -> Problem:
    """The algorithm's problem with measures and customers by name."""
    where, what = problem.where, problem.what
    for number, name in enumerate(MEASURES):
        if f"measure {number + 1}" in where:
            where = where.replace(f"measure {number + 1}", name)
            largest = portfolio.customers.index[int(loads[:, number].argmax())]
            what = what.replace("one customer", f"customer '{largest}'")
    return replace(problem, where=where, what=what)
