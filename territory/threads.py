"""Work on several processors at once, as far as they are free."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_ARE_BUSY = ContextVar("are_busy", default=False)
"""Whether whoever asks is one of several that keep all processors busy: more threads would only be in their way."""


def at_once(work: Callable[[Item], Answer], items: Sequence[Item], *, workers: int | None = None) -> list[Answer]:
    """The answer for each item, in their order; so many at once, by default as many as there are processors.

    For work of which none hangs on another, and which spends its time in kernels: those run without Python's global
    lock. What begins threads of its own within does so only where processors are left for them.
    """
    processors = os.cpu_count() or 1
    count = min(workers or processors, max(len(items), 1))

    def one(item: Item) -> Answer:
        with _busy() if 1 < count >= processors else nullcontext():
            return work(item)

    with threads(count) as pool:
        return list(pool.map(one, items))


def threads(count: int) -> Executor:
    """A pool of so many threads; where all processors are busy, one that does all itself, in the order of asking."""
    return _Here() if _ARE_BUSY.get() else ThreadPoolExecutor(count)


@contextmanager
def _busy() -> Iterator[None]:
    before = _ARE_BUSY.set(True)
    try:
        yield
    finally:
        _ARE_BUSY.reset(before)


class _Here(Executor):
    """Does what it is given in the thread that gives it; so that is where errors are raised, too."""

    def submit(self, fn: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:
        done: Future[Answer] = Future()
        done.set_result(fn(*args, **kwargs))
        return done
