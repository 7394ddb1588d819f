"""Maps as pages."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.exchange import Nonce, choose_format, is_fresh, not_modified
from api.exchange.responses import PRIVATE
from api.planning import sheets
from api.routers.parts import Form, Planner, RowId, router

routes = router("maps")


@routes.get("/portfolios/{portfolio_id}/map", response_class=HTMLResponse)
def portfolio_map(
    request: Request,
    portfolio_id: RowId,
    desk: Planner,
    nonce: Nonce,
    language: sheets.Language = "auto",
    f: Form = None,
) -> Response:
    """Today's territories on a map that loads nothing from other hosts."""
    choose_format(request, ("html",))
    return _page(request, *sheets.portfolio_map(desk, portfolio_id, language), nonce)


@routes.get("/proposals/{proposal_id}/map", response_class=HTMLResponse)
def proposal_map(
    request: Request,
    proposal_id: RowId,
    desk: Planner,
    nonce: Nonce,
    language: sheets.Language = "auto",
    f: Form = None,
) -> Response:
    """A proposal on a map, before and after, with a reason for each move."""
    choose_format(request, ("html",))
    return _page(request, *sheets.proposal_map(desk, proposal_id, language), nonce)


@routes.get("/portfolios/{portfolio_id}/scene", response_model=dict[str, Any])
def portfolio_scene(request: Request, portfolio_id: RowId, desk: Planner, f: Form = None) -> Response:
    """What today's map is drawn from: ground, customers and measures, as compact as they can be."""
    choose_format(request, ("json",))
    return _scene(request, *sheets.portfolio_scene(desk, portfolio_id))


@routes.get("/proposals/{proposal_id}/scene", response_model=dict[str, Any])
def proposal_scene(request: Request, proposal_id: RowId, desk: Planner, f: Form = None) -> Response:
    """What a proposal's map is drawn from: ground, customers, measures and moves, before and after."""
    choose_format(request, ("json",))
    return _scene(request, *sheets.proposal_scene(desk, proposal_id))


def _scene(request: Request, content: bytes, version: str) -> Response:
    if is_fresh(request, f'"{version}"'):
        return not_modified(f'"{version}"')
    headers = {"ETag": f'"{version}"', "Cache-Control": PRIVATE}
    return Response(content, media_type="application/json", headers=headers)


def _page(request: Request, page: str, version: str, nonce: str) -> Response:
    if is_fresh(request, f'"{version}"'):
        return not_modified(f'"{version}"')
    # A page kept by the browser would carry an old nonce beside a new policy: it asks again each time.
    headers = {"ETag": f'"{version}"', "Cache-Control": "private, no-cache"}
    return HTMLResponse(sheets.with_nonce(page, nonce), headers=headers)
