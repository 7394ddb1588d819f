"""Call plans: weeks to plan, and whom a rep visits on which day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import Query, Request, Response

from api.exchange import represent
from api.planning import calls
from api.routers.parts import LISTED, SHOWN, AnyUser, Form, Limit, Lists, Offset, RowId, Things, router
from api.routers.portfolios import TABLE, document_of
from api.schemas import CallsRequest, CallsShown, Key, Many

routes = router("calls")
RepId = Annotated[Key | None, Query(description="Only this rep; a rep sees his own.", examples=["R02"])]
Day = Annotated[date | None, Query(description="Only this day.", examples=["2027-03-03"])]
From = Annotated[date | None, Query(alias="from", description="From this day on.")]
Until = Annotated[date | None, Query(description="Until this day, itself included.")]


@routes.post("/portfolios/{portfolio_id}/calls", status_code=202, response_model=CallsShown)
def plan(portfolio_id: RowId, desk: AnyUser, ask: CallsRequest) -> Response:
    """Plan weeks; poll the Location until its status is `ready`. It stays near to what was planned before."""
    made = calls.start(
        desk,
        portfolio_id,
        first=ask.start,
        weeks=ask.weeks,
        rep_ids=ask.rep_ids,
        holidays=ask.holidays,
        seed=ask.seed,
        effort=ask.effort,
    )
    content, tag = calls.shown(desk, made, calls.one(desk, made.id)[1])
    return document_of(content, tag, 202, f"/v1/calls/{made.id}")


@routes.get("/portfolios/{portfolio_id}/calls", responses=TABLE)
def planned(
    request: Request,
    portfolio_id: RowId,
    desk: AnyUser,
    rep_id: RepId = None,
    day: Day = None,
    first: From = None,
    until: Until = None,
    offset: Offset = 0,
    limit: Limit = None,
    f: Form = None,
) -> Response:
    """Who is visited on which day as it holds now, and what became of it; of several plans the latest counts."""
    first, last = (first, until) if day is None else (day, day)
    listing = calls.planned(desk, portfolio_id, rep_id=rep_id, first=first, last=last)
    return represent(request, listing, offset=offset, limit=limit, title="Calls")


@routes.get("/portfolios/{portfolio_id}/call-plans", response_model=Many[CallsShown], responses=LISTED)
def list_plans(portfolio_id: RowId, desk: AnyUser, lists: Lists) -> Response:
    """The call plans, the latest first."""
    items = [calls.shown(desk, *found)[0] for found in calls.listed(desk, portfolio_id)]
    return lists.whole(items)


@routes.get("/calls/{calls_id}", response_model=CallsShown, responses=SHOWN)
def get_plan(calls_id: RowId, desk: AnyUser, things: Things) -> Response:
    """A call plan: its status, and when it is ready what it covers."""
    return things.show(*calls.shown(desk, *calls.one(desk, calls_id)))


@routes.get("/calls/{calls_id}/{table}", responses=TABLE)
def table(
    request: Request,
    calls_id: RowId,
    table: Literal["visits", "days", "dropped", "stretched"],
    desk: AnyUser,
    offset: Offset = 0,
    limit: Limit = None,
    f: Form = None,
) -> Response:
    """What a call plan holds: its visits, its days, the visits that found no room and gaps too long, with reasons."""
    listing = calls.table(desk, calls_id, table)
    return represent(request, listing, offset=offset, limit=limit, title=table.capitalize())
