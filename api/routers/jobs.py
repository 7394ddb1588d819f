"""Jobs: looking at them, hearing of them, cancelling them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.exchange import Json
from api.exchange.formats import MEDIA_TYPES, choose_format
from api.jobs import is_over
from api.planning import running
from api.routers.parts import (
    LISTED,
    SHOWN,
    USUAL_PAGE,
    After,
    AnyUser,
    Form,
    Lists,
    PageSize,
    Planner,
    RowId,
    Things,
    router,
)
from api.schemas import JobShown, Many
from api.store import Job, Store

routes = router("jobs")
_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPES["events"]: {"schema": {"type": "string"}}}}}
_LOOKED_AT_EVERY_SECONDS = 0.3
_LONGEST_STREAM_SECONDS = 3600.0


@routes.get("/jobs", response_model=Many[JobShown], responses=LISTED)
def list_jobs(desk: Planner, lists: Lists, after: After = None, limit: PageSize = USUAL_PAGE) -> Response:
    """The latest jobs on your portfolios."""
    jobs, last = running.listed(desk, after, limit)
    items = [running.shown(job) for job in jobs]
    return lists.page(items, len(items), last)


@routes.get("/jobs/{job_id}", response_model=JobShown, responses=SHOWN)
def get_job(job_id: RowId, desk: AnyUser, things: Things) -> Response:
    """A job: its status and how much of it is done."""
    job = running.one(desk, job_id)
    return things.show(running.shown(job), running.etag(job))


@routes.delete("/jobs/{job_id}", status_code=202, response_model=JobShown)
def cancel(job_id: RowId, desk: AnyUser) -> Response:
    """Cancel a job; it ends within about a second."""
    return Json(running.shown(running.cancel(desk, job_id)), status_code=202)


@routes.get("/jobs/{job_id}/events", response_class=StreamingResponse, responses=_STREAM)
def events(request: Request, job_id: RowId, desk: AnyUser, f: Form = None) -> Response:
    """Server-sent events: `progress` whenever it has changed, and `end` when the job is over."""
    form = choose_format(request, ("events",))
    job = running.one(desk, job_id)
    stream = _events(request, request.app.state.store, job.id)
    return StreamingResponse(stream, media_type=MEDIA_TYPES[form], headers={"Cache-Control": "no-store"})


async def _events(request: Request, store: Store, job_id: str) -> AsyncIterator[bytes]:
    said = b""
    waited = 0.0
    while waited < _LONGEST_STREAM_SECONDS and not await request.is_disconnected():
        job = await run_in_threadpool(_look, store, job_id)
        if job is None:
            return
        event = b"event: %b\ndata: %b\n\n" % (
            b"end" if is_over(job) else b"progress",
            orjson.dumps(running.shown(job)),
        )
        if event != said:
            said = event
            yield event
        if is_over(job):
            return
        if request.app.state.is_stopping.is_set():
            return
        await asyncio.sleep(_LOOKED_AT_EVERY_SECONDS)
        waited += _LOOKED_AT_EVERY_SECONDS


def _look(store: Store, job_id: str) -> Job | None:
    with store.reading() as session:
        return session.get(Job, job_id)
