"""Databases for tests: SQLite files, and a PostgreSQL cluster of our own where PostgreSQL is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import NoReturn

import pytest
import sqlalchemy as sa

from api.store import upgrade

KINDS = ("sqlite", "postgresql")
_MIGRATED = "migrated"
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


class Databases:
    """New databases of both kinds. The PostgreSQL server starts with the first that is asked of it.

    Parameters
    ----------
    folder : where SQLite files are put
    is_durable : whether PostgreSQL waits for the disk, as SQLite does here
    """

    def __init__(self, folder: Path, *, is_durable: bool = False) -> None:
        self._folder, self._is_durable = folder, is_durable
        self._server: Cluster | None = None

    def fresh(self, kind: str) -> str:
        """The address of a database with our tables and nothing in them."""
        if kind == "postgresql":
            return self._cluster().create(_name(), _MIGRATED)
        template = self._folder / "migrated.sqlite"
        if not template.exists():
            upgrade(f"sqlite:///{template}")
        path = self._folder / f"{_name()}.sqlite"
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    def empty(self, kind: str) -> str:
        """The address of a database without any table."""
        if kind == "postgresql":
            return self._cluster().create(_name(), "template0")
        return f"sqlite:///{self._folder / _name()}.sqlite"

    def with_geometry(self) -> str:
        """The address of a PostgreSQL database with PostGIS, and our tables in it."""
        url = self.empty("postgresql")
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            known = sa.text("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'")
            if connection.scalar(known) is None:
                _say_missing("PostGIS", "postgresql-postgis")
            connection.execute(sa.text("CREATE EXTENSION postgis"))
        upgrade(url)
        return url

    def close(self) -> None:
        """Stop the server, and remove what it has kept."""
        if self._server is not None:
            self._server.stop()
            shutil.rmtree(self._server.folder, ignore_errors=True)

    def _cluster(self) -> Cluster:
        if self._server is None:
            binaries = _binaries() or _say_missing("PostgreSQL", "postgresql")
            # Not in pytest's folder: the path of a socket must be short, and every folder above it open.
            folder = Path(tempfile.mkdtemp(prefix="territory-pg-"))
            self._server = Cluster(binaries, folder, is_durable=self._is_durable)
            upgrade(self._server.create(_MIGRATED))
        return self._server


def _say_missing(what: str, package: str) -> NoReturn:
    """Where everything is to be tried (CI is set), a test without its database fails; elsewhere it is left out."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is not installed, and CI is set: apt-get install {package}", pytrace=False)
    pytest.skip(f"{what} is not installed")


def _name() -> str:
    return f"test_{os.getpid()}_{next(_NUMBERS)}"


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
