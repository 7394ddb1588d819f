"""Portfolios and what is in them."""

from __future__ import annotations

import re
from typing import Annotated, Any, BinaryIO

import orjson
from fastapi import File, Form, Request, Response, UploadFile
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from api.auth import EVERYONE
from api.exchange import IfMatch, Json, at_once, represent
from api.exchange.access import Access
from api.exchange.formats import GEO, MEDIA_TYPES, document, represent_row
from api.planning import portfolios
from api.planning.desk import Desk, check_revision, etag
from api.planning.listing import Listing
from api.problems import ApiError, InvalidError
from api.routers.parts import (
    LISTED,
    SHOWN,
    SHOWN_PLACED,
    USUAL_PAGE,
    After,
    AnyUser,
    CustomerId,
    Limit,
    Lists,
    Manager,
    Offset,
    PageSize,
    Planner,
    RowId,
    Things,
    router,
)
from api.routers.parts import Form as Format
from api.schemas import Key, LockChange, LocksShown, Many, Name, PortfolioChange, PortfolioShown
from api.schemas.examples import TABLE_EXAMPLE
from api.store import StoredPortfolio
from territory.errors import Problem
from territory.model import TravelMode

routes = router("portfolios")
_QUICK_ROWS = 5 * USUAL_PAGE
"""A page of so many rows is made in less time than it takes to hand it to a thread."""
_NUMBER = re.compile(r"[0-9]{1,9}")
_COLUMNS = TypeAdapter(dict[Key, Key])
_TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of the table; the formats that programs load hold all rows when there is no limit.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "items": {"type": "array", "items": {"type": "object"}},
                        "count": {"type": "integer"},
                        "next": {"type": ["string", "null"]},
                    },
                    "examples": [TABLE_EXAMPLE],
                }
            },
            "application/geo+json": {"schema": {"type": "object"}},
            "text/csv": {"schema": {"type": "string"}},
            "text/html": {"schema": {"type": "string"}},
            MEDIA_TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
            MEDIA_TYPES["gpkg"]: {"schema": {"type": "string", "format": "binary"}},
        },
    },
    304: {"description": "The version in If-None-Match still holds."},
}
TABLE = _TABLE


def shown(desk: Desk, stored: StoredPortfolio) -> tuple[dict[str, Any], str]:
    """A portfolio as JSON, and its ETag."""
    state, job = portfolios.status(desk, stored)
    content = {
        "portfolio_id": stored.id,
        "name": stored.name,
        "region": stored.region,
        "status": state,
        "progress": None if job is None else job.progress,
        "job": None if job is None else f"/v1/jobs/{job.id}",
        "problem": None if job is None else job.problem,
        "number": stored.number,
        "travels": ["line", "none", *(["roads"] if desk.settings.roads else [])],
        "facts": stored.facts if not desk.who.is_rep else _own_facts(stored.facts),
        "revision": stored.revision,
        "created_by": stored.created_by,
        "created_at": stored.created_at,
    }
    return content, etag(stored, state, job)


def _own_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """What a rep may know of a whole portfolio: the rules."""
    return {"rules": facts.get("rules", {})}


@routes.post(
    "/portfolios",
    status_code=202,
    response_model=PortfolioShown,
    responses={202: {"headers": {"Location": {"schema": {"type": "string"}}}}},
)
def upload(
    desk: Planner,
    customers: Annotated[UploadFile, File(description="CSV, XLSX, GeoJSON, GeoPackage or GeoParquet.")],
    name: Annotated[Name, Form()],
    region: Annotated[Name, Form()] = "*",
    reps: Annotated[UploadFile | None, File()] = None,
    rules: Annotated[UploadFile | None, File(description="TOML.")] = None,
    crs: Annotated[str, Form(max_length=40, description="wgs84, gcj02, bd09 or EPSG:n.")] = "wgs84",
    columns: Annotated[str, Form(max_length=20_000, description="JSON: our column -> header.")] = "{}",
) -> Response:
    """Bring in customers, reps and rules; poll the Location until its status is `ready`."""
    files = files_of(customers=customers, reps=reps, rules=rules)
    stored = portfolios.upload(desk, name=name, region=region, files=files, crs=crs, columns=columns_of(columns))
    content, tag = shown(desk, stored)
    return document_of(content, tag, 202, f"/v1/portfolios/{stored.id}")


@routes.get("/portfolios", response_model=Many[PortfolioShown], responses=LISTED)
def list_portfolios(desk: AnyUser, lists: Lists, after: After = None, limit: PageSize = USUAL_PAGE) -> Response:
    """The portfolios that you may see, the latest first."""
    page, count, last = portfolios.listed(desk, after, limit)
    items = [shown(desk, stored)[0] for stored in page]
    return lists.page(items, count, last)


@routes.get("/portfolios/{portfolio_id}", response_model=PortfolioShown, responses=SHOWN)
def get_portfolio(portfolio_id: RowId, desk: AnyUser, things: Things) -> Response:
    """A portfolio: its status, and when it is ready its counts and rules."""
    return things.show(*shown(desk, desk.portfolio(portfolio_id)))


@routes.patch("/portfolios/{portfolio_id}", response_model=PortfolioShown)
def change_portfolio(
    request: Request, portfolio_id: RowId, desk: Manager, revision: IfMatch, ask: PortfolioChange
) -> Response:
    """Rename a portfolio, or hand it to another region."""
    stored = desk.portfolio(portfolio_id)
    values = ask.model_dump(exclude_none=True)
    if "region" in values and not desk.who.sees_all_regions and values["region"] not in desk.who.regions:
        raise InvalidError("That region is not yours.")
    changed = portfolios.change(desk, stored, revision, lambda: shown(desk, stored)[0], **values)
    desk.record("portfolio.changed", stored.id, stored.id, **values)
    return document(request, *shown(desk, changed))


@routes.delete("/portfolios/{portfolio_id}", status_code=204)
def remove_portfolio(portfolio_id: RowId, desk: Manager, revision: IfMatch) -> Response:
    """Remove a portfolio with its proposals and its history."""
    stored = desk.portfolio(portfolio_id)
    check_revision(revision, stored.revision, lambda: shown(desk, stored)[0], shown(desk, stored)[1])
    portfolios.remove(desk, stored)
    return Response(status_code=204)


def _page_at_once(request: Request) -> Response | None:
    """A page of the customers when nothing about it is unusual: lists are leafed through more than all else."""
    query = request.query_params
    if not request.app.state.store.is_sqlite or not query.keys() <= {"limit", "offset"}:
        return None
    if not all(_NUMBER.fullmatch(value) for value in query.values()):
        return None
    limit = int(query.get("limit", 0))
    try:
        desk = Access(EVERYONE).open(request)
        portfolio_id = request.path_params["portfolio_id"]
        if not 0 < limit <= _QUICK_ROWS or not portfolios.are_customers_at_hand(desk, portfolio_id):
            return None
        listing = portfolios.customers(desk, portfolio_id)
        return represent(
            request, listing, offered=GEO, offset=int(query.get("offset", 0)), limit=limit, title="Customers"
        )
    except ApiError:
        return None


@routes.get("/portfolios/{portfolio_id}/customers", responses=TABLE)
@at_once(_page_at_once)
async def customers(
    request: Request, portfolio_id: RowId, desk: AnyUser, offset: Offset = 0, limit: Limit = None, f: Format = None
) -> Response:
    """The customers; a rep's are those of his territory of today and of the published one."""

    def answer() -> Response:
        listing = portfolios.customers(desk, portfolio_id)
        return represent(request, listing, offered=GEO, offset=offset, limit=limit, title="Customers")

    is_quick = limit is not None and limit <= _QUICK_ROWS and portfolios.are_customers_at_hand(desk, portfolio_id)
    return answer() if is_quick else await run_in_threadpool(answer)


@routes.get(
    "/portfolios/{portfolio_id}/customers/{customer_id:path}", response_model=dict[str, Any], responses=SHOWN_PLACED
)
def customer(
    request: Request, portfolio_id: RowId, customer_id: CustomerId, desk: AnyUser, f: Format = None
) -> Response:
    """One customer."""
    return represent_row(request, portfolios.one_customer(desk, portfolio_id, customer_id))


@routes.get("/portfolios/{portfolio_id}/reps", responses=TABLE)
def reps(
    request: Request, portfolio_id: RowId, desk: AnyUser, offset: Offset = 0, limit: Limit = None, f: Format = None
) -> Response:
    """The reps; a rep sees himself."""
    return represent(
        request, portfolios.reps(desk, portfolio_id), offered=GEO, offset=offset, limit=limit, title="Reps"
    )


@routes.get("/portfolios/{portfolio_id}/territories", responses=TABLE)
def territories(
    request: Request,
    portfolio_id: RowId,
    desk: AnyUser,
    travel: TravelMode = "line",
    offset: Offset = 0,
    limit: Limit = None,
    f: Format = None,
) -> Response:
    """What each territory holds, and as geojson where it lies."""
    listing = portfolios.territories(desk, portfolio_id, travel)
    return represent(request, listing, offered=GEO, offset=offset, limit=limit, title="Territories")


@routes.get("/portfolios/{portfolio_id}/alerts", responses=TABLE)
def alerts(
    request: Request,
    portfolio_id: RowId,
    desk: AnyUser,
    travel: TravelMode = "line",
    offset: Offset = 0,
    limit: Limit = None,
    f: Format = None,
) -> Response:
    """What is out of band, the worst first, and since which alignment's date."""
    listing = portfolios.alerts(desk, portfolio_id, travel)
    return represent(request, listing, offset=offset, limit=limit, title="Alerts")


@routes.get("/portfolios/{portfolio_id}/locks", response_model=LocksShown, responses=SHOWN)
def locks(portfolio_id: RowId, desk: Planner, things: Things) -> Response:
    """The customers that must keep their territory."""
    stored, portfolio = portfolios.opened(desk, portfolio_id)
    found = portfolios.locked(portfolio)
    return things.show(*_locks(stored, found), Listing.plain(customer_id=found, territory=found.values()))


@routes.patch("/portfolios/{portfolio_id}/locks", response_model=LocksShown)
def change_locks(request: Request, portfolio_id: RowId, desk: Planner, revision: IfMatch, ask: LockChange) -> Response:
    """Lock customers to their territory of today, or lift locks; the ETag is the portfolio's."""
    stored = portfolios.lock(desk, portfolio_id, revision, add=ask.lock, lift=ask.unlock)
    _, portfolio = portfolios.opened(desk, portfolio_id)
    return document(request, *_locks(stored, portfolios.locked(portfolio)))


def _locks(stored: StoredPortfolio, found: dict[str, str | None]) -> tuple[dict[str, Any], str]:
    return {"locks": found, "revision": stored.revision}, etag(stored, portfolios.READY)


def document_of(content: dict[str, Any], tag: str, status: int, location: str) -> Response:
    """What was begun, and where to look for it."""
    return Json(content, status_code=status, headers={"Location": location, "ETag": tag})


def files_of(**given: UploadFile | None) -> dict[str, tuple[str, BinaryIO]]:
    """What a form holds of files: kind -> (file name, stream)."""
    return {kind: (file.filename or kind, file.file) for kind, file in given.items() if file is not None}


def columns_of(text: str) -> dict[str, str]:
    """What a form says of headers."""
    try:
        return _COLUMNS.validate_python(orjson.loads(text))
    except (orjson.JSONDecodeError, ValidationError) as error:
        problem = Problem("columns", "It is no JSON object of texts.", 'Give {"revenue": "sales_2021"}.')
        raise InvalidError("The columns cannot be read.", problems=[problem]) from error
