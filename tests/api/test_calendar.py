"""Calendars that phones subscribe to: an address is all it takes, and can be taken back."""

from __future__ import annotations

import logging
from datetime import date

import icalendar
import pytest
import sqlalchemy as sa

from api.exchange.pace import Pace
from api.problems import TooManyError
from api.store import Calendar
from tests.api.services import Running, town


@pytest.fixture(scope="module")
def path(service: Running) -> str:
    """A portfolio whose weeks are planned from today on."""
    made = service.bring(town(seed=61))
    service.post("manager", f"{made}/calls", {"start": date.today().isoformat(), "weeks": 2, "effort": 0.05})
    service.run_jobs()
    return made


def subscribe(service: Running, path: str, who: str = "rep A", rep: str = "R01") -> str:
    """The path of a new calendar."""
    answer = service.post(who, f"{path}/reps/{rep}/calendars")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"].removeprefix("http://testserver"))


def test_an_address_reads_the_planned_visits_without_signing_in(service: Running, path: str):
    planned = service.get("rep A", f"{path}/calls?limit=1000").json()["items"]

    answer = service.get(None, subscribe(service, path))

    events = icalendar.Calendar.from_ical(answer.text).walk("VEVENT")
    assert answer.headers["content-type"].startswith("text/calendar")
    assert sorted(str(event["SUMMARY"]) for event in events) == sorted(row["name"] for row in planned)
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H" in answer.text


def test_a_calendar_that_has_not_changed_is_not_sent_again(service: Running, path: str):
    where = subscribe(service, path)
    first = service.get(None, where)

    again = service.get(None, where, headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304
    assert first.headers["cache-control"].startswith("private")


def test_the_address_is_shown_once_and_kept_as_a_hash(service: Running, path: str):
    secret = subscribe(service, path).rsplit("/", 1)[1].removesuffix(".ics")

    listed = service.get("rep A", f"{path}/reps/R01/calendars").text

    with service.store.reading() as session:
        kept = set(session.scalars(sa.select(Calendar.secret_hash)))
    assert len(secret) >= 43
    assert secret not in listed
    assert secret not in "".join(kept)


def test_an_address_taken_back_leads_nowhere(service: Running, path: str):
    where = subscribe(service, path, "rep B", "R02")
    (calendar,) = service.get("rep B", f"{path}/reps/R02/calendars").json()["items"]

    foreign = service.ask("rep A", "DELETE", f"/v1/calendars/{calendar['calendar_id']}")
    before = service.get(None, where)
    revoked = service.ask("rep B", "DELETE", f"/v1/calendars/{calendar['calendar_id']}")

    assert (foreign.status_code, before.status_code, revoked.status_code) == (404, 200, 204)
    assert service.get(None, where).status_code == 404
    assert service.get("rep B", f"{path}/reps/R02/calendars").json()["items"] == []


@pytest.mark.parametrize("secret", ["x", "x" * 43, "../../healthz", "%00", "ü"])
def test_an_address_that_nobody_was_given_is_not_there(service: Running, secret: str):
    assert service.get(None, f"/v1/calendars/{secret}.ics").status_code == 404


def test_nobody_subscribes_to_what_is_not_his_to_see(service: Running, path: str):
    answers = [service.post(who, f"{path}/reps/R01/calendars").status_code for who in ("rep B", "manager of the west")]

    assert answers == [404, 404]


def test_who_leaves_takes_his_calendars_with_him(service: Running, path: str):
    where = subscribe(service, path, "planner")
    users = service.get("admin", "/v1/users").json()["items"]
    planner = next(f"/v1/users/{user['user_id']}" for user in users if user["name"] == "planner")

    def active(value: bool) -> None:
        answer = service.ask("admin", "PATCH", planner, json={"is_active": value}, match="*")
        assert answer.status_code == 200, answer.text

    before = service.get(None, where).status_code
    active(False)
    after = service.get(None, where).status_code
    active(True)

    assert (before, after) == (200, 404)


def test_nobody_has_more_calendars_than_are_of_use(service: Running, path: str):
    for _ in range(10):
        subscribe(service, path, "second manager", "R03")

    answer = service.post("second manager", f"{path}/reps/R03/calendars")

    assert answer.status_code == 409


@pytest.mark.parametrize("typed", ["{secret}", "{secret}.ics/", "{secret}.ICS", "{secret}.ics/more"])
def test_a_mistyped_address_does_not_reach_the_log_either(
    service: Running, path: str, caplog: pytest.LogCaptureFixture, typed: str
):
    secret = subscribe(service, path).rsplit("/", 1)[1].removesuffix(".ics")

    with caplog.at_level(logging.INFO):
        service.get(None, f"/v1/calendars/{typed.format(secret=secret)}")

    assert secret not in "".join(str(vars(record)) for record in caplog.records if record.name.startswith("api"))


def test_the_address_does_not_reach_the_log(service: Running, path: str, caplog: pytest.LogCaptureFixture):
    where = subscribe(service, path)

    with caplog.at_level(logging.INFO):
        service.get(None, where)

    assert [record.path for record in caplog.records if record.name == "api.access"] == ["/v1/calendars/..."]
    assert where not in " ".join(str(vars(record)) for record in caplog.records if record.name.startswith("api"))


def test_who_asks_too_often_waits():
    now = [0.0]
    pace = Pace(2, 10.0, clock=lambda: now[0])
    pace.keep("one")
    now[0] = 4.0
    pace.keep("one")

    pace.keep("other")
    with pytest.raises(TooManyError) as refusal:
        pace.keep("one")
    now[0] = 10.0
    pace.keep("one")

    assert refusal.value.headers == {"Retry-After": "6"}
