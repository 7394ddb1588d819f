"""Territory and routes agree: what territories were planned to take beside what their routes take."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from territory.alignment import Progress, part_of
from territory.callplan import CallPlan, plan_calls
from territory.callplan.workdays import Days, day_of
from territory.demand import derive_demand
from territory.errors import DataError, Problem
from territory.model import Portfolio, TravelMode
from territory.rules import derive_values
from territory.travel import TravelTimes

if TYPE_CHECKING:
    import geopandas as gpd

HOME = "home"
PRIOR_VISITS = 0.1
"""Visits to a customer that weigh as much as what was thought of it before (measured on Iowa: best up to 0.25)."""


@dataclass(frozen=True, eq=False)
class Reconciliation:
    """What came out of `reconcile`.

    portfolio : the one given, with the ``travel_factor`` of each customer as the routes taught it: from now on
        `measure`, `align` and `realign` reckon with it
    rounds : one row a round and rep: ``start``, ``planned_minutes`` (visits made, and the travel planned for them with
        what was known before the round), ``routed_minutes``, ``difference`` (routed over planned, less 1),
        ``coverage`` (of the visits due), ``use_wanted`` (what all visits due would take, travel as learnt, over the
        rep's hours: above 1 not all of them can be made)
    factors : by rep, learnt over estimated driving of the last round's visits
    calls : the call plan of the last round
    is_settled : the last round's differences were within the tolerance
    """

    portfolio: Portfolio
    rounds: pd.DataFrame
    factors: pd.Series
    calls: CallPlan
    is_settled: bool

    @property
    def last(self) -> pd.DataFrame:
        """The last round of ``rounds`` with ``factor`` beside, indexed by rep_id."""
        count = self.rounds.index.get_level_values("round").max()
        return self.rounds.xs(count, level="round").assign(factor=self.factors)


def reconcile(
    portfolio: Portfolio,
    *,
    start: str | date,
    weeks: int = 4,
    seed: int = 0,
    tolerance: float = 0.05,
    rounds: int = 8,
    holidays: Days = (),
    absences: Mapping[str, Days] | None = None,
    roads: TravelTimes | None = None,
    travel: TravelMode = "line",
    effort: float = 1.0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Reconciliation:
    """Compare planned workload with routed minutes, rep by rep, and correct the travel until they agree.

    Parameters
    ----------
    portfolio : Portfolio, with an alignment and reps
    start, weeks, seed, holidays, absences, effort, workers
        As for `plan_calls`.
    tolerance : ratio, the difference that is agreement
    rounds : the most that are planned, from 2 up
    roads : where the routes' minutes come from; the portfolio's roads, or straight lines, by default
    travel : how workload counts travel, "line" or "roads"
    progress : called with the stage "calls" and the part done of all rounds, of which the last may not be needed

    Returns
    -------
    Reconciliation

    Raises
    ------
    DataError
        A number cannot be.

    Notes
    -----
    Each round plans the weeks after those of the round before, and what it finds is compared with what the rounds
    before had taught: nothing is judged on the visits that it was learnt from. A day's driving is parted among its
    stops by `driven_a_visit`. What a customer's visits have cost, and what the territory's ratio of routed to estimated
    driving would make of it, are weighed by the number of visits seen (credibility: Buehlmann 1967, ASTIN Bulletin 4).
    Visits that find no room in the days count on neither side; ``coverage`` tells how many, and ``use_wanted`` whether
    the hours could hold them.

    Territories that were balanced before are out of balance by what was learnt. Realign and reconcile again::

        found = reconcile(portfolio, start="2027-03-01")
        proposal = realign(found.portfolio, tolerance=0.05)
        found = reconcile(proposal.accept(), start="2027-03-01")
    """
    problems = []
    if not 0 < tolerance < 1:
        problems.append(Problem("tolerance", f"{tolerance!r} is not between 0 and 1.", "Give 0.05 for 5 %."))
    if not isinstance(rounds, int) or rounds < 2:
        problems.append(Problem("rounds", f"{rounds!r} is not a whole number from 2 up.", "Give 8."))
    if travel not in ("line", "roads"):
        problems.append(Problem("travel", f"'{travel}' counts no travel.", "Give 'line' or 'roads'."))
    if problems:
        raise DataError(problems)
    learnt = _Learnt(_minutes_a_visit(portfolio, travel), portfolio.customers["territory"])
    current, first = portfolio, day_of(start, "start")
    told, is_settled = [], False
    for number in range(rounds):
        calls = plan_calls(
            current,
            start=first + timedelta(days=7 * weeks * number),
            weeks=weeks,
            seed=seed,
            holidays=holidays,
            absences=absences,
            travel=roads,
            effort=effort,
            workers=workers,
            progress=progress and part_of(progress, number / rounds, (number + 1) / rounds),
        )
        expected = learnt.minutes
        learnt = learnt.after(calls, portfolio)
        told.append(_compared(calls, expected, learnt.minutes).assign(round=number + 1))
        is_settled = bool((told[-1]["difference"].abs() <= tolerance).all())
        if is_settled and number:
            break
        current = _visited(current, calls)
    bare = replace(portfolio, customers=portfolio.customers.assign(travel_factor=float("nan")))
    demand = derive_demand(bare, travel=travel)
    estimate = demand["travel"] / demand["visits_per_year"].where(demand["visits_per_year"] > 0)
    corrected = _with_factors(portfolio, learnt.minutes / estimate.where(estimate > 0))
    factors = _by_rep(calls, learnt.minutes) / _by_rep(calls, estimate)
    table = pd.concat(told).reset_index().set_index(["round", "rep_id"])
    return Reconciliation(corrected, table, factors.fillna(1.0).rename("factor"), calls, is_settled)


@dataclass(frozen=True, eq=False)
class _Learnt:
    """What is known of the driving that one visit to each customer takes.

    prior : minutes, by customer, as they were thought to be; territory : of each customer
    visits, driven : seen so far, and the minutes of driving that they took together
    """

    prior: pd.Series
    territory: pd.Series
    visits: pd.Series | float = 0.0
    driven: pd.Series | float = 0.0

    @property
    def minutes(self) -> pd.Series:
        """Of one visit to each customer.

        The territory's ratio is such that all visits together come to what was driven.
        """
        prior_weight = PRIOR_VISITS / (PRIOR_VISITS + self.visits)
        table = pd.DataFrame({"seen": self.driven * prior_weight, "thought": self.prior * self.visits * prior_weight})
        total = table.groupby(self.territory).transform("sum")
        ratio = (total["seen"] / total["thought"].where(total["thought"] > 0)).fillna(1.0)
        return (ratio * self.prior * PRIOR_VISITS + self.driven) / (PRIOR_VISITS + self.visits)

    def after(self, calls: CallPlan, portfolio: Portfolio) -> _Learnt:
        """What is known after the visits of a call plan."""
        driven = driven_a_visit(calls, portfolio).groupby(calls.visits["customer_id"])
        count, total = (table.reindex(self.prior.index).fillna(0.0) for table in (driven.size(), driven.sum()))
        return replace(self, visits=self.visits + count, driven=self.driven + total)


def _minutes_a_visit(portfolio: Portfolio, travel: TravelMode) -> pd.Series:
    """Estimated driving of one visit to each customer: as it was learnt before, else from the home of its own rep.

    `derive_demand` takes the nearest of all homes, so that workload does not change with the alignment. Here the owner
    is known.
    """
    values = derive_values(portfolio.customers, portfolio.rules)
    derived = ["potential", "tier", "visits_per_year", "minutes_per_visit"]
    customers = portfolio.customers.assign(**{name: values[name] for name in derived})
    known = replace(portfolio, customers=customers)
    yearly = derive_demand(known, travel=travel)["travel"]
    for territory, mine in customers.groupby("territory"):
        own = portfolio.reps[portfolio.reps["territory"] == territory]
        if len(own):
            alone = derive_demand(replace(known, customers=mine, reps=own), travel=travel)["travel"]
            yearly[alone.index] = alone
    if "travel_factor" in customers:
        learnt = customers["travel_factor"].notna()
        yearly[learnt] = derive_demand(known, travel=travel)["travel"][learnt]
    return (yearly / values["visits_per_year"].where(values["visits_per_year"] > 0)).fillna(0.0)


def driven_a_visit(calls: CallPlan, portfolio: Portfolio) -> pd.Series:
    """Minutes of driving that each visit has its part in, on the index of ``calls.visits``; the days' whole driving.

    A visit pays the detour to it. What is left of the day is the way there and back for all of them, which goes by how
    far each is from where the day begins and ends, times the part of the day that it takes, as workload counts it
    (separable and joint costs: Young 1994, "Cost allocation", Handbook of Game Theory 2).
    """
    legs = _legs_of(calls, portfolio)
    day = [calls.visits["rep_id"], calls.visits["day"]]
    detours = legs["detour"].groupby(day).transform("sum")
    # Where appointments send one to and fro, detours together are more than the day.
    own = legs["detour"] * (legs["whole"] / detours.where(detours > 0)).clip(upper=1.0).fillna(0.0)
    shared = legs["whole"] - own.groupby(day).transform("sum")
    weight = legs["away"] * legs["minutes"] + 1e-9
    return own + shared * weight / weight.groupby(day).transform("sum")


def _legs_of(calls: CallPlan, portfolio: Portfolio) -> pd.DataFrame:
    """Of each visit: ``detour`` (minutes), ``away`` (metres to and fro), ``minutes``, and ``whole``, its day's drive.

    A detour is the part of the legs to and from a stop that the way past it, as the crow flies, would not take.
    """
    visits = calls.visits
    day = visits.groupby(["rep_id", "day"], sort=False)
    days = calls.days.set_index(["rep_id", "day"]).loc[pd.MultiIndex.from_frame(visits[["rep_id", "day"]])]
    here = _metres(visits["customer_id"], portfolio.customers.geometry)
    begin, end = (_ends(days[which], here, day, portfolio) for which in ("begins_at", "ends_at"))
    first, last = day.cumcount().eq(0).to_numpy(), day.cumcount(ascending=False).eq(0).to_numpy()
    before = np.where(first[:, None], begin, np.roll(here, 1, axis=0))
    after = np.where(last[:, None], end, np.roll(here, -1, axis=0))
    whole = days["drive_minutes"].to_numpy()
    back = whole - day["drive_minutes"].transform("sum").to_numpy()
    onward = np.where(last, back, np.roll(visits["drive_minutes"].to_numpy(), -1))
    through, past = _apart(before, here) + _apart(here, after), _apart(before, after)
    detour = (visits["drive_minutes"] + onward) * (1 - past / np.maximum(through, 1e-9)).clip(min=0)
    away = _apart(begin, here) + _apart(here, end)
    return pd.DataFrame({"detour": detour, "away": away, "minutes": visits["minutes"], "whole": whole})


def _ends(where: pd.Series, here: np.ndarray, day: Any, portfolio: Portfolio) -> np.ndarray:
    """Where each visit's day begins, or ends: (n, 2) metres; amid its stops where nobody knows the home."""
    homes = portfolio.reps.geometry
    xy = np.where((where == HOME).to_numpy()[:, None], _metres(where.index.get_level_values(0), homes), np.nan)
    away = (where != HOME).to_numpy()
    xy[away] = _metres(where[away], portfolio.customers.geometry)
    amid = np.column_stack([pd.Series(axis, day.obj.index).groupby(day.ngroup()).transform("mean") for axis in here.T])
    return np.where(np.isfinite(xy), xy, amid)


def _metres(names: Iterable[Hashable], places: gpd.GeoSeries) -> np.ndarray:
    chosen = places.loc[list(names)]
    return np.column_stack([chosen.x, chosen.y])


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.hypot(*(one - other).T)


def _by_rep(calls: CallPlan, minutes: pd.Series, visits: pd.DataFrame | None = None) -> pd.Series:
    """The sum of each visit's minutes, by rep; of the visits planned, or of a table with a count of ``visits``."""
    table = calls.visits.assign(visits=1) if visits is None else visits
    each = minutes.reindex(table["customer_id"]).fillna(0.0).to_numpy() * table["visits"].to_numpy()
    total = pd.Series(each, index=table["rep_id"]).groupby(level=0).sum()
    return total.reindex(calls.measures.index).fillna(0.0)


def _compared(calls: CallPlan, expected: pd.Series, learnt: pd.Series) -> pd.DataFrame:
    measures = calls.measures
    planned = measures["visit_minutes"] + _by_rep(calls, expected)
    routed = measures["worked_minutes"]
    dropped = calls.dropped.dropna(subset="rep_id")
    missing = dropped.groupby("rep_id")["minutes"].sum().reindex(measures.index).fillna(0.0)
    wanted = routed + missing + _by_rep(calls, learnt, dropped)
    return pd.DataFrame(
        {
            "start": calls.start.isoformat(),
            "planned_minutes": planned.round(2),
            "routed_minutes": routed,
            "difference": (routed / planned.where(planned > 0) - 1).fillna(0.0),
            "coverage": measures["coverage"],
            "use_wanted": wanted / measures["capacity_minutes"].where(measures["capacity_minutes"] > 0),
        }
    )


def _visited(portfolio: Portfolio, calls: CallPlan) -> Portfolio:
    """The portfolio after the call plan has been carried out."""
    last = calls.visits.groupby("customer_id")["day"].max()
    visited = portfolio.customers.index.to_series().map(last)
    return replace(
        portfolio,
        customers=portfolio.customers.assign(
            last_visit=visited.fillna(portfolio.customers["last_visit"]).astype("str")
        ),
    )


def _with_factors(portfolio: Portfolio, factors: pd.Series) -> Portfolio:
    known = portfolio.customers.get("travel_factor", np.nan)
    learnt = factors.round(6).fillna(known)
    return replace(portfolio, customers=portfolio.customers.assign(travel_factor=learnt))
