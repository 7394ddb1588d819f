"""Calendars that phones subscribe to."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Path, Request, Response

from api.exchange import is_fresh, not_modified
from api.exchange.formats import MEDIA_TYPES
from api.exchange.route import OPEN
from api.planning import calendars
from api.problems import UnknownError
from api.routers.driving import RepId
from api.routers.parts import LISTED, AnyUser, Lists, RowId, router, secret_document
from api.schemas import CalendarShown, Many, NewCalendar

routes = router("calendars")
Secret = Annotated[str, Path(max_length=200, description="As it was shown once.")]
_KEPT = "private, max-age=300"


@routes.post("/portfolios/{portfolio_id}/reps/{rep_id}/calendars", status_code=201, response_model=NewCalendar)
def subscribe(request: Request, portfolio_id: RowId, rep_id: RepId, desk: AnyUser) -> Response:
    """An address under which a phone's calendar reads the rep's visits; it is shown once and can be taken back."""
    calendar, secret = calendars.subscribe(desk, portfolio_id, rep_id)
    base = desk.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    content = {**calendars.shown(calendar), "url": f"{base}/v1/calendars/{secret}.ics"}
    where = f"/v1/portfolios/{portfolio_id}/reps/{rep_id}/calendars"
    return secret_document(content, where)


@routes.get("/portfolios/{portfolio_id}/reps/{rep_id}/calendars", response_model=Many[CalendarShown], responses=LISTED)
def list_calendars(portfolio_id: RowId, rep_id: RepId, desk: AnyUser, lists: Lists) -> Response:
    """Your calendars of a rep's visits, without their addresses."""
    items = [calendars.shown(calendar) for calendar in calendars.of(desk, portfolio_id, rep_id)]
    return lists.whole(items)


@routes.delete("/calendars/{calendar_id}", status_code=204)
def revoke(calendar_id: RowId, desk: AnyUser) -> Response:
    """Take an address back: from now on it leads nowhere."""
    calendars.revoke(desk, calendar_id)
    return Response(status_code=204)


@routes.get(
    "/calendars/{secret}.ics",
    openapi_extra=OPEN,
    response_class=Response,
    responses={200: {"content": {"text/calendar": {"schema": {"type": "string"}}}}},
)
def read(request: Request, secret: Secret) -> Response:
    """A rep's visits as iCalendar, for whoever has the address; 429 to one who asks too often or guesses."""
    state = request.app.state
    address = request.client.host if request.client is not None else ""
    state.calendar_pace.keep(f"address {address}")
    try:
        text, version = calendars.by_secret(request.state.work, state.settings, state.shelf, secret, date.today())
    except UnknownError:
        state.guess_pace.keep(f"address {address}")
        raise
    etag = f'"{version}"'
    headers = {"ETag": etag, "Cache-Control": _KEPT, "X-Robots-Tag": "noindex"}
    if is_fresh(request, etag):
        return not_modified(etag, headers)
    return Response(text, media_type=MEDIA_TYPES["ics"], headers=headers)
