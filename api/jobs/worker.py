"""The worker: claims jobs, runs each in a child process, and looks after those that run."""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from typing import Any

from api.jobs import child, queue
from api.jobs.queue import Claim, Word
from api.settings import Settings
from api.store import Store

log = logging.getLogger(__name__)

ENDS_WITHIN_SECONDS = 2.0
READING = "read"
"""The kind of job that reads what strangers have uploaded, and gets less memory."""


@dataclass
class _Run:
    """A child process at work."""

    claim: Claim
    process: Any
    pipe: Connection
    ends_by: float
    stage: str = ""
    progress: float = 0.0
    is_cancelled: bool = False

    def listen(self) -> None:
        """Hear what the child has told."""
        with suppress(EOFError, OSError):
            while self.pipe.poll():
                self.stage, self.progress = self.pipe.recv()

    def end(self) -> None:
        self.process.kill()
        self.process.join(ENDS_WITHIN_SECONDS)


@dataclass
class Worker:
    """Runs up to `settings.slots` jobs at once until it is told to stop.

    Parameters
    ----------
    method : how child processes begin, one of `multiprocessing`'s
    """

    settings: Settings
    store: Store
    method: str = "spawn" if sys.platform == "win32" else "forkserver"
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    _runs: dict[str, _Run] = field(default_factory=dict)
    _is_stopping: bool = False

    def __post_init__(self) -> None:
        # A clean server process forks the children: quick, as everything is imported there, and without our threads.
        self._context: Any = multiprocessing.get_context(self.method)
        if self.method == "forkserver":
            self._context.set_forkserver_preload([child.TASKS, "api.jobs.child"])
            forkserver.ensure_running()

    def stop(self) -> None:
        """Let running jobs end within the grace, take no new ones."""
        self._is_stopping = True

    def run(self, parent: Connection | None = None) -> None:
        """Work until stopped, or until the other end of `parent` is closed."""
        beat = self.settings.lease_seconds / 4
        renewed = time.monotonic()
        while not self._is_stopping:
            self._reap()
            while len(self._runs) < self.settings.slots and self._start_one():
                pass
            at = time.monotonic()
            # Whoever waits for a job looks at its progress about once a second.
            if self._runs and at - renewed >= min(beat, 0.5):
                renewed = at
                self._renew()
            if self._wait(parent):
                break
        self._wind_up()

    def _start_one(self) -> bool:
        claim = queue.claim(self.store, self.name, self.settings.lease_seconds)
        if claim is None:
            return False
        if claim.job_id in self._runs:
            # This machine was so slow that the lease ran out under our own hands.
            self._runs.pop(claim.job_id).end()
        memory = self.settings.upload_memory if claim.kind == READING else self.settings.job_memory
        if self.method == "fork":
            # A forked child that ends would close the connections that it shares with us.
            self.store.engine.dispose()
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=child.run, args=(self.settings.model_dump_json(), claim, memory, theirs), daemon=True
        )
        process.start()
        theirs.close()
        longest = self.settings.upload_seconds if claim.kind == READING else math.inf
        self._runs[claim.job_id] = _Run(claim, process, ours, time.monotonic() + longest)
        log.info("job %s (%s) begins, attempt %d", claim.job_id, claim.kind, claim.attempt)
        return True

    def _wait(self, parent: Connection | None) -> bool:
        """Wait until a child ends or the time has come to look for work; whether the parent is gone."""
        watched = [run.process.sentinel for run in self._runs.values()]
        ready = wait([*watched, *([parent] if parent else [])], timeout=self.settings.poll_seconds)
        return parent is not None and parent in ready

    def _reap(self) -> None:
        for job_id, run in list(self._runs.items()):
            run.listen()
            if run.process.is_alive():
                if time.monotonic() > run.ends_by:
                    run.end()
                    queue.fail(self.store, run.claim, _too_long(self.settings.upload_seconds))
                continue
            run.process.join()
            del self._runs[job_id]
            run.pipe.close()
            code = run.process.exitcode
            log.info("job %s ends with code %s", job_id, code)
            if run.is_cancelled:
                queue.cancelled(self.store, run.claim)
            elif code != 0:
                queue.crashed(self.store, run.claim, _how(code))

    def _renew(self) -> None:
        words = [Word(run.claim, run.stage, run.progress) for run in self._runs.values()]
        cancelled, lost = queue.renew(self.store, words, self.settings.lease_seconds)
        for job_id in cancelled | lost:
            run = self._runs[job_id]
            # A job that has just ended is not held any more, and its process is on its way out.
            if job_id in lost:
                run.process.join(ENDS_WITHIN_SECONDS)
            run.is_cancelled = job_id in cancelled
            run.end()

    def _wind_up(self) -> None:
        until = time.monotonic() + self.settings.grace_seconds
        while self._runs and time.monotonic() < until:
            self._reap()
            if self._runs:
                self._renew()
                wait([run.process.sentinel for run in self._runs.values()], timeout=0.1)
        for run in self._runs.values():
            run.end()
        if self._runs:
            queue.give_back(self.store, [run.claim for run in self._runs.values()])
        self._runs.clear()


def _too_long(seconds: float) -> dict[str, Any]:
    what = f"It took longer than {seconds:,.0f} seconds."
    zh = f"用时超过 {seconds:,.0f} 秒。请减少一次的行数，并使用普通 CSV。"
    return queue.problem_of("It took too long", what, "Bring fewer rows at once, as a plain CSV.", zh)


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
