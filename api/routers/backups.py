"""Backups, for admins."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import Request, Response
from fastapi.responses import FileResponse

from api.exchange import Json, choose_format
from api.exchange.formats import MEDIA_TYPES
from api.exchange.responses import NO_STORE
from api.planning import backups
from api.routers.parts import LISTED, SHOWN, Admin, Form, Lists, RowId, Things, router
from api.schemas import BackupShown, Many

routes = router("backups")


@routes.post("/backups", status_code=202, response_model=BackupShown)
def begin(desk: Admin) -> Response:
    """Have a backup made while everybody works on; poll the Location until its status is `ready`."""
    backup_id = backups.begin(desk)
    content = backups.one(desk, backup_id)
    return Json(content, status_code=202, headers={"Location": f"/v1/backups/{backup_id}"})


@routes.get("/backups", response_model=Many[BackupShown], responses=LISTED)
def list_backups(desk: Admin, lists: Lists) -> Response:
    """The latest backups, and the one that is being made. `territory restore FILE` puts one back."""
    return lists.whole(backups.listed(desk))


@routes.get("/backups/{backup_id}", response_model=BackupShown, responses=SHOWN)
def get_backup(backup_id: RowId, desk: Admin, things: Things) -> Response:
    """A backup: how far it is, and when it is ready how large, and where its file is."""
    content = backups.one(desk, backup_id)
    return things.show(content, f'"{content["status"]}.{content["progress"]:.3f}"')


@routes.get(
    "/backups/{backup_id}/file",
    response_class=FileResponse,
    responses={200: {"content": {MEDIA_TYPES["backup"]: {"schema": {"type": "string", "format": "binary"}}}}},
)
def take(request: Request, backup_id: RowId, desk: Admin, f: Form = None) -> Response:
    """The file: everything that the service knows, hashes of passwords among it. Keep it as you keep the database."""
    form = choose_format(request, ("backup",))
    path = backups.file_of(desk, backup_id)
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[form],
        filename=f"territory-{made:%Y%m%d-%H%M%S}.backup",
        headers={"Cache-Control": NO_STORE},
    )


@routes.delete("/backups/{backup_id}", status_code=204)
def remove(backup_id: RowId, desk: Admin) -> Response:
    """Remove a backup."""
    backups.remove(desk, backup_id)
    return Response(status_code=204)
