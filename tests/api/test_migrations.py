"""The tables: what the migrations make is what the code declares, up and down, with data in them."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from api.store import Row, Store, downgrade, upgrade
from tests.api.databases import KINDS, Databases
from tests.api.services import serve, town


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, databases: Databases) -> str:
    return databases.empty(request.param)


def differences(url: str) -> list[object]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Row.metadata))


def test_the_migrations_make_the_tables_that_the_code_declares(url: str):
    upgrade(url)

    assert differences(url) == []


def test_migrating_twice_changes_nothing(url: str):
    upgrade(url)
    upgrade(url)

    assert differences(url) == []


def test_the_way_down_and_up_again_with_data_in_the_tables(url: str):
    upgrade(url)
    service = serve(url)
    with service.client:
        service.bring(town())
    service.store.close()

    downgrade(url, "base")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    left = set(sa.inspect(engine).get_table_names()) - {"alembic_version"}
    upgrade(url)

    assert left == set()
    assert differences(url) == []


def test_sqlite_waits_for_the_disk_and_lets_readers_read(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'x.sqlite'}")

    with store.reading() as session:
        pragmas = [
            session.scalar(sa.text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert pragmas == ["wal", 2, 1]
    store.close()
