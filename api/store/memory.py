"""What was read and cannot have changed since: SQLite tells, in a few microseconds, whether anybody has committed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")
_MOST = 2000


class Memory:
    """Values read from a SQLite file, forgotten with the first commit of any other connection, of any process.

    ``PRAGMA data_version`` is another number after each such commit (SQLite documentation, "PRAGMA data_version").
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock, self._version, self._values = Lock(), -1, dict[object, Any]()

    def get(self, key: object, read: Callable[[], T]) -> T:
        """The value under this key, read again when anything was committed since; None is never kept."""
        with self._lock:
            version = self._opened().execute("PRAGMA data_version").fetchone()[0]
            if version != self._version or len(self._values) > _MOST:
                self._version, self._values = version, {}
            if key in self._values:
                found: T = self._values[key]
                return found
        # Read after the version was: it is as new as that at least.
        value = read()
        with self._lock:
            if self._version == version and value is not None:
                self._values[key] = value
        return value

    def close(self) -> None:
        """Close the connection and forget everything; as an engine's pool, it opens again when it is asked."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection, self._version, self._values = None, -1, {}

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        return self._connection
