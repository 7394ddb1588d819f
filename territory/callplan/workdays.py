"""When a rep works: the days of the plan, and how long each is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from territory.errors import DataError, Problem
from territory.hours import minutes_of, weekdays_of
from territory.rules import Rules

Days = Iterable[str | date] | tuple[str | date, str | date]


@dataclass(frozen=True)
class Workdays:
    """The days on which a rep works within the plan, and the hours of each of them.

    days : in order; off : the rep's own absences; usual_days : what there would be without any and without holidays;
    days_per_week : of a usual week; start : minutes since midnight;
    minutes : of work a day, driving included; pause : (earliest, latest, minutes), None without;
    max_drive : minutes a day, inf without a limit; nights : nights away accepted in a week.
    """

    days: tuple[date, ...]
    off: Set[date]
    usual_days: int
    days_per_week: int
    start: float
    minutes: float
    pause: tuple[float, float, float] | None
    max_drive: float
    nights: int
    weekdays: frozenset[int]
    holidays: Set[date]

    @property
    def finish(self) -> float:
        """The latest return, minutes since midnight."""
        return self.start + self.minutes + (self.pause[2] if self.pause else 0.0)

    def between(self, before: date, after: date) -> int:
        """Working days from `before`, itself not counted, to `after`, counted; holidays are none."""
        weeks, rest = divmod(max((after - before).days, 0), 7)
        odd = sum((before.weekday() + step) % 7 in self.weekdays for step in range(1, rest + 1))
        off = sum(before < day <= after and day.weekday() in self.weekdays for day in self.holidays)
        return weeks * len(self.weekdays) + odd - off

    def weeks(self) -> list[int]:
        """Number of the ISO week of each day, growing over the turn of a year."""
        return [(day.toordinal() - 1) // 7 for day in self.days]


def workdays_of(rep: pd.Series, rules: Rules, start: date, weeks: int, holidays: Set[date], off: Set[date]) -> Workdays:
    """The working days of one row of ``portfolio.reps`` from `start` on, over `weeks` weeks.

    A day has the rep's hours from start to end of work without the pause, and no more than a day's part of the
    hours a week (times the rep's share).
    """
    weekdays = _weekdays(rep, rules)
    begin = _minutes(rep["work_from"], rules.work_from)
    until = _minutes(rep["work_until"], rules.work_until)
    pause = _pause(rules, begin, until)
    hours = rules.hours_per_week if math.isnan(rep["capacity_hours_per_week"]) else rep["capacity_hours_per_week"]
    share = 1.0 if math.isnan(rep["share"]) else rep["share"]
    worked = min(until - begin - (pause[2] if pause else 0.0), hours * share * 60 / len(weekdays))
    if pause and begin + worked <= pause[0]:
        pause = None
    calendar = (start + timedelta(step) for step in range(7 * weeks))
    return Workdays(
        days=tuple(day for day in calendar if day.weekday() in weekdays and day not in holidays and day not in off),
        off=off,
        usual_days=weeks * len(weekdays),
        days_per_week=len(weekdays),
        start=begin,
        minutes=max(worked, 0.0),
        pause=pause,
        max_drive=math.inf if math.isnan(rep["max_drive_minutes"]) else float(rep["max_drive_minutes"]),
        nights=0 if math.isnan(rep["nights_away"]) else int(rep["nights_away"]),
        weekdays=weekdays,
        holidays=holidays,
    )


def calendar_faults(reps: pd.DataFrame, customers: pd.DataFrame) -> list[Problem]:
    """Cells of working hours, opening hours and weekdays that cannot be read."""
    faults = []
    for kind, kind_zh, table, times, days in (
        ("rep", "代表", reps, ("work_from", "work_until"), ("weekdays",)),
        ("customer", "客户", customers, ("open_from", "open_until"), ("weekdays", "preferred_weekdays")),
    ):
        for columns, read, words in ((times, minutes_of, "HH:MM"), (days, weekdays_of, "Mon-Fri or Mon, Wed")):
            zh_words = words.replace(" or ", " 或 ")
            for column in columns:
                given = table[column].dropna() if column in table else pd.Series(dtype="str")
                wrong = {text for text in given.unique() if read(text) is None}
                for name in given.index[given.isin(wrong)]:
                    where = f"{kind} '{name}', column '{column}'"
                    zh = f"{kind_zh}“{name}”，“{column}”列：“{given[name]}”无法识别。请填写 {zh_words}。"
                    faults.append(Problem(where, f"'{given[name]}' cannot be read.", f"Write {words}.", zh))
    return faults


def day_of(text: str | date, where: str) -> date:
    """A day given as text YYYY-MM-DD or as a date; DataError when it is none."""
    if isinstance(text, date):
        return text.date() if isinstance(text, pd.Timestamp) else text
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        zh = f"“{text}”不是日期。请填写 YYYY-MM-DD。"
        raise DataError([Problem(where, f"'{text}' is no day.", "Write YYYY-MM-DD.", zh)]) from error


def days_of(given: Days, where: str) -> frozenset[date]:
    """Days given one by one; a tuple of two is the first and the last of a span."""
    if isinstance(given, str | date):
        return frozenset([day_of(given, where)])
    days = [day_of(each, where) for each in given]
    if isinstance(given, tuple) and len(days) == 2:
        return frozenset(days[0] + timedelta(step) for step in range((days[1] - days[0]).days + 1))
    return frozenset(days)


def absences_of(given: Mapping[str, Days] | None) -> dict[str, frozenset[date]]:
    """rep_id -> days on which the rep does not work."""
    return {rep: days_of(days, f"absences, rep '{rep}'") for rep, days in (given or {}).items()}


def _weekdays(rep: pd.Series, rules: Rules) -> frozenset[int]:
    own = weekdays_of(rep["weekdays"]) if isinstance(rep["weekdays"], str) else None
    return own or weekdays_of(rules.weekdays) or frozenset(range(5))


def _minutes(text: object, otherwise: str) -> float:
    own = minutes_of(text) if isinstance(text, str) else None
    return own if own is not None else minutes_of(otherwise) or 0.0


def _pause(rules: Rules, begin: float, until: float) -> tuple[float, float, float] | None:
    earliest, latest = minutes_of(rules.pause_from) or 0.0, minutes_of(rules.pause_until) or 0.0
    if rules.pause_minutes == 0 or until <= earliest or begin >= latest:
        return None
    return earliest, max(earliest, latest), float(rules.pause_minutes)
