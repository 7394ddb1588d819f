"""Why a visit is missing, or comes too early or too late, told in the order of what it takes to find out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from territory.callplan.asking import NO_WAY
from territory.languages import Said

if TYPE_CHECKING:
    from territory.callplan.asking import RepAsk
    from territory.callplan.solving import PlannedDay, RepPlan

FULL = 0.97
"""From this part of its hours on, a rep's time is called full."""
FAR = 60.0
"""Minutes of detour from which on the drive is the reason."""


@dataclass(frozen=True)
class Reason:
    """A reason as programs and people know it."""

    code: str
    said: Said

    @property
    def columns(self) -> dict[str, str]:
        """As a table has it: ``code``, ``reason``, ``reason_zh``."""
        return {"code": self.code, **self.said.columns("reason")}


TOO_DEAR = Reason("drive", Said("it saves more driving than the rhythm is worth", "节省的驾驶比保持节奏更划算"))


def why_stretched(ask: RepAsk, customer: int, gap: tuple[date, date], visited: Sequence[int]) -> Reason:
    """Why a gap between two visits is outside of its tolerance.

    ``code``: appointment, weekdays, full, overdue, absence, dropped or drive.
    """
    one, other = gap
    rhythms, days = ask.task.rhythms, (other - one).days
    interval = float(ask.customers["interval_days"].iloc[customer])
    if days < interval:
        return _why_early(ask, customer)
    first = ask.workdays.days[0]
    if one < first and (first - one).days > interval * (1 + rhythms.tolerance):
        times = f"{(first - one).days / interval:.1f}"
        english = f"overdue when the plan begins: {times} times its interval"
        return Reason("overdue", Said(english, f"计划开始时已逾期：为其间隔的 {times} 倍"))
    return _why_late(ask, customer, gap, visited)


def _why_early(ask: RepAsk, customer: int) -> Reason:
    if ask.task.rhythms.fixed[customer].any():
        return Reason("appointment", Said("an appointment comes earlier", "预约时间更早"))
    if ask.task.rhythms.urgency[customer] > 1:
        return Reason("overdue", Said("overdue when the plan begins, and made up for", "计划开始时已逾期，需补访"))
    if _is_scarce(ask, customer):
        return Reason("weekdays", Said("fewer days are allowed than visits wanted", "允许拜访的日期少于所需的拜访次数"))
    if _use(ask) > FULL:
        return Reason("full", Said("the days before are full", "之前的日期已排满"))
    return TOO_DEAR


def _why_late(ask: RepAsk, customer: int, gap: tuple[date, date], visited: Sequence[int]) -> Reason:
    one, other = gap
    workdays, rhythms = ask.workdays, ask.task.rhythms
    interval = float(ask.customers["interval_days"].iloc[customer])
    free = sum(one < day < other for day in (*workdays.off, *workdays.holidays))
    per_day = interval / max(float(rhythms.interval[customer]), 1e-9)
    if free and (other - one).days - free * per_day <= interval * (1 + rhythms.tolerance) + 1:
        return Reason("absence", Said("holidays or an absence lie between", "期间有节假日或请假"))
    if rhythms.fixed[customer].any():
        return Reason("appointment", Said("an appointment comes later", "预约时间更晚"))
    if len(visited) < rhythms.due[customer]:
        return Reason("dropped", Said("a visit between is dropped", "期间有一次拜访未能安排"))
    between = [number for number, day in enumerate(workdays.days) if one < day < other]
    if not rhythms.allowed[customer, between].any():
        return Reason("weekdays", Said("none of its weekdays lies between", "期间没有其可拜访的日子"))
    if _use(ask) > FULL:
        return Reason("full", Said("the days between are full", "期间的日期已排满"))
    return TOO_DEAR


def why_dropped(ask: RepAsk, plan: RepPlan, customer: int, visited: Sequence[int], missing: int) -> Reason:
    """Why visits are not planned: days, way, length of the visit, full days, the hours of that day.

    ``code``: absence, weekdays, unreachable, too long, full, hours, drive or rhythm.
    """
    if not ask.workdays.days:
        return Reason("absence", Said("the rep does not work in these weeks", "代表在这几周不上班"))
    allowed = np.flatnonzero(ask.task.rhythms.allowed[customer])
    if not len(allowed):
        return Reason(
            "weekdays",
            Said("none of the rep's working days is one of its weekdays", "代表的工作日都不是其可拜访的日子"),
        )
    alone = _why_never(ask, customer)
    if alone is not None:
        return alone
    if len(allowed) - len(visited) < missing:
        count = len(allowed)
        english = f"it may be visited on {count} of the rep's days only"
        return Reason("weekdays", Said(english, f"代表的工作日中只有 {count} 天可以拜访"))
    return _why_no_day(ask, plan, customer, [day for day in allowed.tolist() if day not in visited])


def _why_never(ask: RepAsk, customer: int) -> Reason | None:
    """What keeps a customer from being visited even on a day of its own."""
    task, home = ask.task, ask.task.home
    there, back, visit = task.minutes[home, customer], task.minutes[customer, home], task.service[customer]
    if min(there, back) >= NO_WAY:
        return Reason("unreachable", Said("no road leads there", "没有可到达的道路"))
    if there + back > task.max_drive:
        drive, most = f"{there + back:.0f}", f"{task.max_drive:.0f}"
        english = f"the drive there and back takes {drive} minutes, and {most} a day are allowed"
        return Reason("too long", Said(english, f"往返驾驶需 {drive} 分钟，而每天最多允许 {most} 分钟"))
    if there + visit + back > task.work:
        trip, day = f"{there + visit + back:.0f}", f"{task.work:.0f}"
        english = f"the trip takes {trip} minutes, and a day has {day}"
        said = Said(english, f"往返加拜访需 {trip} 分钟，而一天只有 {day} 分钟")
        is_near_enough = max(there, back) + visit <= task.work and not task.nights
        return Reason("too long", _with_a_night(said) if is_near_enough else said)
    return None


def _with_a_night(said: Said) -> Said:
    return Said(f"{said.en}; a night away would do", f"{said.zh}；如可在外过夜则能安排")


def _why_no_day(ask: RepAsk, plan: RepPlan, customer: int, free: Sequence[int]) -> Reason:
    """What each of the days on which it could be visited lacks."""
    task, days = ask.task, ask.workdays.days
    visit = task.service[customer]
    detours = {day: _detour(ask, plan.days[day], customer) for day in free}
    excess = {day: _worked(ask, plan.days[day]) + detour + visit - task.work for day, detour in detours.items()}
    day = min(excess, key=lambda number: (round(excess[number], 3), number))
    on = days[day].isoformat()
    if excess[day] > 0:
        more = f"{max(excess[day], 1):.0f}"
        english = f"the days are full: it fits if {on} were {more} minute{'s' * (more != '1')} longer"
        return Reason("full", Said(english, f"各日已排满：若 {on} 延长 {more} 分钟即可安排"))
    if customer in plan.unfit:
        on = days[plan.unfit[customer]].isoformat()
        english = f"opening hours, appointments and the pause leave no room on {on}"
        return Reason("hours", Said(english, f"{on} 受营业时间、预约和休息所限，没有空档"))
    if detours[day] > FAR:
        detour, long = f"{detours[day]:.0f}", f"{visit:.0f}"
        english = f"it takes {detour} minutes more drive on {on}, for {long} minutes of visit"
        return Reason("drive", Said(english, f"{on} 需多驾驶 {detour} 分钟，而拜访只有 {long} 分钟"))
    return Reason("rhythm", Said("no free day is far enough from its other visits", "没有与其他拜访间隔足够远的空闲日"))


def _is_scarce(ask: RepAsk, customer: int) -> bool:
    rhythms = ask.task.rhythms
    return bool(rhythms.allowed[customer].sum() * rhythms.interval[customer] < 1.5 * len(ask.workdays.days))


def _use(ask: RepAsk) -> float:
    """Visit minutes due beside the hours of all days."""
    hours = ask.workdays.minutes * len(ask.workdays.days)
    return float((ask.task.rhythms.due * ask.task.service).sum()) / hours if hours else np.inf


def _detour(ask: RepAsk, planned: PlannedDay, customer: int) -> float:
    """The least drive that one more stop adds to a day."""
    places = np.array([planned.begin, *planned.stops.tolist(), planned.end])
    minutes = ask.task.minutes
    straight = minutes[places[:-1], places[1:]] if len(planned.stops) else 0.0
    return float((minutes[places[:-1], customer] + minutes[customer, places[1:]] - straight).min())


def _worked(ask: RepAsk, planned: PlannedDay) -> float:
    return float(planned.drive + ask.task.service[planned.stops].sum())
