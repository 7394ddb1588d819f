"""What people do with the service, over HTTP, from upload to publication."""

from __future__ import annotations

import pytest

from tests.api.services import Running, town


@pytest.fixture(scope="module")
def portfolio(service: Running) -> str:
    return service.bring(town())


def approved(service: Running, portfolio: str, **parameters: object) -> str:
    proposal = service.propose(portfolio, **parameters)
    service.post("manager", f"{proposal}/approve", match="*")
    return proposal


def test_an_uploaded_portfolio_is_read_and_its_files_alignment_is_number_one(service: Running):
    path = service.bring(town(6, reps=2))

    told = service.get("manager", path).json()
    history = service.get("manager", f"{path}/alignments").json()["items"]

    assert (told["status"], told["number"]) == ("ready", 1)
    assert (told["facts"]["customers"], told["facts"]["reps"]) == (6, 2)
    assert [version["comment"] for version in history] == ["as uploaded"]


def test_faults_in_an_upload_are_told_by_row_and_column(service: Running):
    files = {"customers": ("customers.csv", b"customer_id,lon,lat\n1,x,45\n1,5,north\n")}

    answer = service.ask("manager", "POST", "/v1/portfolios", data={"name": "Bad", "region": "east"}, files=files)
    service.run_jobs()
    told = service.get("manager", answer.headers["location"]).json()

    assert told["status"] == "failed"
    assert any("row 2" in problem["where"] for problem in told["problem"]["problems"])


def test_a_proposal_goes_from_asking_to_being_what_holds(service: Running, portfolio: str):
    proposal = service.propose(portfolio, tolerance=0.2, seed=3)

    approved = service.post("manager", f"{proposal}/approve", match=service.etag("manager", proposal))
    body = {"effective_from": "2027-01-01", "comment": "Q1"}
    published = service.post("manager", f"{proposal}/publish", body, match=approved.headers["etag"])

    assert published.status_code == 201, published.text
    assert service.get("manager", proposal).json()["status"] == "published"
    latest = service.get("manager", f"{portfolio}/alignments").json()["items"][0]
    assert latest["hash"] == published.json()["hash"]
    assert latest["effective_from"] == "2027-01-01"
    moved = service.get("manager", f"{portfolio}/handovers").json()
    assert moved["count"] == latest["moved"] > 0
    assert all(row["from"] != row["to"] and row["reason"] for row in moved["items"])


def test_a_proposal_made_from_an_older_alignment_cannot_be_published(service: Running):
    path = service.bring(town(seed=2))
    first, second = (approved(service, path, seed=seed) for seed in (1, 2))

    body = {"effective_from": "2027-01-01"}
    assert service.post("manager", f"{first}/publish", body, match="*").status_code == 201
    late = service.post("manager", f"{second}/publish", body, match="*")

    assert late.status_code == 409
    assert service.get("manager", path).json()["number"] == 2


def test_a_refused_move_leaves_its_customer_where_it_is(service: Running):
    path = service.bring(town(seed=3))
    proposal = service.propose(path, tolerance=0.2)
    move = service.get("manager", f"{proposal}/moves").json()["items"][0]

    where = f"{proposal}/moves/{move['customer_id']}"
    answer = service.ask("manager", "PUT", where, json={"decision": "refused"}, match=service.etag("manager", proposal))

    rows = service.get("manager", f"{proposal}/alignment?limit=1000").json()["items"]
    owner = {row["customer_id"]: row["territory"] for row in rows}
    assert answer.status_code == 200
    assert owner[move["customer_id"]] == move["from"]
    listed = service.get("manager", f"{proposal}/moves?limit=1000").json()["items"]
    assert {row["customer_id"]: row["decision"] for row in listed}[move["customer_id"]] == "refused"


def test_a_step_by_hand_is_undone_and_redone(service: Running):
    path = service.bring(town(seed=4))
    proposal = service.propose(path, tolerance=0.2)
    rows = service.get("manager", f"{proposal}/alignment?limit=1000").json()["items"]
    customer = next(row["customer_id"] for row in rows if row["territory"] != "T2")

    def owner() -> str:
        rows = service.get("manager", f"{proposal}/alignment?limit=1000").json()["items"]
        return next(row["territory"] for row in rows if row["customer_id"] == customer)

    before = owner()
    done = service.post(
        "manager", f"{proposal}/adjust", {"move": {customer: "T2"}}, match=service.etag("manager", proposal)
    )
    moved = owner()
    undone = service.post("manager", f"{proposal}/undo", match=done.headers["etag"])
    back = owner()
    redone = service.post("manager", f"{proposal}/redo", match=undone.headers["etag"])

    assert (moved, back, owner()) == ("T2", before, "T2")
    assert [answer.json()["can_redo"] for answer in (done, undone, redone)] == [0, 1, 0]


def test_a_locked_customer_does_not_move(service: Running):
    path = service.bring(town(seed=5))
    crowded = service.get("manager", f"{path}/customers?limit=1000").json()["items"]
    locked = [row["customer_id"] for row in crowded if row["territory"] == "T1"][:3]

    answer = service.ask(
        "manager", "PATCH", f"{path}/locks", json={"lock": locked}, match=service.etag("manager", f"{path}/locks")
    )
    proposal = service.propose(path, tolerance=0.2)

    assert sorted(answer.json()["locks"]) == sorted(locked)
    moves = service.get("manager", f"{proposal}/moves?limit=1000").json()["items"]
    assert not {row["customer_id"] for row in moves} & set(locked)


def test_reverting_publishes_the_old_alignment_as_a_new_version(service: Running):
    path = service.bring(town(seed=6))
    proposal = approved(service, path, tolerance=0.2)
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")

    body = {"number": 1, "effective_from": "2027-02-01"}
    answer = service.post("manager", f"{path}/revert", body, match=service.etag("manager", path))

    hashes = [version["hash"] for version in service.get("manager", f"{path}/alignments").json()["items"]]
    assert answer.status_code == 201
    assert hashes[0] == hashes[2] != hashes[1]
    same = service.get("manager", f"{path}/difference?before=1&after=3").json()
    assert same["count"] == 0


def test_what_ifs_are_compared_in_one_table_and_each_is_a_proposal(service: Running, portfolio: str):
    changes = {
        "R03 leaves": [{"change": "rep_leaves", "rep_id": "R03"}],
        "R02 half time": [{"change": "rep_part_time", "rep_id": "R02", "share": 0.5}],
    }
    ids = [
        service.post("planner", f"{portfolio}/scenarios", {"name": name, "changes": change}).json()["scenario_id"]
        for name, change in changes.items()
    ]

    asked = {"scenario_ids": ids, "travel": "none", "effort": 0.05}
    answer = service.post("planner", f"{portfolio}/comparisons", asked)
    service.run_jobs()

    told = service.get("planner", answer.headers["location"]).json()
    assert told["status"] == "ready"
    assert [row["scenario"] for row in told["rows"]] == ["today", *changes]
    assert [row["territories"] for row in told["rows"]] == [3, 2, 3]
    one = service.get("planner", f"/v1/proposals/{told['rows'][1]['proposal_id']}").json()
    assert (one["status"], one["scenario_id"]) == ("ready", ids[0])


def test_a_rep_challenges_a_move_and_the_manager_sees_its_price(service: Running):
    path = service.bring(town(seed=7))
    proposal = approved(service, path, tolerance=0.2)
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")
    leaving = [row for row in service.get("rep A", f"{path}/handovers").json()["items"] if row["from"] == "T1"]

    body = {"customer_id": leaving[0]["customer_id"], "note": "I opened it."}
    made = service.post("rep A", f"{path}/challenges", body)
    seen = service.get("manager", f"{path}/challenges").json()["items"]

    assert made.status_code == 201, made.text
    assert seen[0]["price"] == pytest.approx(leaving[0]["price"])
    assert service.get("rep B", made.headers["location"]).status_code == 404
    answered = service.ask(
        "manager",
        "PATCH",
        made.headers["location"],
        json={"status": "refused", "answer": "Too far."},
        match=made.headers["etag"],
    )
    assert service.get("rep A", made.headers["location"]).json()["answer"] == "Too far."
    assert answered.status_code == 200


def test_alerts_say_since_when(service: Running, portfolio: str):
    found = service.get("manager", f"{portfolio}/alerts").json()["items"]

    assert found
    assert all(row["since"] is not None for row in found)


def test_a_job_is_cancelled_before_it_begins(service: Running, portfolio: str):
    service.run_jobs()
    asked = service.post("manager", f"{portfolio}/proposals", {"travel": "none"})
    job = asked.json()["job"]

    answer = service.ask("manager", "DELETE", job)

    assert answer.status_code == 202
    assert service.run_jobs() == 0
    assert service.get("manager", asked.headers["location"]).json()["status"] == "cancelled"
    assert service.ask("manager", "DELETE", job).status_code == 409
