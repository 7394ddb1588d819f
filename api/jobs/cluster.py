"""Pieces of a job: here, or spread over the Dask cluster that is configured. The answers are the same.

The job's own process stays the one that holds it: it hands the pieces out, waits, and writes what they come to. A
piece is a function of bytes alone, so that one that was lost with its worker is simply done once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar

from api.jobs.child import TOLD_EVERY_SECONDS, Context
from territory.alignment import Progress
from territory.errors import Problem, TerritoryError, UnavailableError
from territory.side_by_side import each

Asked = TypeVar("Asked")
Found = TypeVar("Found")

_CONNECTS_WITHIN_SECONDS = 10
_TRIED_AGAIN = 2
"""How often a piece that failed is done again, because of what the machine under it may have had."""


def answers(context: Context, function: Callable[[Asked, Progress], Found], asked: Sequence[Asked]) -> list[Found]:
    """What `function` gives for each of `asked`, in their order.

    Parameters
    ----------
    function : of a module, so that another process finds it; called with one of `asked` and with what its stages are
        to be told to; must not hang on anything but its arguments

    Raises
    ------
    TerritoryError
        What any of them raises; the problems of all of them at once.
    UnavailableError
        The cluster does not answer.
    """
    if context.settings.dask:
        found = _on_cluster(context, function, asked)
    elif len(asked) == 1:
        found = [_tried(function, asked[0], context.tell)]
    else:
        found = each(asked, lambda one, tell: _tried(function, one, tell), progress=context.tell)
    faults = [one for one in found if isinstance(one, TerritoryError)]
    if faults:
        raise type(faults[0])([problem for fault in faults for problem in fault.problems])
    return [one for one in found if not isinstance(one, TerritoryError)]


@contextmanager
def pool(context: Context) -> Iterator[Executor | None]:
    """The cluster as an executor, for work that the library itself divides; None without a cluster."""
    if not context.settings.dask:
        yield None
        return
    with _client(context.settings.dask) as client:
        yield client.get_executor(retries=_TRIED_AGAIN)


def _tried(function: Callable[[Asked, Progress], Found], asked: Asked, tell: Progress) -> Found | TerritoryError:
    try:
        return function(asked, tell)
    except TerritoryError as error:
        return error


def _on_cluster(
    context: Context, function: Callable[[Asked, Progress], Found], asked: Sequence[Asked]
) -> list[Found | TerritoryError]:
    topic = f"{context.claim.job_id}.{context.claim.attempt}"
    done = dict.fromkeys(range(len(asked)), 0.0)

    def hear(event: tuple[float, dict[str, Any]]) -> None:
        number, stage, part = event[1]["piece"], event[1]["stage"], event[1]["part"]
        done[number] = max(done[number], part)
        context.tell(stage, sum(done.values()) / len(done))

    with _client(context.settings.dask) as client:
        client.subscribe_topic(topic, hear)
        futures = [
            client.submit(_piece, function, one, number, topic, pure=False, retries=_TRIED_AGAIN)
            for number, one in enumerate(asked)
        ]
        found: list[Found | TerritoryError] = client.gather(futures)
        client.unsubscribe_topic(topic)
    return found


def _piece(
    function: Callable[[Asked, Progress], Found], asked: Asked, number: int, topic: str
) -> Found | TerritoryError:
    """On a worker of the cluster: one piece. It ends early when the job that wants it is gone."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    told_at = 0.0

    def tell(stage: str, part: float) -> None:
        nonlocal told_at
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise _UnwantedError(key)
        at = time.monotonic()
        if at - told_at >= TOLD_EVERY_SECONDS:
            told_at = at
            worker.log_event(topic, {"piece": number, "stage": stage, "part": part})

    return _tried(function, asked, tell)


class _UnwantedError(Exception):
    """The job has been cancelled, or its process has died: nobody waits for this piece."""


@contextmanager
def _client(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECTS_WITHIN_SECONDS, set_as_default=False)
    except OSError as error:
        what = "It does not answer."
        raise UnavailableError([Problem(f"Dask at {address}", what, "Start it, or unset TERRITORY_DASK.")]) from error
    with client:
        yield client
