"""What a planner asks over HTTP: other numbers and rules side by side, kept territories, roads, whose handovers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import territory
from api.planning import roads
from api.planning.names import plan_name
from api.planning.sentences import move_zh
from territory.travel import LineTravel
from tests.api.databases import Databases
from tests.api.services import Running, serve, town


def compared(service: Running, portfolio: str, scenarios: dict[str, list[dict[str, Any]]], **more: Any) -> list[Any]:
    """The rows of these what-ifs side by side."""
    ids = [
        service.post("planner", f"{portfolio}/scenarios", {"name": name, "changes": changes}).json()["scenario_id"]
        for name, changes in scenarios.items()
    ]
    body = {"scenario_ids": ids, "tolerance": 0.3, "travel": "none", "effort": 0.05, **more}
    answer = service.post("planner", f"{portfolio}/comparisons", body)
    assert answer.status_code == 202, answer.text
    service.run_jobs()
    return list(service.get("planner", answer.headers["location"]).json()["rows"])


@pytest.fixture(scope="module")
def portfolio(service: Running) -> str:
    return service.bring(town())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("today", "当前组合（重新平衡）"),
        ("fewest moves and fairest", "变动最少、最公平"),
        ("least driving, outside the tolerance", "路程最短（超出容差）"),
        ("9.5 % move, ±4.9 %, 3.21 km", "变动 9.5 %，偏差 ±4.9 %，3.21 公里"),
        ("today and tomorrow", "today and tomorrow"),
    ],
)
def test_a_plan_that_nobody_has_named_is_called_in_the_readers_language(name: str, told: str):
    assert plan_name(name, "zh") == told
    assert plan_name(name, "en") == ("today, rebalanced" if name == "today" else name)


def test_the_map_of_today_beside_what_ifs_is_called_so_in_both_languages(service: Running, portfolio: str):
    row = compared(service, portfolio, {}, with_today=True)[0]

    maps = {
        language: service.get("planner", f"/v1/proposals/{row['proposal_id']}/map?language={language}").text
        for language in ("en", "zh")
    }

    assert ["today, rebalanced" in maps["en"], "当前组合（重新平衡）" in maps["zh"]] == [True, True]
    assert '"title":"today"' not in maps["en"] + maps["zh"]


def test_another_number_of_territories_and_another_tolerance_stand_beside_today(service: Running, portfolio: str):
    rules = {"change": "rules", "rules": {"tolerance": 0.5, "minutes_per_visit": {"A": 99}}}
    number = {"change": "territories", "count": 5}

    rows = compared(service, portfolio, {"five": [number], "wide": [rules]})

    assert [(row["scenario"], row["territories"]) for row in rows] == [("today", 3), ("five", 5), ("wide", 3)]
    plans = [service.get("planner", f"/v1/proposals/{row['proposal_id']}").json() for row in rows]
    assert [plan["summary"]["tolerance"]["potential"] for plan in plans] == [0.3, 0.3, 0.5]


def test_what_was_compared_is_found_again_and_taken_away_as_a_table(service: Running, portfolio: str):
    rows = compared(service, portfolio, {"half": [{"change": "rep_part_time", "rep_id": "R01", "share": 0.5}]})

    latest = service.get("planner", f"{portfolio}/comparisons").json()["items"][0]
    told = service.get("planner", f"/v1/comparisons/{latest['comparison_id']}/plans?f=csv").text

    assert latest["rows"] == rows
    assert latest["parameters"]["tolerance"] == 0.3
    assert [line.split(",")[0] for line in told.splitlines()] == ["scenario", "today", "half"]


def test_a_rep_joins_at_a_place_or_near_a_customer_and_nowhere_is_refused(service: Running, portfolio: str):
    someone = service.get("planner", f"{portfolio}/customers?limit=1").json()["items"][0]
    at = {"lon": someone["lon"], "lat": someone["lat"]}
    join = {"change": "rep_joins", "rep_id": "R09"}

    answers = [
        service.post("planner", f"{portfolio}/scenarios", {"name": f"{place}", "changes": [{**join, **place}]})
        for place in (at, {"customer_id": someone["customer_id"]}, {}, {"lon": 5.0})
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 422, 422]


def test_territories_that_are_kept_give_and_take_nobody(service: Running, portfolio: str):
    free, kept = (service.propose(portfolio, tolerance=0.2, keep=keep) for keep in ([], ["T3"]))

    def touched(proposal: str) -> set[str]:
        moves = service.get("manager", f"{proposal}/moves?limit=100").json()["items"]
        return {end for move in moves for end in (move["from"], move["to"])}

    assert "T3" in touched(free)
    assert touched(kept) == {"T1", "T2"}
    assert service.post("manager", f"{portfolio}/proposals", {"keep": ["T9"]}).status_code == 202
    service.run_jobs()
    refused = service.get("manager", f"{portfolio}/proposals").json()["items"][0]
    assert (refused["status"], "T9" in str(refused["problem"])) == ("failed", True)


def test_territories_are_kept_in_every_plan_of_a_front(service: Running, portfolio: str):
    body = {"count": 2, "tolerance": 0.3, "keep": ["T3"], "travel": "none", "effort": 0.05}

    answer = service.post("manager", f"{portfolio}/fronts", body)
    service.run_jobs()
    rows = service.get("manager", answer.headers["location"]).json()["rows"]

    moves = [
        move
        for row in rows
        for move in service.get("manager", f"/v1/proposals/{row['proposal_id']}/moves?limit=100").json()["items"]
    ]
    assert rows
    assert "T3" not in {end for move in moves for end in (move["from"], move["to"])}
    assert service.get("manager", portfolio).json()["travels"] == ["line", "none"]


@pytest.mark.parametrize(
    ("route", "body", "told"),
    [
        ("fronts", {"max_moved": 0.1}, "max_moved"),
        ("proposals", {"territories": 3, "max_moved": 0.1, "keep": ["T3"]}, "know no max_moved and keep"),
        ("proposals", {"territories": 3, "focus": ["T1", "T2"]}, "know no focus"),
    ],
)
def test_what_a_plan_would_not_look_at_is_refused(service: Running, portfolio: str, route: str, body: Any, told: str):
    answer = service.post("manager", f"{portfolio}/{route}", body)

    assert answer.status_code == 422
    assert told in answer.text


def test_a_front_is_made_with_the_librarys_own_effort(service: Running, portfolio: str):
    answer = service.post("manager", f"{portfolio}/fronts", {"count": 1, "tolerance": 0.3, "travel": "none"})

    assert answer.json()["parameters"]["effort"] == inspect.signature(territory.proposals).parameters["effort"].default


def test_moves_and_handovers_carry_their_reasons_as_figures_and_a_rep_his_own(service: Running):
    path = service.bring(town(seed=4))
    proposal = service.propose(path, tolerance=0.2)
    moves = service.get("manager", f"{proposal}/moves?limit=100").json()["items"]
    refused = moves[0]["customer_id"]
    service.ask("manager", "PUT", f"{proposal}/moves/{refused}", json={"decision": "refused"}, match="*")
    service.post("manager", f"{proposal}/approve", match="*")
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")

    after = service.get("manager", f"{proposal}/moves?limit=100").json()["items"]
    everybody = service.get("manager", f"{path}/handovers?limit=100").json()["items"]
    his = service.get("manager", f"{path}/handovers?limit=100&rep_id=R03").json()["items"]

    assert {(move["why"], move["from"], move["over_measure"]) for move in moves if move["from"] == "T1"} >= {
        ("balance", "T1", "potential")
    }
    assert next(move for move in after if move["customer_id"] == refused)["why"] == moves[0]["why"]
    assert {row["why"] for row in everybody} == {"balance"}
    assert all("；若不变动：平衡方面" in row["reason_zh"] for row in (*moves, *everybody))
    assert his == [row for row in everybody if "R03" in (row["from_rep_id"], row["to_rep_id"])]
    assert 0 < len(his) < len(everybody)


def test_handovers_tell_a_potential_that_was_derived_from_revenue(service: Running):
    portfolio = town(seed=4).with_rules(potential_per_revenue=2.0)
    potential = portfolio.customers["potential"]
    path = service.bring(
        replace(portfolio, customers=portfolio.customers.assign(potential=float("nan"), revenue=potential / 2))
    )
    proposal = service.propose(path, tolerance=0.2)
    service.post("manager", f"{proposal}/approve", match="*")
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")

    rows = service.get("manager", f"{path}/handovers?limit=100").json()["items"]

    assert rows
    assert {row["customer_id"]: row["potential"] for row in rows} == {
        row["customer_id"]: pytest.approx(potential[row["customer_id"]]) for row in rows
    }


def test_who_takes_a_customer_over_is_told_by_name_and_nothing_else_of_him(service: Running):
    portfolio = town(seed=4)
    reps = portfolio.reps.assign(name=["Li Wei", "Zhang Min", ""], phone="+86 512 6522", max_drive_minutes=99.0)
    path = service.bring(replace(portfolio, reps=reps))
    proposal = service.propose(path, tolerance=0.2)
    service.post("manager", f"{proposal}/approve", match="*")
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")

    rows = service.get("rep A", f"{path}/handovers?limit=100").json()["items"]
    table = service.get("rep A", f"{path}/handovers?f=csv").text

    assert {(row["from_rep_id"], row["from_rep"]) for row in rows if row["from"] == "T1"} == {("R01", "Li Wei")}
    assert {row["to_rep"] for row in rows} - {"Li Wei"} <= {"Zhang Min", "R03"}
    assert any(name in table for name in ("Zhang Min", "R03"))
    assert not {name for row in rows for name in row} & {"phone", "max_drive_minutes", "work_from", "share"}
    assert [row["rep_id"] for row in service.get("rep A", f"{path}/reps").json()["items"]] == ["R01"]


def test_who_gives_a_customer_is_who_had_it_though_he_is_gone_by_now(service: Running):
    path = service.bring(town(seed=4))
    rows = compared(service, path, {"R03 leaves": [{"change": "rep_leaves", "rep_id": "R03"}]}, with_today=False)
    proposal = f"/v1/proposals/{rows[0]['proposal_id']}"
    service.post("manager", f"{proposal}/approve", match="*")
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")

    leaving = [
        row for row in service.get("manager", f"{path}/handovers?limit=100").json()["items"] if row["from"] == "T3"
    ]

    assert leaving
    assert {row["from_rep"] for row in leaving} == {"R03"}
    assert {row["to_rep"] for row in leaving} <= {"R01", "R02"}


@pytest.fixture
def on_roads(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A service that is given roads: straight ones, but three times as long."""
    asked: list[object] = []
    roads._opened.cache_clear()
    monkeypatch.setattr(territory, "open_travel", lambda *given, **_: asked.append(given) or LineTravel(3.0, 50.0))
    # By the environment, which a worker on another machine has as well.
    monkeypatch.setenv("TERRITORY_ROADS", "osrm+http://roads.example:5000")
    service = serve(databases.fresh("sqlite"))
    with service.client:
        yield service
    service.store.close()
    roads._opened.cache_clear()
    assert asked == [("osrm+http://roads.example:5000",)]


def test_a_service_that_is_given_roads_counts_them_in_tables_plans_and_by_hand(on_roads: Running):
    path = on_roads.bring(town())

    line, road = (
        sum(row["travel"] for row in on_roads.get("manager", f"{path}/territories?travel={mode}").json()["items"])
        for mode in ("line", "roads")
    )
    proposal = on_roads.propose(path, tolerance=0.3, travel="roads")
    move = on_roads.get("manager", f"{proposal}/moves").json()["items"][0]
    adjusted = on_roads.post("manager", f"{proposal}/adjust", {"move": {move["customer_id"]: move["from"]}}, match="*")

    assert road > 1.5 * line
    assert on_roads.get("manager", proposal).json()["summary"]["travel"] == "roads"
    assert adjusted.status_code == 200, adjusted.text


def test_a_service_without_roads_says_so(service: Running, portfolio: str):
    answers = [
        service.get("manager", f"{portfolio}/territories?travel=roads"),
        service.post("manager", f"{portfolio}/proposals", {"travel": "roads"}),
        service.post("manager", f"{portfolio}/fronts", {"travel": "roads"}),
        service.post("manager", f"{portfolio}/comparisons", {"travel": "roads", "scenario_ids": []}),
    ]

    assert [answer.status_code for answer in answers] == [422] * 4
    assert all("This service knows no roads." in answer.text for answer in answers)


def test_what_is_said_of_a_table_is_said_in_chinese_where_the_page_is(service: Running, portfolio: str):
    chinese = {"Accept-Language": "zh-CN", "Accept": "text/html"}

    alerts = service.get("manager", f"{portfolio}/alerts?limit=100").json()["items"]
    page = service.get("manager", f"{portfolio}/alerts?limit=100", headers=chinese).text

    assert {row["measure"] for row in alerts} >= {"potential", "workload"}
    assert all(row["message_zh"] in page and row["message"] not in page for row in alerts)


def test_every_reason_to_move_has_its_sentence():
    figures = {
        "from": "T1",
        "to": "T2",
        "over": 0.31,
        "over_measure": "potential",
        "under": None,
        "under_measure": None,
    }
    cost = {"staying_balance": 0.25, "staying_distance": -0.0312, "staying_minutes": -0.2, "nearer_km": None}
    move = {"why": "balance", **figures, **cost}

    assert move_zh(move) == "T1 的潜力超出应得份额 31.0%；若不变动：平衡方面代价 0.25 %，距离方面节省 0.0312 %"
    assert move_zh({**move, "over": None, "nearer_km": 12.0, "staying_minutes": 4.0}) == (
        "T1 从其他相邻区域接收，再向外转出；离区域中心近 12 公里；"
        "若不变动：平衡方面代价 0.25 %，距离方面节省 0.0312 %；单程多 4 分钟"
    )
    assert [move_zh({"why": why}) for why in ("by_hand", "vacant", "else", None)] == [
        "手工调整",
        "原区域没有代表",
        None,
        None,
    ]
