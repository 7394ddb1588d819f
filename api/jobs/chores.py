"""What is to be done from time to time, beside the jobs: in a thread of its own, so that no lease waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import OperationalError

log = logging.getLogger(__name__)


@dataclass
class Chore:
    """Something to do every so often."""

    do: Callable[[], object]
    every_seconds: float
    due: float = 0.0


class Chores:
    """Does each chore when it is due, one after the other; `fallen` is called when one of them breaks the thread."""

    def __init__(self, chores: Sequence[Chore], fallen: Callable[[], None]) -> None:
        self._chores, self._fallen = chores, fallen
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, within_seconds: float) -> None:
        """End after the chore at hand."""
        self._is_stopping.set()
        self._thread.join(within_seconds)

    def _run(self) -> None:
        try:
            while not self._is_stopping.is_set():
                self.do_what_is_due(time.monotonic())
                soonest = min(chore.due for chore in self._chores)
                self._is_stopping.wait(max(0.05, soonest - time.monotonic()))
        finally:
            if not self._is_stopping.is_set():
                self._fallen()

    def do_what_is_due(self, at: float) -> None:
        """Do each chore whose time has come; one that the database does not let do is done the next time."""
        for chore in self._chores:
            if at >= chore.due:
                chore.due = at + chore.every_seconds
                try:
                    chore.do()
                except OperationalError as error:
                    log.warning("a chore waits for the database: %s", error)
