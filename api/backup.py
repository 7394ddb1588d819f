"""A copy of the database while others write to it, and the way back."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from api.settings import Settings
from api.store import Row, known_versions, make_private, upgrade
from api.store.views import drop_views
from territory.errors import DataError, Problem

_PAGES_AT_ONCE = 1000
_BUSY_SECONDS = 30


def backup(settings: Settings, target: Path, tell: Callable[[float], None] | None = None) -> None:
    """Write all that is committed now into the file `target`, whole or not at all, for its owner's eyes only.

    SQLite's own online backup, or `pg_dump`: writers go on meanwhile, and what they commit later is not in it. `tell`
    hears what part is done; of `pg_dump` nobody knows.

    Raises
    ------
    DataError
        The file exists, cannot be written, or a program of PostgreSQL is missing.
    """
    if target.exists():
        raise DataError([Problem(str(target), "It exists.", "Choose another name; a backup overwrites nothing.")])
    draft = target.with_name(f".{target.name}.part")
    try:
        make_private(draft)
        if settings.url.startswith("sqlite"):
            _copy_sqlite(_sqlite_path(settings), draft, tell)
        else:
            # Our tables and no more: extensions and what others keep beside them are not ours to replace.
            tables = [f"--table={name}" for name in (*Row.metadata.tables, "alembic_version")]
            _on_postgres(settings, "pg_dump", "--format=custom", f"--file={draft}", *tables)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise DataError([_unwritable(target, error)]) from error
    finally:
        draft.unlink(missing_ok=True)


def restore(settings: Settings, source: Path) -> None:
    """Put what a backup holds in the place of what there is, in one transaction, whoever is reading or writing.

    A backup of an older version is brought to the tables of today.

    Raises
    ------
    DataError
        The file is no backup, is damaged, is of a newer version, or cannot be read.
    """
    if not source.is_file():
        raise DataError([Problem(str(source), "There is no such file.", "Give the file of a backup.")])
    if settings.url.startswith("sqlite"):
        _check_sqlite(source)
        _restore_sqlite(source, _sqlite_path(settings))
    else:
        _check_postgres(source)
        _restore_postgres(settings, source)
    upgrade(settings.url)


def private_folder(path: Path) -> None:
    """Make a folder that its owner alone may look into; DataError when that cannot be."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataError([_unwritable(path, error)]) from error


def _sqlite_path(settings: Settings) -> Path:
    return Path(sa.make_url(settings.url).database or "")


def _copy_sqlite(source: Path, target: Path, tell: Callable[[float], None] | None) -> None:
    if not source.exists():
        raise DataError([Problem(str(source), "There is no database yet.", "Start territory-serve once.")])

    def told(_status: int, remaining: int, total: int) -> None:
        if tell is not None:
            tell(1 - remaining / max(total, 1))

    with closing(sqlite3.connect(source, isolation_level=None)) as live, closing(sqlite3.connect(target)) as copy:
        # With a transaction open it copies the state of now; else each commit of anybody would make it begin again,
        # and while people work it would never end.
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_master").fetchone()
        live.backup(copy, pages=_PAGES_AT_ONCE, progress=told)
        live.execute("COMMIT")
        copy.execute("PRAGMA journal_mode = DELETE")


def _restore_sqlite(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(source)) as copy, closing(sqlite3.connect(target, timeout=_BUSY_SECONDS)) as live:
            # All pages in one step are one transaction, before which or after which everybody reads.
            copy.backup(live, pages=-1)
    except OSError as error:
        raise DataError([_unwritable(target, error)]) from error
    except sqlite3.OperationalError as error:
        fix = "Try again; if it stays so, stop the service for it."
        raise DataError([Problem(str(target), f"It cannot be replaced ({error}).", fix)]) from error


def _restore_postgres(settings: Settings, source: Path) -> None:
    engine = sa.create_engine(settings.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        drop_views(connection)
    try:
        _on_postgres(
            settings, "pg_restore", "--clean", "--if-exists", "--single-transaction", "--no-owner", str(source)
        )
    except DataError:
        upgrade(settings.url)  # which makes the views again
        raise


def _check_sqlite(source: Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            is_ours = verdict == "ok" and "alembic_version" in tables
            found = [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")] if is_ours else []
    except sqlite3.DatabaseError as error:
        raise DataError([Problem(str(source), f"It is no backup ({error}).", "Give the file of a backup.")]) from error
    _check_version(source, found)


def _check_postgres(source: Path) -> None:
    told = _run("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(source))
    _check_version(source, re.findall(r"^COPY \S+ \(version_num\) FROM stdin;\n(\S+)$", told, re.MULTILINE))


def _check_version(source: Path, found: Sequence[str]) -> None:
    if not found:
        raise DataError([Problem(str(source), "It is damaged, or no backup of ours.", "Take another one.")])
    if unknown := sorted(set(found) - known_versions()):
        what = f"It is of a newer version ({', '.join(unknown)})."
        raise DataError([Problem(str(source), what, "Update this program first.")])


def _on_postgres(settings: Settings, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on our database; the password goes by the environment, where nobody lists it."""
    url = sa.make_url(settings.url)
    password = url.password or ""
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    _run(program, f"--dbname={address}", *arguments, **({"PGPASSWORD": str(password)} if password else {}))


def _run(program: str, *arguments: str, **environment: str) -> str:
    """What a program says on its standard output."""
    try:
        done = subprocess.run(
            [program, *arguments], check=True, env={**os.environ, **environment}, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        fix = "Install PostgreSQL's client programs (Debian: postgresql-client)."
        raise DataError([Problem(program, "It is not installed.", fix)]) from error
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or [""]
        raise DataError([Problem(program, f"It failed: {last[0]}", "Mend that, then run it again.")]) from error
    return done.stdout


def _unwritable(path: Path, error: OSError) -> Problem:
    fix = "Choose a folder that you may write to, on a disk with space left."
    return Problem(str(error.filename or path), f"It cannot be written ({error.strerror}).", fix)
