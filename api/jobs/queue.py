"""The queue. A worker holds a job by a lease that it renews; the attempt's number is the fence.

Whoever writes about a running job says which attempt it is. When a worker has been silent for longer than its lease,
another takes the job over under the next number, and from then on nothing that the first one says counts
(leases: Gray and Cheriton 1989, SOSP 12; fencing: Kleppmann 2016, "How to do distributed locking").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.store import Job, Store, clock, new_id

OVER = ("done", "failed", "cancelled")
MOST_CRASHES, MOST_ATTEMPTS = 3, 50
"""A job whose child processes die that often is given up; of dying workers it is not to blame."""


@dataclass(frozen=True)
class Claim:
    """A job in one's hands: this attempt at it."""

    job_id: str
    attempt: int
    kind: str
    arguments: Mapping[str, Any]
    user_id: str
    request_id: str


def is_over(job: Job) -> bool:
    """Whether the job has ended, one way or the other."""
    return job.status in OVER


def enqueue(
    session: Session,
    kind: str,
    arguments: Mapping[str, Any],
    *,
    resource: str,
    user_id: str,
    portfolio_id: str | None = None,
    request_id: str = "",
) -> Job:
    """Put a job into the queue, as a part of the caller's transaction.

    Parameters
    ----------
    kind : the name of a task, see `api.planning.tasks`
    arguments : JSON
    resource : the path under which its result will be found
    """
    job = Job(
        id=new_id("job"),
        kind=kind,
        arguments=dict(arguments),
        portfolio_id=portfolio_id,
        status="queued",
        resource=resource,
        created_by=user_id,
        created_at=clock(session),
        request_id=request_id,
    )
    session.add(job)
    return job


def ask_cancel(session: Session, job_id: str) -> None:
    """Cancel a job: at once when it waits, as soon as its worker hears of it when it runs."""
    session.execute(
        sa.update(Job)
        .where(Job.id == job_id, Job.status == "queued")
        .values(status="cancelled", finished_at=clock(session))
    )
    session.execute(sa.update(Job).where(Job.id == job_id, Job.status == "running").values(cancel_asked=True))


def claim(store: Store, worker: str, lease_seconds: float) -> Claim | None:
    """Take the job that has waited longest, or one whose worker has been silent for too long; None without any."""
    with store.reading() as session:
        # Most of the time there is none, and then nobody is kept from writing.
        if session.scalar(sa.select(Job.id).where(_free(clock(session))).limit(1)) is None:
            return None
    with store.writing() as session:
        at = clock(session)
        job = session.scalars(
            sa.select(Job).where(_free(at)).order_by(Job.created_at, Job.id).limit(1).with_for_update(skip_locked=True)
        ).first()
        if job is None:
            return None
        if job.attempt >= MOST_ATTEMPTS:
            never_ended = (
                f"It was begun {MOST_ATTEMPTS} times and never ended.",
                f"开始了 {MOST_ATTEMPTS} 次，始终没有完成。",
            )
            _end(job, at, "failed", _given_up(*never_ended))
            return None
        if job.cancel_asked:
            _end(job, at, "cancelled", None)
            return None
        job.status, job.worker, job.attempt = "running", worker, job.attempt + 1
        job.lease_until, job.started_at = at + lease_seconds, job.started_at or at
        job.stage, job.progress = "", 0.0
        return Claim(job.id, job.attempt, job.kind, job.arguments, job.created_by, job.request_id)


@dataclass(frozen=True)
class Word:
    """What a worker says about a job that it holds, when it renews the lease."""

    claim: Claim
    stage: str
    progress: float


def renew(store: Store, words: Sequence[Word], lease_seconds: float) -> tuple[set[str], set[str]]:
    """Renew leases and write down the progress.

    Returns
    -------
    cancelled, lost : ids of jobs that somebody wants cancelled, and of those that are no longer this worker's
    """
    cancelled, lost = set(), set()
    with store.writing() as session:
        at = clock(session)
        for word in words:
            found = session.execute(
                sa.update(Job)
                .where(*_held(word.claim))
                .values(lease_until=at + lease_seconds, stage=word.stage, progress=word.progress)
                .returning(Job.cancel_asked)
            ).first()
            if found is None:
                lost.add(word.claim.job_id)
            elif found.cancel_asked:
                cancelled.add(word.claim.job_id)
    return cancelled, lost


def finish(session: Session, claim: Claim) -> bool:
    """Mark a job as done, in the transaction that writes its result; False when it is another's by now.

    Call it before anything is written: then the row's lock keeps every other attempt out until the end.
    """
    done = session.execute(
        sa.update(Job)
        .where(*_held(claim), Job.cancel_asked.is_(False))
        .values(status="done", progress=1.0, finished_at=clock(session), problem=None)
        .returning(Job.id)
    )
    return done.first() is not None


def problem_of(title: str, what: str, fix: str, zh: str) -> dict[str, Any]:
    """Why a job as a whole cannot be done, as its resource answers it; `zh` says what and how to mend in Chinese."""
    return {"title": title, "detail": what, "problems": [{"where": "job", "what": what, "fix": fix, "zh": zh}]}


def fail(store: Store, claim: Claim, problem: Mapping[str, Any]) -> None:
    """End a job that cannot be done: `problem` is what its resource will answer."""
    with store.writing() as session:
        _close(session, claim, "failed", problem)


def cancelled(store: Store, claim: Claim) -> None:
    """End a job that somebody wanted cancelled, after its process has been ended."""
    with store.writing() as session:
        _close(session, claim, "cancelled", None)


def crashed(store: Store, claim: Claim, how: str) -> None:
    """Give back a job whose process has died; after `MOST_CRASHES` times it has failed."""
    with store.writing() as session:
        job = session.scalars(sa.select(Job).where(*_held(claim)).with_for_update()).first()
        if job is None:
            return
        job.crashes += 1
        if job.crashes >= MOST_CRASHES:
            died = f"Its process died {job.crashes} times ({how}).", f"进程 {job.crashes} 次意外终止（{how}）。"
            _end(job, clock(session), "failed", _given_up(*died))
        else:
            job.status, job.lease_until = "queued", 0.0


def give_back(store: Store, claims: Sequence[Claim]) -> None:
    """Put jobs back into the queue because this worker stops."""
    with store.writing() as session:
        for claim in claims:
            session.execute(sa.update(Job).where(*_held(claim)).values(status="queued", lease_until=0.0))


def _free(at: float) -> sa.ColumnElement[bool]:
    return sa.or_(Job.status == "queued", sa.and_(Job.status == "running", Job.lease_until < at))


def _held(claim: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    return Job.id == claim.job_id, Job.attempt == claim.attempt, Job.status == "running"


def _close(session: Session, claim: Claim, status: str, problem: Mapping[str, Any] | None) -> None:
    values = {"status": status, "problem": problem, "finished_at": clock(session)}
    session.execute(sa.update(Job).where(*_held(claim)).values(**values))


def _end(job: Job, at: float, status: str, problem: dict[str, Any] | None) -> None:
    job.status, job.finished_at, job.problem = status, at, problem


def _given_up(what: str, zh: str) -> dict[str, Any]:
    fix = "Ask for less at once, or tell the administrator."
    return problem_of("The job was given up", what, fix, f"{zh}请减少一次的任务量，或告知管理员。")
