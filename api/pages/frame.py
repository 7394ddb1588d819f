"""The frame around every page: menu, language, who is signed in; and errors as pages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

import jinja2
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.auth import ADMIN, MANAGER, PLANNER, REP, Principal
from api.exchange import ExchangeRoute
from api.exchange.route import Handler
from api.language import TAGS, language_of
from api.pages.static import version
from api.pages.words import words
from api.problems import ApiError, ForbiddenError, UnauthenticatedError, UnknownError

HOME = {REP: "/my/day", ADMIN: "/portfolios", MANAGER: "/portfolios", PLANNER: "/portfolios"}
_PLANNING = [("/portfolios", "portfolios")]
_MENU = {
    REP: [("/my/day", "my_day"), ("/my", "my_territory"), ("/tokens", "tokens")],
    PLANNER: [*_PLANNING, ("/tokens", "tokens")],
    MANAGER: [*_PLANNING, ("/tokens", "tokens")],
    ADMIN: [*_PLANNING, ("/users", "users"), ("/audit", "audit"), ("/backups", "backups"), ("/tokens", "tokens")],
}
_TITLES = {403: "no_right", 404: "not_there"}


class PageRoute(ExchangeRoute):
    """A route for people: who is not signed in is led to the door, and a refusal is a page."""

    def get_route_handler(self) -> Handler:
        """The handler, with its refusals as pages."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except UnauthenticatedError:
                asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                return RedirectResponse(f"/signin?next={quote(asked, safe='')}", status_code=303)
            except (ForbiddenError, UnknownError) as refusal:
                return _refusal(request, refusal)
            except RequestValidationError:
                return _refusal(request, UnknownError("There is no such page."))

        return handle


def render(request: Request, name: str, who: Principal | None = None, **page: Any) -> Response:
    """The page of a template; what its script is told are `page` and who reads it.

    The one-time password opens no page but the one that replaces it.
    """
    if who is not None and who.must_change_password and name != "password":
        return RedirectResponse("/password", status_code=303)
    return HTMLResponse(_html(request, name, who, page), headers={"Cache-Control": "no-store", "Vary": "Cookie"})


def local_address(asked: str, otherwise: str) -> str:
    r"""`asked` when it leads to a page of ours; ``//host`` and ``/\host`` would lead elsewhere."""
    is_ours = asked.startswith("/") and asked[1:2] not in ("/", "\\") and asked.isprintable()
    return asked if is_ours else otherwise


def _refusal(request: Request, refusal: ApiError) -> Response:
    text = words(language_of(request))[_TITLES[refusal.status]]
    return HTMLResponse(_html(request, "refusal", None, {}, text=text), status_code=refusal.status)


def _html(request: Request, name: str, who: Principal | None, page: dict[str, Any], **more: Any) -> str:
    language = language_of(request)
    said = words(language)
    told = {**page, "language": language, "me": None if who is None else _shown(who)}
    menu = [] if who is None or who.must_change_password else _MENU[who.role]
    return (
        _environment()
        .get_template(f"{name}.html")
        .render(
            say=said.__getitem__,
            language=language,
            tag=TAGS[language],
            static=f"/static/{version()}",
            nonce=request.state.nonce,
            name=name,
            here=_entry(menu, request.url.path),
            menu=menu,
            page=told,
            role=None if who is None else who.role,
            **more,
        )
    )


def _entry(menu: Sequence[tuple[str, str]], path: str) -> str:
    """The address of the menu's entry that leads here: of several that begin so, the longest."""
    return max((address for address, _ in menu if path.startswith(address)), key=len, default="")


def _shown(who: Principal) -> dict[str, Any]:
    return {
        "user_id": who.user_id,
        "login": who.login,
        "name": who.name,
        "role": who.role,
        "regions": list(who.regions),
        "sees_all_regions": who.sees_all_regions,
        "rep_id": who.rep_id,
        "csrf": who.csrf,
    }


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("api.pages", "templates")
    return jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
