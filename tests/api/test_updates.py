"""Other rules and new files for a portfolio that is there: shown before they hold."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.services import Running, town

CUSTOMERS = "customer_id,name,lon,lat,potential,visits_per_year,minutes_per_visit,territory\n"


@pytest.fixture
def portfolio(service: Running) -> str:
    return service.bring(town(6, reps=2))


def bring_again(service: Running, portfolio: str, rows: list[dict[str, Any]], **files: bytes) -> str:
    """New files with these customers; their path."""
    lines = [",".join(str(row[name]) for name in CUSTOMERS.strip().split(",")) for row in rows]
    sent = {"customers": ("customers.csv", (CUSTOMERS + "\n".join(lines) + "\n").encode())}
    sent |= {kind: (f"{kind}.csv", content) for kind, content in files.items()}
    answer = service.ask("manager", "POST", f"{portfolio}/updates", files=sent)
    assert answer.status_code == 202, answer.text
    service.run_jobs()
    return str(answer.headers["location"])


def listed(service: Running, portfolio: str) -> list[dict[str, Any]]:
    return list(service.get("manager", f"{portfolio}/customers?limit=100").json()["items"])


def test_other_rules_are_shown_before_they_hold_and_then_hold(service: Running, portfolio: str):
    body = {"rules": {"tolerance": {"workload": 0.1}, "speed_kmh": 30, "work_from": "09:00"}}

    shown = service.post("planner", f"{portfolio}/rules/preview?limit=100", body).json()["items"]
    before = service.get("planner", portfolio).json()["facts"]["rules"]["tolerance"]
    changed = service.ask("planner", "PATCH", f"{portfolio}/rules", json=body, match=service.etag("planner", portfolio))

    told = {(row["what"], row["id"], row["column"]): (row["before"], row["after"]) for row in shown}
    assert told["rule", "tolerance", "workload"] == (0.05, 0.1)
    assert told["rule", "work_from", None] == ("08:00", "09:00")
    assert any(what == "territory" and column == "workload_minutes" for what, _, column in told)
    assert before == {"potential": 0.05, "workload": 0.05}
    assert changed.json()["rules"]["tolerance"] == {"potential": 0.05, "workload": 0.1}
    assert service.get("planner", f"{portfolio}/rules").json()["rules"]["speed_kmh"] == 30
    assert changed.headers["etag"] == service.etag("planner", portfolio)


@pytest.mark.parametrize(
    "rules", [{"no_such": 1}, {"tolerance": -1}, {"work_from": "soon"}, {"minutes_per_visit": 3}, {"speed_kmh": "fast"}]
)
def test_rules_that_cannot_be_are_refused(service: Running, portfolio: str, rules: dict[str, object]):
    answer = service.ask("planner", "PATCH", f"{portfolio}/rules", json={"rules": rules}, match="*")

    assert answer.status_code in (404, 422), answer.text
    assert answer.json()["problems"]


def test_new_files_are_looked_at_first_and_nothing_holds_yet(service: Running, portfolio: str):
    today = listed(service, portfolio)
    rows = [{**row, "territory": "elsewhere"} for row in today[1:]]
    rows[0] |= {"potential": 1000.0}
    rows.append({**today[1], "customer_id": "new", "name": "Newcomer", "territory": "T2"})

    update = bring_again(service, portfolio, rows).rsplit("/", 1)[1]
    shown = service.get("manager", f"{portfolio}/updates/{update}?limit=1000").json()["items"]

    customers = [row for row in shown if row["what"] == "customer"]
    assert [(row["id"], row["change"]) for row in customers if row["change"] != "changed"] == [
        ("new", "new"),
        (today[0]["customer_id"], "gone"),
    ]
    grown = next(row for row in customers if row["column"] == "potential")
    assert (grown["id"], grown["before"], grown["after"]) == (today[1]["customer_id"], today[1]["potential"], 1000.0)
    assert not [row for row in customers if row["column"] == "territory"]
    assert listed(service, portfolio) == today
    assert service.get("rep A", "/v1/portfolios").json()["items"][0]["portfolio_id"] != update


def test_new_files_that_are_taken_over_become_the_next_version(service: Running, portfolio: str):
    today = listed(service, portfolio)
    service.ask("manager", "PATCH", f"{portfolio}/locks", json={"lock": [today[1]["customer_id"]]}, match="*")
    rows = [{**row, "territory": "elsewhere"} for row in today[1:]]
    rows.append({**today[1], "customer_id": "new", "territory": "T2"})
    update = bring_again(service, portfolio, rows).rsplit("/", 1)[1]
    body = {"update_id": update, "effective_from": "2027-01-01", "comment": "as of January"}

    version = service.post("manager", f"{portfolio}/take-over", body, match=service.etag("manager", portfolio))

    assert version.status_code == 201, version.text
    assert (version.json()["number"], version.json()["comment"]) == (2, "as of January")
    owner = {row["customer_id"]: row["territory"] for row in listed(service, portfolio)}
    assert owner == {row["customer_id"]: row["territory"] for row in today[1:]} | {"new": "T2"}
    assert list(service.get("manager", f"{portfolio}/locks").json()["locks"]) == [today[1]["customer_id"]]
    assert len(service.get("manager", f"{portfolio}/reps").json()["items"]) == 2
    assert service.get("manager", f"/v1/portfolios/{update}").status_code == 404


def test_the_files_word_on_territories_holds_when_it_is_asked_for(service: Running, portfolio: str):
    rows = [{**row, "territory": "T1"} for row in listed(service, portfolio)]
    update = bring_again(service, portfolio, rows, reps=b"rep_id,territory\nR09,T1\n").rsplit("/", 1)[1]
    body = {"update_id": update, "effective_from": "2027-01-01", "owners": "file"}

    service.post("manager", f"{portfolio}/take-over", body, match="*")

    assert {row["territory"] for row in listed(service, portfolio)} == {"T1"}
    assert [row["rep_id"] for row in service.get("manager", f"{portfolio}/reps").json()["items"]] == ["R09"]


def test_files_for_another_portfolio_are_not_taken_over_and_can_be_thrown_away(service: Running, portfolio: str):
    other = service.bring(town(6, reps=2, seed=2))
    update = bring_again(service, other, listed(service, other)).rsplit("/", 1)[1]
    body = {"update_id": update, "effective_from": "2027-01-01"}

    refused = service.post("manager", f"{portfolio}/take-over", body, match="*")
    wrong = service.ask("planner", "DELETE", f"{portfolio}/updates/{update}")
    gone = service.ask("planner", "DELETE", f"{other}/updates/{update}")

    assert (refused.status_code, wrong.status_code, gone.status_code) == (409, 409, 204)
    assert service.get("manager", f"/v1/portfolios/{update}").status_code == 404
