"""Visits as reps tell of them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request, Response

from api.exchange import IfMatch, represent
from api.exchange.formats import document
from api.planning import visits
from api.planning.desk import etag
from api.routers.calls import Day, From, RepId, Until
from api.routers.parts import SHOWN, AnyUser, Form, Limit, Offset, RowId, Things, router
from api.routers.portfolios import TABLE, document_of
from api.schemas import Key, VisitChange, VisitRequest, VisitShown

routes = router("visits")


@routes.post(
    "/portfolios/{portfolio_id}/visits",
    status_code=201,
    response_model=VisitShown,
    responses={200: {"model": VisitShown, "description": "It was told before; nothing has changed."}},
)
def tell(portfolio_id: RowId, desk: AnyUser, ask: VisitRequest) -> Response:
    """Begin or finish a visit. A rep has one a day with a customer: told twice, by whatever key, it happens once."""
    visit, is_new = visits.tell(desk, portfolio_id, **ask.model_dump())
    return document_of(visits.shown(visit), etag(visit), 201 if is_new else 200, f"/v1/visits/{visit.id}")


@routes.get("/portfolios/{portfolio_id}/visits", responses=TABLE)
def list_visits(
    request: Request,
    portfolio_id: RowId,
    desk: AnyUser,
    rep_id: RepId = None,
    customer_id: Annotated[Key | None, Query(description="Only this customer.")] = None,
    day: Day = None,
    first: From = None,
    until: Until = None,
    status: Annotated[Literal["started", "finished"] | None, Query()] = None,
    offset: Offset = 0,
    limit: Limit = None,
    f: Form = None,
) -> Response:
    """The visits that were told, by day; a rep sees his own."""
    first, last = (first, until) if day is None else (day, day)
    listing = visits.listed(
        desk, portfolio_id, rep_id=rep_id, customer_id=customer_id, first=first, last=last, status=status
    )
    return represent(request, listing, offset=offset, limit=limit, title="Visits")


@routes.get("/visits/{visit_id}", response_model=VisitShown, responses=SHOWN)
def get_visit(visit_id: RowId, desk: AnyUser, things: Things) -> Response:
    """One visit."""
    visit = visits.one(desk, visit_id)
    return things.show(visits.shown(visit), etag(visit))


@routes.patch("/visits/{visit_id}", response_model=VisitShown)
def change(request: Request, visit_id: RowId, desk: AnyUser, revision: IfMatch, ask: VisitChange) -> Response:
    """Tell something else of a finished visit."""
    visit = visits.revise(desk, visit_id, revision, ask.model_dump(exclude_none=True))
    return document(request, visits.shown(visit), etag(visit))


@routes.delete("/visits/{visit_id}", status_code=204)
def take_back(visit_id: RowId, desk: AnyUser, revision: IfMatch) -> Response:
    """Forget a visit that was begun by mistake."""
    visits.take_back(desk, visit_id, revision)
    return Response(status_code=204)
