"""Databases for tests: SQLite files, and a PostgreSQL cluster of our own where PostgreSQL is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from api.store import upgrade

_NUMBERS = count()


class Cluster:
    """A PostgreSQL server in a folder of its own, reached by a socket there: nothing else on the machine sees it."""

    def __init__(self, binaries: Path, folder: Path, *, is_durable: bool) -> None:
        self._binaries, self.folder = binaries, folder
        # PostgreSQL refuses to run as root.
        self._user = _somebody() if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(folder, self._user, -1)
            folder.chmod(0o755)
        self._run("initdb", "--pgdata", str(folder / "data"), "--auth", "trust", "--username", "territory", "--no-sync")
        safe = "on" if is_durable else "off"
        self._options = (
            f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync={safe}"
            f" -c synchronous_commit={safe} -c max_connections=200 -c shared_buffers=64MB"
        )
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        log = str(self.folder / "log")
        self._run("pg_ctl", "--pgdata", str(self.folder / "data"), "-l", log, "-w", "-o", self._options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server; `immediate` is as if the machine had lost its power."""
        self._run("pg_ctl", "--pgdata", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def url(self, database: str) -> str:
        """Where a database of this server is."""
        return f"postgresql+psycopg://territory@/{database}?host={self.folder}"

    def create(self, database: str, template: str = "template1") -> str:
        """A new database, as a copy of another; its address."""
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._binaries / program), *arguments],
            check=True,
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            timeout=120,
        )


@contextmanager
def cluster(*, is_durable: bool = False) -> Iterator[Cluster | None]:
    """A server with the template database `migrated`; None where PostgreSQL is not installed."""
    binaries = _binaries()
    if binaries is None:
        yield None
        return
    # Not in pytest's folder: the path of a socket must be short, and every folder above it open.
    folder = Path(tempfile.mkdtemp(prefix="territory-pg-"))
    server = Cluster(binaries, folder, is_durable=is_durable)
    try:
        upgrade(server.create("migrated"))
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def fresh(kind: str, folder: Path, server: Cluster | None, template: Path) -> str | None:
    """The address of an empty database with our tables; None when there is no server for it."""
    if kind == "postgresql":
        return None if server is None else server.create(f"test_{os.getpid()}_{next(_NUMBERS)}", "migrated")
    path = folder / f"{next(_NUMBERS)}.sqlite"
    if not template.exists():
        upgrade(f"sqlite:///{template}")
    shutil.copy(template, path)
    return f"sqlite:///{path}"


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [Path(p) for p in [shutil.which("pg_ctl")] if p]
    return found[-1].parent if found else None


def _somebody() -> int:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise LookupError("there is no user but root")
