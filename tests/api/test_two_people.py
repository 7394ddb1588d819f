"""Two managers at one portfolio: whatever the order of their requests, nothing is lost and nothing happens twice."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from api.store import Plan, PlanState, Row, StoredPortfolio, new_id
from tests.api.services import Running, town

RowOf = TypeVar("RowOf", bound=Row)
EXAMPLES = int(os.environ.get("TERRITORY_INTERLEAVINGS", "12"))
MANAGERS = ("manager", "second manager")
CUSTOMERS = ("0001", "0005", "0009", "0013")
LEADS_TO = {"submit": "submitted", "approve": "approved", "reopen": "ready", "reject": "rejected"}
COMES_FROM = {
    "submit": ("ready",),
    "approve": ("ready", "submitted"),
    "reopen": ("submitted", "approved", "rejected"),
    "reject": ("submitted", "approved"),
}
TERRITORIES = ("T1", "T2", "T3")


def copied(service: Running, portfolio: str, proposal: str) -> tuple[str, str]:
    """A portfolio of its own with a proposal that is ready, as it is after minutes of planning."""
    with service.store.writing() as session:
        stored = copy_of(session.get_one(StoredPortfolio, portfolio.rsplit("/", 1)[1]), id=new_id("portfolio"))
        plan = session.get_one(Plan, proposal.rsplit("/", 1)[1])
        state = session.get_one(PlanState, (plan.id, 0))
        plan = copy_of(plan, id=new_id("proposal"), portfolio_id=stored.id)
        session.add(stored)
        session.flush()
        session.add(plan)
        session.flush()
        session.add(copy_of(state, proposal_id=plan.id))
    return f"/v1/portfolios/{stored.id}", f"/v1/proposals/{plan.id}"


def copy_of(row: RowOf, **changes: object) -> RowOf:
    values = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    return type(row)(**{**values, **changes})


def managers_at(service: Running) -> type[RuleBasedStateMachine]:
    """Two managers who adjust, undo, hand on and publish, each from what he has read last; beside them a model."""
    original = service.bring(town())
    proposed = service.propose(original, tolerance=0.5, seed=1, effort=0.05)

    class TwoManagers(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.path, self.proposal = copied(service, original, proposed)
            rows = service.get("manager", f"{self.proposal}/alignment?limit=100").json()["items"]
            # The model: states with a position, a revision, a status, and how often anything was published.
            self.states = [{row["customer_id"]: row["territory"] for row in rows}]
            self.position, self.status = 0, "ready"
            self.etag = service.etag("manager", self.proposal)
            self.read = dict.fromkeys(MANAGERS, self.etag)
            self.base = service.get("manager", self.path).json()["number"]
            self.is_published = False

        def send(self, who: str, step: str, body: dict[str, object] | None = None, *, fits: bool) -> bool:
            """Whether it is done; it is exactly when this manager has read the latest version and the step `fits`."""
            answer = service.post(who, f"{self.proposal}/{step}", body, match=self.read[who])
            is_latest = self.read[who] == self.etag
            if answer.status_code == 412:
                assert not is_latest, "refused, though it was the latest"
                return False
            if answer.status_code == 409:
                assert not fits, f"{step} was refused, though it fits: {answer.text}"
                return False
            assert answer.status_code in (200, 201), answer.text
            assert is_latest, "an older version was overwritten"
            self.etag = self.read[who] = answer.headers.get("etag", "")
            return True

        @rule(who=st.sampled_from(MANAGERS))
        def look(self, who: str) -> None:
            self.read[who] = service.etag(who, self.proposal)
            assert self.read[who] == self.etag

        @rule(who=st.sampled_from(MANAGERS), name=st.sampled_from(CUSTOMERS), to=st.sampled_from(TERRITORIES))
        def move(self, who: str, name: str, to: str) -> None:
            if self.send(who, "adjust", {"move": {name: to}}, fits=self.status == "ready"):
                assert self.status == "ready"
                self.states[self.position + 1 :] = [{**self.states[self.position], name: to}]
                self.position += 1

        @rule(who=st.sampled_from(MANAGERS))
        def undo(self, who: str) -> None:
            if self.send(who, "undo", fits=self.status == "ready" and self.position > 0):
                assert self.position > 0
                self.position -= 1

        @rule(who=st.sampled_from(MANAGERS))
        def redo(self, who: str) -> None:
            is_ahead = self.position < len(self.states) - 1
            if self.send(who, "redo", fits=self.status == "ready" and is_ahead):
                assert is_ahead
                self.position += 1

        @rule(who=st.sampled_from(MANAGERS), step=st.sampled_from(["submit", "approve", "reopen", "reject"]))
        def hand_on(self, who: str, step: str) -> None:
            if self.send(who, step, fits=self.status in COMES_FROM[step]):
                assert self.status in COMES_FROM[step]
                self.status = LEADS_TO[step]

        @precondition(lambda self: self.status == "approved")
        @rule(who=st.sampled_from(MANAGERS))
        def publish(self, who: str) -> None:
            if self.send(who, "publish", {"effective_from": "2027-01-01"}, fits=True):
                assert not self.is_published, "published twice"
                self.is_published, self.status = True, "published"
                self.etag = self.read[who] = service.etag(who, self.proposal)

        @invariant()
        def is_as_the_model_says(self) -> None:
            if not hasattr(self, "proposal"):
                return
            told = service.get("manager", self.proposal)
            assert told.headers["etag"] == self.etag
            assert told.json()["status"] == self.status
            assert (told.json()["can_undo"], told.json()["can_redo"]) == (
                self.position,
                len(self.states) - 1 - self.position,
            )

        def teardown(self) -> None:
            if not hasattr(self, "proposal"):
                return
            rows = service.get("manager", f"{self.proposal}/alignment?limit=100").json()["items"]
            assert {row["customer_id"]: row["territory"] for row in rows} == self.states[self.position]
            number = service.get("manager", self.path).json()["number"]
            assert number == self.base + self.is_published

    return TwoManagers


def test_two_managers_never_lose_an_edit_and_never_do_one_twice(service: Running):
    run_state_machine_as_test(
        managers_at(service),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_of_edits_at_the_same_moment_one_is_done(service: Running):
    path = service.bring(town())
    proposal = service.propose(path, tolerance=0.5)

    for number in range(6):
        etag = service.etag("manager", proposal)

        def move(to: str, etag: str = etag, name: str = f"{number:04d}") -> int:
            body = {"move": {name: to}}
            return int(service.post("manager", f"{proposal}/adjust", body, match=etag).status_code)

        with ThreadPoolExecutor(6) as pool:
            statuses = sorted(pool.map(move, TERRITORIES * 2))

        assert statuses == [200] + [412] * 5
    assert service.get("manager", proposal).json()["can_undo"] == 6


def test_a_key_sent_many_times_at_once_makes_one_thing(service: Running):
    path = service.bring(town())
    body = {"name": "once", "changes": [{"change": "rep_leaves", "rep_id": "R02"}]}

    def ask(_: int) -> tuple[int, str]:
        answer = service.post("planner", f"{path}/scenarios", body, headers={"Idempotency-Key": "many"})
        return answer.status_code, answer.json().get("scenario_id", "")

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(ask, range(12)))

    assert len(answers) == 1
    assert service.get("planner", f"{path}/scenarios").json()["count"] == 1


def test_two_proposals_published_at_the_same_moment_make_one_alignment(service: Running):
    path = service.bring(town())
    proposals = [service.propose(path, tolerance=0.5, seed=seed) for seed in range(3)]
    for proposal in proposals:
        service.post("manager", f"{proposal}/approve", match="*")

    def publish(proposal: str) -> int:
        body = {"effective_from": "2027-01-01"}
        return int(service.post("manager", f"{proposal}/publish", body, match="*").status_code)

    with ThreadPoolExecutor(3) as pool:
        statuses = sorted(pool.map(publish, proposals))

    assert statuses[0] == 201
    assert set(statuses[1:]) <= {409, 412}
    assert service.get("manager", path).json()["number"] == 2
