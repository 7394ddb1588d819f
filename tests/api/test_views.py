"""Published plans in the database itself, with geometry, for QGIS and BI tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.backup import backup, restore
from api.planning.layers import catch_up
from api.store import Feature, Job, downgrade, upgrade
from api.store.views import VIEWS
from tests.api.databases import Databases
from tests.api.services import Running, serve, town


@pytest.fixture(scope="module")
def mapped(databases: Databases) -> Iterator[Running]:
    """A service whose database has PostGIS, with a portfolio that was published once."""
    service = serve(databases.with_geometry())
    with service.client:
        path = service.bring(town(30))
        proposal = service.propose(path, tolerance=0.2)
        service.post("manager", f"{proposal}/approve", match="*")
        service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")
        service.run_jobs()
        yield service
    service.store.close()


def rows(service: Running, query: str) -> list[tuple[Any, ...]]:
    with service.store.reading() as session:
        return [tuple(row) for row in session.execute(sa.text(query))]


def test_customers_lie_where_they_are(mapped: Running):
    path = mapped.get("manager", "/v1/portfolios").json()["items"][0]["portfolio_id"]
    told = mapped.get("manager", f"/v1/portfolios/{path}/customers?limit=1000").json()["items"]

    shown = rows(
        mapped,
        "SELECT customer_id, territory, potential, round(ST_X(geometry)::numeric, 6), round(ST_Y(geometry)::numeric, 6)"
        " FROM gis.customers ORDER BY customer_id",
    )

    expected = [(row["customer_id"], row["territory"], row["potential"], row["lon"], row["lat"]) for row in told]
    assert [(*row[:3], float(row[3]), float(row[4])) for row in shown] == sorted(expected)


def test_each_territory_lies_around_its_customers_and_says_since_when(mapped: Running):
    held = mapped.get("manager", "/v1/portfolios").json()["items"][0]["number"]

    shown = rows(
        mapped,
        "SELECT t.territory, t.alignment, t.effective_from::text, count(*),"
        " bool_and(ST_Intersects(t.geometry, c.geometry))"
        " FROM gis.territories t JOIN gis.customers c USING (portfolio_id, territory) GROUP BY 1, 2, 3 ORDER BY 1",
    )

    assert [row[:3] for row in shown] == [(name, held, "2027-01-01") for name in ("T1", "T2", "T3")]
    assert sum(row[3] for row in shown) == 30
    assert all(row[4] for row in shown)


def test_a_planned_day_is_a_line_from_home_to_home(mapped: Running):
    path = "/v1/portfolios/" + mapped.get("manager", "/v1/portfolios").json()["items"][0]["portfolio_id"]
    for effort in (0.1, 0.2):
        body = {"start": "2027-03-01", "weeks": 1, "effort": effort}
        calls = mapped.post("manager", f"{path}/calls", body).headers["location"]
        mapped.run_jobs()
    visits = mapped.get("manager", f"{calls}/visits?limit=1000").json()["items"]

    shown = rows(
        mapped, "SELECT rep_id, day::text, visits, ST_NPoints(geometry), ST_IsClosed(geometry) FROM gis.routes"
    )

    days = Counter((visit["rep_id"], visit["day"]) for visit in visits)
    assert sorted(shown) == sorted((*day, count, count + 2, True) for day, count in days.items())


def test_what_is_published_later_takes_the_place_of_what_was(mapped: Running):
    path = "/v1/portfolios/" + mapped.get("manager", "/v1/portfolios").json()["items"][0]["portfolio_id"]

    mapped.post("manager", f"{path}/revert", {"number": 1, "effective_from": "2027-02-01"}, match="*")
    mapped.run_jobs()
    numbers = rows(mapped, "SELECT DISTINCT alignment FROM gis.customers")
    mapped.post("manager", f"{path}/revert", {"number": 2, "effective_from": "2027-01-01"}, match="*")
    mapped.run_jobs()

    assert numbers == [(3,)]
    assert rows(mapped, "SELECT count(*) FROM gis.customers") == [(30,)]


def test_what_was_published_before_there_were_views_is_caught_up_with(mapped: Running):
    with mapped.store.writing() as session:
        session.execute(sa.delete(Feature))
        session.execute(sa.delete(Job))

    catch_up(mapped.store)
    catch_up(mapped.store)

    assert mapped.run_jobs() == 1
    assert rows(mapped, "SELECT count(*) FROM gis.customers") == [(30,)]


def test_who_was_granted_a_view_keeps_it_when_the_service_starts_again(mapped: Running):
    with mapped.store.writing() as session:
        session.execute(sa.text("CREATE ROLE analyst"))
        session.execute(sa.text("GRANT SELECT ON gis.customers TO analyst"))

    upgrade(mapped.settings.url)

    assert rows(mapped, "SELECT has_table_privilege('analyst', 'gis.customers', 'SELECT')") == [(True,)]


def test_a_backup_comes_back_with_its_views(mapped: Running, tmp_path: Path):
    backup(mapped.settings, tmp_path / "copy")

    restore(mapped.settings, tmp_path / "copy")

    assert rows(mapped, "SELECT count(*) FROM gis.customers") == [(30,)]


def test_the_views_stand_in_no_migrations_way(databases: Databases):
    url = databases.with_geometry()

    downgrade(url, "base")
    upgrade(url)

    engine = sa.create_engine(url, poolclass=sa.NullPool)
    assert set(sa.inspect(engine).get_view_names("gis")) == set(VIEWS)


def test_where_no_schema_may_be_made_there_are_no_views_and_nothing_fails(databases: Databases):
    url = databases.with_geometry()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA gis CASCADE"))
        connection.execute(sa.text("CREATE ROLE careful LOGIN"))
        connection.execute(sa.text("GRANT ALL ON ALL TABLES IN SCHEMA public TO careful"))

    upgrade(url.replace("//territory@", "//careful@"))

    assert sa.inspect(engine).get_view_names("gis") == []
