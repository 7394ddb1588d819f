"""A rep's day over HTTP: the route in every form, the rest of it, and what else it could hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import gpxpy
import icalendar
import pytest

from api.planning.solving import DayAsk, solve_day, told
from tests.api.services import Running, town
from tests.worlds import line_of_customers

START = "2027-03-01"


@pytest.fixture(scope="module")
def path(service: Running) -> str:
    """A portfolio whose weeks are planned."""
    made = service.bring(town(seed=51))
    service.post("manager", f"{made}/calls", {"start": START, "weeks": 1, "effort": 0.05})
    service.run_jobs()
    return made


@pytest.fixture(scope="module")
def day(service: Running, path: str) -> str:
    """The fullest day of rep A."""
    days = [row["day"] for row in service.get("rep A", f"{path}/calls?limit=1000").json()["items"]]
    return max(sorted(set(days)), key=days.count)


def route(service: Running, path: str, day: str, who: str = "rep A", rep: str = "R01") -> Any:
    return service.get(who, f"{path}/reps/{rep}/route?day={day}")


def test_a_day_has_the_visits_of_the_plan_in_their_best_order(service: Running, path: str, day: str):
    planned = {row["customer_id"] for row in service.get("rep A", f"{path}/calls?day={day}").json()["items"]}

    told = route(service, path, day).json()

    assert {stop["customer_id"] for stop in told["stops"]} == planned
    assert (told["source"], told["certificate"], told["unvisited"]) == ("plan", "optimal", [])
    assert [stop["stop"] for stop in told["stops"]] == list(range(1, len(planned) + 1))
    assert len(told["legs"]) == len(planned) + 1
    assert set(told["stops"][0]["links"]) == {"geo", "google", "apple", "amap"}


def test_on_a_day_off_nobody_is_due(service: Running, path: str):
    """Weeks later, where nothing is planned: the rules say Monday to Friday."""
    friday, saturday = (route(service, path, f"2027-04-0{number}").json() for number in (2, 3))

    assert (friday["source"], saturday["source"]) == ("due", "due")
    assert friday["stops"]
    assert (saturday["stops"], saturday["unvisited"]) == ([], [])


def test_a_day_brings_along_what_a_phone_needs_to_plan_the_rest_of_it(service: Running, path: str, day: str):
    told = route(service, path, day).json()

    ways, stops = told["ways"], told["stops"]
    assert ways["customers"] == [stop["customer_id"] for stop in stops]
    assert [[place["lon"], place["lat"]] for place in (ways["places"][0], ways["places"][-1])] == [
        told["begin"],
        told["end"],
    ]
    steps = [ways["minutes"][i][i + 1] for i in range(len(stops) + 1)]
    assert steps[:-1] == pytest.approx([stop["drive_minutes"] for stop in stops], abs=0.011)
    assert sum(steps) == pytest.approx(told["drive_minutes"], abs=0.1)
    assert len(ways["windows"]) == len(stops)


def test_a_day_without_a_plan_has_those_who_are_due_and_a_reason_for_each_left_out(service: Running):
    bare = service.bring(town(9, seed=52))

    told = route(service, bare, "2027-03-03").json()

    own = {row["customer_id"] for row in service.get("rep A", f"{bare}/customers?limit=1000").json()["items"]}
    assert (told["source"], told["call_plan_id"]) == ("due", None)
    left_out = [row["customer_id"] for row in told["unvisited"]]
    assert {stop["customer_id"] for stop in told["stops"]} | set(left_out) == own
    assert all(row["reason"] for row in told["unvisited"])


def test_a_day_that_lost_its_hours_keeps_what_is_worth_most_and_says_why_not_the_rest():
    world = line_of_customers(12, reps=1)
    rows = [{"customer_id": str(n), "minutes": 60.0, "must": n == 12, "appointment": None} for n in range(1, 13)]
    short = replace(world, reps=world.reps.assign(work_from="08:00", work_until="12:00"))

    route = solve_day(short, DayAsk("", "R01", date(2027, 3, 3), tuple(rows)))
    content, _ = told(route)

    made = {stop["customer_id"]: stop["must"] for stop in content["stops"]}
    assert [name for name, must in made.items() if must] == ["12"]
    assert len(made) + len(content["unvisited"]) == 12
    assert all(row["reason"] for row in content["unvisited"])
    assert content["certificate"] != "infeasible"


def test_a_day_off_has_no_stops(service: Running, path: str):
    told = route(service, path, "2027-03-06").json()

    assert (told["stops"], told["drive_km"]) == ([], 0.0)


def test_a_day_is_given_in_every_form(service: Running, path: str, day: str):
    told = route(service, path, day).json()

    answers = {
        form: service.get("rep A", f"{path}/reps/R01/route?day={day}&f={form}")
        for form in ("geojson", "csv", "html", "ics", "gpx")
    }

    count = len(told["stops"])
    features = answers["geojson"].json()["features"]
    assert [each["geometry"]["type"] for each in features].count("Point") == count
    assert len(answers["csv"].text.splitlines()) == count + 1
    events = icalendar.Calendar.from_ical(answers["ics"].text).walk("VEVENT")
    assert len(events) == count + (told["pause"] is not None)
    assert len(gpxpy.parse(answers["gpx"].text).waypoints) == count
    nonce = answers["html"].headers["content-security-policy"].split("'nonce-")[1].split("'")[0]
    assert f'<script nonce="{nonce}"' in answers["html"].text
    assert answers["html"].headers["cache-control"] == "no-store"


def test_a_day_that_has_not_changed_is_not_sent_again(service: Running, path: str, day: str):
    first = route(service, path, day)

    again = service.get("rep A", f"{path}/reps/R01/route?day={day}", headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304


def test_the_rest_of_a_day_leaves_out_what_is_done_and_takes_in_what_is_urgent(service: Running, path: str, day: str):
    told = route(service, path, day).json()
    done = told["stops"][0]["customer_id"]
    planned = {stop["customer_id"] for stop in told["stops"]}
    own = [row["customer_id"] for row in service.get("rep A", f"{path}/customers?limit=1000").json()["items"]]
    urgent = next(name for name in own if name not in planned)

    position = {"lon": told["stops"][0]["lon"], "lat": told["stops"][0]["lat"]}
    asked = {"day": day, "time": "11:00", "done": [done], "urgent": [urgent], "position": position}
    rest = service.post("rep A", f"{path}/reps/R01/route/replan", asked).json()

    assert {stop["customer_id"] for stop in rest["stops"]} == planned - {done} | {urgent}
    assert rest["source"] == "replan"
    assert rest["begin"] == pytest.approx([position["lon"], position["lat"]], abs=1e-5)
    assert rest["depart"] >= f"{day}T11:00:00"


def test_a_day_cannot_be_replanned_after_its_end_or_for_others_customers(service: Running, path: str, day: str):
    own = {row["customer_id"] for row in service.get("rep A", f"{path}/customers?limit=1000").json()["items"]}
    others = {row["customer_id"] for row in service.get("rep B", f"{path}/customers?limit=1000").json()["items"]}

    where = f"{path}/reps/R01/route/replan"
    late = service.post("rep A", where, {"day": day, "time": "23:30"})
    foreign = service.post("rep A", where, {"day": day, "time": "11:00", "urgent": [min(others - own)]})

    assert (late.status_code, foreign.status_code) == (422, 404)


def test_a_rep_sees_no_other_reps_day_and_his_manager_sees_all(service: Running, path: str, day: str):
    statuses = {
        (who, rep): route(service, path, day, who, rep).status_code
        for who in ("rep A", "rep B", "manager", "manager of the west")
        for rep in ("R01", "R02", "R99")
    }

    seen = {pair for pair, status in statuses.items() if status == 200}
    assert seen == {("rep A", "R01"), ("rep B", "R02"), ("manager", "R01"), ("manager", "R02")}
    assert {status for pair, status in statuses.items() if pair not in seen} == {404}


def test_customers_on_the_way_fit_beside_everything_planned(service: Running, path: str, day: str):
    planned = {stop["customer_id"] for stop in route(service, path, day).json()["stops"]}

    found = service.get("rep A", f"{path}/reps/R01/nearby?day={day}&max_detour=60").json()["items"]

    assert found
    assert all(row["detour_minutes"] <= 60 and row["customer_id"] not in planned for row in found)


def test_the_best_day_for_one_more_visit_drives_least(service: Running, path: str):
    own = [row["customer_id"] for row in service.get("rep A", f"{path}/customers?limit=1000").json()["items"]]

    where = f"{path}/reps/R01/best-days?customer_id={own[0]}&from={START}"
    found = service.get("rep A", where).json()["items"]

    detours = [row["detour_minutes"] for row in found]
    assert detours == sorted(detours)
    assert len({row["day"] for row in found}) == len(found) > 1


def test_a_customer_handed_over_since_the_plan_was_made_is_left_out_and_told(service: Running):
    path = service.bring(town(seed=53))
    service.post("manager", f"{path}/calls", {"start": START, "weeks": 2, "effort": 0.05})
    service.run_jobs()
    proposal = service.propose(path, tolerance=0.2)
    service.post("manager", f"{proposal}/approve", match="*")
    service.post("manager", f"{proposal}/publish", {"effective_from": START}, match="*")
    gone = {
        row["customer_id"] for row in service.get("rep A", f"{path}/handovers").json()["items"] if row["from"] == "T1"
    }
    planned = service.get("rep A", f"{path}/calls?limit=1000").json()["items"]
    day = next(row["day"] for row in planned if row["customer_id"] in gone)

    told = route(service, path, day).json()

    codes = {row["customer_id"]: row["code"] for row in told["unvisited"]}
    assert set(codes.values()) == {"handed over"}
    assert set(codes) <= gone
    assert not {stop["customer_id"] for stop in told["stops"]} & gone
