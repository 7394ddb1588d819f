"""Why a visit is left out, told in the order of what it takes to find out."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from territory.hours import clock
from territory.languages import Said
from territory.routing.plan import DayPlan
from territory.routing.request import Request
from territory.threads import at_once

EFFORT = 0.1
"""Of each plan that an explanation takes; there are two a visit."""
LATER = 240.0
"""Minutes by which a day may be longer when it is asked how much longer it would have to be."""
WEEKDAYS_ZH = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
NO_WAY_THERE = Said("no way leads there", "没有可到达的道路")


def unvisited(request: Request, plan: DayPlan) -> pd.DataFrame:
    """The visits that the plan leaves out, each with its reason.

    Returns
    -------
    DataFrame, one row a visit that is left out, in the order of the request
        ``customer_id``, ``name``, ``prize``, ``minutes``; ``code``: closed, unreachable, too long, conflict, dropped or
        no room; ``reason``, ``reason_zh``: the same for people; ``instead_of``: the customers, separated by ";", that
        would have to go; ``more_drive_minutes``: what driving changes by then; ``overtime_minutes``: how much longer
        the day would have to be for it to fit besides all others (NaN when no day would do).
    """
    request = request.along(plan)
    made = set(plan.order.tolist())
    left = [row for row in range(len(request.visits)) if row not in made]
    reasons = at_once(partial(_reason, request, plan), left)
    about = request.visits[["name", "prize", "minutes"]].iloc[left].rename_axis("customer_id").reset_index()
    columns = ["code", "reason", "reason_zh", "instead_of", "more_drive_minutes", "overtime_minutes"]
    return pd.concat([about, pd.DataFrame(reasons, columns=columns)], axis=1)


def _reason(request: Request, plan: DayPlan, row: int) -> dict:
    bare = {"instead_of": "", "more_drive_minutes": np.nan, "overtime_minutes": np.nan}
    visit = request.visits.iloc[row]
    if visit["closed"]:
        return {**bare, "code": "closed", **_weekday_off(request, row).columns("reason")}
    if row in plan.impossible:
        code = plan.impossible[row]
        return {**bare, "code": code, **_alone(request, row, code).columns("reason")}
    rival = _conflict(request, row)
    if rival is not None:
        called = _called(request, rival)
        said = Said(f"conflicts with {called.en}", f"与 {called.zh} 冲突")
        return {**bare, "code": "conflict", **said.columns("reason")}
    return _forced(request, plan, row)


def _weekday_off(request: Request, row: int) -> Said:
    name, weekday = request.visits.index[row], request.day.weekday()
    days = request.portfolio.customers["weekdays"][name]
    return Said(str(request.visits["closed"].iloc[row]), f"{WEEKDAYS_ZH[weekday]}不接待：接待日为 {days}")


def _alone(request: Request, row: int, code: str) -> Said:
    visit = request.visits.iloc[row]
    there = request.times.minutes[0, row + 1]
    if code == "closed":
        hours = ", ".join(f"{clock(first)}-{clock(last)}" for first, last in visit["windows"])
        return Said(
            f"closed during working hours: a visit may start {hours or 'no time'}",
            f"工作时间内不接待：拜访可开始的时间为 {hours or '无'}",
        )
    if code == "unreachable":
        if not np.isfinite(there):
            return NO_WAY_THERE
        last = clock(max(closes for _, closes in visit["windows"]))
        reached = clock(request.shift[0] + there)
        return Said(
            f"may start until {last}, and is reached at {reached} at the earliest",
            f"最迟须在 {last} 开始，而最早 {reached} 才能到达",
        )
    back = request.times.minutes[row + 1, -1]
    if not np.isfinite(back):
        return Said("no way leads back", "没有返回的道路")
    return Said(
        f"too long for the day: {there:.0f} min there, {visit['minutes']:.0f} min visit, {back:.0f} min back",
        f"一天时间不够：去程 {there:.0f} 分钟，拜访 {visit['minutes']:.0f} 分钟，回程 {back:.0f} 分钟",
    )


def _conflict(request: Request, row: int) -> int | None:
    """A must beside which the visit cannot be made, whichever comes first."""
    for other in np.flatnonzero(request.visits["must"].to_numpy()).tolist():
        if other == row:
            continue
        if request.only([row, other]).solve_whole(effort=EFFORT) is None:
            return other
    return None


def _forced(request: Request, plan: DayPlan, row: int) -> dict:
    """What happens when the visit must be made: who goes, what it costs, and how long the day would have to be.

    Asked of the planned visits and this one: whoever takes the place of those that go is another question.
    """
    rows = [*plan.order.tolist(), row]
    must = request.visits["must"].to_numpy()[rows]
    must[-1] = True
    forced = request.only(rows).solve(mandatory=must, effort=min(request.effort, EFFORT))
    overtime = _overtime(request, plan, row)
    found = {"overtime_minutes": overtime, "instead_of": "", "more_drive_minutes": np.nan}
    longer = None if np.isnan(overtime) else f"{max(overtime, 1):.0f}"
    if forced.status == "infeasible":
        said = Said("does not fit beside the visits that must be made", "与必访客户冲突，无法安排")
        if longer is not None:
            said = Said(f"{said.en}; needs {longer} min of overtime", f"{said.zh}；需加班 {longer} 分钟")
        return {**found, "code": "no room", **said.columns("reason")}
    kept = {rows[visit] for visit in forced.order}
    gone = [visit for visit in plan.order if visit not in kept]
    more = forced.drive - plan.drive
    found |= {"instead_of": ";".join(request.visits.index[gone]), "more_drive_minutes": round(more, 2)}
    said = _exchange(request, gone, longer, more) if gone else _detour(more)
    return {**found, "code": "dropped", **said.columns("reason")}


def _exchange(request: Request, gone: list[int], longer: str | None, more: float) -> Said:
    """Who would have to go for it."""
    called = [_called(request, visit) for visit in gone]
    english = " and ".join(each.en for each in called)
    chinese = "、".join(each.zh for each in called)
    extra = Said("", "") if longer is None else Said(f", or {longer} min of overtime", f"，或加班 {longer} 分钟")
    return Said(
        f"fits only if {english} {'goes' if len(gone) == 1 else 'go'}{extra.en} ({_signed(more)} min of driving)",
        f"只有取消 {chinese} 才能安排{extra.zh}（驾驶 {_signed(more)} 分钟）",
    )


def _detour(more: float) -> Said:
    return Said(f"not worth its detour: {_signed(more)} min of driving", f"不值得绕路：驾驶 {_signed(more)} 分钟")


def _signed(minutes: float) -> str:
    # Less than half a minute less is no less.
    return f"{round(minutes) or 0:+d}"


def _overtime(request: Request, plan: DayPlan, row: int) -> float:
    """Minutes beyond the shift that all planned visits and this one take, at least; NaN if no day would do."""
    together = request.only([*plan.order, row])
    longer = (request.shift[0], request.shift[1] + LATER)
    effort = min(request.effort, EFFORT)
    late = together.solve_whole(effort=effort, objective="home", shift=longer, max_drive=None)
    return np.nan if late is None else round(max(late.home - request.shift[1], 0.0), 2)


def _called(request: Request, row: int) -> Said:
    """What the customer is called, with the time of its appointment."""
    visit = request.visits.iloc[row]
    name = str(visit["name"] or request.visits.index[row])
    if not np.isfinite(visit["appointment"]):
        return Said(name, name)
    time = clock(visit["appointment"])
    return Said(f"{name} at {time}", f"{name}（{time}）")
