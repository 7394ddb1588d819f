"""A rep on the road, with a phone whose line comes and goes; and his manager, who looks at his day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from playwright.sync_api import APIResponse, Page, Route, expect

from api.store import AuditEntry, Visit
from territory.routing import solve_day
from tests.api.pages.conftest import ONE_AT_A_TIME, PHONE, Site
from tests.api.pages.conftest import Visit as Open
from tests.api.services import town

MONDAY = date.today() - timedelta(date.today().weekday())


@pytest.fixture(scope="module")
def planned(site: Site) -> str:
    """A portfolio whose customers are visited every other week, and whose weeks are planned from this one on."""
    return plan(site, "Town of days", phone="+86 512 6000 0000")


def plan(site: Site, name: str, **columns: Any) -> str:
    quiet = town(seed=71)
    customers = quiet.customers.assign(visits_per_year=25.0, **columns)
    path = site.service.bring(replace(quiet, customers=customers), name=name)
    site.service.post("manager", f"{path}/calls", {"start": MONDAY.isoformat(), "weeks": 2, "effort": 0.05})
    site.service.run_jobs()
    return path


def days_of(site: Site, path: str) -> list[str]:
    """The days of rep A, the fullest first."""
    days = [row["day"] for row in site.service.get("rep A", f"{path}/calls?limit=1000").json()["items"]]
    return sorted(set(days), key=lambda day: (-days.count(day), day))


def stored(site: Site, path: str, day: str) -> list[dict[str, Any]]:
    return list(site.service.get("manager", f"{path}/visits?day={day}&rep_id=R01&limit=1000").json()["items"])


def at(path: str, day: str, start: str = "/my/day") -> str:
    return f"{start}#{path.rsplit('/', 1)[1]}/R01/{day}"


def finish(page: Page, stop: int, note: str) -> None:
    page.locator(f"#stop-{stop}").get_by_role("button", name="Finish").click()
    page.locator("#visit").get_by_label("ordered").check()
    page.locator("#visit").get_by_label("Minutes there").fill("25")
    page.locator("#visit").get_by_label("Note").fill(note)
    page.locator("#visit").get_by_role("button", name="Finish").click()


def test_a_rep_drives_a_day_without_a_line_for_a_while_and_each_visit_is_stored_once(
    site: Site, visit: Open, planned: str
):
    day = days_of(site, planned)[0]
    page = visit("rep A", at(planned, day), **PHONE)
    expect(page.locator(".stop.next")).to_be_visible(timeout=30_000)
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    count = page.locator(".stop").count()
    assert count >= 2

    page.locator("#stop-1").get_by_role("button", name="Start").click()
    expect(page.locator("#stop-1")).to_contain_text("there now")
    expect(page.locator("#line")).to_be_hidden()  # the start is with the service before the line is cut
    page.context.set_offline(True)
    finish(page, 1, "No line here.")
    finish(page, 2, "Nor here.")
    expect(page.locator("#line")).to_contain_text("2 waiting to be sent.")
    page.reload()
    expect(page.locator(".stop")).to_have_count(count)
    expect(page.locator(".stop.finished")).to_have_count(2)
    expect(page.locator("#line")).to_contain_text("2 waiting to be sent.")
    assert [row["status"] for row in stored(site, planned, day)] == ["started"]
    page.context.set_offline(False)

    expect(page.locator("#line")).to_be_hidden()
    expect(page.locator(".stop.finished")).to_have_count(2)
    found = {row["note"]: row for row in stored(site, planned, day)}
    assert {note: (row["status"], row["outcome"], row["minutes"]) for note, row in found.items()} == {
        "No line here.": ("finished", "ordered", 25.0),
        "Nor here.": ("finished", "ordered", 25.0),
    }
    with site.service.store.reading() as session:
        told = session.scalars(sa.select(AuditEntry.object_id).where(AuditEntry.action == "visit.finished")).all()
    assert all(told.count(row["visit_id"]) == 1 for row in found.values())


def test_an_answer_lost_on_its_way_does_not_store_a_visit_twice(site: Site, visit: Open, planned: str):
    day = days_of(site, planned)[1]
    page = visit("rep A", at(planned, day), **PHONE)
    expect(page.locator(".stop.next")).to_be_visible(timeout=30_000)
    sent: list[int] = []

    def lose_first(route: Route) -> None:
        if route.request.method != "POST":
            route.fallback()
            return
        answer = route.fetch()
        sent.append(answer.status)
        if len(sent) == 1:
            route.abort()
        else:
            route.fulfill(response=answer)

    page.context.route("**/visits", lose_first)
    finish(page, 1, "Only once.")
    expect(page.locator("#line")).to_contain_text("1 waiting to be sent.")
    page.evaluate("() => window.dispatchEvent(new Event('online'))")

    expect(page.locator("#line")).to_be_hidden()
    assert sent == [201, 201]
    assert [row["note"] for row in stored(site, planned, day)] == ["Only once."]


def test_a_visit_is_not_hidden_by_a_list_that_was_read_before_it_was_stored(site: Site, visit: Open, planned: str):
    day = days_of(site, planned)[5]
    page = visit("rep A", at(planned, day), **PHONE, service_workers="block")
    expect(page.locator(".stop.next")).to_be_visible(timeout=30_000)
    held: list[tuple[Route, APIResponse]] = []
    page.context.route(f"**/visits?*day={day}*", lambda route: held.append((route, route.fetch())), times=1)

    with page.expect_request(f"**/visits?*day={day}*"):
        page.evaluate("() => window.dispatchEvent(new Event('online'))")
    finish(page, 1, "Stored meanwhile.")
    expect(page.locator("#done")).to_have_text("The visit is stored.")
    route, before = held[0]
    with page.expect_response(f"**/visits?*day={day}*"):
        route.fulfill(response=before)

    expect(page.locator("#stops[aria-busy]")).to_have_count(0)
    expect(page.locator("#stop-1 .note")).to_have_text("Stored meanwhile.")


def test_a_day_read_ahead_opens_without_a_line(site: Site, visit: Open, planned: str):
    page = visit("rep A", "/my/day", **PHONE)
    expect(page.locator("#tiles .tile, #notices .verdict").first).to_be_visible(timeout=30_000)
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    tomorrow = (date.today() + timedelta(1)).isoformat()
    page.wait_for_function(
        """async (day) => (await (await caches.open('territory')).keys())
            .some(({ url }) => url.includes(`route?day=${day}`))""",
        arg=tomorrow,
    )

    page.context.set_offline(True)
    page.reload()
    page.get_by_role("button", name="Tomorrow").click()
    expect(page.locator("#tiles .tile")).to_have_count(4)
    page.locator("#day").fill("2031-01-01")

    expect(page.locator("#notices")).to_contain_text("this day was not loaded before")


def test_the_rest_of_a_day_is_planned_again_from_where_one_is_and_stays_on_the_phone(
    site: Site, visit: Open, planned: str
):
    day = days_of(site, planned)[2]
    here = {"geolocation": {"longitude": 4.2, "latitude": 43.3}, "permissions": ["geolocation"]}
    page = visit("rep A", at(planned, day), **PHONE, **here)
    expect(page.locator(".stop.next")).to_be_visible(timeout=30_000)
    count = page.locator(".stop").count()

    page.get_by_role("button", name="Replan from here").click()
    form = page.locator("#replan")
    form.locator("input[name=time]").fill("10:30")
    form.get_by_role("checkbox").first.check()
    with page.expect_request("**/replan") as asked:
        form.get_by_role("button", name="Replan").click()

    assert asked.value.post_data_json["position"] == {"lon": 4.2, "lat": 43.3}
    expect(page.locator("#notices")).to_contain_text("Replanned at 10:30.")
    expect(page.locator(".stop")).to_have_count(count - 1)
    page.reload()
    expect(page.locator("#notices")).to_contain_text("Replanned at 10:30.")
    assert page.evaluate(PIXELS, HERE) > 100
    page.get_by_role("button", name="Back to the plan").click()
    expect(page.locator(".stop")).to_have_count(count)
    assert page.evaluate(PIXELS, HERE) == 0


def test_without_a_line_the_phone_plans_the_rest_of_the_day_itself(site: Site, visit: Open, planned: str):
    day = days_of(site, planned)[2]
    page = visit("rep A", at(planned, day), **PHONE)
    expect(page.locator(".stop.next")).to_be_visible(timeout=30_000)
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    here = page.locator(".stop h3").last.inner_text()
    asked = {"day": day, "time": "08:45", "position": {"lon": 4.21, "lat": 43.31}}

    page.context.set_offline(True)
    page.get_by_role("button", name="Replan from here").click()
    form = page.locator("#replan")
    form.get_by_label("From").select_option("a place that I type")
    form.get_by_label("Latitude, longitude").fill("43.31, 4.21")
    form.locator("input[name=time]").fill("08:45")
    form.get_by_label("Urgent besides").fill("0001")
    form.get_by_role("button", name="Replan").click()
    expect(form).to_contain_text("Without a line the phone does not know the way to another customer")
    form.get_by_label("Urgent besides").fill("")
    form.get_by_role("button", name="Replan").click()

    expect(page.locator("#notices")).to_contain_text("Replanned at 08:45 on this phone, without a line")
    assert page.evaluate(PIXELS, HERE) > 100
    names = page.locator(".stop h3").all_inner_texts()
    page.context.set_offline(False)
    service = site.service.post("rep A", f"{planned}/reps/R01/route/replan", asked).json()
    assert here in names
    assert names == [stop["name"] for stop in service["stops"]]
    page.get_by_role("button", name="replan with the service").click()
    expect(form).to_be_visible()


HERE = [11, 138, 95]
"""The colour of the mark that says "you are here"."""
PIXELS = """([red, green, blue]) => {
    const canvas = document.querySelector("#map canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let found = 0;
    for (let i = 0; i < data.length; i += 4) {
        if (data[i] === red && data[i + 1] === green && data[i + 2] === blue && data[i + 3] === 255) found += 1;
    }
    return found;
}"""


DAYS_ON_THE_PHONE = """async (days) => {
    const [style] = document.querySelectorAll("link[rel=stylesheet]");
    const { bestOrder } = await import(style.href.replace("app.css", "order.js"));
    return days.map((day) => bestOrder(day));
}"""


def test_the_order_that_a_phone_finds_is_as_good_as_the_solvers(site: Site, visit: Open):
    page = visit(None, "/signin")
    days = [*(random_day(seed) for seed in range(25)), DAY_WITH_LUNCH_ON_THE_ROAD]

    found = page.evaluate(DAYS_ON_THE_PHONE, days)

    for day, mine in zip(days, found, strict=True):
        plan = solve_day(
            np.array(day["minutes"]),
            np.array(day["service"]),
            day["windows"],
            shift=(day["from"], day["until"]),
            pause=day["pause"] and tuple(day["pause"]),
            max_drive=day["maxDrive"],
        )
        assert len(mine["order"]) == len(plan.order)
        assert mine["drive"] == pytest.approx(plan.drive, abs=0.2)


DAY_WITH_LUNCH_ON_THE_ROAD = {
    "minutes": [[0.0, 260.0, 0.0], [260.0, 0.0, 260.0], [0.0, 260.0, 0.0]],
    "service": [30.0],
    "windows": [[[480.0, 1080.0]]],
    "musts": [False],
    "from": 480.0,
    "until": 1080.0,
    "pause": [690.0, 720.0, 45.0],
    "maxDrive": None,
}


def random_day(seed: int) -> dict[str, Any]:
    """Up to eight visits with hours of their own, 40 minutes of driving apart or (a third of the days) two hours."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 9))
    xy = rng.uniform(0, 90 if seed % 3 == 1 else 30, (count + 2, 2))
    opens = rng.integers(480, 700, count)
    closes = opens + rng.integers(60, 400, count)
    return {
        # Rounded up, so that no detour is shorter than the way itself.
        "minutes": np.ceil(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).tolist(),
        "service": rng.integers(10, 50, count).astype(float).tolist(),
        "windows": [[[float(a), float(b)]] for a, b in zip(opens, closes, strict=True)],
        "musts": [False] * count,
        "from": 480.0,
        "until": float(rng.integers(600, 1000)),
        "pause": [690.0, 780.0, 45.0] if seed % 2 else None,
        "maxDrive": 120.0 if seed % 3 == 0 else None,
    }


def test_a_phone_that_does_not_know_where_it_is_lets_one_type_it(site: Site, visit: Open, planned: str):
    page = visit("rep A", at(planned, days_of(site, planned)[2]), **PHONE)
    expect(page.locator(".stop.next")).to_be_visible(timeout=30_000)

    page.get_by_role("button", name="Replan from here").click()
    form = page.locator("#replan")
    form.locator("input[name=time]").fill("10:30")
    form.get_by_role("button", name="Replan").click()
    expect(form).to_contain_text("Your place is not known: type it.")
    form.get_by_label("Latitude, longitude").fill("somewhere")
    form.get_by_role("button", name="Replan").click()
    expect(form).to_contain_text("This is no place")
    form.get_by_label("Latitude, longitude").fill("43.3, 4.2")
    form.get_by_role("button", name="Replan").click()

    expect(page.locator("#notices")).to_contain_text("Replanned at 10:30.")


def test_a_stop_leads_there_and_calls_and_somebody_unplanned_is_visited_as_well(site: Site, visit: Open, planned: str):
    day = days_of(site, planned)[3]
    page = visit("rep A", at(planned, day), **PHONE)
    expect(page.locator(".stop.next")).to_be_visible(timeout=30_000)
    called = {row["customer_id"] for row in site.service.get("rep A", f"{planned}/calls?day={day}").json()["items"]}
    own = site.service.get("rep A", f"{planned}/customers?limit=1000").json()["items"]
    other = next(row for row in own if row["customer_id"] not in called)

    page.locator("#stop-1").get_by_text("Navigate").click()
    links = page.locator("#stop-1 .ways a").all()
    assert [link.get_attribute("href").split(":")[0] for link in links] == ["geo", "https", "https", "https"]
    assert {link.get_attribute("rel") for link in links} == {"noopener noreferrer"}
    assert page.locator("#stop-1 a[href^='tel:']").get_attribute("href") == "tel:+8651260000000"

    page.get_by_role("button", name="Another customer").click()
    page.locator("#other").get_by_label("Customer").fill(other["customer_id"])
    page.locator("#other").get_by_role("button", name="Start").click()
    expect(page.locator(".stop.started")).to_contain_text(other["name"])
    page.locator(".stop.started").get_by_role("button", name="Not begun after all").click()
    expect(page.locator(".stop.started")).to_have_count(0)


def test_two_who_change_a_visit_see_both_versions(site: Site, visit: Open, planned: str):
    day = days_of(site, planned)[4]
    page = visit("rep A", at(planned, day), **PHONE)
    expect(page.locator(".stop.next")).to_be_visible(timeout=30_000)
    finish(page, 1, "first")
    expect(page.locator("#done")).to_have_text("The visit is stored.")
    (row,) = stored(site, planned, day)
    service = site.service
    service.ask("manager", "PATCH", f"/v1/visits/{row['visit_id']}", json={"note": "by the manager"}, match="*")

    page.locator("#stop-1").get_by_role("button", name="Change").click()
    page.locator("#visit").get_by_label("Note").fill("mine")
    page.locator("#visit").get_by_role("button", name="Save").click()
    expect(page.locator("#both")).to_contain_text("by the manager")
    expect(page.locator("#both")).to_contain_text("mine")
    page.locator("#visit").get_by_role("button", name="Save mine").click()

    expect(page.locator("#stop-1 .note")).to_have_text("mine")
    assert [each["note"] for each in stored(site, planned, day)] == ["mine"]


def test_a_rep_without_a_plan_is_shown_who_is_due_and_plans_his_weeks(site: Site, visit: Open):
    path = site.service.bring(town(9, seed=72), name="Unplanned town")
    page = visit("rep A", at(path, MONDAY.isoformat()), **PHONE)
    expect(page.locator("#notices")).to_contain_text("No call plan for this day.", timeout=30_000)
    plan_button = page.locator("#notices").get_by_role("button", name="Plan weeks")
    planning = page.locator("#planning")

    with ONE_AT_A_TIME:
        plan_button.click()
        page.locator("#plan").get_by_role("button", name="Start").click()
        expect(planning.get_by_role("progressbar")).to_be_visible()
        page.reload()
        page.get_by_role("tab", name="Week").click()
        planning.get_by_role("button", name="Cancel").click()
        expect(planning).to_have_text("Cancelled: the weeks stay as they were.")
    page.get_by_role("tab", name="Day", exact=True).click()
    plan_button.click()
    page.locator("#plan").get_by_label("Weeks").fill("2")
    page.locator("#plan").get_by_role("button", name="Start").click()

    expect(planning).to_contain_text("visits are planned", timeout=60_000)
    plans = site.service.get("manager", f"{path}/call-plans").json()["items"]
    assert [(plan["rep_ids"], plan["status"]) for plan in plans] == [(["R01"], "ready"), (["R01"], "cancelled")]
    expect(page.locator("#week-days .week-day").first).to_be_visible()


def test_weeks_that_a_manager_has_planned_are_told_though_the_line_was_cut_meanwhile(site: Site, visit: Open):
    path = site.service.bring(town(9, seed=73), name="Town of a manager's weeks")
    planning = {"start": MONDAY.isoformat(), "weeks": 1, "effort": 0.05}

    with ONE_AT_A_TIME:
        site.service.post("manager", f"{path}/calls", planning)
        page = visit("rep A", at(path, MONDAY.isoformat()), **PHONE)
        page.get_by_role("tab", name="Week").click()
        expect(page.locator("#planning").get_by_role("progressbar")).to_be_visible()
        with page.expect_event("requestfailed", lambda asked: "/v1/calls/" in asked.url):
            page.context.set_offline(True)
        page.context.set_offline(False)

    expect(page.locator("#planning")).to_contain_text("visits are planned")


def test_the_pause_stands_between_the_visits_before_and_after_it(site: Site, visit: Open):
    path = plan(site, "Town of long visits", minutes_per_visit=170.0)
    day = days_of(site, path)[0]
    route = site.service.get("rep A", f"{path}/reps/R01/route?day={day}").json()
    begin, end = (moment[11:16] for moment in route["pause"])

    page = visit("manager", f"{path.removeprefix('/v1')}/days#{path.rsplit('/', 1)[1]}/R01/{day}")

    expect(page.locator("#stops .pause")).to_have_text(f"Pause {begin} – {end}", timeout=30_000)
    times = page.locator("#stops .pause, #stops time").all_inner_texts()
    begins = [told.removeprefix("Pause ")[:5] for told in times]
    assert begins == sorted(begins)
    assert len(times) == len(route["stops"]) + 1


def test_the_scale_of_the_days_map_stands_in_its_corner(site: Site, visit: Open, planned: str):
    page = visit("rep A", at(planned, days_of(site, planned)[0]), **PHONE)
    expect(page.locator(".stop").first).to_be_visible(timeout=30_000)

    frame, scale = (page.locator(each).bounding_box() for each in (".day-map", ".leaflet-control-scale"))

    assert frame is not None
    assert scale is not None
    assert scale["x"] - frame["x"] < 20
    assert frame["y"] + frame["height"] - scale["y"] - scale["height"] < 20


def test_the_week_leads_to_its_days_and_an_address_to_the_phones_calendar(site: Site, visit: Open, planned: str):
    day = days_of(site, planned)[0]
    count = sum(row["day"] == day for row in site.service.get("rep A", f"{planned}/calls?limit=1000").json()["items"])
    page = visit("rep A", at(planned, day), **PHONE)
    expect(page.locator(".stop").first).to_be_visible(timeout=30_000)

    page.get_by_role("tab", name="Week").click()
    page.locator("#week-days .week-day", has_text=f"{count} visit").first.click()
    expect(page.get_by_role("tab", name="Day", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.locator(".stop")).to_have_count(count)

    page.get_by_role("tab", name="Calendar").click()
    page.get_by_role("button", name="Make an address").click()
    address = page.locator("#secret code").inner_text()
    read = site.service.client.get(address.removeprefix(site.address))
    page.locator("#calendars").get_by_role("button", name=re.compile("Revoke")).click()
    page.locator("#calendars").get_by_role("button", name=re.compile("Really revoke it?")).click()
    expect(page.locator("#calendars li")).to_have_count(0)
    assert (read.status_code, read.text[:15]) == (200, "BEGIN:VCALENDAR")
    assert site.service.client.get(address.removeprefix(site.address)).status_code == 404


def test_a_manager_sees_a_reps_day_and_changes_nothing_in_it(site: Site, visit: Open, planned: str):
    day = days_of(site, planned)[-1]
    due = site.service.get("rep A", f"{planned}/calls?from={day}&until={day}&rep_id=R01").json()["items"][0]
    told = {
        "customer_id": due["customer_id"],
        "day": day,
        "status": "finished",
        "outcome": "met",
        "at": 1_803_978_900.0,
    }
    site.service.post("rep A", f"{planned}/visits", {**told, "note": "Wants a catalogue."})
    page = visit("manager", planned.removeprefix("/v1"))
    page.get_by_role("link", name="Days of the reps").click()
    expect(page.locator("#rep option")).to_have_count(3)

    page.locator("#day").fill(day)

    expect(page.locator(".stop.finished")).to_have_count(1, timeout=30_000)
    expect(page.locator(".stop .note").first).to_have_text("Wants a catalogue.")
    assert page.locator(".stop button", has_text="Finish").count() == 0
    expect(page.locator("#tools")).to_be_hidden()


@pytest.fixture(scope="module", autouse=True)
def each_visit_is_in_the_store_once(site: Site) -> Iterator[None]:
    """Whatever the tests of this file have done, together."""
    yield
    with site.service.store.reading() as session:
        visits = session.execute(sa.select(Visit.portfolio_id, Visit.rep_id, Visit.day, Visit.customer_id)).all()
    assert len(visits) == len(set(visits))
