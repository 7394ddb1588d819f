"""Every refusal as problem+json (RFC 9457): one status for each class of error, one shape for all."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.exchange.responses import ProblemJson
from api.logs import request_id
from api.problems import ApiError, StaleError
from territory.errors import DataError, InfeasibleError, NotFoundError, Problem, TerritoryError, UnavailableError

log = logging.getLogger(__name__)

STATUS = {DataError: 422, InfeasibleError: 409, NotFoundError: 404, UnavailableError: 503, TerritoryError: 422}
TITLES = {
    404: "There is no such thing",
    409: "The rules contradict each other",
    422: "A value cannot be as it is",
    503: "The service cannot do this now",
}
_MOST_PROBLEMS = 100


def add_error_handlers(app: FastAPI) -> None:
    """Let `app` answer every error with its problem."""
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(TerritoryError, _by_the_library)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _by_the_framework)
    app.add_exception_handler(OperationalError, _overloaded)
    app.add_exception_handler(PoolTimeout, _overloaded)
    app.add_exception_handler(Exception, _ours)


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
    extras: Mapping[str, Any] | None = None,
) -> Response:
    """The body of an error, whatever its kind."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "problems": [asdict(each) for each in problems[:_MOST_PROBLEMS]],
        "request_id": request_id.get(),
        **(extras or {}),
    }
    return ProblemJson(body, status_code=status, headers={"Cache-Control": "no-store", **(headers or {})})


async def _refused(request: Request, error: Any) -> Response:
    extras = error.extras
    if isinstance(error, StaleError) and (sent := getattr(request.state, "sent", b"")):
        extras = {"sent": orjson.loads(sent), **extras}
    return problem(
        error.status,
        error.title,
        error.detail,
        problems=error.problems,
        headers=error.headers,
        extras=extras,
    )


async def _by_the_library(_request: Request, error: Any) -> Response:
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    return problem(status, TITLES[status], str(error), problems=error.problems)


async def _invalid(_request: Request, error: Any) -> Response:
    # What was sent is not repeated: it may be a password, or no JSON at all.
    problems = [Problem(_place(each["loc"]), each["msg"] + ".", _mend(each["type"])) for each in error.errors()]
    is_unreadable = any(each["type"] == "json_invalid" for each in error.errors())
    detail = "; ".join(f"{each.where}: {each.what}" for each in problems[:5])
    return problem(
        400 if is_unreadable else 422,
        "The request cannot be read" if is_unreadable else TITLES[422],
        detail,
        problems=problems,
    )


async def _by_the_framework(_request: Request, error: Any) -> Response:
    title = HTTPStatus(error.status_code).phrase
    return problem(error.status_code, title, str(error.detail), headers=error.headers)


async def _overloaded(_request: Request, error: Any) -> Response:
    log.error("the database did not answer: %s", error)
    return problem(503, TITLES[503], "Try again in a moment.", headers={"Retry-After": "1"})


async def _ours(_request: Request, error: Any) -> Response:
    log.error("a request failed", exc_info=error)
    return problem(500, "The service has a fault", "It is ours; tell the administrator the request_id.")


def _mend(kind: str) -> str:
    """How to mend a fault of this kind, one of pydantic's."""
    return _MENDS.get(kind, "Send what /openapi.json allows here.")


_MENDS = {
    "missing": "Add it.",
    "extra_forbidden": "Leave it out, or look up its name in /openapi.json.",
    "json_invalid": "Send JSON (RFC 8259): no NaN, no half characters, nothing after the end.",
    "model_attributes_type": "Send a JSON object, with the header Content-Type: application/json.",
}


def _place(location: Sequence[str | int]) -> str:
    kind, *inner = location
    return ", ".join([str(kind), *(f"'{part}'" if isinstance(part, str) else f"item {part + 1}" for part in inner)])
