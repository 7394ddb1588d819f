"""One portfolio made ready for the algorithm, and a plan of the algorithm made a proposal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from numbers import Integral

import numpy as np
import pandas as pd

from territory.alignment import Limits, Progress, UnitPlan, align_units, centroids, part_of
from territory.columns import number_columns, numbers_of
from territory.errors import DataError, InfeasibleError, Problem
from territory.languages import Said, measure_zh
from territory.measures import LOADS, demand_of, ground_of
from territory.model import MEASURES, Portfolio, TravelMode
from territory.realignment.broken import torn_groups
from territory.realignment.moves import mass_of
from territory.realignment.ways import far_apart, middles, road_metres
from territory.realignment.wishes import group_codes

ROUNDS = 2
"""How often free centres are found anew by road, from the second on."""
LIMITS = {
    "customers": ("min_customers", "max_customers"),
    "workload": ("", "max_capacity_use"),
}
"""The rules that limit a measure from below and from above."""


@dataclass(frozen=True)
class Plan(UnitPlan):
    """A plan with today's label of each customer, (n,), and what leaving it costs, (n,) square metres x mass.

    is_by_road: its distances are by road, not as the crow flies.
    """

    start: np.ndarray
    handover: np.ndarray
    is_by_road: bool


@dataclass(frozen=True, eq=False)
class Work:
    """One portfolio, ready for the algorithm; `rows` (n,) bool are the customers whose territory is to be found."""

    portfolio: Portfolio
    band: Mapping[str, float]
    travel: TravelMode
    seed: int
    progress: Progress | None
    effort: float = 1.0
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, bool))

    def __post_init__(self) -> None:
        """DataError for a seed or an effort that cannot be."""
        problems = []
        if not isinstance(self.seed, Integral) or self.seed < 0:
            zh = f"随机种子（seed）：{self.seed!r} 不是不小于 0 的整数。请填写 0。"
            problems.append(Problem("seed", f"{self.seed!r} is no whole number from 0 up.", "Give 0.", zh))
        if not 0 < self.effort < np.inf:
            zh = f"计算量（effort）：{self.effort!r} 不是大于 0 的数。请填写 1。"
            problems.append(Problem("effort", f"{self.effort!r} is no number above 0.", "Give 1.", zh))
        if problems:
            raise DataError(problems)

    @cached_property
    def demand(self) -> pd.DataFrame:
        return demand_of(self.portfolio, self.travel)

    @cached_property
    def loads(self) -> np.ndarray:
        """(n, q) potential, workload and whatever else has a tolerance, of each customer."""
        return loads_of(self.portfolio, list(self.band), self.demand)

    @cached_property
    def weights(self) -> np.ndarray:
        """(q,) what each measure counts in a customer's mass; measures beyond potential and workload count nothing."""
        given = {**dict.fromkeys(MEASURES, 1.0), **self.portfolio.rules.weights}
        weights = np.array([given.get(name, 0.0) for name in self.band])
        if not weights.any():
            zh = "权重：所有指标的权重均为 0。请至少给一个大于 0 的权重。"
            fix = "Give one at least a weight above 0."
            raise DataError([Problem("rules, weights", "every measure weighs 0.", fix, zh)])
        return weights

    @cached_property
    def mass(self) -> np.ndarray:
        """(n,) each customer's weighted mean share of the measures."""
        return mass_of(self.loads, self.weights)

    @cached_property
    def order(self) -> np.ndarray:
        """(m,) the customers whose territory is to be found, by id: the order of the rows in a file changes nothing."""
        order = np.argsort(self.portfolio.customers.index.to_numpy(str), kind="stable")
        return order[self.rows[order]] if len(self.rows) else order

    @cached_property
    def pairs(self) -> np.ndarray | None:
        """(e, 2) who borders whom among `order`, where not places alone tell."""
        if self.portfolio.land.is_plain and (not len(self.rows) or self.rows.all()):
            return None
        pairs = ground_of(self.portfolio).graph.row_pairs()
        place = np.full(len(self.portfolio.customers), -1)
        place[self.order] = np.arange(len(self.order))
        found = place[pairs]
        return found[(found >= 0).all(axis=1)]

    def solve(
        self,
        share: np.ndarray,
        *,
        start: np.ndarray | None = None,
        handover: float = 0.0,
        limits: Limits | None = None,
        centres: np.ndarray | None = None,
        begin: np.ndarray | None = None,
        effort: float = 1.0,
    ) -> Plan:
        """The algorithm's plan for all customers; those who are not in `rows` keep their `start`.

        By road, centres that are free are found in turns with the plan (location and allocation, Cooper 1964): they are
        held still where the ways of a plan's customers are short, and found anew for the plan that comes of it.
        """
        solved = partial(self._solved, share, start=start, handover=handover, limits=limits, effort=effort)
        if not self.is_by_road or (centres is not None and not np.isnan(centres).any()):
            return solved(centres=centres, begin=begin, is_by_road=self.is_by_road)
        tell, turns = self.progress or (lambda stage, part: None), ROUNDS + 2

        def by_road(places: np.ndarray, turn: int) -> Plan:
            still = places if centres is None else np.where(np.isnan(centres), places, centres)
            telling = part_of(tell, turn / turns, (turn + 1) / turns)
            return solved(centres=still, begin=begin, is_by_road=True, progress=telling)

        first = solved(centres=centres, begin=begin, progress=part_of(tell, 0.0, 1 / turns))
        plans = [by_road(self._middles(first.labels, len(share)), 1), by_road(self._far_apart(share, start), 2)]
        best = min(plans, key=_merit)
        for turn in range(3, turns):
            best = min(best, by_road(self._middles(best.labels, len(share)), turn), key=_merit)
        return best

    def _middles(self, labels: np.ndarray, count: int) -> np.ndarray:
        """(K, 2) metres, where the ways of each territory's customers are short."""
        return middles(self.portfolio, self.order, self.mass, labels[self.order], count)

    def _far_apart(self, share: np.ndarray, start: np.ndarray | None) -> np.ndarray:
        """(K, 2) metres, other centres to begin with: those of today, or, without any, places far from each other."""
        if start is None or len(np.unique(start[self.order])) < len(share):
            return far_apart(self.portfolio, self.order, self.mass, len(share))
        return self._middles(start, len(share))

    @property
    def is_by_road(self) -> bool:
        """Whether distances are to be by road."""
        return self.travel == "roads" and self.portfolio.roads is not None

    def _solved(
        self,
        share: np.ndarray,
        *,
        start: np.ndarray | None,
        handover: float,
        limits: Limits | None,
        centres: np.ndarray | None,
        begin: np.ndarray | None,
        effort: float,
        is_by_road: bool = False,
        progress: Progress | None = None,
    ) -> Plan:
        """The plan with distances of one kind; by road only with centres that all hold still."""
        order = self.order
        owner = None if start is None else start[order]
        locked = self.portfolio.customers["locked"].to_numpy()[order]
        compactness = self.portfolio.rules.compactness
        price = np.zeros(len(order)) if owner is None else self._handover(owner, handover / compactness)
        try:
            plan = align_units(
                self.portfolio.xy[order],
                self.loads[order],
                share,
                np.array(list(self.band.values())),
                self.pairs,
                self.seed,
                start=owner,
                handover=price,
                locked=None if owner is None else locked & (owner >= 0),
                centres=centres,
                travel=road_metres(self.portfolio, centres)[order] if is_by_road and centres is not None else None,
                weights=self.weights,
                ideal=self._ideal(len(share)),
                limits=self._at(limits or Limits()),
                smooth=compactness,
                begin=None if begin is None else begin[order],
                effort=self.effort * effort,
                progress=progress or self.progress,
            )
        except InfeasibleError as error:
            raise InfeasibleError([self.in_words(problem) for problem in error.problems]) from error
        labels = np.full(len(self.mass), -1) if start is None else start.copy()
        labels[order] = plan.labels
        prices = np.zeros(len(self.mass))
        prices[order] = price
        today = np.full(len(self.mass), -1) if start is None else start
        return Plan(**{**vars(plan), "labels": labels}, start=today, handover=prices, is_by_road=is_by_road)

    def _at(self, limits: Limits) -> Limits:
        """The limits of the customers in `order`."""
        groups, allowed = limits.groups, limits.allowed
        return replace(
            limits,
            groups=None if groups is None else groups[self.order],
            allowed=None if allowed is None else allowed[self.order],
        )

    def _ideal(self, count: int) -> np.ndarray | None:
        """(q,) square metres that a territory costs which deviates by its whole share, from the rules' fairness."""
        fairness = self.portfolio.rules.fairness
        if not fairness:
            return None
        xy, mass = self.portfolio.xy[self.order], self.mass[self.order]
        middle = np.average(xy, axis=0, weights=mass)
        # The mean squared distance of a country of equal round territories, of which there are so many.
        spread = np.average(((xy - middle) ** 2).sum(axis=1), weights=mass) / count
        return np.full(len(self.band), fairness / self.portfolio.rules.compactness * spread)

    def _handover(self, start: np.ndarray, price: float) -> np.ndarray:
        """(m,) what moving each customer costs, square metres x mass; close relations and open deals cost more."""
        owned = start >= 0
        order, customers = self.order, self.portfolio.customers
        xy, mass = self.portfolio.xy[order], mass_of(self.loads[order], self.weights)
        centre = centroids(xy[owned], mass[owned], start[owned], int(start.max()) + 1)
        spread = float((mass[owned] * ((xy[owned] - centre[start[owned]]) ** 2).sum(axis=1)).sum())
        relation = customers["relation"].fillna(0.5).to_numpy()[order]
        potential = np.maximum(self.demand["potential"].to_numpy()[order], 1e-9)
        deals = np.clip(customers["open_deals"].fillna(0.0).to_numpy()[order] / potential, 0.0, 1.0)
        return price * spread / mass[owned].sum() * mass * (0.5 + relation + deals)

    def in_words(self, problem: Problem) -> Problem:
        """The algorithm's problem with measures, limits and customers by name."""
        where, what, fix, zh = problem.where, problem.what, problem.fix, problem.zh
        for number, name in enumerate([*self.band, "customers"], start=1):
            least, most = LIMITS.get(name, ("", ""))
            what = what.replace(f"the least allowed on measure {number}", least)
            what = what.replace(f"the most allowed on measure {number}", most)
            what = what.replace(f"tolerance on measure {number}", f"tolerance on {name}")
            zh = zh.replace(f"指标 {number}", measure_zh(name))
            if f"measure {number}" in where:
                where = where.replace(f"measure {number}", name)
                if "one customer" in what:
                    en, told = self._heaviest(number - 1)
                    kind, _, _ = en.partition(" ")
                    what, fix = what.replace("one customer", en), fix.replace("that customer", f"that {kind}")
                    zh = zh.replace("单个客户", told).replace("该客户", "该客户" if kind == "customer" else "该分组")
        return Problem(where, what, fix, zh)

    def _heaviest(self, measure: int) -> Said:
        """The customer, or the group of them, that holds most of a measure."""
        customers, loads = self.portfolio.customers, self.loads[self.order, measure]
        row = self.order[loads.argmax()]
        groups = group_codes(self.portfolio)
        if groups is not None:
            held = np.bincount(groups[self.order] + 1, loads)[1:]
            if held.max(initial=0.0) > loads.max():
                name = customers["group"].iloc[int(np.flatnonzero(groups == held.argmax())[0])]
                return Said(f"group '{name}'", f"分组“{name}”")
        return Said(f"customer '{customers.index[row]}'", f"客户“{customers.index[row]}”一家")


def _merit(plan: Plan) -> tuple[bool, float]:
    """The less of it, the better a plan by road is."""
    return plan.status == "infeasible", plan.objective


def loads_of(portfolio: Portfolio, measures: list[str], demand: pd.DataFrame) -> np.ndarray:
    """(n, q) potential, workload, or the number column of that name, of each customer.

    Raises
    ------
    DataError
        A measure is no number column, or has values that are missing or below 0: every one is told.
    """
    columns, problems = [], []
    for name in measures:
        is_derived = LOADS.get(name, name) in demand
        values = demand[LOADS.get(name, name)] if is_derived else numbers_of(portfolio.customers, name)
        if values is None:
            others = [other for other in number_columns(portfolio.customers) if other not in MEASURES]
            fix = f"Balance on {', '.join([*MEASURES, *others])}."
            problems.append(Problem("tolerance", f"'{name}' is not a measure or a number column.", fix))
            continue
        wrong = portfolio.customers.index[(~(values >= 0)).to_numpy()]
        if len(wrong):
            what = f"{len(wrong):,} customers have no value from 0 up, '{wrong[0]}' first."
            problems.append(Problem(f"customers, column '{name}'", what, "Give every customer one."))
        columns.append(values.to_numpy(float))
    if problems:
        raise DataError(problems)
    return np.column_stack(columns)


def extra_loads(measures: list[str], loads: np.ndarray) -> dict[str, np.ndarray]:
    """The loads (n,) of the measures beyond potential and workload, by name."""
    return {name: loads[:, at] for at, name in enumerate(measures) if name not in MEASURES}


def band_of(portfolio: Portfolio, tolerance: float | Mapping[str, float] | None) -> dict[str, float]:
    """The tolerance on each measure, checked; potential and workload first."""
    asked = portfolio.rules.tolerance if tolerance is None else tolerance
    given = dict(asked) if isinstance(asked, Mapping) else dict.fromkeys(MEASURES, float(asked))
    problems = [
        Problem("tolerance", f"{name}: {value:g} is not a ratio above 0.", "Give 0.05 for 5 %.")
        for name, value in given.items()
        if not 0 < value < 100
    ]
    problems += [
        Problem("tolerance", f"'{name}' is missing.", f"Give one for each of {', '.join(MEASURES)}.")
        for name in MEASURES
        if name not in given
    ]
    if problems:
        raise DataError(problems)
    return {**{name: given[name] for name in MEASURES}, **given}


def need_customers(portfolio: Portfolio) -> None:
    """Raise DataError where there is nobody to plan for, or where groups are locked apart."""
    if portfolio.customers.empty:
        zh = "客户：没有客户有可用的位置。请提供坐标。"
        raise DataError([Problem("customers", "no customer has a usable place.", "Give coordinates.", zh)])
    torn = torn_groups(portfolio)
    if torn:
        raise DataError(torn)
