"""Many plans at once, with one account of how far they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeVar

import numpy as np

from territory.alignment import Progress
from territory.errors import DataError, Problem
from territory.threads import at_once

STAGE = "scenarios"
"""The stage that progress is told under."""

Asked = TypeVar("Asked")
Found = TypeVar("Found")


def each(
    asked: Sequence[Asked],
    answer: Callable[[Asked, Progress], Found],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Found]:
    """The answer to each question, in their order, several at once.

    Parameters
    ----------
    asked : what `answer` is called with, one after the other
    answer : called with a question and with what its stages are to be told to; must not hang on the others
    workers : int, how many at once; as many as there are processors by default. The result is the same for any number.
    progress : called with the stage "scenarios" and the part of all that is done

    Raises
    ------
    DataError
        `workers` is below 1.

    Notes
    -----
    In threads, because the search runs without Python's global lock: nothing is copied to another process.
    """
    if workers is not None and workers < 1:
        raise DataError([Problem("workers", f"{workers} workers do nothing.", "Give 1 or more.")])
    parts = _Parts(len(asked), progress)

    def one(number: int) -> Found:
        found = answer(asked[number], parts.of(number))
        parts.tell(number, 1.0)
        return found

    return at_once(one, range(len(asked)), workers=workers)


class _Parts:
    """Adds up the progress of plans that are made side by side."""

    def __init__(self, count: int, progress: Progress | None) -> None:
        self._done, self._progress, self._lock = np.zeros(count), progress, Lock()

    def of(self, number: int) -> Progress:
        """What plan `number` tells its stages to."""

        def told(stage: str, part: float) -> None:
            # The balance is nearly all of the work; when it begins again, with another tolerance, nothing goes back.
            self.tell(number, 0.99 * part if stage == "balance" else 0.0)

        return told

    def tell(self, number: int, part: float) -> None:
        """Plan `number` is done in `part`."""
        if self._progress is None:
            return
        with self._lock:
            self._done[number] = max(self._done[number], part)
            self._progress(STAGE, float(self._done.mean()))
