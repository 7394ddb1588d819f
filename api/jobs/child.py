"""The inside of a child process: one attempt at one job, then the end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy.orm import Session

from api.jobs import queue
from api.jobs.queue import Claim
from api.logs import set_up_logs
from api.settings import Settings
from api.store import Store
from territory.errors import TerritoryError

log = logging.getLogger(__name__)

TASKS = "api.planning.tasks"
"""The module that has a function for each kind of job: a name, so that jobs know nothing of what they are about."""
TOLD_EVERY_SECONDS = 0.1

Write = Callable[[Session], None]
"""Writes the result in the job's own transaction."""
Task = Callable[..., Write]
"""Takes a `Context` and the job's arguments by name, does the work, which may take long and writes nothing."""


@dataclass(frozen=True)
class Context:
    """What a task may use."""

    store: Store
    settings: Settings
    claim: Claim
    tell: Callable[[str, float], None]
    """Told the stage and the part done, as `territory` tells its progress."""


def run(settings_json: str, claim: Claim, memory: int, pipe: Connection) -> None:
    """Make one attempt at a job; the exit code of the process is 0 when it was done, failed well or was another's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal's processes; the worker decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    settings = Settings.model_validate_json(settings_json)
    set_up_logs(job_id=claim.job_id, request_id=claim.request_id)
    threading.Thread(target=_die_with, args=(pipe,), daemon=True).start()
    _limit_memory(memory)
    store = Store(settings.url)
    try:
        attempt(Context(store, settings, claim, _teller(pipe)))
    except MemoryError:
        queue.fail(store, claim, _too_much(memory))
    finally:
        store.close()


def attempt(context: Context) -> None:
    """Do a job, and write its result in the transaction that marks it as done; or why it cannot be done."""
    store, claim = context.store, context.claim
    try:
        write = _task(claim.kind)(context, **claim.arguments)
    except TerritoryError as error:
        problem = {"title": type(error).__name__, "detail": str(error), "problems": [asdict(p) for p in error.problems]}
        queue.fail(store, claim, problem)
        return
    with store.writing() as session:
        if queue.finish(session, claim):
            write(session)
        else:
            log.warning("attempt %d is not the latest any more; its result is dropped", claim.attempt)


def _task(kind: str) -> Task:
    task: Task = import_module(TASKS).TASKS[kind]
    return task


def _teller(pipe: Connection) -> Callable[[str, float], None]:
    last = 0.0

    def tell(stage: str, part: float) -> None:
        nonlocal last
        at = time.monotonic()
        if at - last >= TOLD_EVERY_SECONDS:
            last = at
            pipe.send((stage, part))

    return tell


def _die_with(pipe: Connection) -> None:
    """End this process when the worker is gone: the other end of the pipe closes with it."""
    try:
        pipe.recv()
    except (EOFError, OSError):
        os._exit(1)


def _limit_memory(memory: int) -> None:
    """Let the system refuse more memory than this, as a MemoryError that can be told."""
    if sys.platform != "linux":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _too_much(memory: int) -> dict[str, Any]:
    what = f"It needs more than the {memory // 2**20:,} MB that a job may use."
    zh = f"所需内存超过任务上限 {memory // 2**20:,} MB。请减少一次的行数或列数。"
    return queue.problem_of("Too much memory", what, "Bring fewer rows or columns at once.", zh)
