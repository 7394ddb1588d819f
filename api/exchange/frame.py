"""Around every request: its id, its limit, the headers that keep browsers safe, one line of log, one measurement."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.logs import request_id
from api.settings import Settings

log = logging.getLogger("api.access")

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
UPLOADS = re.compile(r"/v1/portfolios(/[^/]+/updates)?/?$")
_YEAR_SECONDS = 365 * 24 * 3600
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Frame:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp, settings: Settings, registry: CollectorRegistry) -> None:
        self.app, self.settings = app, settings
        self.seconds = Histogram(
            "territory_request_seconds",
            "Time until the answer begins.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.answers = Counter(
            "territory_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        given = Headers(scope=scope)
        asked = given.get("x-request-id", "")
        own_id = asked if _ID.fullmatch(asked) else secrets.token_hex(8)
        mark = request_id.set(own_id)
        nonce = scope.setdefault("state", {})["nonce"] = secrets.token_urlsafe(16)

        # RFC 9110, 9.3.2: as GET, without the content.
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                _secure(headers, message["status"], own_id, nonce)
                if self.settings.has_secure_cookies:
                    # RFC 6797: a browser that was here once takes no other way, whoever sits between.
                    headers["Strict-Transport-Security"] = f"max-age={_YEAR_SECONDS}"
                self._note(scope, message["status"], time.perf_counter() - started)
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        limit = self.settings.upload_bytes if UPLOADS.fullmatch(scope["path"]) else self.settings.body_bytes
        try:
            await self.app(scope, _limited(given, receive, limit), answer)
        finally:
            request_id.reset(mark)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The pattern of the path and not the path: ids would make a series of measurements each.
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.seconds.labels(method, route).observe(seconds)
        self.answers.labels(method, route, str(status)).inc()
        if log.isEnabledFor(logging.INFO):
            fields: dict[str, Any] = {
                "method": method,
                "path": _printable(method, scope["path"]),
                "status": status,
                "milliseconds": round(1000 * seconds, 2),
                "user_id": scope["state"].get("user_id", ""),
            }
            log.info("answered", extra=fields)


def _printable(method: str, path: str) -> str:
    """A path for the log: an address that is a secret is not for it, however somebody has mistyped it."""
    return f"{_SECRETS}..." if path.startswith(_SECRETS) and method != "DELETE" else path


_SECRETS = "/v1/calendars/"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _limited(headers: Headers, receive: Receive, limit: int) -> Receive:
    """`receive` that refuses more than `limit` bytes, as soon as it is known."""
    declared = headers.get("content-length", "0")
    is_too_large = not declared.isascii() or not declared.isdigit() or int(declared[:20]) > limit
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        if is_too_large:
            raise HTTPException(413, f"At most {limit:,} bytes are taken here.")
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, f"At most {limit:,} bytes are taken here.")
        return message

    return limited


def _secure(headers: MutableHeaders, status: int, own_id: str, nonce: str) -> None:
    headers["X-Request-ID"] = own_id
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    # A page that the browser has kept goes on under the policy that it came with: its nonces are of then.
    if status != 304 and "content-security-policy" not in headers:
        is_page = headers.get("content-type", "").startswith("text/html")
        headers["Content-Security-Policy"] = page_policy(nonce) if is_page else _NOTHING


_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def page_policy(nonce: str) -> str:
    """What a page may load: this host's files and what carries the nonce, nothing of any other host."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"
    )
