"""Bodies as bytes: JSON in which what is not a number is null, and answers to conditional requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

PRIVATE = "private, no-cache"
NO_STORE = "no-store"
"""Of an answer that holds a secret, or what is only of this moment: nobody keeps it, neither do we."""


class Json(Response):
    """A body of JSON types, numpy's included; NaN and infinity become null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return orjson.dumps(content, default=str, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


class ProblemJson(Json):
    """An error, RFC 9457."""

    media_type = "application/problem+json"


def is_fresh(request: Request, etag: str) -> bool:
    """Whether the client has this version already (RFC 9110, 13.1.2: the weak comparison)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in given.split(",")}


def not_modified(etag: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that the client has it already."""
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": PRIVATE, **(headers or {})})
