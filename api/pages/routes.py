"""The URLs of the pages. What a page is about must be there for its reader, or the answer is a page that says no."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from api.auth import ADMIN, EVERYONE, PLANNERS, REP
from api.exchange import needs
from api.exchange.access import BY_COMPANY
from api.exchange.route import OPEN
from api.pages.company import REFUSALS
from api.pages.frame import HOME, PageRoute, local_address, render
from api.planning import scenarios
from api.planning.desk import Desk
from api.routers.parts import RowId

routes = APIRouter(route_class=PageRoute, include_in_schema=False)

# With a one-time password one comes as far as `render`, which leads to the page that replaces it.
Reader = Annotated[Desk, needs(EVERYONE, with_one_time_password=True)]
Planner = Annotated[Desk, needs(PLANNERS, with_one_time_password=True)]
Admin = Annotated[Desk, needs({ADMIN}, with_one_time_password=True)]
Rep = Annotated[Desk, needs({REP}, with_one_time_password=True)]


@routes.get("/")
def home(desk: Reader) -> Response:
    """Where one's work begins."""
    return RedirectResponse(HOME[desk.who.role], status_code=303)


@routes.get("/signin", openapi_extra=OPEN)
def sign_in(
    request: Request,
    asked: Annotated[str, Query(alias="next", max_length=2000)] = "/",
    refused: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The door, for which some have the key of their company."""
    settings = request.app.state.settings
    company = settings.oidc_name or settings.oidc_issuer if settings.has_company else ""
    told = refused if refused in REFUSALS.values() else ""
    if company and not told and BY_COMPANY in request.cookies:
        return RedirectResponse(f"/signin/company?{urlencode({'next': local_address(asked, '/')})}", status_code=303)
    return render(request, "signin", next=local_address(asked, "/"), company=company, refused=told)


@routes.get("/password")
def password(request: Request, desk: Reader) -> Response:
    """Replace one's password."""
    return render(request, "password", desk.who)


@routes.get("/portfolios")
def portfolios(request: Request, desk: Planner) -> Response:
    """The portfolios, and how to bring one in."""
    return render(request, "portfolios", desk.who)


@routes.get("/portfolios/{portfolio_id}")
def portfolio(request: Request, portfolio_id: RowId, desk: Planner) -> Response:
    """Today's territories; asking for proposals; what has held."""
    return render(request, "portfolio", desk.who, portfolio_id=desk.portfolio(portfolio_id).id)


@routes.get("/portfolios/{portfolio_id}/data")
def data(request: Request, portfolio_id: RowId, desk: Planner) -> Response:
    """Its rules, and new files for it."""
    return render(request, "data", desk.who, portfolio_id=desk.portfolio(portfolio_id).id)


@routes.get("/portfolios/{portfolio_id}/scenarios")
def what_ifs(request: Request, portfolio_id: RowId, desk: Planner) -> Response:
    """What would be if."""
    return render(request, "scenarios", desk.who, portfolio_id=desk.portfolio(portfolio_id).id)


@routes.get("/proposals/{proposal_id}")
def proposal(request: Request, proposal_id: RowId, desk: Planner) -> Response:
    """A proposal: look at it, change it by hand, hand it on, publish it."""
    plan, stored = desk.plan(proposal_id)
    return render(request, "proposal", desk.who, proposal_id=plan.id, portfolio_id=stored.id)


@routes.get("/comparisons/{comparison_id}")
def comparison(request: Request, comparison_id: RowId, desk: Planner) -> Response:
    """Plans side by side."""
    found, _ = scenarios.comparison(desk, comparison_id)
    return render(request, "comparison", desk.who, comparison_id=found.id, portfolio_id=found.portfolio_id)


@routes.get("/portfolios/{portfolio_id}/days")
def days(request: Request, portfolio_id: RowId, desk: Planner) -> Response:
    """The days of a portfolio's reps."""
    return render(request, "day", desk.who, portfolio_id=desk.portfolio(portfolio_id).id)


@routes.get("/my/day")
def day(request: Request, desk: Rep) -> Response:
    """A rep's own day."""
    return render(request, "day", desk.who)


@routes.get("/my")
def my(request: Request, desk: Rep) -> Response:
    """A rep's own customers, and what changes for him."""
    return render(request, "my", desk.who)


@routes.get("/tokens")
def tokens(request: Request, desk: Reader) -> Response:
    """One's tokens for programs."""
    return render(request, "tokens", desk.who)


@routes.get("/users")
def users(request: Request, desk: Admin) -> Response:
    """Who may sign in."""
    return render(request, "users", desk.who)


@routes.get("/audit")
def audit(request: Request, desk: Admin) -> Response:
    """Who did what."""
    return render(request, "audit", desk.who)


@routes.get("/backups")
def backups(request: Request, desk: Admin) -> Response:
    """Backups, and how to put one back."""
    return render(request, "backups", desk.who)
