"""Connections and transactions, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from api.store.memory import Memory
from api.store.tables import Blob, Revised
from api.store.views import drop_views, offer_views

T = TypeVar("T")

_SCRIPTS = str(Path(__file__).parent / "migrations").replace("%", "%%")
_BUSY_SECONDS = 30
_MOST_CONNECTIONS = 100
# Any number that no other program takes as well: two services that start at once migrate one after the other.
_MIGRATION_LOCK = 7_283_915


class Store:
    """The database of one installation.

    Parameters
    ----------
    url : of SQLAlchemy, ``sqlite:///path`` or ``postgresql+psycopg://...``
    """

    def __init__(self, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            path = Path(sa.make_url(url).database or "")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_private(path)
        self.engine = sa.create_engine(
            url,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            pool_size=10,
            max_overflow=_MOST_CONNECTIONS - 10,
            pool_pre_ping=not self.is_sqlite,
            connect_args={"check_same_thread": False, "timeout": _BUSY_SECONDS} if self.is_sqlite else {},
        )
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        self.memory = Memory(sa.make_url(url).database or "") if self.is_sqlite else None
        # SQLite has one writer: it must take its turn before it reads, or what it read may be of yesterday.
        self._writer = self.engine.execution_options(is_writing=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database and writes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are there all together when the block ends, or not at all when it raises."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def begin(self, *, is_writing: bool) -> Session:
        """A session that the caller commits and closes."""
        return Session(self._writer if is_writing else self.engine, expire_on_commit=False)

    def fetch(self, name: str) -> bytes:
        """The bytes of a blob."""
        with self.reading() as session:
            return blob(session, name)

    def close(self) -> None:
        """Close all connections."""
        if self.memory is not None:
            self.memory.close()
        self.engine.dispose()


class Work:
    """What one request reads and writes: reads first, then, from the first call of `write` on, one transaction."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._session: Session | None = None
        self._is_writing = False

    def read(self) -> Session:
        """A session to read in; once the work writes, the one that it writes in."""
        if self._session is None:
            self._session = self.store.begin(is_writing=False)
        return self._session

    def write(self) -> Session:
        """The session in which everything is written together."""
        if not self._is_writing:
            self.close()
            self._session, self._is_writing = self.store.begin(is_writing=True), True
        return self.read()

    def remembered(self, key: object, read: Callable[[], T]) -> T:
        """What `read` gives, or has given when nothing was committed since; nobody may change it."""
        memory = None if self._is_writing else self.store.memory
        return read() if memory is None else memory.get(key, read)

    @property
    def is_writing(self) -> bool:
        """Whether anything may have been written."""
        return self._is_writing

    def commit(self) -> None:
        """Make what was written last."""
        if self._session is not None and self._is_writing:
            self._session.commit()
        self.close()

    def close(self) -> None:
        """Give the connection back; what was written and not committed is gone."""
        if self._session is not None:
            self._session.close()
        self._session, self._is_writing = None, False


def make_private(path: Path) -> None:
    """Make an empty file that its owner alone may read; what is there stays as it is.

    SQLite gives the files that it keeps beside it the same rights.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def now() -> float:
    """Seconds since 1970, by this machine's clock."""
    return time.time()


def clock(session: Session) -> float:
    """Seconds since 1970 by the database's clock, which all workers share."""
    if session.get_bind().dialect.name == "sqlite":
        return time.time()
    return float(session.scalar(sa.text("SELECT extract(epoch FROM clock_timestamp())")))


def blob(session: Session, name: str) -> bytes:
    """The bytes of a blob."""
    content = session.scalar(sa.select(Blob.content).where(Blob.name == name))
    if content is None:
        raise LookupError(f"blob {name} is missing")
    return content


def keep_blobs(session: Session, contents: Mapping[str, bytes]) -> None:
    """Add blobs; those that are there already stay, locked until this transaction ends, see `api.store.sweeping`."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    # In order of their names, so that two transactions that add the same ones never wait for each other in a circle.
    for name in sorted(contents):
        adding = insert(Blob).values(name=name, content=contents[name])
        # An update of no row locks it all the same; DO NOTHING would not wait for one who is removing it.
        session.execute(adding.on_conflict_do_update(index_elements=["name"], set_={"name": name}, where=sa.false()))


def alone(session: Session, what: str) -> None:
    """Let no other transaction that says the same word past here until this one ends; SQLite has one writer anyway."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"territory {what}"))))


def advance(session: Session, row: type[Revised], row_id: str, revision: int, **values: Any) -> bool:
    """Set `values` where the row still has this revision, and raise the revision; False when it has another."""
    change = sa.update(row).where(row.id == row_id, row.revision == revision).returning(row.id)
    changed = session.execute(
        change.values(revision=revision + 1, **values).execution_options(synchronize_session=False)
    )
    return changed.first() is not None


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the tables to the version that the code knows; safe when several processes do it at once."""
    from alembic import command

    store = Store(url)
    try:
        with store._writer.connect() as connection, connection.begin():
            if not store.is_sqlite:
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            command.upgrade(_alembic(connection), revision)
            if not store.is_sqlite:
                offer_views(connection)
    finally:
        store.close()


def known_versions() -> set[str]:
    """The versions of the tables that this code can bring to today's."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def downgrade(url: str, revision: str) -> None:
    """Take the tables back to an older version."""
    from alembic import command

    store = Store(url)
    try:
        with store._writer.connect() as connection, connection.begin():
            if not store.is_sqlite:
                drop_views(connection)
            command.downgrade(_alembic(connection), revision)
    finally:
        store.close()


def _alembic(connection: sa.Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    config.attributes["connection"] = connection
    return config


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Transactions begin when we say so; Python's driver would begin them late, and not at all for a SELECT.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
