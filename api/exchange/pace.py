"""How often one stranger may ask for what needs no signing in."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Lock

from api.problems import TooManyError

_MOST_KNOWN = 10_000


class Pace:
    """At most so many times within so many seconds for each name, in this process.

    Parameters
    ----------
    most : times; seconds : the window; clock : seconds that never go back
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def keep(self, name: str) -> None:
        """Count one time more; TooManyError, with the seconds to wait, when it is one too many."""
        at = self._clock()
        with self._lock:
            times = self._times.setdefault(name, deque())
            self._times.move_to_end(name)
            while len(self._times) > _MOST_KNOWN:
                self._times.popitem(last=False)
            while times and times[0] <= at - self._seconds:
                times.popleft()
            if len(times) < self._most:
                times.append(at)
                return
            wait = max(1, math.ceil(times[0] + self._seconds - at))
        raise TooManyError(f"Wait {wait} seconds before the next attempt.", headers={"Retry-After": str(wait)})
