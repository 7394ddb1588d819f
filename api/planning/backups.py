"""Backups that are asked for on a page: made by a job, kept as files that admins take away, the old ones removed.

What there is is what lies in the folder. A table of them would be in each backup itself, as it was then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.backup import backup, private_folder
from api.jobs import is_over
from api.jobs.child import Context, Write
from api.planning.desk import Desk, record
from api.problems import ConflictError, UnknownError
from api.settings import Settings
from api.store import Job, alone, now

KIND = "backup"
_NAME = re.compile(r"(backup_[a-z0-9]+)\.backup")
_DRAFTS = ("backup_*.draft", ".backup_*.part")
"""What an attempt writes into, and what `api.backup` does before it gives a file its name."""


def begin(desk: Desk) -> str:
    """Have a backup made; its id.

    Raises
    ------
    ConflictError
        One is being made.
    """
    alone(desk.write(), KIND)
    latest = _latest(desk.write())
    if latest is not None and not is_over(latest):
        raise ConflictError("A backup is being made already; wait for it, or cancel it.")
    job = desk.start(KIND, {}, resource="", portfolio_id=None)
    backup_id = _id_of(job.id)
    job.resource = f"/v1/backups/{backup_id}"
    desk.record("backup.asked", backup_id)
    return backup_id


def listed(desk: Desk) -> list[dict[str, Any]]:
    """The backups that there are, the latest first; and before them the one that is being made, or was not."""
    latest = _latest(desk.read())
    files = [_of_file(path) for path in sorted(_files(desk.settings), reverse=True)]
    found = [each for each in files if each is not None]
    if latest is not None and latest.status != "done" and _id_of(latest.id) not in {e["backup_id"] for e in found}:
        found.insert(0, _of_job(latest))
    return found


def one(desk: Desk, backup_id: str) -> dict[str, Any]:
    """A backup as JSON, whether it is there or still being made."""
    made = _of_file(_path(desk.settings, backup_id))
    if made is not None:
        return made
    job = desk.read().get(Job, backup_id.replace("backup_", "job_", 1))
    if job is None or job.kind != KIND or job.status == "done":
        raise UnknownError("There is no such backup, or not any more.")
    return _of_job(job)


def file_of(desk: Desk, backup_id: str) -> Path:
    """The file of a backup, for somebody who takes it away: the audit says who."""
    path = _path(desk.settings, backup_id)
    if not path.is_file():
        raise UnknownError("There is no such backup, or not any more.")
    desk.record("backup.taken", backup_id)
    return path


def remove(desk: Desk, backup_id: str) -> None:
    """Remove a backup."""
    path = _path(desk.settings, backup_id)
    if not path.is_file():
        raise UnknownError("There is no such backup, or not any more.")
    desk.record("backup.removed", backup_id)
    path.unlink(missing_ok=True)


def make(context: Context) -> Write:
    """Write the whole database into a file, as `territory backup` does; as a job."""
    settings, claim = context.settings, context.claim
    backup_id = _id_of(claim.job_id)
    target = _path(settings, backup_id)
    # A job that a restored backup has brought back: it has done its work, and what it made stays as it is.
    is_made = target.is_file()
    draft = target.with_name(f"{backup_id}.{claim.attempt}.draft")
    if not is_made:
        private_folder(target.parent)
        # There is one at a time: whatever else was begun here was cut off.
        _remove_drafts(settings, 0.0)
        context.tell(KIND, 0.0)
        backup(settings, draft, tell=lambda part: context.tell(KIND, part))

    def write(session: Session) -> None:
        if not is_made:
            draft.replace(target)
            record(session, claim.user_id, "backup.made", backup_id, None, claim.request_id, {"attempt": claim.attempt})
            sweep(settings)

    return write


def sweep(settings: Settings) -> None:
    """Remove all backups but the latest, and what attempts that were cut off have left."""
    for old in sorted(_files(settings), reverse=True)[settings.backups_kept :]:
        old.unlink(missing_ok=True)
    _remove_drafts(settings, settings.unused_seconds)


def _remove_drafts(settings: Settings, older_than_seconds: float) -> None:
    for draft in (path for pattern in _DRAFTS for path in _folder(settings).glob(pattern)):
        with suppress(FileNotFoundError):
            if now() - draft.stat().st_mtime >= older_than_seconds:
                draft.unlink()


def _folder(settings: Settings) -> Path:
    return settings.backups or settings.home / "backups"


def _path(settings: Settings, backup_id: str) -> Path:
    return _folder(settings) / f"{backup_id}.backup"


def _files(settings: Settings) -> Iterator[Path]:
    """Ids grow with time, and so do the names of the files."""
    return (path for path in _folder(settings).glob("backup_*.backup") if _NAME.fullmatch(path.name))


def _id_of(job_id: str) -> str:
    return job_id.replace("job_", "backup_", 1)


def _latest(session: Session) -> Job | None:
    return session.scalars(sa.select(Job).where(Job.kind == KIND).order_by(Job.id.desc()).limit(1)).first()


def _of_job(job: Job) -> dict[str, Any]:
    """A backup that is being made, or could not be."""
    return {
        "backup_id": _id_of(job.id),
        "status": job.status if is_over(job) else "making",
        "progress": job.progress,
        "job": f"/v1/jobs/{job.id}",
        "problem": job.problem,
        "bytes": None,
        "made_at": None,
        "file": None,
    }


def _of_file(path: Path) -> dict[str, Any] | None:
    """A backup that is there; None when it is not, not any more, or the folder cannot be looked into."""
    try:
        file = path.stat()
    except OSError:
        return None
    return {
        "backup_id": path.stem,
        "status": "ready",
        "progress": 1.0,
        "job": None,
        "problem": None,
        "bytes": file.st_size,
        "made_at": file.st_mtime,
        "file": f"/v1/backups/{path.stem}/file",
    }
