"""Content that nothing refers to any more goes away; what anybody uses, or is about to use, stays."""

from __future__ import annotations

import hashlib
import random
import threading

import pytest
import sqlalchemy as sa

from api.content import decode_portfolio, decode_proposal
from api.store import Answer, Blob, Plan, PlanState, Store, StoredPortfolio, Sweeper, keep_blobs, now
from tests.api.databases import KINDS, Databases
from tests.api.services import Running, town

GRACE = 3600.0


def swept(store: Store, *, after_seconds: float = GRACE) -> int:
    """What is removed by looking twice, the second time later."""
    at = 0.0
    sweeper = Sweeper(store, GRACE, clock=lambda: at)
    first = sweeper.sweep()
    at += after_seconds
    assert first == 0, "nothing goes at the first look"
    return sweeper.sweep()


def blobs(store: Store) -> set[str]:
    with store.reading() as session:
        return set(session.scalars(sa.select(Blob.name)))


def opened_everything(store: Store) -> int:
    """How many portfolios and proposals can be read."""
    with store.reading() as session:
        stored = list(session.scalars(sa.select(StoredPortfolio)))
        states = list(session.execute(sa.select(PlanState, Plan).join(Plan, Plan.id == PlanState.proposal_id)))
    for each in stored:
        decode_portfolio(each.snapshot or "", store.fetch)
    for state, plan in states:
        decode_proposal(state.state, store.fetch, decode_portfolio(plan.base_snapshot, store.fetch))
    return len(stored) + len(states)


def test_what_was_thrown_away_goes_after_a_while_and_nothing_else(service: Running):
    path = service.bring(town())
    kept, removed = (service.propose(path, tolerance=0.5, seed=seed) for seed in (1, 2))
    service.post("manager", f"{kept}/adjust", {"move": {"0001": "T3"}}, match="*")
    service.post("manager", f"{removed}/adjust", {"move": {"0002": "T3"}}, match="*")
    swept(service.store)
    before = blobs(service.store)

    service.ask("manager", "DELETE", removed, match="*")
    too_early = swept(service.store, after_seconds=GRACE - 1)
    gone = swept(service.store)

    assert too_early == 0
    assert gone == len(before) - len(blobs(service.store)) > 0
    assert opened_everything(service.store) >= 3
    assert swept(service.store) == 0


def test_an_upload_stays_until_it_has_been_read(service: Running):
    files = {"customers": ("c.csv", b"customer_id,lon,lat,potential,visits_per_year,minutes_per_visit\n1,5,45,1,1,1\n")}
    answer = service.ask("manager", "POST", "/v1/portfolios", data={"name": "New", "region": "east"}, files=files)

    unread = swept(service.store)
    service.run_jobs()
    read = swept(service.store)

    assert (unread, read) == (0, 1)
    assert service.get("manager", answer.headers["location"]).json()["status"] == "ready"


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_written_at_the_same_moment_keeps_its_content(kind: str, databases: Databases):
    store = Store(databases.fresh(kind))
    contents = [f"content {number}".encode() for number in range(4)]
    names = [hashlib.sha256(content).hexdigest() for content in contents]
    dangling: list[int] = []

    def write(own: int) -> None:
        """Name one of the contents, then name it no more, again and again."""
        chance = random.Random(own)
        for _ in range(20):
            which = chance.randrange(len(contents))
            with store.writing() as session:
                keep_blobs(session, {names[which]: contents[which]})
                key = {"key": str(which), "user_id": str(own)}
                session.merge(
                    Answer(**key, request_hash=names[which], status=200, headers={}, body=b"", created_at=now())
                )
            with store.reading() as session:
                missing = sa.select(sa.func.count()).where(Answer.request_hash.not_in(sa.select(Blob.name)))
                dangling.append(session.scalar(missing.select_from(Answer)) or 0)
            with store.writing() as session:
                session.execute(sa.delete(Answer).where(Answer.user_id == str(own)))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    sweeper, removed = Sweeper(store, 0.0), 0
    while any(writer.is_alive() for writer in writers):
        removed += sweeper.sweep()
    for writer in writers:
        writer.join()

    assert removed > 0, "nothing was tried"
    assert dangling == [0] * 80
    store.close()
