"""Other rules and new files for a portfolio that is there: what they change, and the change."""

from __future__ import annotations

from typing import Annotated

from fastapi import File, Form, Request, Response, UploadFile

from api.exchange import IfMatch, Json, represent
from api.exchange.formats import document
from api.planning import portfolios, updates
from api.planning.desk import etag
from api.planning.publishing import shown as shown_alignment
from api.routers.parts import SHOWN, Limit, Manager, Offset, Planner, RowId, Things, router
from api.routers.parts import Form as Format
from api.routers.portfolios import TABLE, columns_of, document_of, files_of, shown
from api.schemas import AlignmentShown, PortfolioShown, RulesChange, RulesShown, TakeOver
from api.store import StoredPortfolio

routes = router("updates")


@routes.get("/portfolios/{portfolio_id}/rules", response_model=RulesShown, responses=SHOWN)
def rules(portfolio_id: RowId, desk: Planner, things: Things) -> Response:
    """The rules that hold; the ETag is the portfolio's."""
    stored, portfolio = portfolios.opened(desk, portfolio_id)
    found = portfolios.rules_of(portfolio)
    content = {"rules": found, "revision": stored.revision}
    return things.show(content, etag(stored, portfolios.READY), portfolios.rules_table(found))


@routes.patch("/portfolios/{portfolio_id}/rules", response_model=RulesShown)
def change_rules(request: Request, portfolio_id: RowId, desk: Planner, revision: IfMatch, ask: RulesChange) -> Response:
    """Let other rules hold; proposals made before stay as they are."""
    stored: StoredPortfolio = updates.change_rules(desk, portfolio_id, revision, ask.rules)
    content = {"rules": stored.facts["rules"], "revision": stored.revision}
    return document(request, content, etag(stored, portfolios.READY))


@routes.post("/portfolios/{portfolio_id}/rules/preview", responses=TABLE)
def preview_rules(
    request: Request, portfolio_id: RowId, desk: Planner, ask: RulesChange, limit: Limit = None, f: Format = None
) -> Response:
    """What would be different under other rules; nothing is changed."""
    listing = updates.preview_rules(desk, portfolio_id, ask.rules)
    return represent(request, listing, limit=limit, title="What other rules change")


@routes.post("/portfolios/{portfolio_id}/updates", status_code=202, response_model=PortfolioShown)
def bring_again(
    portfolio_id: RowId,
    desk: Planner,
    customers: Annotated[UploadFile, File(description="CSV, XLSX, GeoJSON, GeoPackage or GeoParquet.")],
    reps: Annotated[UploadFile | None, File()] = None,
    rules: Annotated[UploadFile | None, File(description="TOML.")] = None,
    crs: Annotated[str, Form(max_length=40, description="wgs84, gcj02, bd09 or EPSG:n.")] = "wgs84",
    columns: Annotated[str, Form(max_length=20_000, description="JSON: our column -> header.")] = "{}",
) -> Response:
    """Bring in new files; they are read into a portfolio of their own, to be looked at before they hold."""
    files = files_of(customers=customers, reps=reps, rules=rules)
    stored = updates.bring_again(desk, portfolio_id, files=files, crs=crs, columns=columns_of(columns))
    content, tag = shown(desk, stored)
    return document_of(content, tag, 202, f"/v1/portfolios/{stored.id}")


@routes.get("/portfolios/{portfolio_id}/updates/{update_id}", responses=TABLE)
def difference(
    request: Request,
    portfolio_id: RowId,
    update_id: RowId,
    desk: Planner,
    owners: updates.Owners = "keep",
    offset: Offset = 0,
    limit: Limit = None,
    f: Format = None,
) -> Response:
    """What new files change: rules, reps, territories and customers, a row for each cell that differs."""
    listing = updates.difference(desk, portfolio_id, update_id, owners)
    return represent(request, listing, offset=offset, limit=limit, title="What the new files change")


@routes.delete("/portfolios/{portfolio_id}/updates/{update_id}", status_code=204)
def throw_away(portfolio_id: RowId, update_id: RowId, desk: Planner) -> Response:
    """Forget new files that nobody wants."""
    updates.throw_away(desk, portfolio_id, update_id)
    return Response(status_code=204)


@routes.post("/portfolios/{portfolio_id}/take-over", status_code=201, response_model=AlignmentShown)
def take_over(portfolio_id: RowId, desk: Manager, revision: IfMatch, ask: TakeOver) -> Response:
    """Let new files hold from a date on; the ETag is the portfolio's."""
    version = updates.take_over(
        desk,
        portfolio_id,
        revision,
        ask.update_id,
        owners=ask.owners,
        effective_from=ask.effective_from,
        comment=ask.comment,
    )
    location = f"/v1/alignments/{version.id}"
    return Json(shown_alignment(version), status_code=201, headers={"Location": location})
