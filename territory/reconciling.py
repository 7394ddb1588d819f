"""Territory and routes agree: what territories were planned to take beside what their routes take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pandas as pd

from territory.callplan import CallPlan, plan_calls
from territory.callplan.workdays import Days, day_of
from territory.demand import derive_demand
from territory.errors import DataError, Problem
from territory.model import Portfolio, TravelMode
from territory.travel import TravelTimes


@dataclass(frozen=True, eq=False)
class Reconciliation:
    """What came out of `reconcile`.

    portfolio : the one given, with ``travel_factor`` of its customers as the routes taught it: from now on `measure`,
        `align` and `realign` reckon with it
    rounds : one row a round and rep: ``start``, ``planned_minutes`` (visits made, and the travel planned for them with
        the factors known before the round), ``routed_minutes``, ``difference`` (routed over planned, less 1),
        ``factor`` (planned with), ``coverage``
    factors : by rep, routed over estimated driving, all rounds taken together
    calls : the call plan of the last round
    is_settled : the last round's differences were within the tolerance
    """

    portfolio: Portfolio
    rounds: pd.DataFrame
    factors: pd.Series
    calls: CallPlan
    is_settled: bool


def reconcile(
    portfolio: Portfolio,
    *,
    start: str | date,
    weeks: int = 4,
    seed: int = 0,
    tolerance: float = 0.05,
    rounds: int = 5,
    holidays: Days = (),
    absences: Mapping[str, Days] | None = None,
    roads: TravelTimes | None = None,
    travel: TravelMode = "line",
    effort: float = 1.0,
    workers: int | None = None,
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
    before had taught: a factor is never judged on the visits that it was fitted on. A rep's factor is the sum of
    routed driving over the sum of estimated driving (a ratio estimator) of the visits made so far. Visits that find
    no room in the days count on neither side; ``coverage`` tells how many.
    """
    problems = []
    if not 0 < tolerance < 1:
        problems.append(Problem("tolerance", f"{tolerance!r} is not between 0 and 1.", "Give 0.05 for 5 %."))
    if not isinstance(rounds, int) or rounds < 2:
        problems.append(Problem("rounds", f"{rounds!r} is not a whole number from 2 up.", "Give 5."))
    if travel not in ("line", "roads"):
        problems.append(Problem("travel", f"'{travel}' counts no travel.", "Give 'line' or 'roads'."))
    if problems:
        raise DataError(problems)
    bare = replace(portfolio, customers=portfolio.customers.assign(travel_factor=float("nan")))
    estimate = _minutes_a_visit(bare, travel)
    current, first = portfolio, day_of(start, "start")
    routed, estimated = pd.Series(dtype=float), pd.Series(dtype=float)
    told, plans, factors, is_settled = [], [], _factors_now(portfolio), False
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
        )
        plans.append(calls)
        table = _compared(calls, estimate, factors)
        told.append(table.assign(round=number + 1))
        is_settled = bool((table["difference"].abs() <= tolerance).all())
        if is_settled and number:
            break
        routed = routed.add(calls.measures["drive_minutes"], fill_value=0.0)
        estimated = estimated.add(_estimated(calls, estimate), fill_value=0.0)
        factors = (routed / estimated.where(estimated > 0)).fillna(1.0).round(6)
        current = _visited(current, calls)
    corrected = _with_factors(portfolio, factors)
    table = pd.concat(told).reset_index().set_index(["round", "rep_id"])
    return Reconciliation(corrected, table, factors.rename("factor"), plans[-1], is_settled)


def _minutes_a_visit(portfolio: Portfolio, travel: TravelMode) -> pd.Series:
    """Estimated driving of one visit to each customer, before any factor."""
    demand = derive_demand(portfolio, travel=travel)
    return demand["travel"] / demand["visits_per_year"].where(demand["visits_per_year"] > 0)


def _factors_now(portfolio: Portfolio) -> pd.Series:
    """The factor of each rep's customers as it stands, by rep."""
    by_territory = portfolio.customers.groupby("territory")["travel_factor"].mean()
    return portfolio.reps["territory"].map(by_territory).fillna(1.0).astype(float)


def _estimated(calls: CallPlan, estimate: pd.Series) -> pd.Series:
    """Estimated driving of the visits planned, by rep."""
    minutes = estimate.reindex(calls.visits["customer_id"]).fillna(0.0).to_numpy()
    by_rep = pd.Series(minutes, index=calls.visits["rep_id"]).groupby(level=0).sum()
    return by_rep.reindex(calls.measures.index).fillna(0.0)


def _compared(calls: CallPlan, estimate: pd.Series, factors: pd.Series) -> pd.DataFrame:
    measures = calls.measures
    known = factors.reindex(measures.index).fillna(1.0)
    planned = measures["visit_minutes"] + known * _estimated(calls, estimate)
    return pd.DataFrame(
        {
            "start": calls.start.isoformat(),
            "planned_minutes": planned.round(2),
            "routed_minutes": measures["worked_minutes"],
            "difference": (measures["worked_minutes"] / planned.where(planned > 0) - 1).fillna(0.0),
            "factor": known,
            "coverage": measures["coverage"],
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
    by_territory = factors.groupby(portfolio.reps["territory"].reindex(factors.index)).mean()
    learnt = portfolio.customers["territory"].map(by_territory)
    return replace(
        portfolio,
        customers=portfolio.customers.assign(travel_factor=learnt.fillna(portfolio.customers["travel_factor"])),
    )
