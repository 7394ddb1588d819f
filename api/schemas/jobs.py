"""Jobs."""

from __future__ import annotations

from typing import Any, Literal

from api.schemas.parts import Shown


class JobShown(Shown):
    """A job; `resource` is where its result is found."""

    job_id: str
    kind: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    stage: str
    progress: float
    attempt: int
    resource: str
    problem: dict[str, Any] | None
    created_by: str
    created_at: float
    started_at: float | None
    finished_at: float | None
