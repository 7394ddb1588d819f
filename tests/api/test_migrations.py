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


def test_what_reps_work_with_is_added_and_taken_away_beside_everything_else(url: str):
    upgrade(url)
    service = serve(url)
    with service.client:
        path = service.bring(town())
        own = service.get("rep A", f"{path}/customers").json()["items"][0]["customer_id"]
        service.post("rep A", f"{path}/calls", {"start": "2027-03-01", "weeks": 1, "effort": 0.05})
        service.run_jobs()
        visit = {"customer_id": own, "day": "2027-03-03", "status": "started", "at": 1.8e9}
        told = service.post("rep A", f"{path}/visits", visit)
        made = service.post("rep A", f"{path}/reps/R01/calendars")
    service.store.close()

    downgrade(url, "0001")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    left = set(sa.inspect(engine).get_table_names())
    with engine.connect() as connection:
        portfolios = connection.scalar(sa.text("SELECT count(*) FROM portfolios"))
    upgrade(url)

    assert (told.status_code, made.status_code, portfolios) == (201, 201, 1)
    assert not left & {"call_plans", "visits", "calendars"}
    assert differences(url) == []


def test_sqlite_waits_for_the_disk_and_lets_readers_read(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'x.sqlite'}")

    with store.reading() as session:
        pragmas = [
            session.scalar(sa.text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert pragmas == ["wal", 2, 1]
    store.close()
