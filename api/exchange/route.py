"""One request, one unit of work: what it writes is committed before it is answered, and a key makes it happen once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.exchange.responses import NO_STORE
from api.problems import ApiError, ConflictError, MalformedError
from api.store import Answer, Store, Work, now
from territory.errors import TerritoryError

OPEN: dict[str, Any] = {"security": []}
"""What a route says of itself in OpenAPI when nobody has to be signed in for it."""
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Quick = Callable[[Request], Response | None]
_QUICK = "answers_at_once"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

SAFE = ("GET", "HEAD", "OPTIONS")
_LONGEST_KEY = 200
_KEPT_HEADERS = ("location", "etag", "content-type", "link")
_SHOWN_ONCE = "shown-once"
"""What an answer that is kept without its secret has beside its headers: where the thing is that has the secret."""
REPLAYED = "Idempotency-Replayed"


class StrictRequest(Request):
    """A request whose JSON is JSON: no NaN, no infinity, no half characters, no endless nesting."""

    async def json(self) -> Any:
        """The body; a JSONDecodeError of Python's when it is none."""
        if not hasattr(self, "_strict"):
            self._strict = orjson.loads(await self.body())
        return self._strict


class AnsweredError(Exception):
    """This request was answered before: `answer` is what was said."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class ExchangeRoute(APIRoute):
    """A route that commits what its handler has written, and answers only then.

    One that neither says who may use it (`access.needs`) nor that everybody may (``openapi_extra=OPEN``) cannot be
    made.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        roles = roles_of(self.dependant)
        if roles is not None:
            self.openapi_extra = {**(self.openapi_extra or {}), "x-roles": sorted(roles)}
        elif self.openapi_extra != OPEN:
            raise TypeError(f"{self.path}: nothing says who may use it")

    def get_route_handler(self) -> Handler:
        """The handler with its unit of work around it."""
        inner = super().get_route_handler()
        quick: Quick | None = getattr(self.endpoint, _QUICK, None)

        async def handle(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            work = strict.state.work = Work(strict.app.state.store)
            strict.state.idempotency = await _idempotency(strict)
            try:
                if quick is not None and (answer := quick(strict)) is not None:
                    return answer
                return await _done(strict, work, inner)
            except AnsweredError as answered:
                return _response(answered.answer)
            finally:
                work.close()

        return handle


def at_once(quick: Quick) -> Callable[[Endpoint], Endpoint]:
    """Let a route answer what it can from memory, before the framework takes the request apart.

    quick : gives the very answer that the route would give, or None to leave the request to it: for anything unusual,
        every refusal among it
    """

    def marked(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _QUICK, quick)
        return endpoint

    return marked


def roles_of(dependant: Dependant) -> frozenset[str] | None:
    """The roles that a route is for; None when it has no rule."""
    roles: frozenset[str] | None = getattr(dependant.call, "roles", None)
    found = (roles_of(each) for each in dependant.dependencies)
    return roles if roles is not None else next((each for each in found if each is not None), None)


def replay(work: Work, key: str, user_id: str, request_hash: str) -> None:
    """Raise `AnsweredError` when this was answered before, ConflictError when it cannot be answered so again."""
    answer = work.read().get(Answer, (key, user_id))
    if answer is None:
        return
    if answer.request_hash != request_hash:
        raise ConflictError("This Idempotency-Key was used for another request; use a new one.")
    if _SHOWN_ONCE in answer.headers:
        where = answer.headers[_SHOWN_ONCE]
        raise ConflictError(
            f"It was done under this key, and its secret was shown that once: see {where}. For another, use a new key."
        )
    raise AnsweredError(answer)


async def _done(request: Request, work: Work, inner: Handler) -> Response:
    """The answer, once what it says has been committed."""
    try:
        response = await inner(request)
        if work.is_writing:
            await run_in_threadpool(_commit, request, work, response)
    except (ApiError, TerritoryError):
        if request.state.idempotency is None or not hasattr(request.state, "user_id"):
            raise
        # Perhaps the same request, sent twice, was done a moment ago and is what stands in the way: then its answer
        # is the answer.
        key, request_hash = request.state.idempotency
        work.close()
        await run_in_threadpool(replay, work, key, request.state.user_id, request_hash)
        raise
    return response


async def _idempotency(request: Request) -> tuple[str, str] | None:
    """The key and what it stands for; None when the request has none."""
    key = request.headers.get("idempotency-key")
    if key is None or request.method in SAFE:
        return None
    if not 0 < len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise MalformedError(f"An Idempotency-Key has 1 to {_LONGEST_KEY} printable characters.")
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode("utf-8", "replace"))
    # An upload is told apart by its length: to hash it, all of it would have to be in memory.
    is_form = request.headers.get("content-type", "").startswith("multipart/")
    digest.update(request.headers.get("content-length", "").encode() if is_form else await request.body())
    return key, digest.hexdigest()


def _commit(request: Request, work: Work, response: Response) -> None:
    user_id = getattr(request.state, "user_id", "")
    if request.state.idempotency is None or response.status_code >= 400:
        work.commit()
        return
    key, request_hash = request.state.idempotency
    headers = {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
    is_secret = response.headers.get("cache-control") == NO_STORE
    if is_secret:
        headers[_SHOWN_ONCE] = headers.get("location", request.url.path)
    work.write().add(
        Answer(
            key=key,
            user_id=user_id,
            request_hash=request_hash,
            status=response.status_code,
            headers=headers,
            # What is kept as a hash wherever else it is kept must not lie here for a day, nor in every backup.
            body=b"" if is_secret else bytes(response.body),
            created_at=now(),
        )
    )
    try:
        work.commit()
    except IntegrityError:
        # The same request came twice at once, and the other was first: then this one has not happened.
        work.close()
        replay(work, key, user_id, request_hash)
        raise


def forget_answers(store: Store, older_than_seconds: float) -> None:
    """Forget what was answered long ago."""
    with store.writing() as session:
        session.execute(sa.delete(Answer).where(Answer.created_at < now() - older_than_seconds))


def _response(answer: Answer) -> Response:
    headers = {**answer.headers, REPLAYED: "true"}
    return Response(answer.body, status_code=answer.status, headers=headers)
