"""Backups: taken while others write, put back whole."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from api.backup import backup, restore
from api.settings import Settings
from api.store import AuditEntry, Store, new_id, now
from territory.errors import DataError
from tests.api.databases import Cluster, fresh
from tests.api.services import serve, town


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_under_writes_holds_whole_transactions_and_comes_back(
    kind: str, tmp_path: Path, template: Path, request: pytest.FixtureRequest
):
    server: Cluster | None = request.getfixturevalue("server") if kind == "postgresql" else None
    urls = [fresh(kind, tmp_path, server, template) for _ in range(2)]
    if urls[0] is None or urls[1] is None:
        pytest.skip("PostgreSQL is not installed")
    service = serve(urls[0])
    is_over = threading.Event()

    def write_pairs() -> None:
        number = 0
        while not is_over.is_set():
            with service.store.writing() as session:
                for half in ("one", "other"):
                    session.add(entry(f"{number} {half}"))
            number += 1

    with service.client:
        path = service.bring(town())
        writer = threading.Thread(target=write_pairs)
        writer.start()
        backup(service.settings, tmp_path / "copy")
        is_over.set()
        writer.join()
        hashes = [version["hash"] for version in service.get("manager", f"{path}/alignments").json()["items"]]
    service.store.close()

    restore(Settings(database_url=urls[1]), tmp_path / "copy")

    other = Store(Settings(database_url=urls[1]).url)
    with other.reading() as session:
        said = [each.object_id for each in session.query(AuditEntry).filter_by(action="pair")]
    other.close()
    assert len(said) == 2 * len({text.split()[0] for text in said})
    assert len(hashes) == 1


def entry(text: str) -> AuditEntry:
    return AuditEntry(
        id=new_id("audit"), at=now(), user_id="u", action="pair", object_id=text, details={}, request_id=""
    )


def test_a_backup_overwrites_nothing(tmp_path: Path, template: Path):
    url = fresh("sqlite", tmp_path, None, template)
    (tmp_path / "copy").write_text("mine")

    with pytest.raises(DataError, match="overwrites nothing"):
        backup(Settings(database_url=url or ""), tmp_path / "copy")

    assert (tmp_path / "copy").read_text() == "mine"


def test_what_is_no_backup_is_not_restored(tmp_path: Path, template: Path):
    url = fresh("sqlite", tmp_path, None, template) or ""
    before = Path(url.removeprefix("sqlite:///")).read_bytes()
    (tmp_path / "text").write_text("no database " * 1000)

    with pytest.raises(DataError, match="no backup"):
        restore(Settings(database_url=url), tmp_path / "text")

    assert Path(url.removeprefix("sqlite:///")).read_bytes() == before
