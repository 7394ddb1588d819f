"""The service on both databases: every test that asks for `service` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.databases import Cluster, cluster, fresh
from tests.api.services import Running, serve

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster | None]:
    """A PostgreSQL server; None where there is none."""
    with cluster() as running:
        yield running


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our tables."""
    return tmp_path_factory.mktemp("template") / "migrated.sqlite"


@pytest.fixture(scope="module", params=KINDS)
def database(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    template: Path,
) -> str:
    """The address of an empty database with our tables."""
    running = request.getfixturevalue("server") if request.param == "postgresql" else None
    url = fresh(request.param, tmp_path_factory.mktemp("database"), running, template)
    if url is None:
        pytest.skip("PostgreSQL is not installed")
    return url


@pytest.fixture(scope="module")
def service(database: str) -> Iterator[Running]:
    """The service, with users of every role."""
    tested = serve(database)
    with tested.client:
        yield tested
    tested.store.close()
