"""Days are solved in processes of their own: a solver would keep every other request waiting, and may be ended."""

from __future__ import annotations

import logging
import multiprocessing
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from api.logs import set_up_logs
from api.planning.solving import Days, Question, make_ready
from api.problems import UnavailableError
from api.settings import Settings
from api.store import Store
from territory.errors import TerritoryError

log = logging.getLogger(__name__)

_BEGINS_WITHIN_SECONDS, _ENDS_WITHIN_SECONDS = 240.0, 2.0
_BUSY = {"Retry-After": "2"}
_TOO_MANY = "Too many days are asked for at once."
_MOST_WAITING = 12


class Solver:
    """Answers questions about days, `settings.route_processes` at once; with none of them in the caller's own thread.

    A process begins with the first question and stays. One that dies is begun again, and the question asked once more.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._own = Days(store.fetch, settings) if not settings.route_processes else None
        # Whoever waits keeps a thread of the service, and there must be some for everybody else.
        self._places = threading.BoundedSemaphore(settings.route_processes + _MOST_WAITING)
        self._idle: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(settings.route_processes):
            self._idle.put(None)

    def answer(self, question: Question) -> Any:
        """What `solving.Days.answer` says.

        Raises
        ------
        UnavailableError
            All processes are busy for too long, or this question takes too long.
        TerritoryError
            What the library raises.
        """
        if self._own is not None:
            return self._own.answer(question)
        if not self._places.acquire(blocking=False):
            raise UnavailableError(_TOO_MANY, headers=_BUSY)
        try:
            return self._answered(question)
        finally:
            self._places.release()

    def _answered(self, question: Question) -> Any:
        try:
            child = self._idle.get(timeout=self._settings.route_seconds)
        except queue.Empty as error:
            raise UnavailableError(_TOO_MANY, headers=_BUSY) from error
        try:
            for _ in range(2):
                child = child or _Child(self._settings)
                try:
                    found = child.ask(question, self._settings.route_seconds)
                    break
                except TimeoutError as error:
                    child.end()
                    child = None
                    raise UnavailableError("This day takes too long to solve.") from error
                except (EOFError, OSError):
                    log.warning("the solver's process has died; another one begins")
                    child.end()
                    child = None
            else:
                raise UnavailableError("The solver does not answer.", headers=_BUSY)
        finally:
            self._idle.put(child)
        if isinstance(found, TerritoryError):
            # Made anew: on its way here it was made from its text.
            raise type(found)(found.problems)
        return found

    @property
    def processes(self) -> list[int]:
        """The processes that rest, by their ids."""
        return [child.pid for child in self._idle.queue if child is not None]

    def close(self) -> None:
        """End the processes that rest."""
        while True:
            try:
                child = self._idle.get_nowait()
            except queue.Empty:
                return
            if child is not None:
                child.end()


class _Child:
    """A process that answers."""

    def __init__(self, settings: Settings) -> None:
        context: Any = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
        if sys.platform != "win32":
            # A clean server process that has everything imported forks the children.
            context.set_forkserver_preload([__name__])
        self._pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_serve, args=(settings.model_dump_json(), theirs), name="solver", daemon=True
        )
        self._process.start()
        theirs.close()
        self._is_ready = False

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def ask(self, question: Question, seconds: float) -> Any:
        if not self._is_ready:
            if not self._pipe.poll(_BEGINS_WITHIN_SECONDS):
                raise TimeoutError
            self._is_ready = self._pipe.recv()
        self._pipe.send(question)
        if not self._pipe.poll(seconds):
            raise TimeoutError
        return self._pipe.recv()

    def end(self) -> None:
        self._process.kill()
        self._process.join(_ENDS_WITHIN_SECONDS)
        self._pipe.close()


def _serve(settings_json: str, pipe: Connection) -> None:
    """The inside of the process: answer until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal's processes; the service decides
    set_up_logs()
    settings = Settings.model_validate_json(settings_json)
    store = Store(settings.url)
    days = Days(store.fetch, settings)
    make_ready()
    pipe.send(True)
    while True:
        try:
            question = pipe.recv()
        except EOFError:
            break
        try:
            found = days.answer(question)
        except TerritoryError as error:
            found = error
        pipe.send(found)
    store.close()
