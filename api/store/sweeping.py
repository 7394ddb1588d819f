"""Removing blobs that nothing names any more, while others write.

Whoever writes the name of a blob into a row keeps the blob in the same transaction (`keep_blobs`, which locks it) or
has read the name a moment ago from another row. Against the first a blob is looked at only under its lock, against
the second it must have been unused for a while.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.store.database import Store, alone, now
from api.store.tables import Blob, Job, Row

_NAME = re.compile(rb"[0-9a-f]{64}")
_AT_ONCE = 200
_OVER = ("done", "failed", "cancelled")


class Sweeper:
    """Removes what was unused each time that it looked, for at least `grace_seconds`.

    Which blobs are in use is found as a conservative collector finds it (Boehm and Weiser 1988, "Garbage collection
    in an uncooperative environment"): whatever looks like a name, in a column of 64 characters, in the arguments of
    a job that is not over, or in a manifest that is in use itself, is taken for one. A new table needs no word here.
    """

    def __init__(self, store: Store, grace_seconds: float, clock: Callable[[], float] = now) -> None:
        self._store, self._grace_seconds, self._clock = store, grace_seconds, clock
        self._unused_since: dict[str, float] = {}
        # What a blob names never changes.
        self._named_in: dict[str, frozenset[str]] = {}

    def sweep(self) -> int:
        """Look once; how many blobs were removed."""
        at = self._clock()
        with self._store.reading() as session:
            kept = set(session.scalars(sa.select(Blob.name)))
            unused = kept - self._in_use(session)
        self._unused_since = {name: self._unused_since.get(name, at) for name in unused}
        self._named_in = {name: named for name, named in self._named_in.items() if name in kept}
        old = sorted(name for name, since in self._unused_since.items() if at - since >= self._grace_seconds)
        return sum(self._remove(old[start : start + _AT_ONCE]) for start in range(0, len(old), _AT_ONCE))

    def _remove(self, names: list[str]) -> int:
        """Remove those of `names` that nothing has begun to use since."""
        with self._store.writing() as session:
            alone(session, "sweep")
            # First the lock, then the look: who has kept one of them before has committed, who comes later waits.
            session.execute(sa.select(Blob.name).where(Blob.name.in_(names)).order_by(Blob.name).with_for_update())
            gone = sorted(set(names) - self._in_use(session))
            session.execute(sa.delete(Blob).where(Blob.name.in_(gone)))
        for name in gone:
            self._unused_since.pop(name, None)
        return len(gone)

    def _in_use(self, session: Session) -> set[str]:
        """The names that stand in a row, and those that stand in what is in use."""
        found: set[str] = set()
        newly = set(_roots(session))
        while newly:
            found |= newly
            unread = sorted(newly - self._named_in.keys())
            for start in range(0, len(unread), _AT_ONCE):
                self._named_in.update(_named(session, unread[start : start + _AT_ONCE]))
            newly = set().union(*(self._named_in.get(name, ()) for name in newly)) - found
        return found


def _roots(session: Session) -> Iterator[str]:
    for table in Row.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, sa.String) and column.type.length == 64 and table is not Blob.__table__:
                yield from session.scalars(sa.select(column).where(column.is_not(None)).distinct())
    for arguments in session.scalars(sa.select(sa.cast(Job.arguments, sa.Text)).where(Job.status.not_in(_OVER))):
        yield from _names_in(arguments.encode())


def _named(session: Session, names: list[str]) -> dict[str, frozenset[str]]:
    """Blob -> what it names in turn; only manifests do, and they are JSON objects."""
    is_manifest = sa.func.substr(Blob.content, 1, 1) == b"{"
    manifest = sa.case((is_manifest, Blob.content), else_=sa.null())
    rows = session.execute(sa.select(Blob.name, manifest).where(Blob.name.in_(names)))
    return {name: frozenset(_names_in(content or b"")) for name, content in rows}


def _names_in(text: bytes) -> list[str]:
    return [name.decode() for name in _NAME.findall(text)]
