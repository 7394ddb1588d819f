"""Backups: taken while others write, put back whole."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.backup import backup, restore
from api.settings import Settings
from api.store import AuditEntry, Blob, Job, Row, Store, new_id, now, upgrade
from territory.errors import DataError
from tests.api.databases import KINDS, Databases
from tests.api.services import Running, serve, town
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


def test_a_backup_ends_though_somebody_writes_all_the_time(tmp_path: Path):
    settings = Settings(home=tmp_path / "home")
    upgrade(settings.url)
    store, is_over, parts = Store(settings.url), threading.Event(), []

    def write() -> None:
        while not is_over.is_set():
            with store.writing() as session:
                session.add(entry("one"))

    with store.writing() as session:
        session.add_all(Blob(name=f"{number:064d}", content=b"x" * 1_000_000) for number in range(20))
    writer = threading.Thread(target=write)
    writer.start()
    backup(settings, tmp_path / "copy", tell=parts.append)
    is_over.set()
    writer.join()
    store.close()

    assert len(parts) < 12
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


def test_an_admin_has_a_backup_made_and_takes_it_away(service: Running, tmp_path: Path, databases: Databases):
    asked = service.post("admin", "/v1/backups")
    path = asked.headers["location"]
    again = service.post("admin", "/v1/backups")
    waiting = service.get("admin", path).json()

    service.run_jobs()
    made = service.get("admin", path).json()
    file = service.get("admin", made["file"], headers={"Accept-Encoding": "gzip"})
    (tmp_path / "taken").write_bytes(file.content)
    other = Settings(database_url=databases.fresh("sqlite" if service.store.is_sqlite else "postgresql"))
    restore(other, tmp_path / "taken")

    assert (asked.status_code, again.status_code) == (202, 409)
    assert (waiting["status"], waiting["file"], made["status"]) == ("making", None, "ready")
    assert len(file.content) == made["bytes"] == int(file.headers["content-length"])
    assert file.headers["cache-control"] == "no-store"
    assert file.headers["content-disposition"].startswith('attachment; filename="territory-2')
    assert service.get("admin", "/v1/backups").json()["items"][0] == made
    noted = [each["action"] for each in service.get("admin", "/v1/audit?limit=3").json()["items"]]
    assert noted == ["backup.taken", "backup.made", "backup.asked"]


def test_a_backup_is_its_owners_alone_and_old_ones_go(service: Running):
    folder = service.settings.home / "backups"
    for _ in range(service.settings.backups_kept + 1):
        last = service.post("admin", "/v1/backups").headers["location"]
        service.run_jobs()
    (folder / "backup_x.1.draft").write_bytes(b"cut off")

    kept = service.get("admin", "/v1/backups").json()["items"]
    rights = {path.stat().st_mode & 0o777 for path in (folder, *folder.glob("*.backup"))}
    gone = service.ask("admin", "DELETE", last)

    assert [each["status"] for each in kept] == ["ready"] * service.settings.backups_kept
    assert rights == {0o700, 0o600}
    assert (gone.status_code, service.get("admin", last).status_code) == (204, 404)
    assert service.get("manager", f"{kept[1]['file']}").status_code == 403
    service.post("admin", "/v1/backups")
    service.run_jobs()
    assert list(folder.glob("*.draft")) == []


def test_a_backup_that_cannot_be_written_says_why(service: Running):
    shutil.rmtree(service.settings.home, ignore_errors=True)
    service.settings.home.write_text("no folder")

    path = service.post("admin", "/v1/backups").headers["location"]
    service.run_jobs()
    failed = service.get("admin", path).json()
    service.settings.home.unlink()

    assert failed["status"] == "failed"
    assert "cannot be written" in failed["problem"]["detail"]
    assert service.get("admin", "/v1/backups").json()["items"][0]["status"] == "failed"


def test_a_job_that_a_restored_backup_brings_back_leaves_the_backup_as_it_is(service: Running):
    made = service.post("admin", "/v1/backups").headers["location"]
    service.run_jobs()
    before = service.get("admin", made).json()
    with service.store.writing() as session:
        session.execute(sa.update(Job).where(Job.resource == made).values(status="queued", lease_until=0.0))

    assert service.run_jobs() == 1
    assert service.get("admin", made).json() == before


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
