"""A call plan: which rep visits which customer on which day, in what order, and what could not be kept and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import pandas as pd

from territory.callplan.shortage import advice_on, hours_of
from territory.callplan.workdays import day_of
from territory.errors import NotFoundError, Problem
from territory.languages import Said

VISIT_COLUMNS = (
    *("rep_id", "day", "stop", "customer_id", "name", "arrive", "wait_minutes", "start", "leave"),
    *("drive_minutes", "drive_km", "minutes", "must", "appointment"),
)


@dataclass(frozen=True, eq=False)
class EarlierCalls:
    """What a new plan needs to know of an earlier one that it is to stay near to.

    visits : ``customer_id`` and ``day`` (YYYY-MM-DD), one row a visit; customers : every customer planned for
    """

    start: date
    weeks: int
    visits: pd.DataFrame
    customers: pd.Index

    @property
    def finish(self) -> date:
        """The day after the last one of the plan."""
        return self.start + timedelta(days=7 * self.weeks)


@dataclass(frozen=True, eq=False)
class CallPlan:
    """Visits over weeks.

    Days are text YYYY-MM-DD; arrive, start, leave, depart and back are times of the day; minutes and km as named.

    visits : one row a visit, by rep, day and stop: ``rep_id``, ``day``, ``stop`` (from 1), ``customer_id``, ``name``,
        ``arrive``, ``wait_minutes``, ``start``, ``leave``, ``drive_minutes`` and ``drive_km`` from the stop before,
        ``minutes`` of the visit, ``must`` (an appointment), ``appointment`` (HH:MM, NA when it has no time)
    days : one row a rep and working day: ``rep_id``, ``day``, ``visits``, ``begins_at`` and ``ends_at`` ("home", or
        the customer near whom the night is spent), ``depart``, ``back``, ``pause_from``, ``pause_until`` (NaT without a
        break), ``visit_minutes``, ``drive_minutes``, ``drive_km``, ``worked_minutes`` (visits and drive), ``is_proven``
        (no order of these visits drives less)
    stretched : gaps outside of the tolerance: ``rep_id``, ``customer_id``, ``from`` and ``to`` (days), ``gap_days``
        and ``interval_days`` (of the calendar), ``code``, ``reason`` and ``reason_zh``, the same in Chinese
    dropped : visits that are due and not planned: ``rep_id``, ``customer_id``, ``visits``, ``minutes``, ``urgency``
        (time since the last visit / interval; NA without one), ``code``, ``reason``, ``reason_zh``
    coverage : by tier: ``customers``, ``due``, ``planned``, ``share``
    measures : by rep: what each has to do and what its days look like
    changes : against the earlier plan: ``customer_id``, ``change`` (moved, added, removed), ``from`` and ``to`` (days);
        empty without one
    customers : every customer planned for
    travel, is_estimate : where minutes come from
    problems : what is not as it should be with reps
    """

    start: date
    weeks: int
    seed: int
    visits: pd.DataFrame
    days: pd.DataFrame
    stretched: pd.DataFrame
    dropped: pd.DataFrame
    coverage: pd.DataFrame
    measures: pd.DataFrame
    changes: pd.DataFrame
    customers: pd.Index
    travel: str
    is_estimate: bool
    problems: tuple[Problem, ...] = ()

    @property
    def finish(self) -> date:
        """The day after the last one of the plan."""
        return self.start + timedelta(days=7 * self.weeks)

    @property
    def reps(self) -> list[str]:
        """Whose plan it is."""
        return list(self.measures.index)

    @cached_property
    def hours(self) -> pd.DataFrame:
        """What all visits due would take beside the hours there are; see `territory.callplan.shortage.hours_of`."""
        return hours_of(self.measures, self.dropped, self.weeks)

    @property
    def advice(self) -> tuple[Said, ...]:
        """Who is short of hours and what would help, in English and Chinese; empty when all visits due fit."""
        return advice_on(self.hours)

    def on(self, day: str | date, rep: str | None = None) -> pd.DataFrame:
        """The visits of a day, in order; of one rep or of all.

        Raises
        ------
        NotFoundError
            The day is not within the plan, or there is no such rep: it says what there is.
        """
        wanted = day_of(day, "day")
        problems = []
        if not self.start <= wanted < self.finish:
            last = self.finish - timedelta(1)
            problems.append(Problem("day", f"{wanted} is not in the plan.", f"It goes from {self.start} to {last}."))
        if rep is not None and rep not in self.measures.index:
            problems.append(Problem("rep", f"'{rep}' is not in the plan.", f"There are {', '.join(self.reps)}."))
        if problems:
            raise NotFoundError(problems)
        chosen = self._of_day.get(wanted.isoformat())
        found = self.visits.iloc[:0] if chosen is None else self.visits.loc[chosen]
        return found.reset_index(drop=True) if rep is None else found[found["rep_id"] == rep].reset_index(drop=True)

    @cached_property
    def _of_day(self) -> Mapping[str, pd.Index]:
        return {str(day): rows for day, rows in self.visits.groupby("day").groups.items()}

    def __repr__(self) -> str:
        share = self.coverage["planned"].sum() / max(self.coverage["due"].sum(), 1)
        reps, weeks, visits = (
            f"{count:,} {word}{'s' * (count != 1)}"
            for count, word in ((len(self.reps), "rep"), (self.weeks, "week"), (len(self.visits), "visit"))
        )
        return f"CallPlan of {reps} from {self.start} over {weeks}: {visits}, {100 * share:.0f} % of those due"
