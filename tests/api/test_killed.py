"""A process that is killed in the middle: what was acknowledged is there, and nothing is there by half."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from datetime import date
from multiprocessing.connection import Connection

import pytest
import sqlalchemy as sa

from api.auth import Principal
from api.content import alignment_hash, decode_portfolio
from api.planning import publishing
from api.planning.desk import Desk, Shelf
from api.settings import Settings
from api.store import Alignment, AuditEntry, Plan, Store, StoredPortfolio, Work
from tests.api.databases import KINDS, Databases
from tests.api.services import Running, serve, town

KILLS = int(os.environ.get("TERRITORY_KILLS", "150"))
"""On each of the two databases."""
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.api.test_killed", "api.app", "api.planning.tasks"])


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Databases that wait for the disk, PostgreSQL's too."""
    made = Databases(tmp_path_factory.mktemp("durable"), is_durable=True)
    yield made
    made.close()


def publish(desk_of: Callable[[Work], Desk], store: Store, portfolio_id: str, rng: random.Random) -> tuple[int, str]:
    """Turn the portfolio's alignment over once, and say which number was acknowledged."""
    work = Work(store)
    desk = desk_of(work)
    number = rng.randint(1, desk.portfolio(portfolio_id).number)
    day = date(2027, 1, 1)
    version, _ = publishing.revert(desk, portfolio_id, None, number=number, effective_from=day, comment="")
    work.commit()
    return version.number, version.hash


def nursery(url: str, user_id: str, portfolio_id: str, kills: int, pipe: Connection) -> None:
    """Fork publishers that have everything in memory already, kill each, and tell what it had acknowledged."""
    settings, shelf = Settings(database_url=url), Shelf(8)
    who = Principal(user_id, "m", "m", "admin", ("*",), None)
    rng = random.Random(20270101)

    def desk_of(work: Work) -> Desk:
        return Desk(who, work, settings, shelf)

    store = Store(url)
    pipe.send(dict(publish(desk_of, store, portfolio_id, rng) for _ in range(3)))
    began = time.perf_counter()
    pipe.send(dict([publish(desk_of, store, portfolio_id, rng)]))
    usual = time.perf_counter() - began
    # Each child opens connections of its own, and finds all that was made ready here.
    store.close()
    for kill in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            chance = random.Random(kill)
            while True:
                number, digest = publish(desk_of, store, portfolio_id, chance)
                os.write(writing, f"{number} {digest}\n".encode())
        os.close(writing)
        with os.fdopen(reading) as told:
            # After none, one or two that were acknowledged, and anywhere within the next.
            lines = [told.readline() for _ in range(rng.randint(0, 2))]
            time.sleep(rng.uniform(0, 1.2 * usual))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            lines += list(told)
        pipe.send({int(number): digest for number, digest in (line.split() for line in lines)})


def check(store: Store, portfolio_id: str, acknowledged: dict[int, str], *, is_running: bool = False) -> None:
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
    if is_running:
        return
    whole = decode_portfolio(versions[-1].snapshot, store.fetch)
    assert alignment_hash(whole.alignment) == versions[-1].hash


def prepared(service: Running) -> tuple[str, str]:
    """A portfolio with two different alignments to turn between, and the user who does."""
    path = service.bring(town(40))
    proposal = service.propose(path, tolerance=0.2)
    service.post("manager", f"{proposal}/approve", match="*")
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")
    return path.rsplit("/", 1)[1], service.get("admin", "/v1/me").json()["user_id"]


@pytest.mark.parametrize("kind", KINDS)
def test_publishing_is_whole_or_not_at_all_when_the_process_is_killed(kind: str, durable: Databases):
    url = durable.fresh(kind)
    service = serve(url)
    with service.client:
        portfolio_id, user_id = prepared(service)
        acknowledged: dict[int, str] = {}
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=nursery, args=(url, user_id, portfolio_id, KILLS, theirs))
        process.start()
        theirs.close()

        for kill in range(KILLS + 2):
            told = ours.recv()
            assert not set(told) & set(acknowledged)
            acknowledged |= told
            if kill % 50 == 0:
                check(service.store, portfolio_id, acknowledged, is_running=kill < KILLS)
        process.join()

        check(service.store, portfolio_id, acknowledged)
        assert len(acknowledged) > KILLS // 2
        if kind == "sqlite":
            with service.store.reading() as session:
                assert session.scalar(sa.text("PRAGMA integrity_check")) == "ok"


def test_a_failure_in_the_middle_of_publishing_leaves_nothing(databases: Databases, monkeypatch):
    service = serve(databases.fresh("sqlite"))
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
