"""The service on both databases: every test that asks for `service` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from api.auth import passwords
from tests.api.databases import KINDS, Databases
from tests.api.services import Running, serve


@pytest.fixture(scope="session", autouse=True)
def hashes_in_earnest() -> Iterator[PasswordHash]:
    """What hashes passwords outside of tests: here people sign in by the hundred, and it costs nothing."""
    with pytest.MonkeyPatch.context() as patch:
        earnest = passwords._HASHES
        cheap = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_HASHES", PasswordHash((cheap,)))
        yield earnest


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
