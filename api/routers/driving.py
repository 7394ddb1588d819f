"""A rep's day: the route in every form, the rest of it, who is on the way, and where one more visit would fit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import orjson
from fastapi import Depends, Path, Query, Request, Response

from api.exchange import Json, Nonce, is_fresh, not_modified, represent
from api.exchange.formats import MEDIA_TYPES, choose_format
from api.exchange.responses import PRIVATE
from api.planning import driving, sheets
from api.planning.solver import Solver
from api.routers.parts import AnyUser, Form, Limit, Offset, RowId, router
from api.routers.portfolios import TABLE
from api.schemas import Key, ReplanRequest, RouteShown

routes = router("driving")
RepId = Annotated[Key, Path(examples=["R02"])]
Day = Annotated[date, Query(description="Which day.", examples=["2027-03-03"])]
Explain = Annotated[
    bool, Query(description="Search what each visit left out would take, however many; it may take many seconds.")
]
FORMS: tuple[Literal["json", "geojson", "csv", "html", "ics", "gpx"], ...] = (
    *("json", "geojson", "csv", "html", "ics", "gpx"),
)


def _solver(request: Request) -> Solver:
    solver: Solver = request.app.state.solver
    return solver


Driver = Annotated[Solver, Depends(_solver)]
_FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The day: as JSON, GeoJSON, a table, a map, a calendar or a track.",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/RouteShown"}},
            **{MEDIA_TYPES[form].partition(";")[0]: {"schema": {"type": "string"}} for form in FORMS[1:]},
        },
    },
    304: {"description": "The version in If-None-Match still holds."},
    503: {"description": "The day takes too long to solve, or too many are asked for at once."},
}


@routes.get("/portfolios/{portfolio_id}/reps/{rep_id}/route", response_model=RouteShown, responses=_FORMS)
def route(
    request: Request,
    portfolio_id: RowId,
    rep_id: RepId,
    desk: AnyUser,
    driver: Driver,
    nonce: Nonce,
    day: Day,
    explain: Explain = False,
    language: sheets.Language = "auto",
    f: Form = None,
) -> Response:
    """A rep's day in its best order, with its proof, and a reason for each visit that is left out."""
    form = choose_format(request, FORMS)
    drive = driving.route(desk, driver, portfolio_id, rep_id, day, explain=explain)
    if form == "csv":
        return represent(request, driving.stops(drive), offered=FORMS)
    if form == "html":
        # With a new nonce each time; a page that is kept would carry an old one beside a new policy.
        text = sheets.with_nonce(driving.page(drive, language), nonce)
        return Response(text, media_type=MEDIA_TYPES[form], headers={"Cache-Control": "no-store"})
    etag = f'"{drive.version}.{form}"'
    headers = {"ETag": etag, "Cache-Control": PRIVATE, "Vary": "Accept, Authorization, Cookie"}
    if is_fresh(request, etag):
        return not_modified(etag, headers)
    write: dict[str, Callable[[], bytes | str]] = {
        "json": lambda: orjson.dumps(drive.content, option=orjson.OPT_SERIALIZE_NUMPY),
        "geojson": lambda: orjson.dumps(driving.features(drive), option=orjson.OPT_SERIALIZE_NUMPY),
        "ics": lambda: driving.calendar(drive),
        "gpx": lambda: driving.track(drive),
    }
    if form in ("ics", "gpx"):
        headers["Content-Disposition"] = f'attachment; filename="{day.isoformat()}.{form}"'
    return Response(write[form](), media_type=MEDIA_TYPES[form], headers=headers)


@routes.post("/portfolios/{portfolio_id}/reps/{rep_id}/route/replan", response_model=RouteShown)
def replan(portfolio_id: RowId, rep_id: RepId, desk: AnyUser, driver: Driver, ask: ReplanRequest) -> Response:
    """The rest of a day from now: what is done and cancelled goes, what is urgent comes. Nothing is stored."""
    drive = driving.replan(
        desk,
        driver,
        portfolio_id,
        rep_id,
        day=ask.day,
        time=ask.time,
        position=None if ask.position is None else (ask.position.lon, ask.position.lat),
        done=ask.done,
        cancelled=ask.cancelled,
        urgent=ask.urgent,
    )
    return Json(drive.content)


@routes.get("/portfolios/{portfolio_id}/reps/{rep_id}/nearby", responses=TABLE)
def nearby(
    request: Request,
    portfolio_id: RowId,
    rep_id: RepId,
    desk: AnyUser,
    driver: Driver,
    day: Day,
    max_detour: Annotated[float, Query(ge=0, le=240, allow_inf_nan=False, description="Minutes.")] = 20.0,
    offset: Offset = 0,
    limit: Limit = None,
    f: Form = None,
) -> Response:
    """The rep's customers that fit into the day beside everything planned, the most worth for their minutes first."""
    listing = driving.nearby(desk, driver, portfolio_id, rep_id, day, max_detour)
    return represent(request, listing, offset=offset, limit=limit, title="Nearby")


@routes.get("/portfolios/{portfolio_id}/reps/{rep_id}/best-days", responses=TABLE)
def best_days(
    request: Request,
    portfolio_id: RowId,
    rep_id: RepId,
    desk: AnyUser,
    driver: Driver,
    customer_id: Annotated[Key, Query(examples=["0099"])],
    first: Annotated[date, Query(alias="from", description="The first day that comes into question.")],
    days: Annotated[int, Query(ge=1, le=driving.MOST_DAYS)] = 7,
    offset: Offset = 0,
    limit: Limit = None,
    f: Form = None,
) -> Response:
    """On which of the planned days one more visit fits, least driving first; not days that have it already."""
    listing = driving.best_days(desk, driver, portfolio_id, rep_id, customer_id=customer_id, first=first, days=days)
    return represent(request, listing, offset=offset, limit=limit, title="Best days")
