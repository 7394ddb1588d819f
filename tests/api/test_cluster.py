"""Planning on a Dask cluster: the same plans, whoever makes them, and nothing left running that nobody wants."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from api.content import Parts, encode_portfolio
from api.jobs import cluster
from api.jobs.child import Context
from api.jobs.queue import Claim
from api.planning import pieces
from api.planning.pieces import Asked, Made
from api.settings import Settings
from territory.alignment import Progress
from territory.errors import DataError, Problem, UnavailableError
from tests.api.databases import Databases
from tests.api.services import Running, serve, town

NOWHERE = Settings(dask="tcp://127.0.0.1:9")


@pytest.fixture(scope="module", params=[1, 2])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A scheduler with one worker, and with two."""
    with LocalCluster(
        n_workers=request.param,
        threads_per_worker=2,
        processes=False,
        # Over a socket even so: what a piece is made of must survive the way.
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address=":0",
    ) as running:
        yield running.scheduler_address


@pytest.fixture(scope="module")
def alone(databases: Databases) -> Iterator[Running]:
    service = serve(databases.fresh("sqlite"))
    with service.client:
        yield service
    service.store.close()


def context(settings: Settings, told: list[float] | None = None) -> Context:
    claim = Claim("job_x", 1, "wait", {}, "u", "")
    heard = [] if told is None else told
    return Context(None, settings, claim, lambda _, part: heard.append(part))  # type: ignore[arg-type]  # no store here


def plans(service: Running) -> dict[str, Any]:
    """Alignment hashes and figures of everything that is planned by jobs."""
    path = service.bring(town(48))
    common = {"tolerance": 0.2, "travel": "line", "effort": 0.05, "seed": 3}
    proposal = service.post("manager", f"{path}/proposals", common).headers["location"]
    changes = [{"change": "rep_leaves", "rep_id": "R03"}]
    leaves = service.post("manager", f"{path}/scenarios", {"name": "R03 leaves", "changes": changes}).json()
    body = {"scenario_ids": [leaves["scenario_id"]], "with_today": True, **common}
    comparison = service.post("manager", f"{path}/comparisons", body).headers["location"]
    front = service.post("manager", f"{path}/fronts", {"count": 3, **common}).headers["location"]
    weeks = {"start": "2027-03-01", "weeks": 1, "effort": 0.2}
    calls = service.post("manager", f"{path}/calls", weeks).headers["location"]
    service.run_jobs()
    made = {
        "proposal": aligned(service, proposal),
        "calls": service.get("manager", f"{calls}/visits?limit=1000").json(),
    }
    for name, where in (("scenarios", comparison), ("front", front)):
        rows = service.get("manager", where).json()["rows"]
        made[name] = [(aligned(service, f"/v1/proposals/{row.pop('proposal_id')}"), row) for row in rows]
    return made


def aligned(service: Running, proposal: str) -> list[Any]:
    items = service.get("manager", f"{proposal}/alignment?limit=1000").json()["items"]
    return [(item["customer_id"], item["territory"]) for item in items]


@pytest.fixture(scope="module")
def plans_made_here(alone: Running) -> dict[str, Any]:
    return plans(alone)


def test_plans_of_the_cluster_are_the_same(address: str, databases: Databases, plans_made_here: dict[str, Any]):
    service = serve(databases.fresh("sqlite"), dask=address)

    with service.client:
        made = plans(service)
    service.store.close()

    assert all(made.values()), "nothing was planned"
    assert made == plans_made_here


def doubled(asked: int, tell: Progress) -> int:
    tell("balance", 0.5)
    return 2 * asked


def test_answers_keep_their_order_and_progress_is_heard(address: str):
    told: list[float] = []

    answers = cluster.answers(context(Settings(dask=address), told), doubled, [3, 1, 2])

    assert answers == [6, 2, 4]
    assert told
    assert told == sorted(told)


def refused(asked: str, _: Progress) -> None:
    raise DataError([Problem(asked, "It is wrong.", "Mend it.")])


@pytest.mark.parametrize("is_on_cluster", [False, True])
def test_the_faults_of_all_pieces_are_told_at_once(address: str, is_on_cluster: bool):
    settings = Settings(dask=address) if is_on_cluster else Settings()

    with pytest.raises(DataError) as caught:
        cluster.answers(context(settings), refused, ["one", "other"])

    assert [problem.where for problem in caught.value.problems] == ["one", "other"]


IS_RUNNING, WAS_ENDED = threading.Event(), threading.Event()


def endless(_: object, tell: Progress) -> None:
    try:
        while True:
            IS_RUNNING.set()
            tell("balance", 0.1)
            time.sleep(0.01)
    finally:
        WAS_ENDED.set()


def test_a_piece_ends_when_nobody_waits_for_it_any_more(address: str):
    from distributed import Client

    IS_RUNNING.clear()
    WAS_ENDED.clear()
    with Client(address, set_as_default=False) as client:
        client.submit(cluster._piece, endless, None, 0, "topic", pure=False)
        assert IS_RUNNING.wait(40)

    assert WAS_ENDED.wait(40)


def plan_where_the_first_worker_dies(asked: tuple[Path, Asked], tell: Progress) -> Made:
    """A plan; who makes it first is killed in the middle of it."""
    mark, piece = asked

    def told(stage: str, part: float) -> None:
        tell(stage, part)
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    return pieces.plan(piece, told)


def test_plans_of_a_cluster_whose_worker_is_killed_in_the_middle_are_the_same(tmp_path: Path):
    parts = Parts({})
    name = encode_portfolio(town(48), parts)
    common = {"tolerance": 0.2, "travel": "line", "effort": 0.05, "max_moved": None, "handover": 0.0}
    asked = [Asked(name, parts.by_name, {**common, "seed": seed}) for seed in (3, 4)]
    mark = tmp_path / "killed"

    with LocalCluster(n_workers=1, threads_per_worker=2, host="127.0.0.1", dashboard_address=":0") as running:
        settings = Settings(dask=running.scheduler_address)
        made = cluster.answers(context(settings), plan_where_the_first_worker_dies, [(mark, each) for each in asked])

    assert mark.exists()
    expected = [pieces.plan(piece, lambda *_: None) for piece in asked]
    assert [moves_of(each) for each in made] == [moves_of(each) for each in expected]


def moves_of(made: Made) -> list[Any]:
    manifest = json.loads(made.contents[made.state])
    return [hashlib.sha256(made.contents[manifest[part]]).hexdigest() for part in ("alignment", "moves", "after")]


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster, "_CONNECTS_WITHIN_SECONDS", 0.2)

    with pytest.raises(UnavailableError, match="TERRITORY_DASK"):
        cluster.answers(context(NOWHERE), doubled, [1])
