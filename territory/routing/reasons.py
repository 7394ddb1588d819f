"""Why a visit is left out, told in the order of what it takes to find out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from territory.hours import clock
from territory.routing.plan import DayPlan
from territory.routing.request import Request

EFFORT = 0.1
"""Of each plan that an explanation takes; there are two a visit."""
LATER = 240.0
"""Minutes by which a day may be longer when it is asked how much longer it would have to be."""


def unvisited(request: Request, plan: DayPlan) -> pd.DataFrame:
    """The visits that the plan leaves out, each with its reason.

    Returns
    -------
    DataFrame, one row a visit that is left out, in the order of the request
        ``customer_id``, ``name``, ``prize``, ``minutes``; ``code``: closed, unreachable, too long, conflict, dropped or
        no room; ``reason``: the same for people; ``instead_of``: the customers, separated by ";", that would have to
        go; ``more_drive_minutes``: what driving changes by then; ``overtime_minutes``: how much longer the day would
        have to be for it to fit besides all others (NaN when no day would do).
    """
    request = request.along(plan)
    made = set(plan.order.tolist())
    rows = [
        {
            "customer_id": name,
            "name": visit["name"],
            "prize": visit["prize"],
            "minutes": visit["minutes"],
            **_reason(request, plan, row),
        }
        for row, (name, visit) in enumerate(request.visits.iterrows())
        if row not in made
    ]
    columns = ["customer_id", "name", "prize", "minutes", "code", "reason"]
    columns += ["instead_of", "more_drive_minutes", "overtime_minutes"]
    return pd.DataFrame(rows, columns=columns)


def _reason(request: Request, plan: DayPlan, row: int) -> dict:
    bare = {"instead_of": "", "more_drive_minutes": np.nan, "overtime_minutes": np.nan}
    visit = request.visits.iloc[row]
    if visit["closed"]:
        return {**bare, "code": "closed", "reason": visit["closed"]}
    if row in plan.impossible:
        return {**bare, "code": plan.impossible[row], "reason": _alone(request, row, plan.impossible[row])}
    rival = _conflict(request, row)
    if rival is not None:
        return {**bare, "code": "conflict", "reason": f"conflicts with {_called(request, rival)}"}
    return _forced(request, plan, row)


def _alone(request: Request, row: int, code: str) -> str:
    visit = request.visits.iloc[row]
    there = request.times.minutes[0, row + 1]
    if code == "closed":
        hours = ", ".join(f"{clock(first)}-{clock(last)}" for first, last in visit["windows"]) or "no time"
        return f"closed during working hours: a visit may start {hours}"
    if code == "unreachable":
        if not np.isfinite(there):
            return "no way leads there"
        last = max(closes for _, closes in visit["windows"])
        return f"may start until {clock(last)}, and is reached at {clock(request.shift[0] + there)} at the earliest"
    back = request.times.minutes[row + 1, -1]
    if not np.isfinite(back):
        return "no way leads back"
    return f"too long for the day: {there:.0f} min there, {visit['minutes']:.0f} min visit, {back:.0f} min back"


def _conflict(request: Request, row: int) -> int | None:
    """A must beside which the visit cannot be made, whichever comes first."""
    for other in np.flatnonzero(request.visits["must"].to_numpy()).tolist():
        if other == row:
            continue
        pair = request.only([row, other]).solve(mandatory=np.ones(2, bool), objective="drive", effort=EFFORT)
        if pair.status == "infeasible":
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
    longer = "" if np.isnan(overtime) else f", or {max(overtime, 1):.0f} min of overtime"
    if forced.status == "infeasible":
        reason = "does not fit beside the visits that must be made"
        return {**found, "code": "no room", "reason": reason + longer.replace(", or", "; needs")}
    kept = {rows[visit] for visit in forced.order}
    gone = [visit for visit in plan.order if visit not in kept]
    more = forced.drive - plan.drive
    names = " and ".join(_called(request, visit) for visit in gone)
    # Less than half a minute less is no less.
    drive = f"{round(more) or 0:+d} min of driving"
    goes = "goes" if len(gone) == 1 else "go"
    reason = f"fits only if {names} {goes}{longer} ({drive})" if gone else f"not worth its detour: {drive}"
    found |= {"instead_of": ";".join(request.visits.index[gone]), "more_drive_minutes": round(more, 2)}
    return {**found, "code": "dropped", "reason": reason}


def _overtime(request: Request, plan: DayPlan, row: int) -> float:
    """Minutes beyond the shift that all planned visits and this one take, at least; NaN if no day would do."""
    together = request.only([*plan.order, row])
    longer = (request.shift[0], request.shift[1] + LATER)
    count = len(plan.order) + 1
    asked = {"shift": longer, "mandatory": np.ones(count, bool), "objective": "home", "max_drive": None}
    late = together.solve(**asked, effort=min(request.effort, EFFORT))
    return np.nan if late.status == "infeasible" else round(max(late.home - request.shift[1], 0.0), 2)


def _called(request: Request, row: int) -> str:
    visit = request.visits.iloc[row]
    name = visit["name"] or request.visits.index[row]
    return f"{name} at {clock(visit['appointment'])}" if np.isfinite(visit["appointment"]) else str(name)
