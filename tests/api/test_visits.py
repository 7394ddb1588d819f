"""Visits: told by a phone that may be without a line, and stored exactly once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.services import Running, town

DAY = "2027-03-03"


@pytest.fixture(scope="module")
def path(service: Running) -> str:
    return service.bring(town())


def own(service: Running, path: str, who: str = "rep A") -> list[str]:
    return [row["customer_id"] for row in service.get(who, f"{path}/customers?limit=1000").json()["items"]]


def tell(service: Running, path: str, customer: str, status: str = "finished", who: str = "rep A", **more: Any) -> Any:
    body = {"customer_id": customer, "day": DAY, "status": status, "at": 1_803_978_900.0}
    key = more.pop("key", None)
    outcome = {"outcome": "met"} if status == "finished" else {}
    headers = {} if key is None else {"Idempotency-Key": key}
    return service.post(who, f"{path}/visits", {**body, **outcome, **more}, headers=headers)


def of_customer(service: Running, path: str, customer: str) -> list[dict[str, Any]]:
    return list(service.get("manager", f"{path}/visits?customer_id={customer}").json()["items"])


def test_a_visit_is_begun_and_finished_and_its_minutes_are_counted(service: Running, path: str):
    customer = own(service, path)[0]

    began = tell(service, path, customer, "started", at=1_803_978_900.0)
    ended = tell(service, path, customer, at=1_803_980_400.0, note="Wants a catalogue.")

    assert (began.status_code, began.json()["status"]) == (201, "started")
    assert (ended.status_code, ended.json()["status"], ended.json()["minutes"]) == (201, "finished", 25.0)
    assert ended.json()["visit_id"] == began.json()["visit_id"]
    (stored,) = of_customer(service, path, customer)
    assert (stored["name"], stored["note"], stored["outcome"]) == (
        "Customer " + str(int(customer)),
        "Wants a catalogue.",
        "met",
    )


def test_a_visit_may_be_told_of_only_when_it_is_over(service: Running, path: str):
    answer = tell(service, path, own(service, path)[1], minutes=20, outcome="ordered")

    assert answer.status_code == 201
    assert (answer.json()["started_at"], answer.json()["minutes"]) == (None, 20.0)


def test_a_visit_told_twice_is_stored_once_under_whatever_key(service: Running, path: str):
    customer = own(service, path)[2]

    first, second, third = (tell(service, path, customer, key=key, note="x") for key in ("a-1", "a-1", "b-2"))

    assert [answer.status_code for answer in (first, second, third)] == [201, 201, 200]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert third.json() == first.json()
    assert len(of_customer(service, path, customer)) == 1


def test_a_visit_told_many_times_at_once_is_stored_once(service: Running, path: str):
    customer = own(service, path)[12]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: tell(service, path, customer, key=f"at-once-{number}"), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["visit_id"] for answer in answers}) == 1
    assert len(of_customer(service, path, customer)) == 1


def test_a_late_word_that_a_visit_has_begun_does_not_open_it_again(service: Running, path: str):
    customer = own(service, path)[3]
    tell(service, path, customer)

    late = tell(service, path, customer, "started")

    assert (late.status_code, late.json()["status"]) == (200, "finished")


def test_another_end_of_a_finished_visit_is_refused_and_both_are_shown(service: Running, path: str):
    customer = own(service, path)[4]
    tell(service, path, customer, note="first")

    answer = tell(service, path, customer, note="second")

    assert answer.status_code == 409
    assert (answer.json()["current"]["note"], answer.json()["sent"]["note"]) == ("first", "second")


def test_a_visit_is_changed_only_by_who_has_read_it_as_it_is(service: Running, path: str):
    visit = tell(service, path, own(service, path)[5], note="first")
    where = visit.headers["location"]

    none = service.ask("rep A", "PATCH", where, json={"note": "x"})
    right = service.ask("rep A", "PATCH", where, json={"note": "second"}, match=visit.headers["etag"])
    stale = service.ask("manager", "PATCH", where, json={"note": "third"}, match=visit.headers["etag"])

    assert [answer.status_code for answer in (none, right, stale)] == [428, 200, 412]
    assert (stale.json()["current"]["note"], stale.json()["sent"]) == ("second", {"note": "third"})
    assert service.get("rep A", where).json()["revision"] == 2


def test_a_visit_begun_by_mistake_is_taken_back_and_a_finished_one_is_not(service: Running, path: str):
    begun, over = own(service, path)[6:8]
    began, ended = tell(service, path, begun, "started"), tell(service, path, over)

    early = service.ask("rep A", "PATCH", began.headers["location"], json={"note": "x"}, match="*")
    answers = [
        service.ask("rep A", "DELETE", each.headers["location"], match=each.headers["etag"]) for each in (began, ended)
    ]

    assert [answer.status_code for answer in (early, *answers)] == [409, 204, 409]
    assert of_customer(service, path, begun) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "started", "outcome": "met"},
        {"status": "finished", "outcome": None},
        {"minutes": -1},
        {"at": -5},
        {"outcome": "sold"},
        {"day": "soon"},
    ],
)
def test_what_a_visit_cannot_be_is_said(service: Running, path: str, wrong: dict[str, Any]):
    answer = tell(service, path, own(service, path)[8], **{"status": "finished", **wrong})

    assert answer.status_code == 422


def test_a_rep_tells_of_his_own_customers_only(service: Running, path: str):
    foreign = next(name for name in own(service, path, "rep B") if name not in own(service, path))
    before = of_customer(service, path, foreign)

    answers = [
        tell(service, path, foreign),
        tell(service, path, foreign, rep_id="R02"),
        tell(service, path, "none at all"),
        tell(service, path, own(service, path)[8], who="rep B"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert of_customer(service, path, foreign) == before


def test_a_manager_tells_of_a_reps_visit_and_says_whose(service: Running, path: str):
    customer = own(service, path)[9]

    nobodys = tell(service, path, customer, who="manager")
    reps = tell(service, path, customer, who="manager", rep_id="R01")

    assert (nobodys.status_code, reps.status_code) == (404, 201)
    assert reps.json()["rep_id"] == "R01"


def test_a_rep_sees_his_visits_and_a_manager_everybodys(service: Running, path: str):
    tell(service, path, own(service, path, "rep B")[0], who="rep B")

    seen = {
        who: {row["rep_id"] for row in service.get(who, f"{path}/visits?limit=1000").json()["items"]}
        for who in ("rep A", "rep B", "manager")
    }

    assert seen == {"rep A": {"R01"}, "rep B": {"R02"}, "manager": {"R01", "R02"}}
    foreign = service.get("manager", f"{path}/visits?rep_id=R02").json()["items"][0]["visit_id"]
    assert service.get("rep A", f"/v1/visits/{foreign}").status_code == 404
    assert service.get("manager of the west", f"/v1/visits/{foreign}").status_code == 404


def test_visits_are_asked_for_by_day_and_status(service: Running, path: str):
    customer = own(service, path)[10]
    tell(service, path, customer, "started", day="2027-03-04")

    found = service.get("rep A", f"{path}/visits?day=2027-03-04&status=started").json()["items"]
    none = service.get("rep A", f"{path}/visits?from=2027-03-05").json()["items"]

    assert [row["customer_id"] for row in found] == [customer]
    assert none == []


def test_what_becomes_of_a_planned_call_is_shown_beside_it(service: Running):
    path = service.bring(town(seed=41))
    service.post("manager", f"{path}/calls", {"start": "2027-03-01", "weeks": 1, "effort": 0.05})
    service.run_jobs()
    row = service.get("rep A", f"{path}/calls").json()["items"][0]

    told = tell(service, path, row["customer_id"], day=row["day"], outcome="ordered").json()

    answer = service.get("rep A", f"{path}/calls")
    after = answer.json()["items"][0]
    unchanged = service.get("rep A", f"{path}/calls", headers={"If-None-Match": answer.headers["etag"]})
    tell(service, path, row["customer_id"], day=row["day"], outcome="ordered")
    service.ask("rep A", "PATCH", f"/v1/visits/{told['visit_id']}", json={"outcome": "met"}, match="*")
    changed = service.get("rep A", f"{path}/calls", headers={"If-None-Match": answer.headers["etag"]})
    assert (unchanged.status_code, changed.status_code) == (304, 200)
    assert (row["status"], row["visit_id"]) == ("planned", None)
    assert (after["status"], after["outcome"], after["visit_id"]) == ("finished", "ordered", told["visit_id"])


def test_a_note_is_text_in_every_form(service: Running, path: str):
    customer, nasty = own(service, path)[11], "=1+1 <img src=x onerror=alert(1)>"
    tell(service, path, customer, note=nasty)

    sheet = service.get("manager", f"{path}/visits?customer_id={customer}&f=csv").text
    page = service.get("manager", f"{path}/visits?customer_id={customer}&f=html").text

    assert "'=1+1" in sheet
    assert "<img" not in page
