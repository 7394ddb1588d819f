"""Jobs: each is done once, whatever dies; what runs too long or takes too much is ended."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.jobs import ask_cancel, enqueue, finish, queue
from api.jobs.child import Context, Write
from api.jobs.worker import Worker
from api.planning import tasks
from api.settings import MEGABYTE, Settings
from api.store import AuditEntry, Job, Store, clock
from tests.api.databases import KINDS, Databases

JOBS = int(os.environ.get("TERRITORY_JOBS", "30"))
LIFE_SECONDS = float(os.environ.get("TERRITORY_LIFE_SECONDS", "0.3"))
"""How long a worker goes on at most, after it has done something, before it is killed."""
WORK_SECONDS = 0.1
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.api.test_jobs", "api.planning.tasks"])
LEASE = 1.0


@pytest.fixture(params=KINDS)
def settings(request: pytest.FixtureRequest, databases: Databases) -> Settings:
    url = databases.fresh(request.param)
    return Settings(database_url=url, slots=3, lease_seconds=LEASE, poll_seconds=0.05, grace_seconds=5)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    made = Store(settings.url)
    yield made
    made.close()


def work(settings_json: str) -> None:
    """A worker in a process of its own."""
    settings = Settings.model_validate_json(settings_json)
    # Its children are forked from it: quick, and it has no threads.
    worker = Worker(settings, Store(settings.url), method="fork")
    tasks.TASKS = {**tasks.TASKS, "hoard": hoard, "hold": hold}
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


def hoard(context: Context) -> Write:
    """A task that wants ten times what it may have."""
    kept = [bytearray(MEGABYTE) for _ in range(10 * context.settings.job_memory // MEGABYTE)]
    return lambda session: kept.clear()


def hold(context: Context, *, until: str) -> Write:
    """A task that is done as soon as there is this file."""
    while not Path(until).exists():
        time.sleep(0.02)
    return tasks.wait(context, seconds=0)


@contextmanager
def working(settings: Settings) -> Iterator[Any]:
    process = _CONTEXT.Process(target=work, args=(settings.model_dump_json(),))
    process.start()
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        process.join(20)


def put(store: Store, count: int, kind: str = "wait", **arguments: Any) -> list[str]:
    with store.writing() as session:
        return [enqueue(session, kind, arguments, resource="", user_id="u").id for _ in range(count)]


def wait_for(store: Store, ids: list[str], seconds: float = 40.0) -> dict[str, Job]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with store.reading() as session:
            jobs = {job.id: job for job in session.scalars(sa.select(Job).where(Job.id.in_(ids)))}
        if all(job.status in queue.OVER for job in jobs.values()):
            return jobs
        time.sleep(0.05)
    raise AssertionError({job.id: (job.status, job.attempt) for job in jobs.values()})


def wait_until(store: Store, condition: Any, seconds: float = 40.0) -> None:
    """Until a job is like this."""
    until = time.monotonic() + seconds
    while count(store, condition) == 0:
        assert time.monotonic() < until, str(condition)
        time.sleep(0.01)


def count(store: Store, condition: Any) -> int:
    with store.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Job).where(condition)) or 0


def results(store: Store) -> dict[str, int]:
    """job -> how often its result was written."""
    with store.reading() as session:
        query = sa.select(AuditEntry.object_id, sa.func.count()).where(AuditEntry.action == "job.waited")
        return dict(session.execute(query.group_by(AuditEntry.object_id)).all())


def test_every_job_is_done_once_while_workers_are_killed(settings: Settings, store: Store):
    ids = put(store, JOBS, seconds=WORK_SECONDS)

    chance, kills = random.Random(7), 0
    while left := count(store, Job.status != "done"):
        process = _CONTEXT.Process(target=work, args=(settings.model_dump_json(),))
        process.start()
        # Each does something before it is killed, or a slow machine would never come to an end.
        while process.is_alive() and count(store, Job.status != "done") > max(0, left - 4):
            time.sleep(0.02)
        time.sleep(chance.uniform(0, LIFE_SECONDS))
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        kills += 1

    assert kills >= 3
    assert results(store) == dict.fromkeys(ids, 1)


def test_a_dead_workers_job_is_taken_over_when_its_lease_is_over(settings: Settings, store: Store, tmp_path: Path):
    alone = settings.model_copy(update={"slots": 1})
    free = tmp_path / "free"
    with working(alone) as first:
        (job_id,) = put(store, 1, kind="hold", until=str(free))
        wait_until(store, Job.status == "running")
        with working(alone):
            wait_for(store, put(store, 1, seconds=0))
            os.kill(first.pid, signal.SIGKILL)
            with store.reading() as session:
                killed_at = clock(session)
            wait_until(store, Job.attempt == 2)
            free.touch()
            with store.reading() as session:
                taken_over_at = session.get_one(Job, job_id).lease_until - LEASE
            jobs = wait_for(store, [job_id])

    print(f"taken over after {taken_over_at - killed_at:.2f} s, with a lease of {LEASE:g} s")
    assert (jobs[job_id].status, jobs[job_id].attempt) == ("done", 2)
    assert taken_over_at - killed_at <= LEASE + 1
    assert results(store)[job_id] == 1


def test_what_a_worker_says_after_its_lease_was_lost_does_not_count(store: Store):
    (job_id,) = put(store, 1, seconds=0)
    first = queue.claim(store, "slow", -1.0)
    second = queue.claim(store, "quick", 60.0)

    assert first is not None
    assert second is not None
    with store.writing() as session:
        assert not finish(session, first)
    assert queue.renew(store, [queue.Word(first, "late", 0.9)], 60.0) == (set(), {job_id})
    with store.writing() as session:
        assert finish(session, second)


def test_a_running_job_is_cancelled_within_two_seconds(settings: Settings, store: Store):
    (job_id,) = put(store, 1, seconds=60.0)

    with working(settings):
        wait_until(store, Job.status == "running")
        began = time.monotonic()
        with store.writing() as session:
            ask_cancel(session, job_id)
        jobs = wait_for(store, [job_id])
        took = time.monotonic() - began

    assert jobs[job_id].status == "cancelled"
    assert took < 4.0
    assert results(store) == {}


def test_a_job_whose_process_keeps_dying_is_given_up_and_says_so(settings: Settings, store: Store):
    (job_id,) = put(store, 1, kind="no such kind")

    with working(settings):
        jobs = wait_for(store, [job_id])

    assert jobs[job_id].status == "failed"
    assert jobs[job_id].problem is not None
    assert "given up" in jobs[job_id].problem["title"]
    assert jobs[job_id].problem["problems"][0]["zh"].startswith("进程 3 次意外终止")


def test_a_job_that_takes_too_much_memory_fails_and_the_others_go_on(settings: Settings, store: Store):
    tight = settings.model_copy(update={"job_memory": 1500 * MEGABYTE})
    ids = put(store, 1, kind="hoard") + put(store, 2, seconds=0.1)

    with working(tight):
        jobs = wait_for(store, ids)

    assert [jobs[job_id].status for job_id in ids] == ["failed", "done", "done"]
    assert "1,500 MB" in str(jobs[ids[0]].problem)


def test_a_stopped_worker_ends_its_jobs_or_gives_them_back(settings: Settings, store: Store):
    ids = put(store, 3, seconds=0.5)

    with working(settings):
        time.sleep(0.3)
    with store.reading() as session:
        statuses = {session.get_one(Job, job_id).status for job_id in ids}

    assert statuses <= {"done", "queued"}


def test_jobs_are_done_in_the_order_they_came(store: Store):
    ids = put(store, 5, seconds=0)

    claimed = [queue.claim(store, "w", 60.0) for _ in range(6)]

    assert sorted(claim.job_id for claim in claimed if claim) == sorted(ids)
    assert claimed[5] is None
