"""`plan_calls`: every rep's weeks, several at once, as one plan."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from territory.alignment import Progress
from territory.callplan import telling
from territory.callplan.asking import Appointments, Ask, RepAsk, appointments_of, owners, rep_ask
from territory.callplan.plan import CallPlan, EarlierCalls
from territory.callplan.reasons import Reason
from territory.callplan.solving import RepPlan, RepTask, solve_rep
from territory.callplan.workdays import Days, absences_of, calendar_faults, day_of, days_of
from territory.changes import need_rep
from territory.errors import DataError, Problem
from territory.languages import Said
from territory.model import Portfolio, natural_key
from territory.rules import derive_values
from territory.travel import LineTravel, TravelTimes

log = logging.getLogger(__name__)

WORTH_A_PROCESS = 4
"""Reps a process from which on it pays for its start, which takes as long as the weeks of one rep."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Processes fill the processors; threads of numerical libraries would only be in each other's way."""


def plan_calls(
    portfolio: Portfolio,
    *,
    start: str | date,
    weeks: int = 4,
    seed: int = 0,
    reps: str | Sequence[str] | None = None,
    holidays: Days = (),
    absences: Mapping[str, Days] | None = None,
    fixed: Appointments = None,
    previous: CallPlan | EarlierCalls | None = None,
    travel: TravelTimes | None = None,
    effort: float = 1.0,
    workers: int | None = None,
    pool: Executor | None = None,
    progress: Progress | None = None,
) -> CallPlan:
    """Which customer is visited on which day, for every rep.

    Parameters
    ----------
    portfolio : Portfolio
        Of customers count ``visits_per_year``, ``minutes_per_visit`` (derived where missing), ``weekdays`` (allowed),
        ``preferred_weekdays`` (a column of your own), ``open_from``, ``open_until`` and ``last_visit``; of reps working
        hours, weekdays, hours a week, ``max_drive_minutes`` and ``nights_away``.
    start : the first day; weeks : how many, from 1 to 53
    seed : of the search; the same seed gives the same plan
    reps : rep_id, or several; all by default
    holidays : days on which nobody works, beside the rules'
    absences : rep_id -> days; a tuple of two is a span: ``{"R02": ("2027-03-08", "2027-03-12")}``
    fixed : appointments, a table ``customer_id``, ``day``, ``time`` or tuples ``("0042", "2027-03-03", "10:30")``; the
        time may be left out. They are kept before all else.
    previous : an earlier plan to stay near to: visits before `start` count as made, later ones move only where they
        must, or where it saves much
    travel : where minutes come from; the portfolio's roads, or straight lines, by default. Where they know the hours,
        customers are put on days by the mean of the working hours, and each day is then solved by the clock
    effort : multiplies the rounds of the search
    workers : processes; by default as many as there are processors when there are reps enough. The plan is the same.
    pool : plans the reps, instead of processes of ours; its other end must have this package
    progress : called with the stage "calls" and the part of the reps that are planned

    Returns
    -------
    CallPlan

    Raises
    ------
    DataError
        Something asked for cannot be: every fault is listed.
    NotFoundError
        A rep or a customer does not exist.

    Notes
    -----
    *Rhythm.* The interval is working weeks a year / visits a year, counted in the rep's working days (`rhythm`). The
    time between two visits is free within ``rules.spacing_tolerance`` of it and costs more and more outside. Customers
    without a known last visit take turns by place when less than one visit falls into the plan.

    *Days.* All days of a rep are wanted equally long, drive included: otherwise the least drive leaves days empty. The
    longest and the shortest are within 10 % of the mean of each other where visits and hours allow it.

    *Search.* Ruin and recreate over customers and sets of days (`search`), nights away where they save more than
    ``rules.night_minutes``, then each day by `territory.routing.solve_day`, which keeps to hours, pause and
    appointments.
    """
    ask = _ask(portfolio, start, weeks, seed, holidays, absences, fixed, previous, travel, effort)
    names = _reps(portfolio, reps)
    problems = _faults(ask, names)
    if problems:
        raise DataError(problems)
    values = derive_values(portfolio.customers, portfolio.rules)
    rows = owners(portfolio, names)
    count = _processes(workers, len(names))
    asks: list[RepAsk] = []
    tell = progress or (lambda stage, part: None)
    tell("calls", 0.0)
    plans = []
    for plan in _solved(_asked(ask, names, rows, values, asks), count, pool):
        plans.append(plan)
        tell("calls", len(plans) / len(names))
    calls = _told(ask, asks, plans, unowned=_without_rep(ask, values) if reps is None else [])
    log.info("planned %d visits of %d reps", len(calls.visits), len(names))
    return calls


def _ask(
    portfolio: Portfolio,
    start: str | date,
    weeks: int,
    seed: int,
    holidays: Days,
    absences: Mapping[str, Days] | None,
    fixed: Appointments,
    previous: CallPlan | EarlierCalls | None,
    travel: TravelTimes | None,
    effort: float,
) -> Ask:
    problems = []
    if not isinstance(weeks, int) or not 1 <= weeks <= 53:
        problems.append(Problem("weeks", f"{weeks!r} is not a whole number from 1 to 53.", "Give 4."))
    if not effort > 0:
        problems.append(Problem("effort", f"{effort!r} is not above 0.", "Give 1."))
    if problems:
        raise DataError(problems)
    rules_days = days_of(list(portfolio.rules.holidays), "rules, holidays")
    return Ask(
        portfolio=portfolio,
        start=day_of(start, "start"),
        weeks=weeks,
        seed=seed,
        effort=effort,
        holidays=rules_days | days_of(holidays, "holidays"),
        absences=absences_of(absences),
        appointments=appointments_of(fixed, portfolio),
        previous=previous,
        travel=travel or portfolio.roads or LineTravel.of(portfolio.rules),
    )


def _reps(portfolio: Portfolio, reps: str | Sequence[str] | None) -> list[str]:
    names = [reps] if isinstance(reps, str) else list(portfolio.reps.index if reps is None else reps)
    need_rep(portfolio.reps, names)
    return sorted(dict.fromkeys(names), key=natural_key)


def _faults(ask: Ask, names: Sequence[str]) -> list[Problem]:
    portfolio = ask.portfolio
    need_rep(portfolio.reps, ask.absences)
    problems = calendar_faults(portfolio.reps.loc[list(names)], portfolio.customers)
    if not names:
        problems.append(Problem("reps", "There are none.", "Give a table of reps.", "没有代表。请提供代表表。"))
    if problems:
        return problems
    return [*problems, *_appointment_faults(ask, names)]


def _appointment_faults(ask: Ask, names: Sequence[str]) -> Iterator[Problem]:
    """Appointments that nobody can keep: without a place or a rep, outside of the plan, or on a day off."""
    from territory.callplan.workdays import workdays_of

    portfolio = ask.portfolio
    rows = owners(portfolio, names)
    owner = {portfolio.customers.index[row]: rep for rep, held in rows.items() for row in held}
    workdays = {
        rep: workdays_of(
            portfolio.reps.loc[rep],
            portfolio.rules,
            ask.start,
            ask.weeks,
            ask.holidays,
            ask.absences.get(rep, frozenset()),
        )
        for rep in dict.fromkeys(owner.get(name) for name in ask.appointments["customer_id"])
        if rep is not None
    }
    for name, day, time in ask.appointments.itertuples(index=False):
        where, place = f"fixed, customer '{name}'", f"客户“{name}”的固定预约"
        rep = owner.get(name)
        if rep is None:
            zh = f"{place}：这些代表都不拜访该客户。请将其划入有代表的区域。"
            yield Problem(where, "None of these reps visits it.", "Give it a territory that has a rep.", zh)
        elif not ask.start <= day < ask.finish:
            zh = f"{place}：{day} 不在计划期内（{ask.start} 至 {ask.finish}）。请去掉。"
            yield Problem(where, f"{day} is not in the plan ({ask.start} to {ask.finish}).", "Leave it out.", zh)
        elif day not in workdays[rep].days:
            zh = f"{place}：代表“{rep}”在 {day} 不上班。请另选一天。"
            yield Problem(where, f"Rep '{rep}' does not work on {day}.", "Give another day.", zh)
        elif not np.isnan(time) and not workdays[rep].start <= time < workdays[rep].finish:
            zh = f"{place}：时间不在代表“{rep}”的工作时间内。请另选时间。"
            yield Problem(where, f"Its time is not within the working hours of rep '{rep}'.", "Give another time.", zh)


def _processes(workers: int | None, reps: int) -> int:
    if workers is None:
        return max(1, min(os.cpu_count() or 1, reps // WORTH_A_PROCESS))
    if workers < 1:
        raise DataError([Problem("workers", f"{workers} is not a number of processes.", "Give 1 or more.")])
    return min(workers, max(reps, 1))


def _asked(
    ask: Ask, names: Sequence[str], rows: Mapping[str, np.ndarray], values: pd.DataFrame, asks: list[RepAsk]
) -> Iterator[RepTask]:
    """Each rep's task, made while others are being solved; `asks` collects what they are told from afterwards."""
    for rep in names:
        asks.append(rep_ask(ask, rep, rows[rep], values))
        yield asks[-1].task


def _solved(tasks: Iterable[RepTask], processes: int, pool: Executor | None) -> Iterator[RepPlan]:
    """The plans in the order of the tasks, whoever is ready first."""
    if pool is not None:
        return pool.map(solve_rep, list(tasks))
    if processes == 1:
        return map(solve_rep, tasks)
    from loky import get_reusable_executor

    own: Executor = get_reusable_executor(max_workers=processes, timeout=60, env=ONE_THREAD)
    return own.map(solve_rep, tasks)


@dataclass(frozen=True)
class _Unowned:
    """A customer that no rep visits."""

    customer_id: str
    visits: int
    minutes: float
    reason: Reason


def _without_rep(ask: Ask, values: pd.DataFrame) -> list[_Unowned]:
    """Customers whose territory has no rep, with the visits that fall into the plan on average."""
    portfolio = ask.portfolio
    held = portfolio.customers["territory"].isin(portfolio.reps["territory"].dropna())
    alone = portfolio.customers[~held.to_numpy()]
    expected = values.loc[alone.index, "visits_per_year"] * ask.weeks / portfolio.rules.weeks_per_year
    minutes = values.loc[alone.index, "minutes_per_visit"]
    return [
        _Unowned(
            name,
            max(1, round(visits)),
            max(1, round(visits)) * float(minute),
            _why_unowned(territory),
        )
        for name, territory, visits, minute in zip(alone.index, alone["territory"], expected, minutes, strict=True)
        if visits > 0
    ]


def _why_unowned(territory: object) -> Reason:
    if pd.isna(territory):
        return Reason("no territory", Said("it has no territory", "不属于任何区域"))
    return Reason("no rep", Said(f"territory {territory} has no rep", f"区域 {territory} 没有代表"))


def _told(ask: Ask, asks: Sequence[RepAsk], plans: Sequence[RepPlan], unowned: Sequence[_Unowned]) -> CallPlan:
    pairs = list(zip(asks, plans, strict=True))
    visits = telling.visits_table([row for each in pairs for row in telling.visit_rows(*each)])
    per_rep = [telling.days_table(telling.day_rows(*each)) for each in pairs]
    stretched = [telling.stretched_rows(*each) for each in pairs]
    dropped = [row for each in pairs for row in telling.dropped_rows(*each)]
    dropped += [
        {"rep_id": None, "customer_id": each.customer_id, "visits": each.visits, "minutes": each.minutes}
        | {"urgency": np.nan, **each.reason.columns}
        for each in unowned
    ]
    measures = [
        telling.measures_of(one, plan, days, len(rows))
        for (one, plan), days, rows in zip(pairs, per_rep, stretched, strict=True)
    ]
    customers = pd.concat([one.customers[["tier", "due"]] for one in asks])
    return CallPlan(
        start=ask.start,
        weeks=ask.weeks,
        seed=ask.seed,
        visits=visits,
        days=pd.concat(per_rep, ignore_index=True),
        stretched=_table([row for rows in stretched for row in rows], telling.STRETCHED_COLUMNS),
        dropped=_table(dropped, telling.DROPPED_COLUMNS),
        coverage=_coverage(customers, visits),
        measures=pd.DataFrame(measures).set_index("rep_id"),
        changes=_changes(ask, visits, customers.index),
        customers=customers.index,
        travel=ask.travel.name,
        is_estimate=ask.travel.is_estimate,
        problems=tuple(problem for one in asks for problem in one.problems),
    )


def _table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows), columns=list(columns))
    numbers = {"gap_days": "int64", "interval_days": "float64", "visits": "int64", "minutes": "float64"}
    kinds = {name: numbers.get(name, "float64" if name == "urgency" else "str") for name in columns}
    return table.astype(kinds)


def _coverage(customers: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """By tier: customers, visits due and planned, and the share planned."""
    planned = visits["customer_id"].value_counts().reindex(customers.index).fillna(0)
    counted = customers.assign(planned=planned, customers=1)
    table = counted.groupby("tier")[["customers", "due", "planned"]].sum().astype("int64")
    return table.assign(share=table["planned"] / table["due"].where(table["due"] > 0))


def _changes(ask: Ask, visits: pd.DataFrame, customers: pd.Index) -> pd.DataFrame:
    """What differs from the earlier plan in the days that both have."""
    columns = ["customer_id", "change", "from", "to"]
    if ask.previous is None:
        return pd.DataFrame(columns=columns, dtype="str")
    first, last = ask.start.isoformat(), min(ask.finish, ask.previous.finish).isoformat()
    rows: list[tuple[str, str, str | None, str | None]] = []
    before, after = (
        table[(table["day"] >= first) & (table["day"] < last) & table["customer_id"].isin(customers)]
        .groupby("customer_id")["day"]
        .apply(set)
        .to_dict()
        for table in (ask.previous.visits, visits)
    )
    for name in sorted({*before, *after}):
        then, now = before.get(name, set()), after.get(name, set())
        gone, new = sorted(then - now), sorted(now - then)
        for one, other in zip(gone, new, strict=False):
            rows.append((name, "moved", one, other))
        rows += [(name, "removed", one, None) for one in gone[len(new) :]]
        rows += [(name, "added", None, other) for other in new[len(gone) :]]
    return pd.DataFrame(rows, columns=columns, dtype="str")
