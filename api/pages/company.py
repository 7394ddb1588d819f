"""The way to the company's provider, and back. A refusal is told at the door, where one may try again."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from api.auth.company import CALLBACK, STARTED_SECONDS, Company
from api.exchange.access import BY_COMPANY, COOKIE, DOOR
from api.exchange.route import OPEN
from api.pages.frame import PageRoute, local_address
from api.problems import ApiError, ForbiddenError, UnauthenticatedError, UnavailableError, UnknownError

routes = APIRouter(route_class=PageRoute, include_in_schema=False)

_BROWSER = "territory_signing_in"
_LEAVING = "/signin/company"
_KEPT_SECONDS = 90 * 24 * 3600
Text = Annotated[str, Query(max_length=4000)]
REFUSALS = {
    UnauthenticatedError: "company_refused",
    ForbiddenError: "company_no_rights",
    UnavailableError: "company_silent",
}
"""error -> the word by which the door says so."""


@routes.get(_LEAVING, openapi_extra=OPEN)
def leave(request: Request, asked: Annotated[str, Query(alias="next", max_length=2000)] = "/") -> Response:
    """Send the browser to the provider."""
    leads_to = local_address(asked, "/")
    # Many people may share an address; each that goes to the provider is written down until he is back.
    request.app.state.company_pace.keep(request.client.host if request.client else "")
    try:
        address, browser = _company(request).begin(request.app.state.store, leads_to)
    except UnavailableError as refusal:
        return _at_the_door(refusal, leads_to)
    response = RedirectResponse(address, status_code=303)
    # Lax, or the browser would not send it when the provider sends it back here.
    response.set_cookie(
        _BROWSER,
        browser,
        max_age=int(STARTED_SECONDS),
        path=_LEAVING,
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.has_secure_cookies,
    )
    return response


@routes.get(CALLBACK, openapi_extra=OPEN)
def come_back(request: Request, state: Text = "", code: Text = "") -> Response:
    """Sign in whom the provider vouches for."""
    browser = request.cookies.get(_BROWSER, "")
    try:
        secret, _, leads_to = _company(request).finish(request.app.state.store, browser, state, code)
    except (UnauthenticatedError, ForbiddenError, UnavailableError) as refusal:
        return _at_the_door(refusal, "/")
    response = RedirectResponse(leads_to, status_code=303)
    response.set_cookie(
        COOKIE,
        secret,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.has_secure_cookies,
    )
    response.set_cookie(
        BY_COMPANY,
        "1",
        max_age=_KEPT_SECONDS,
        path=DOOR,
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.has_secure_cookies,
    )
    response.delete_cookie(_BROWSER, path=_LEAVING)
    return response


def _company(request: Request) -> Company:
    company: Company | None = request.app.state.company
    if company is None:
        raise UnknownError("No provider is configured.")
    return company


def _at_the_door(refusal: ApiError, leads_to: str) -> Response:
    query = urlencode({"next": leads_to, "refused": REFUSALS[type(refusal)]})
    response = RedirectResponse(f"{DOOR}?{query}", status_code=303)
    response.delete_cookie(_BROWSER, path=_LEAVING)
    response.delete_cookie(BY_COMPANY, path=DOOR)
    return response
