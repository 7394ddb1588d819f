"""The service on both databases: every test that asks for `service` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.api.databases import KINDS, Databases
from tests.api.services import Running, serve


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Where new databases come from."""
    made = Databases(tmp_path_factory.mktemp("databases"))
    yield made
    made.close()


@pytest.fixture(scope="module", params=KINDS)
def database(request: pytest.FixtureRequest, databases: Databases) -> str:
    """The address of an empty database with our tables."""
    return databases.fresh(request.param)


@pytest.fixture(scope="module")
def service(database: str) -> Iterator[Running]:
    """The service, with users of every role."""
    tested = serve(database)
    with tested.client:
        yield tested
    tested.store.close()
    shutil.rmtree(tested.settings.home, ignore_errors=True)
