"""A process that is killed in the middle: what was acknowledged is there, and nothing is there by half."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.content import alignment_hash, decode_portfolio
from api.store import Alignment, AuditEntry, Plan, Store, StoredPortfolio, Work
from tests.api.databases import Cluster, cluster, fresh
from tests.api.services import Running, serve, town

KILLS = int(os.environ.get("TERRITORY_KILLS", "150"))
"""On each of the two databases."""
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.api.test_killed", "api.app", "api.planning.tasks"])


@pytest.fixture(scope="module")
def durable_server():
    """A PostgreSQL server that waits for the disk."""
    with cluster(is_durable=True) as running:
        yield running


def publish_for_ever(url: str, user_id: str, portfolio_id: str, seed: int, pipe: Connection) -> None:
    """Turn the portfolio's alignment over and over, and say after each time which number was acknowledged."""
    from datetime import date

    from api.auth import Principal
    from api.planning import publishing
    from api.planning.desk import Desk, Shelf
    from api.settings import Settings

    store = Store(url)
    settings, shelf = Settings(database_url=url), Shelf(4)
    who = Principal(user_id, "m", "m", "admin", ("*",), None)
    rng = random.Random(seed)
    pipe.send("ready")
    while True:
        work = Work(store)
        desk = Desk(who, work, settings, shelf)
        stored = desk.portfolio(portfolio_id)
        number = rng.randint(1, stored.number)
        version, _ = publishing.revert(
            desk, portfolio_id, None, number=number, effective_from=date(2027, 1, 1), comment=""
        )
        work.commit()
        pipe.send((version.number, version.hash))


def check(store: Store, portfolio_id: str, acknowledged: dict[int, str]) -> None:
    """Everything acknowledged is there, and each version is whole: content, hash, audit, and what points to it."""
    with store.reading() as session:
        stored = session.get_one(StoredPortfolio, portfolio_id)
        versions = list(
            session.scalars(
                sa.select(Alignment).where(Alignment.portfolio_id == portfolio_id).order_by(Alignment.number)
            )
        )
        audited = session.scalars(
            sa.select(AuditEntry.object_id).where(AuditEntry.action == "alignment.published")
        ).all()
    assert [version.number for version in versions] == list(range(1, stored.number + 1))
    assert stored.snapshot == versions[-1].snapshot
    assert {version.id for version in versions[1:]} == set(audited)
    assert len(audited) == len(versions) - 1
    known = {version.number: version.hash for version in versions}
    assert {number: known.get(number) for number in acknowledged} == acknowledged
    whole = decode_portfolio(versions[-1].snapshot, store.fetch)
    assert alignment_hash(whole.alignment) == versions[-1].hash


def prepared(service: Running) -> tuple[str, str]:
    """A portfolio with two different alignments to turn between, and the user who does."""
    path = service.bring(town(40))
    proposal = service.propose(path, tolerance=0.2)
    service.post("manager", f"{proposal}/approve", match="*")
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")
    return path.rsplit("/", 1)[1], service.get("admin", "/v1/me").json()["user_id"]


def acknowledged_until_killed(url: str, user_id: str, portfolio_id: str, seed: int, seconds: float) -> dict[int, str]:
    """What a publisher has acknowledged before its process was killed."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=publish_for_ever, args=(url, user_id, portfolio_id, seed, theirs), daemon=True)
    process.start()
    theirs.close()
    assert ours.recv() == "ready"
    time.sleep(seconds)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    told = {}
    while ours.poll():
        try:
            number, digest = ours.recv()
        except (EOFError, OSError):
            break
        told[number] = digest
    ours.close()
    return told


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_publishing_is_whole_or_not_at_all_when_the_process_is_killed(
    kind: str, tmp_path: Path, template: Path, durable_server: Cluster | None
):
    url = fresh(kind, tmp_path, durable_server, template)
    if url is None:
        pytest.skip("PostgreSQL is not installed")
    service = serve(url)
    with service.client:
        portfolio_id, user_id = prepared(service)
        rng = random.Random(20270101)
        acknowledged: dict[int, str] = {}

        for kill in range(KILLS):
            told = acknowledged_until_killed(url, user_id, portfolio_id, kill, rng.uniform(0, 0.06))
            assert not set(told) & set(acknowledged)
            acknowledged |= told
            if kill % 25 == 0:
                check(service.store, portfolio_id, acknowledged)

        check(service.store, portfolio_id, acknowledged)
        assert len(acknowledged) > KILLS // 10
        if kind == "sqlite":
            with service.store.reading() as session:
                assert session.scalar(sa.text("PRAGMA integrity_check")) == "ok"


def test_a_failure_in_the_middle_of_publishing_leaves_nothing(tmp_path: Path, template: Path, monkeypatch):
    service = serve(fresh("sqlite", tmp_path, None, template) or "")
    with service.client:
        path = service.bring(town())
        proposal = service.propose(path, tolerance=0.2)
        service.post("manager", f"{proposal}/approve", match="*")

        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("the power is gone")

        monkeypatch.setattr("api.planning.desk.record", broken)
        answer = service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")
        monkeypatch.undo()

        with service.store.reading() as session:
            assert answer.status_code == 500
            assert session.scalar(sa.select(sa.func.count()).select_from(Alignment)) == 1
            assert session.scalars(sa.select(Plan)).one().status == "approved"
    service.store.close()
