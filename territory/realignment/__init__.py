"""Plans for people: from a portfolio to a proposal whose moves have names, reasons and prices."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd

from territory.alignment import Limits, Progress, centroids
from territory.errors import DataError, InfeasibleError, Problem
from territory.model import Portfolio, Proposal, TravelMode, percent, percent_up
from territory.realignment.broken import broken_limits, in_pieces, torn_groups
from territory.realignment.explaining import explain_moves
from territory.realignment.moves import BY_HAND, mass_of, price_moves, shares_of
from territory.realignment.names import names_for, staffed, with_newcomers
from territory.realignment.offering import offer
from territory.realignment.ways import road_metres, squared_metres
from territory.realignment.wishes import Centres, Part, allowed_by_skills, centres_of, known, limits_of
from territory.realignment.work import Plan, Work, band_of, extra_loads, loads_of, need_customers

__all__ = [
    "BY_HAND",
    "HANDOVER",
    "align",
    "allowed_by_skills",
    "broken_limits",
    "explain_moves",
    "extra_loads",
    "in_pieces",
    "loads_of",
    "mass_of",
    "price_moves",
    "realign",
    "shares_of",
    "squared_metres",
    "torn_groups",
]

log = logging.getLogger(__name__)

HANDOVER = 5.0
"""What moving a customer costs: as much as serving it that many mean squared distances farther away."""
DEARER = 25.0
"""When few may move: how much dearer a move becomes."""
HALVINGS = 4
"""When few may move: how often the tolerance that they can reach is narrowed down."""


def align(
    portfolio: Portfolio,
    *,
    territories: int,
    tolerance: float | Mapping[str, float] | None = None,
    seed: int = 0,
    travel: TravelMode = "line",
    effort: float = 1.0,
    progress: Progress | None = None,
) -> Proposal:
    """Cut territories from scratch: balanced on potential and workload, in one piece, compact.

    Territories are named after today's by what they share (an assignment problem), so that few customers seem to move.
    Groups stay together, and the rules' limits hold; skills are a rep's, and so `realign` looks at them.

    Parameters
    ----------
    portfolio : Portfolio
    territories : int, how many, of equal shares; the reps' shares count when there are as many reps' territories
    tolerance : ratio, or {"potential": ratio, "workload": ratio, any other number column: ratio}; the rules' by default
    seed : int
    travel : what workload counts beside visits x minutes; with "roads" the distance to the centres is by road, too
    effort : multiplies the steps of the search
    progress : called with the stage and the part done

    Raises
    ------
    InfeasibleError
        Fewer customers than territories, or a measure is zero everywhere.
    DataError
        Nobody has a place, or a tolerance, a measure or a group cannot be.
    """
    band = band_of(portfolio, tolerance)
    if territories < 1:
        raise InfeasibleError(
            [
                Problem(
                    "territories",
                    f"{territories} territories cannot be cut.",
                    "Ask for 1 or more.",
                    f"区域：无法划分为 {territories} 个区域。请至少划分 1 个。",
                )
            ]
        )
    need_customers(portfolio)
    work = Work(portfolio, band, travel, seed, progress, effort)
    names = portfolio.territories
    share = portfolio.shares(names).to_numpy() if len(names) == territories else np.full(territories, 1 / territories)
    nobody = np.full(len(portfolio.customers), -1)
    places = names if len(names) == territories else [str(number) for number in range(territories)]
    limits = replace(limits_of(portfolio, places, nobody, list(band), travel), allowed=None)
    plan = work.solve(share, limits=limits)
    return offer(work, plan, names_for(plan, portfolio, work.mass, share), share, limits)


def realign(
    portfolio: Portfolio,
    *,
    tolerance: float | Mapping[str, float] | None = None,
    max_moved: float | None = None,
    max_given: Part | None = None,
    max_taken: Part | None = None,
    focus: Iterable[str] | None = None,
    keep: Iterable[str] = (),
    centres: Centres | None = None,
    in_pieces: Iterable[str] = (),
    begin: pd.Series | None = None,
    seed: int = 0,
    travel: TravelMode = "line",
    handover: float = HANDOVER,
    effort: float = 1.0,
    progress: Progress | None = None,
) -> Proposal:
    """Bring every territory back into its band on potential and workload, moving few customers.

    A territory without a rep is shared out among the others; when there are no reps at all, every territory stays.
    The territory of a rep who has no customers yet is founded around the rep's home. Locked customers stay, unless
    their territory has no rep; groups stay together, customers go only to reps who have the skills they need, and the
    rules' limits hold.

    Parameters
    ----------
    portfolio : Portfolio, with today's alignment
    tolerance : ratio, or {"potential": ratio, "workload": ratio, any other number column: ratio}; the rules' by default
    max_moved : ratio of customers that may change territory; the balance then is the best within that
    max_given, max_taken : ratio of a territory's customers that may leave it, or that may come to it; one for all, or
        by territory. Those of a territory without a rep have to go, and do not count; one without customers may take
        any number.
    focus : territories to redraw among themselves, with the customers of vacant ones; all others stay as they are
    keep : territories that stay as they are
    centres : "homes", or {territory: (longitude, latitude) or customer_id}: centres that hold still, so that
        territories lie around them; by default a territory's centre is where its customers are
    in_pieces : territories that may be in several pieces
    begin : Series, customer_id -> territory, a plan that is near what is asked, where the search begins; by default
        today's alignment
    seed : int
    travel : what workload counts beside visits x minutes; with "roads" the distance to the centres is by road, too
    handover : price of a move, in mean squared distances to the centre; more means fewer moves and longer ways
    effort : multiplies the steps of the search; 0.3 is enough to compare many portfolios
    progress : called with the stage and the part done

    Raises
    ------
    DataError
        No customer has a territory today; a tolerance, a measure, a group, a place, a price or a part cannot be; what
        is to be redrawn has no customers.
    NotFoundError
        A territory or a customer that is named does not exist.
    InfeasibleError
        Fewer customers than territories, or a measure is zero everywhere.
    """
    _refuse_below_nothing(handover=handover, max_moved=max_moved, max_given=max_given, max_taken=max_taken)
    band = band_of(portfolio, tolerance)
    need_customers(portfolio)
    names = staffed(portfolio)
    today = pd.Index(names).get_indexer(portfolio.alignment.to_numpy())
    if (today < 0).all():
        raise DataError(
            [
                Problem(
                    "customers, column 'territory'",
                    "no customer has a territory today.",
                    "Use align instead.",
                    "客户：目前没有客户属于任何区域。请改为重新划分（填写区域数）。",
                )
            ]
        )
    redrawn = _redrawn(names, focus, keep)
    share = portfolio.shares(names).to_numpy()
    if not redrawn:
        zh = "保持不变：所有可调整的区域都保持不变。请至少留一个区域可以调整。"
        every = "every territory" if focus is None else "every territory in focus"
        raise DataError([Problem("keep", f"{every} is kept as it is.", "Leave at least one to redraw.", zh)])
    rows = (today < 0) | np.isin(today, redrawn)
    if not rows.any():
        lone = ", ".join(names[at] for at in redrawn)
        zh = f"调整范围：可调整的区域 {lone} 没有客户。请让拥有客户的区域也参与调整。"
        what = f"there are no customers in what is to be redrawn: {lone}."
        raise DataError([Problem("focus", what, "Redraw a territory with customers, too.", zh)])
    work = Work(portfolio, band, travel, seed, progress, effort, rows)
    limits = limits_of(
        portfolio, names, today, list(band), travel, max_given=max_given, max_taken=max_taken, in_pieces=in_pieces
    )
    start = with_newcomers(portfolio, work.mass, names, share, today, rows, most_given=limits.most_given)
    # Where moves are counted, those that a territory is founded with count, too; otherwise they come free.
    is_counted = any(each is not None for each in (max_moved, max_given, max_taken))
    origin = today if is_counted else start
    asked = _Asked(
        work, names, share, today, origin, np.array(redrawn), handover, centres_of(portfolio, centres, names)
    )
    if is_counted and (start != today).any():
        asked.begin_with(start)
    if begin is not None:
        asked.begin_with(pd.Index(names).get_indexer(begin.reindex(portfolio.customers.index)))
    plan = asked.solve(limits)
    if max_moved is not None:
        plan = asked.within(max_moved, limits, plan)
    return offer(work, asked.with_broken_caps(plan, limits), names, share, limits)


def _refuse_below_nothing(**asked: Part | None) -> None:
    """DataError for what is no number from 0 up."""
    problems = []
    for name, given in asked.items():
        values = given.values() if isinstance(given, Mapping) else [] if given is None else [given]
        wrong = [value for value in values if not value >= 0]
        if wrong:
            zh = f"{name}：{wrong[0]:g} 不是不小于 0 的数。请提供不小于 0 的数。"
            problems.append(Problem(name, f"{wrong[0]:g} is no number from 0 up.", "Give 0 or more; 0.1 is 10 %.", zh))
    if problems:
        raise DataError(problems)


def _redrawn(names: list[str], focus: Iterable[str] | None, keep: Iterable[str]) -> list[int]:
    """Places among `names` of the territories to redraw."""
    wanted = names if focus is None else known(focus, names)
    kept = set(known(keep, names))
    return [at for at, name in enumerate(names) if name in wanted and name not in kept]


class _Asked:
    """A realignment of some territories, the others being left alone."""

    def __init__(
        self,
        work: Work,
        names: list[str],
        share: np.ndarray,
        today: np.ndarray,
        start: np.ndarray,
        redrawn: np.ndarray,
        handover: float,
        centres: np.ndarray | None,
    ) -> None:
        self._work, self._names, self._share, self._today, self._start = work, names, share, today, start
        self._redrawn, self._handover, self._centres = redrawn, handover, centres
        self._begin: np.ndarray | None = None

    def begin_with(self, labels: np.ndarray) -> None:
        """Let the search begin with these labels, (n,) int; where there is none, -1, with today's."""
        self._begin = np.where(labels >= 0, labels, self._start)

    def solve(self, limits: Limits, *, dearer: float = 1.0) -> Plan:
        """A plan for the territories that are redrawn, told for all of them."""
        part = self._redrawn
        if len(part) == len(self._names):
            plan = self._work.solve(
                self._share,
                start=self._start,
                handover=self._handover * dearer,
                limits=limits,
                centres=self._centres,
                begin=self._begin,
            )
            if plan.is_by_road:  # where ways are short is looked for once
                self._centres = plan.centres
            return plan
        number = np.full(len(self._names) + 1, -1)
        number[part] = np.arange(len(part))
        plan = self._work.solve(
            self._share[part],
            start=number[self._start],
            handover=self._handover * dearer,
            limits=_of_territories(limits, part),
            centres=None if self._centres is None else self._centres[part],
            begin=self._begin_in(number),
        )
        return self._told_for_all(plan)

    def _begin_in(self, number: np.ndarray) -> np.ndarray | None:
        """Labels (n,) int of the plan to begin with, by (K + 1,) int the number of each territory in a part, or -1."""
        if self._begin is None:
            return None
        wanted = number[self._begin]
        return np.where(wanted >= 0, wanted, number[self._start])

    def _left_alone(self, labels: np.ndarray) -> list[Problem]:
        """Territories outside their bands because they, or others, stay as they are; labels (n,) int."""
        off = (np.abs(self._deviation(labels)) > 1 + 1e-9).any(axis=1)
        if not off.any():
            return []
        names = [name for name, is_off in zip(self._names, off, strict=True) if is_off]
        what = f"with territories left as they are, outside the tolerance: {', '.join(names)}."
        zh = f"保持不变：由于部分区域保持不变，以下区域超出容差：{'、'.join(names)}。"
        if not off[self._redrawn].any():
            what += " The others are balanced among themselves."
            zh += "其余区域之间已相互平衡。"
        return [Problem("keep", what, "Redraw more territories.", f"{zh}请调整更多区域。")]

    def _told_for_all(self, plan: Plan) -> Plan:
        """The plan of a part of the map with everything else as it is today."""
        work, part, count = self._work, self._redrawn, len(self._names)
        labels = np.where(plan.labels >= 0, part[plan.labels], self._start)
        mass, xy = work.mass, work.portfolio.xy
        centres = centroids(xy, mass, labels, count)
        centres[part] = plan.centres
        price = np.zeros((count, plan.price.shape[1]))
        price[part] = plan.price
        away = ((xy - centres[labels]) ** 2).sum(axis=1)
        if plan.is_by_road:
            away = road_metres(work.portfolio, centres)[np.arange(len(labels)), labels] ** 2
        rest = float((mass * away)[~work.rows].sum())
        inside = float(mass[work.rows].sum())
        objective, bound = plan.objective * inside + rest, plan.lower_bound * inside + rest
        left_alone = self._left_alone(labels)
        return replace(
            plan,
            labels=labels,
            centres=centres,
            price=price * inside,
            objective=objective,
            lower_bound=bound,
            gap=(objective - bound) / bound if bound > 0 else plan.gap,
            start=self._start,
            handover=plan.handover * inside,
            reasons=(*plan.reasons, *left_alone),
            status="infeasible" if left_alone else plan.status,
        )

    def moved(self, plan: Plan) -> float:
        """The part of all customers that changes territory."""
        return float(((plan.labels != self._today) & (self._today >= 0)).mean())

    def with_broken_caps(self, plan: Plan, limits: Limits) -> Plan:
        """The plan, which says where more leave a territory or come to it than may."""
        changed, count = (plan.labels != self._today) & (self._today >= 0), len(self._names)
        problems = []
        for where, most, owner, en, zh in (
            ("max_given", limits.most_given, self._today, "out of", "离开"),
            ("max_taken", limits.most_taken, plan.labels, "into", "进入"),
        ):
            if most is None:
                continue
            made = np.bincount(owner[changed], minlength=count)
            for at in np.flatnonzero(made > most):
                name, many, few = self._names[at], int(made[at]), int(most[at])
                what = f"moves {en} {name} in the best plan found: {many}; allowed: {few}."
                told = f"{name}：找到的最佳方案中有 {many} 个客户{zh}，上限为 {few} 个。"
                problems.append(Problem(where, what, f"Allow {many}.", f"{told}请允许 {many} 个。"))
        return replace(plan, status="infeasible", reasons=(*plan.reasons, *problems)) if problems else plan

    def within(self, max_moved: float, limits: Limits, plan: Plan) -> Plan:
        """The most balanced plan found that moves at most `max_moved` of the customers.

        First moves are made dearer; when that is not enough, no more than that many are made.
        """
        if self.moved(plan) <= max_moved:
            return plan
        needed = self.solve(limits, dearer=DEARER)
        if needed.status == "infeasible":
            needed = plan
        elif self.moved(needed) <= max_moved:
            return needed
        few = replace(limits, most_moved=int(np.floor(max_moved * len(self._today) + 1e-9)))
        kept = self.solve(few, dearer=DEARER)
        if self.moved(kept) > max_moved:
            what = f"no plan was found that moves only {percent(max_moved)} of the customers: "
            what += "a territory is in pieces, or new."
            most = percent_up(self.moved(kept))
            zh = f"变动上限：未找到只变动 {percent(max_moved)} 客户的方案：有区域不连片或是新建的。请允许变动 {most}。"
            problem = Problem("max_moved", what, f"Allow {most}.", zh)
            return replace(kept, status="infeasible", reasons=(*kept.reasons, problem))
        if kept.status != "infeasible":
            return kept
        kept = self._tightest(few, kept, max_moved)
        worst, most = percent(float(np.abs(kept.deviation).max())), percent_up(self.moved(needed))
        zh = f"变动上限：只变动 {percent(max_moved)} 的客户时，找到的最佳方案中区域偏差最大为 {worst}。"
        problem = Problem(
            "max_moved",
            f"with {percent(max_moved)} of the customers moving, territories deviate by up to {worst} "
            "in the best plan found.",
            f"Allow {most} to move to come nearest to the tolerance asked.",
            f"{zh}若要最接近所要求的容差，请允许变动 {most}。",
        )
        others = [reason for reason in kept.reasons if "tolerance on" not in reason.where + reason.what]
        return replace(kept, status="infeasible", reasons=(problem, *others))

    def _tightest(self, limits: Limits, plan: Plan, max_moved: float) -> Plan:
        """Of plans within these limits, the one with the smallest of largest deviations: by halving the tolerance.

        Outside the bands a search lessens what all loads are outside in sum, and so the largest may grow.
        """
        lowest, highest, best = 1.0, self._worst(plan.labels), plan
        if self._worst(self._start) < highest:
            still = self.solve(replace(limits, most_moved=0), dearer=DEARER)
            if self.moved(still) <= max_moved:
                best, highest = still, self._worst(still.labels)
        for _ in range(HALVINGS):
            factor = float(np.sqrt(lowest * highest))
            asked = copy(self)
            asked._work = replace(self._work, band={name: factor * at for name, at in self._work.band.items()})
            tried = asked.solve(limits, dearer=DEARER)
            reached = self._worst(tried.labels)
            if reached < highest and self.moved(tried) <= max_moved:
                highest, best = reached, tried
            else:
                lowest = factor
        return best

    def _worst(self, labels: np.ndarray) -> float:
        """The largest deviation of these labels, (n,) int, in tolerances."""
        return float(np.abs(self._deviation(labels)).max())

    def _deviation(self, labels: np.ndarray) -> np.ndarray:
        """(K, q) load over share, less 1, of labels (n,) int, in tolerances."""
        has = labels >= 0
        loads = np.column_stack([np.bincount(labels[has], load[has], len(self._share)) for load in self._work.loads.T])
        fair = self._share[:, None] / self._share.sum() * loads.sum(axis=0)
        return (loads / fair - 1.0) / np.array(list(self._work.band.values()))


def _of_territories(limits: Limits, part: np.ndarray) -> Limits:
    """The limits of some of the territories, (k,) int."""
    by_territory = ("loose", "least", "most", "least_rows", "most_rows", "most_given", "most_taken")
    some = {name: values[part] for name in by_territory if (values := getattr(limits, name)) is not None}
    allowed = None if limits.allowed is None else limits.allowed[:, part]
    return replace(limits, allowed=allowed, **some)
