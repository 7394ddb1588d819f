"""Jobs as their users see them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from api.auth import ADMIN
from api.jobs import ask_cancel, is_over
from api.planning.desk import Desk
from api.problems import ConflictError, UnknownError
from api.store import Job, StoredPortfolio


def one(desk: Desk, job_id: str) -> Job:
    """A job that this user may see: one's own, or one on a portfolio of one's own."""
    job = desk.read().get(Job, job_id)
    if job is None or not sees_job(desk, job):
        raise UnknownError("There is no such job.")
    return job


def listed(desk: Desk, after: str | None, limit: int) -> tuple[list[Job], str | None]:
    """The latest jobs that this user may see, and where the next page begins."""
    query = sa.select(Job).order_by(Job.id.desc())
    if not desk.who.sees_all_regions:
        mine = sa.select(StoredPortfolio.id).where(desk.visible())
        query = query.where(sa.or_(Job.created_by == desk.who.user_id, Job.portfolio_id.in_(mine)))
    query = query if after is None else query.where(Job.id < after)
    jobs = list(desk.read().scalars(query.limit(limit + 1)))
    return jobs[:limit], jobs[limit - 1].id if len(jobs) > limit else None


def cancel(desk: Desk, job_id: str) -> Job:
    """Ask for a job to be cancelled."""
    job = one(desk, job_id)
    if is_over(job):
        raise ConflictError(f"The job is {job.status}.")
    ask_cancel(desk.write(), job.id)
    desk.record("job.cancelled", job.id, job.portfolio_id)
    return desk.write().get_one(Job, job.id, populate_existing=True)


def shown(job: Job) -> dict[str, Any]:
    """A job as JSON."""
    return {
        "job_id": job.id,
        "kind": job.kind,
        "status": job.status,
        "stage": job.stage,
        "progress": job.progress,
        "attempt": job.attempt,
        "resource": job.resource,
        "problem": job.problem,
        "created_by": job.created_by,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def etag(job: Job) -> str:
    """The version of a job as it is shown."""
    return f'"{job.attempt}.{job.status}.{job.progress:.3f}"'


def sees_job(desk: Desk, job: Job) -> bool:
    """Whether a job is this user's to look at and to cancel; a rep's are those that he has begun himself."""
    if desk.who.role == ADMIN or job.created_by == desk.who.user_id:
        return True
    if job.portfolio_id is None or desk.who.is_rep:
        return False
    stored = desk.read().get(StoredPortfolio, job.portfolio_id)
    return stored is not None and desk.who.sees(stored)
