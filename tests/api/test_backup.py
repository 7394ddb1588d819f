"""Backups: taken while others write, put back whole."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.backup import backup, restore
from api.settings import Settings
from api.store import AuditEntry, Row, Store, new_id, now, upgrade
from territory.errors import DataError
from tests.api.databases import KINDS, Databases
from tests.api.services import serve, town
from tests.terminal import territory


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_under_writes_holds_whole_transactions_and_comes_back(kind: str, tmp_path: Path, databases: Databases):
    urls = [databases.fresh(kind) for _ in range(2)]
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_comes_back_while_others_write(kind: str, tmp_path: Path, databases: Databases):
    service = serve(databases.fresh(kind))
    is_over = threading.Event()
    torn: list[int] = []

    def write_and_read_pairs() -> None:
        while not is_over.is_set():
            with service.store.writing() as session:
                session.add_all([entry("one"), entry("other")])
            with service.store.reading() as session:
                torn.append((session.scalar(sa.select(sa.func.count()).where(AuditEntry.action == "pair")) or 0) % 2)

    with service.client:
        kept = service.bring(town())
        backup(service.settings, tmp_path / "copy")
        later = service.bring(town(), name="Later")
        writer = threading.Thread(target=write_and_read_pairs)
        writer.start()
        restore(service.settings, tmp_path / "copy")
        is_over.set()
        writer.join()
        statuses = [service.get("manager", path).status_code for path in (kept, later)]
    service.store.close()

    assert statuses == [200, 404]
    assert sum(torn) == 0


def test_nobody_else_on_the_machine_may_read_the_database_or_its_backup(tmp_path: Path):
    settings = Settings(home=tmp_path / "home")
    upgrade(settings.url)
    store = Store(settings.url)
    with store.writing() as session:
        session.add(entry("something"))

    backup(settings, tmp_path / "copy")

    rights = {path.name: path.stat().st_mode & 0o777 for path in (*settings.home.iterdir(), tmp_path / "copy")}
    store.close()
    assert set(rights) >= {"territory.sqlite", "territory.sqlite-wal", "copy"}
    assert set(rights.values()) == {0o600}
    assert settings.home.stat().st_mode & 0o777 == 0o700


def test_the_commands_of_the_library_do_the_same(tmp_path: Path):
    upgrade(Settings(home=tmp_path).url)

    done = territory("backup", tmp_path / "copy", "--home", tmp_path)
    again = territory("backup", tmp_path / "copy", "--home", tmp_path)
    restored = territory("restore", tmp_path / "copy", "--home", tmp_path / "other")

    assert (done.code, again.code, restored.code) == (0, 1, 0)
    assert "overwrites nothing" in again.err
    assert (tmp_path / "other" / "territory.sqlite").exists()
    assert all(f" {name} " in territory("--help").out for name in ("backup", "restore"))


def test_a_backup_of_an_older_version_is_brought_to_today(tmp_path: Path, databases: Databases):
    old, today = databases.empty("sqlite"), databases.fresh("sqlite")
    upgrade(old, "0001")

    backup(Settings(database_url=old), tmp_path / "copy")
    restore(Settings(database_url=today), tmp_path / "copy")

    engine = sa.create_engine(today, poolclass=sa.NullPool)
    assert set(Row.metadata.tables) <= set(sa.inspect(engine).get_table_names())


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_of_a_newer_version_is_refused(kind: str, tmp_path: Path, databases: Databases):
    url = databases.fresh(kind)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    backup(Settings(database_url=url), tmp_path / "copy")

    with pytest.raises(DataError, match="newer version"):
        restore(Settings(database_url=databases.fresh(kind)), tmp_path / "copy")


def entry(text: str) -> AuditEntry:
    return AuditEntry(
        id=new_id("audit"), at=now(), user_id="u", action="pair", object_id=text, details={}, request_id=""
    )


def test_a_backup_overwrites_nothing(tmp_path: Path, databases: Databases):
    url = databases.fresh("sqlite")
    (tmp_path / "copy").write_text("mine")

    with pytest.raises(DataError, match="overwrites nothing"):
        backup(Settings(database_url=url), tmp_path / "copy")

    assert (tmp_path / "copy").read_text() == "mine"


def test_what_is_no_backup_is_not_restored(tmp_path: Path, databases: Databases):
    url = databases.fresh("sqlite")
    before = Path(url.removeprefix("sqlite:///")).read_bytes()
    (tmp_path / "text").write_text("no database " * 1000)

    with pytest.raises(DataError, match="no backup"):
        restore(Settings(database_url=url), tmp_path / "text")

    assert Path(url.removeprefix("sqlite:///")).read_bytes() == before
