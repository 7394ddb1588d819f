"""Who may: every route names the roles that it is for; a test fails for one that does not."""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Collection
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from starlette.concurrency import run_in_threadpool

from api.auth import EVERYONE, Principal, by_session, by_token
from api.exchange.route import SAFE, replay
from api.logs import request_id
from api.planning.desk import Desk
from api.problems import ForbiddenError, MalformedError, UnauthenticatedError, UnconditionalError

COOKIE = "territory_session"
BY_COMPANY, DOOR = "territory_by_company", "/signin"
"""A cookie, at the door alone, of who came by his company last: the door then asks it again without asking him."""
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="territory"'}


class Access:
    """A rule: signed in, in one of `roles`. As a dependency it gives the `Desk` at which the user works."""

    def __init__(self, roles: Collection[str], *, with_one_time_password: bool = False) -> None:
        self.roles = frozenset(roles)
        self.with_one_time_password = with_one_time_password

    async def __call__(self, request: Request) -> Desk:
        """The desk, or a refusal."""
        # SQLite answers from memory, in less time than it takes to hand the question to a thread.
        is_quick = request.app.state.store.is_sqlite and request.state.idempotency is None
        return self.open(request) if is_quick else await run_in_threadpool(self.open, request)

    def open(self, request: Request) -> Desk:
        """The desk, or a refusal."""
        state, work = request.app.state, request.state.work
        who = self._allowed(request, authenticate(request))
        request.state.user_id = who.user_id
        if request.state.idempotency is not None:
            replay(work, request.state.idempotency[0], who.user_id, request.state.idempotency[1])
        return Desk(who, work, state.settings, state.shelf, request_id.get())

    def _allowed(self, request: Request, who: Principal | None) -> Principal:
        if who is None:
            raise UnauthenticatedError("Sign in, or send a bearer token.", headers=_CHALLENGE)
        if who.must_change_password and not self.with_one_time_password:
            raise ForbiddenError("First replace the one-time password: PUT /v1/me/password.")
        if who.role not in self.roles:
            raise ForbiddenError(f"This is for {', '.join(sorted(self.roles))}.")
        if request.method not in SAFE:
            _check_origin(request, who.csrf)
        return who


def needs(roles: Collection[str] = EVERYONE, *, with_one_time_password: bool = False) -> Any:
    """The dependency by which a route says who may use it."""
    return Depends(Access(roles, with_one_time_password=with_one_time_password))


def authenticate(request: Request) -> Principal | None:
    """Who sends this request; None when it has no credentials, or none that are valid."""
    work, settings = request.state.work, request.app.state.settings
    header = request.headers.get("authorization")
    if header is not None:
        secret = _secret(header)
        return None if secret is None else by_token(work, secret, settings.oidc_token_seconds)
    cookie = request.cookies.get(COOKIE)
    return None if cookie is None else by_session(work, cookie, settings.oidc_session_seconds)


def _secret(header: str) -> str | None:
    """The token in an Authorization header: as a bearer's, or, for programs that know no other, as a password."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (Base64Error, UnicodeDecodeError):
        return None


def _check_origin(request: Request, csrf: str | None) -> None:
    """Refuse what another site makes this browser send, with its cookie or with a password that it has kept."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise ForbiddenError("Another site has sent this; begin at a page of ours.")
    given = request.headers.get("x-csrf-token", "")
    if csrf is not None and not hmac.compare_digest(given.encode(), csrf.encode()):
        raise ForbiddenError("The X-CSRF-Token is missing or wrong; reload the page.")


class Version:
    """What If-Match says: the revision that was changed, or None for any (`*`)."""

    async def __call__(
        self,
        request: Request,
        if_match: Annotated[str | None, Header(description="The ETag that was read.")] = None,
    ) -> Any:
        """The revision; what is sent is kept, to be shown beside how things are if somebody was quicker."""
        request.state.sent = await request.body()
        if if_match is None:
            raise UnconditionalError("Send If-Match with the ETag that you have read.")
        tag = if_match.strip()
        if tag == "*":
            return None
        number = tag.removeprefix("W/").strip('"').partition(".")[0]
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise MalformedError(f'If-Match is an ETag that was read here, as in "12"; not {tag[:40]!r}.')
        return int(number)


IfMatch = Annotated[int | None, Depends(Version())]


def _nonce(request: Request) -> str:
    nonce: str = request.state.nonce
    return nonce


Nonce = Annotated[str, Depends(_nonce)]
"""The nonce that every script and style of an HTML page must carry."""
