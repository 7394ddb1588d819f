"""Call plans over HTTP: who asks for weeks, what they hold, and which plan counts."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from api.content import Parts
from api.planning.callbooks import decode_calls, encode_calls
from api.planning.calls import with_last_visits
from api.planning.visits import last_made
from territory import plan_calls
from tests.api.services import Running, town
from tests.worlds import line_of_customers

START = "2027-03-01"


def planned(service: Running, path: str, who: str = "manager", **asked: Any) -> str:
    """Have weeks planned; the path of the plan."""
    answer = service.post(who, f"{path}/calls", {"start": START, "weeks": 2, "effort": 0.05, **asked})
    assert answer.status_code == 202, answer.text
    service.run_jobs()
    return str(answer.headers["location"])


def rows(service: Running, who: str, where: str) -> list[dict[str, Any]]:
    return list(service.get(who, f"{where}{'&' if '?' in where else '?'}limit=1000").json()["items"])


@pytest.fixture(scope="module")
def path(service: Running) -> str:
    """A portfolio whose weeks are planned."""
    made = service.bring(town())
    planned(service, made)
    return made


def test_asked_for_weeks_are_planned_by_a_job_and_say_what_they_cover(service: Running):
    where = service.bring(town(seed=31))
    answer = service.post("planner", f"{where}/calls", {"start": START, "weeks": 2})
    waiting = service.get("planner", answer.headers["location"]).json()

    service.run_jobs()
    ready = service.get("planner", answer.headers["location"]).json()

    assert (answer.status_code, waiting["status"], ready["status"]) == (202, "planning", "ready")
    assert (ready["start"], ready["finish"], ready["rep_ids"]) == (START, "2027-03-15", ["R01", "R02", "R03"])
    assert [row["rep_id"] for row in ready["facts"]["measures"]] == ready["rep_ids"]
    assert ready["facts"]["visits"] == len(rows(service, "planner", f"{where}/calls"))


def test_a_rep_cancels_the_planning_that_he_has_begun_and_no_other(service: Running):
    where = service.bring(town(seed=33))
    own, others = (service.post(who, f"{where}/calls", {"start": START}) for who in ("rep A", "manager"))
    job = service.get("manager", others.headers["location"]).json()["job"]

    cancelled = service.ask("rep A", "DELETE", own.json()["job"])
    foreign = service.ask("rep A", "DELETE", job)

    assert (cancelled.status_code, foreign.status_code) == (202, 404)
    assert service.get("rep A", own.headers["location"]).json()["status"] == "cancelled"
    assert service.get("rep A", others.headers["location"]).json()["job"] is None
    service.run_jobs()
    assert service.get("rep A", others.headers["location"]).json()["status"] == "ready"


def test_a_rep_plans_his_own_weeks_and_nobody_elses(service: Running):
    where = service.bring(town(seed=32))

    other = service.post("rep A", f"{where}/calls", {"start": START, "rep_ids": ["R02"]})
    own = planned(service, where, "rep A")

    assert other.status_code == 403
    assert service.get("rep A", own).json()["rep_ids"] == ["R01"]
    assert {row["rep_id"] for row in rows(service, "manager", f"{where}/calls")} == {"R01"}
    assert service.get("rep B", own).status_code == 404


def test_a_rep_sees_his_own_part_of_a_plan(service: Running, path: str):
    plan = service.get("manager", f"{path}/call-plans").json()["items"][0]["call_plan_id"]
    everybody = rows(service, "manager", f"{path}/calls")

    own = rows(service, "rep A", f"{path}/calls")
    told = service.get("rep A", f"/v1/calls/{plan}").json()

    assert own
    assert [row["customer_id"] for row in own] == [row["customer_id"] for row in everybody if row["rep_id"] == "R01"]
    assert {row["rep_id"] for row in rows(service, "rep A", f"/v1/calls/{plan}/days")} == {"R01"}
    assert told["rep_ids"] == ["R01"]
    assert [row["rep_id"] for row in told["facts"]["measures"]] == ["R01"]
    assert service.get("rep A", f"{path}/calls?rep_id=R02").status_code == 404


@pytest.mark.parametrize("table", ["visits", "days", "dropped", "stretched"])
def test_a_plan_is_read_table_by_table_in_every_form(service: Running, path: str, table: str):
    plan = service.get("manager", f"{path}/call-plans").json()["items"][0]["call_plan_id"]

    answers = {form: service.get("manager", f"/v1/calls/{plan}/{table}?f={form}") for form in ("json", "csv", "html")}

    assert {answer.status_code for answer in answers.values()} == {200}
    assert len(answers["csv"].text.splitlines()) == answers["json"].json()["count"] + 1


def test_calls_are_asked_for_by_rep_and_day(service: Running, path: str):
    everything = rows(service, "manager", f"{path}/calls")
    day = everything[-1]["day"]

    of_day = rows(service, "manager", f"{path}/calls?day={day}")
    of_rep = rows(service, "manager", f"{path}/calls?rep_id=R02&from={START}&until=2027-03-05")

    assert of_day == [
        {**row, "row": number} for number, row in enumerate(each for each in everything if each["day"] == day)
    ]
    assert {row["rep_id"] for row in of_rep} <= {"R02"}
    assert all(START <= row["day"] <= "2027-03-05" for row in of_rep)


def test_of_several_plans_for_a_day_the_latest_counts(service: Running):
    where = service.bring(town(seed=33))
    first = planned(service, where).rsplit("/", 1)[1]

    second = planned(service, where, start="2027-03-08", rep_ids=["R01"]).rsplit("/", 1)[1]

    found = rows(service, "manager", f"{where}/calls")
    by_plan = {(row["rep_id"], row["day"] >= "2027-03-08"): row["call_plan_id"] for row in found}
    assert by_plan.pop(("R01", True)) == second
    assert set(by_plan.values()) == {first}


def test_a_plan_for_nobody_says_so(service: Running, path: str):
    answer = service.post("manager", f"{path}/calls", {"start": START, "rep_ids": ["R99"]})

    assert answer.status_code == 404
    assert answer.json()["problems"][0]["where"] == "rep 'R99'"


def test_a_visit_that_was_made_is_not_planned_again_before_its_time(service: Running):
    where = service.bring(town(seed=34))
    planned(service, where, weeks=1)
    made = rows(service, "rep A", f"{where}/calls")
    for row in made:
        body = {
            "customer_id": row["customer_id"],
            "day": row["day"],
            "status": "finished",
            "at": 1.8e9,
            "outcome": "met",
        }
        service.post("rep A", f"{where}/visits", body)

    planned(service, where, "rep A", start="2027-03-08", weeks=1)

    again = {row["customer_id"] for row in rows(service, "rep A", f"{where}/calls?from=2027-03-08")}
    assert made
    assert not again & {row["customer_id"] for row in made}


def test_only_who_was_met_counts_as_visited(service: Running):
    where = service.bring(town(seed=36))
    own = [row["customer_id"] for row in rows(service, "rep A", f"{where}/customers")]
    for customer, outcome in zip(own, ("met", "ordered", "absent", "postponed"), strict=False):
        body = {"customer_id": customer, "day": START, "status": "finished", "at": 1.8e9, "outcome": outcome}
        service.post("rep A", f"{where}/visits", body)

    with service.store.reading() as session:
        until, before = (last_made(session, where.rsplit("/", 1)[1], day) for day in ("2027-03-02", START))

    assert until == dict.fromkeys(own[:2], START)
    assert before == {}


def test_an_alignment_that_begins_to_hold_within_the_weeks_is_told(service: Running):
    where = service.bring(town(seed=35))
    proposal = service.propose(where, tolerance=0.2)
    service.post("manager", f"{proposal}/approve", match="*")
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-03-08"}, match="*")

    early, late = (planned(service, where, start=start) for start in (START, "2027-03-08"))

    told = [service.get("manager", plan).json() for plan in (early, late)]
    assert [plan["number"] for plan in told] == [1, 2]
    assert [problem["where"] for problem in told[0]["facts"]["problems"]] == ["alignment 2"]
    assert told[1]["facts"]["problems"] == []


def test_a_call_plan_put_away_is_the_same_when_it_is_taken_out():
    plan = plan_calls(line_of_customers(8, reps=2), start=START, weeks=2, effort=0.1, workers=1)
    parts = Parts({})

    found = decode_calls(encode_calls(plan, parts), parts.by_name.__getitem__)

    for name in ("visits", "days", "stretched", "dropped", "coverage", "measures", "changes"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(plan, name))
    assert (found.start, found.weeks, found.problems) == (plan.start, plan.weeks, plan.problems)
    assert found.on("2027-03-01").equals(plan.on("2027-03-01"))


def test_a_last_visit_counts_only_when_it_is_later_than_what_the_table_says():
    world = line_of_customers(3, reps=1)
    dates = pd.Series(["2027-02-20", "2027-02-20", None], index=world.customers.index, dtype="str")
    known = type(world)(world.customers.assign(last_visit=dates), world.reps, world.rules, world.unplaced)

    found = with_last_visits(known, {"1": "2027-02-10", "2": "2027-02-25", "3": "2027-02-26"})

    assert found.customers["last_visit"].tolist() == ["2027-02-20", "2027-02-25", "2027-02-26"]
