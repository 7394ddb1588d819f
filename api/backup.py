"""A copy of the database while others write to it, and the way back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from api.settings import Settings
from territory.errors import DataError, Problem

_PAGES_AT_ONCE = 1000


def backup(settings: Settings, target: Path) -> None:
    """Write all that is committed now into the file `target`, whole or not at all.

    SQLite's own online backup, or `pg_dump`: writers go on meanwhile, and what they commit later is not in it.

    Raises
    ------
    DataError
        The file exists, cannot be written, or a program of PostgreSQL is missing.
    """
    if target.exists():
        raise DataError([Problem(str(target), "It exists.", "Choose another name; a backup overwrites nothing.")])
    draft = target.with_name(f".{target.name}.part")
    try:
        if settings.url.startswith("sqlite"):
            _copy_sqlite(_sqlite_path(settings), draft)
        else:
            _run(settings, "pg_dump", "--format=custom", f"--file={draft}")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise DataError([_unwritable(target, error)]) from error
    finally:
        draft.unlink(missing_ok=True)


def restore(settings: Settings, source: Path) -> None:
    """Put the database of a backup in the place of the one there is; the service must be stopped meanwhile.

    Raises
    ------
    DataError
        The file is no backup, is damaged, or cannot be read.
    """
    if not source.is_file():
        raise DataError([Problem(str(source), "There is no such file.", "Give the file of a backup.")])
    if not settings.url.startswith("sqlite"):
        _run(settings, "pg_restore", "--clean", "--if-exists", "--single-transaction", "--no-owner", str(source))
        return
    path = _sqlite_path(settings)
    _check_sqlite(source)
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, draft)
        # What the old file has in its log is not the new one's.
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        draft.replace(path)
    except OSError as error:
        raise DataError([_unwritable(path, error)]) from error


def _sqlite_path(settings: Settings) -> Path:
    return Path(sa.make_url(settings.url).database or "")


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.exists():
        raise DataError([Problem(str(source), "There is no database yet.", "Start territory-serve once.")])
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy, pages=_PAGES_AT_ONCE)
        copy.execute("PRAGMA journal_mode = DELETE")


def _check_sqlite(source: Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise DataError([Problem(str(source), f"It is no backup ({error}).", "Give the file of a backup.")]) from error
    if verdict != "ok" or "alembic_version" not in tables:
        raise DataError([Problem(str(source), "It is damaged, or no backup of ours.", "Take another one.")])


def _run(settings: Settings, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on our database; the password goes by the environment, where nobody lists it."""
    url = sa.make_url(settings.url)
    password = url.password or ""
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    command: Sequence[str] = [program, f"--dbname={address}", *arguments]
    try:
        subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    except FileNotFoundError as error:
        fix = "Install PostgreSQL's client programs (Debian: postgresql-client)."
        raise DataError([Problem(program, "It is not installed.", fix)]) from error
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or [""]
        raise DataError([Problem(program, f"It failed: {last[0]}", "Mend that, then run it again.")]) from error


def _unwritable(path: Path, error: OSError) -> Problem:
    fix = "Choose a folder that you may write to, on a disk with space left."
    return Problem(str(error.filename or path), f"It cannot be written ({error.strerror}).", fix)
