"""Three people at work, as a browser sees them."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from territory.files import write_portfolio
from territory.model import Portfolio
from tests.api.pages.conftest import ONE_AT_A_TIME, PASSWORD, PHONE, Site, Visit
from tests.api.services import town


def files_of(portfolio: Portfolio, folder: Path) -> dict[str, str]:
    write_portfolio(portfolio, folder)
    return {path.stem: str(path) for path in folder.iterdir() if path.stem in ("customers", "reps", "rules")}


def published(site: Site, *, seed: int, effective_from: str = "2027-01-01") -> str:
    """A portfolio whose second alignment a manager has published; its path."""
    path = site.service.bring(town(seed=seed), name=f"Town {seed}")
    proposal = site.service.propose(path, tolerance=0.2)
    site.service.post("manager", f"{proposal}/approve", match="*")
    site.service.post("manager", f"{proposal}/publish", {"effective_from": effective_from}, match="*")
    return path


def said(page: Page, text: str) -> None:
    expect(page.locator("#done")).to_have_text(text)


def deviation(page: Page, name: str) -> str:
    return page.locator("#territory-table tr", has_text=name).locator("td").nth(1).inner_text()


def test_a_manager_goes_from_an_upload_to_publishing(site: Site, visit: Visit, tmp_path: Path):
    page = visit(None, "/portfolios")

    page.get_by_label("Login").fill("manager")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Bring in customers").click()
    form = page.locator("#upload")
    expect(form.get_by_label("Region")).to_have_value("east")
    for name, path in files_of(town(seed=7), tmp_path).items():
        form.locator(f"input[name={name}]").set_input_files(path)
    form.get_by_label("Name").fill("Town of stories")
    form.get_by_role("button", name="Upload").click()

    expect(page.locator("h1")).to_have_text("Town of stories")
    expect(page.locator("#territory-table tbody tr")).to_have_count(3)
    expect(page.locator("#alerts li").first).to_contain_text("T1: potential +")
    page.get_by_role("button", name="Rebalance").click()
    form = page.locator("#rebalance")
    form.get_by_label("Potential within ±").fill("20")
    form.get_by_label("Workload within ±").fill("20")
    form.get_by_label("Workload counts").select_option("none")
    form.get_by_role("button", name="Start").click()

    expect(page.locator(".verdict")).to_contain_text("Fair")
    first = page.locator("#move-table tbody tr").first
    before = deviation(page, "T1")
    first.locator("th button").click()
    page.locator("#card select").select_option(label=first.locator("td").nth(0).inner_text())
    page.locator("#card").get_by_role("button", name="Give", exact=True).click()
    expect(page.locator("#by-hand")).to_have_text("Steps by hand: 1")
    assert deviation(page, "T1") != before
    page.locator("#undo").click()
    said(page, "Undone.")
    assert deviation(page, "T1") == before
    page.locator("#move-table .refused").last.click()
    said(page, "Refused: it stays.")
    expect(page.locator("#move-table .refused").last).to_have_attribute("aria-pressed", "true")
    page.locator("#comment textarea").fill("One stays.")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Submit").click()
    said(page, "Submitted: now a manager decides.")
    page.get_by_role("button", name="Approve").click()
    said(page, "Approved: it can be published.")
    page.locator("#actions").get_by_role("button", name="Publish").click()
    dialog = page.locator("#publish")
    dialog.get_by_label("Holds from").fill("2027-04-01")
    dialog.get_by_role("button", name="Publish").click()
    said(page, "Published: it holds from 1 Apr 2027.")
    expect(page.locator("#by-hand")).to_have_text("It is published: to change it, ask for a new proposal.")

    page.locator("#crumb").click()
    expect(page.locator("#history-table tbody tr")).to_have_count(2)
    expect(page.locator("#history-table tbody tr").first).to_contain_text("One stays.")
    moved = int(page.locator("#history-table tbody tr").first.locator("td").nth(2).inner_text())
    page.get_by_role("button", name="Show the difference").click()
    expect(page.locator("#difference-table tbody tr")).to_have_count(moved)
    page.get_by_role("button", name="Revert").click()
    page.locator("#revert").get_by_role("button", name="Revert").click()
    expect(page.locator("#history-table tbody tr")).to_have_count(3)


def test_faults_of_a_file_are_told_by_row_and_column_before_the_eyes_of_who_brought_it(
    visit: Visit, site: Site, tmp_path: Path
):
    bad = tmp_path / "bad.csv"
    bad.write_text("customer_id,lon,lat\n1,x,45\n", encoding="utf-8")
    page = visit("manager", "/portfolios")

    page.get_by_role("button", name="Bring in customers").click()
    page.locator("#upload input[name=customers]").set_input_files(str(bad))
    expect(page.locator("#upload").get_by_label("Name")).to_have_value("bad")
    page.locator("#upload").get_by_role("button", name="Upload").click()

    expect(page.locator("#reading")).to_contain_text("bad.csv, row 2, columns 'lon', 'lat': 'x' is not a number.")


def test_a_proposal_that_waits_can_be_cancelled(site: Site, visit: Visit):
    path = site.service.bring(town(seed=17))
    with ONE_AT_A_TIME:
        asked = site.service.post("manager", f"{path}/proposals", {"name": "Too much"})
        page = visit("manager", asked.headers["location"].removeprefix("/v1"))

        page.locator("#making").get_by_role("button", name="Cancel").click()

        expect(page.locator("#subtitle")).to_have_text("cancelled")
    page.goto(f"{site.address}{path.removeprefix('/v1')}")
    expect(page.locator("#proposal-table tbody tr")).to_contain_text("cancelled")


def test_territories_cut_anew_are_changed_by_hand_like_any_other(site: Site, visit: Visit):
    proposal = site.service.propose(site.service.bring(town(seed=18)), territories=2, tolerance=0.3)
    page = visit("manager", proposal.removeprefix("/v1"))

    expect(page.locator("#territory-table tbody tr")).to_have_count(2)
    page.locator("#query").fill("0007")
    page.locator("#query").press("Enter")
    expect(page.locator("#card h3")).to_have_text("Customer 7")
    here = page.locator("#card select").input_value()
    other = next(name for name in page.locator("#card option").all_text_contents() if name != here)
    page.locator("#card select").select_option(other)
    page.locator("#card").get_by_role("button", name="Give", exact=True).click()
    expect(page.locator("#card dd").nth(2)).to_have_text(other)
    expect(page.locator("#undo")).to_be_enabled()


def test_a_locked_customer_stays_in_every_proposal(site: Site, visit: Visit):
    path = site.service.bring(town(seed=19))
    moved = site.service.get("manager", f"{site.service.propose(path, tolerance=0.2)}/moves").json()["items"][0]
    page = visit("manager", path.removeprefix("/v1"))
    expect(page.locator("#territory-table tbody tr")).to_have_count(3)

    page.locator("#query").fill(moved["customer_id"])
    page.locator("#query").press("Enter")
    page.locator("#card").get_by_role("button", name="Lock").click()
    said(page, "Locked.")

    again = site.service.get("manager", f"{site.service.propose(path, tolerance=0.2)}/moves").json()["items"]
    assert moved["customer_id"] not in {row["customer_id"] for row in again}
    expect(page.locator("#lock-count")).to_have_text("1")


def test_customers_within_a_lasso_change_hands_together(site: Site, visit: Visit):
    proposal = site.service.propose(site.service.bring(town(seed=11)), tolerance=0.2).removeprefix("/v1")
    page = visit("manager", proposal)
    expect(page.locator("#move-table table")).to_be_visible()

    page.locator("#lasso").click()
    box = page.locator("#map").bounding_box()
    assert box is not None
    corners = [(0.02, 0.15), (0.98, 0.15), (0.98, 0.9), (0.02, 0.9)]
    for number, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if number == 0:
            page.mouse.down()
    page.mouse.up()

    expect(page.locator("#card h3")).to_have_text(re.compile(r"^2\d customers chosen$"))


def test_customers_within_a_line_drawn_by_a_finger_are_chosen(site: Site, visit: Visit):
    proposal = site.service.propose(site.service.bring(town(seed=11)), tolerance=0.2).removeprefix("/v1")
    page = visit("manager", proposal, **PHONE)
    expect(page.locator("#move-table table")).to_be_visible()
    page.locator("#lasso").tap()
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    assert box is not None

    finger = page.context.new_cdp_session(page)
    for number, (x, y) in enumerate([(0.02, 0.2), (0.5, 0.2), (0.98, 0.2), (0.98, 0.8), (0.5, 0.8), (0.02, 0.8)]):
        at = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove" if number else "touchStart", "touchPoints": [at]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    expect(page.locator("#card h3")).to_have_text(re.compile(r"^2\d customers chosen$"))


def test_several_customers_are_chosen_and_given_away_with_the_keyboard_alone(site: Site, visit: Visit):
    proposal = site.service.propose(site.service.bring(town(seed=11)), tolerance=0.2)
    page = visit("manager", proposal.removeprefix("/v1"))
    expect(page.locator("#move-table table")).to_be_visible()

    page.locator("#lasso").press("Enter")
    expect(page.locator("#pick-word")).to_be_focused()
    page.keyboard.type("Customer 1")
    page.locator("#pick-list input").first.focus()
    for key in ("Space", "ArrowDown", "ArrowDown", "Space"):
        page.keyboard.press(key)
    expect(page.locator("#card h3")).to_have_text("2 customers chosen")
    page.locator("#pick-word").dispatch_event("input")  # the list is drawn anew, as when the map moves
    expect(page.locator("#pick-list input[tabindex='0']")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("T3")
    page.locator("#card").get_by_role("button", name="Give", exact=True).press("Enter")

    expect(page.locator("#by-hand")).to_have_text("Steps by hand: 1")
    expect(page.locator("#card").get_by_role("button", name="Give", exact=True)).to_be_focused()
    rows = site.service.get("manager", f"{proposal}/alignment?limit=1000").json()["items"]
    owner = {row["customer_id"]: row["territory"] for row in rows}
    assert [owner["0001"], owner["0011"]] == ["T3", "T3"]


def test_a_customer_is_dragged_onto_another_territory_and_brought_back_with_the_keyboard(site: Site, visit: Visit):
    proposal = site.service.propose(site.service.bring(town(seed=32)), tolerance=0.2)
    page = visit("manager", proposal.removeprefix("/v1"))
    expect(page.locator("#move-table table")).to_be_visible()
    find(page, "0007")
    here = page.locator("#card dd").nth(2)
    before, box = here.inner_text(), page.locator("#map").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    page.mouse.move(*middle)
    page.mouse.down()
    told = [drag_to(page, middle, angle) for angle in range(0, 360, 15)]
    onto = next(
        angle for angle, text in zip(range(0, 360, 15), told, strict=True) if "to T" in text and before not in text
    )
    drag_to(page, middle, onto)
    page.mouse.up()

    expect(here).not_to_have_text(before)
    expect(page.locator("#by-hand")).to_have_text("Steps by hand: 1")
    page.locator("#map").focus()
    page.keyboard.press("Control+z")
    expect(here).to_have_text(before)


def test_the_card_of_a_locked_customer_says_so_and_offers_only_to_unlock_it(site: Site, visit: Visit):
    proposal = site.service.propose(site.service.bring(town(seed=35)), tolerance=0.2)
    page = visit("manager", proposal.removeprefix("/v1"))
    expect(page.locator("#move-table table")).to_be_visible()
    find(page, "0007")
    lock, unlock = (page.locator("#card").get_by_role("button", name=name, exact=True) for name in ("Lock", "Unlock"))
    expect(unlock).to_have_count(0)

    lock.click()

    here = page.locator("#card select").input_value()
    expect(page.locator("#card")).to_contain_text(f"Locked: it stays in {here}.")
    expect(lock).to_have_count(0)
    page.locator("#card select").select_option(next(name for name in ("T1", "T2") if name != here))
    page.locator("#card").get_by_role("button", name="Give", exact=True).click()
    expect(page.locator("#said")).to_contain_text(f"Customer 0007 is locked to {here}. Choose it and unlock it first")
    unlock.click()
    expect(lock).to_be_visible()
    expect(unlock).to_have_count(0)


def find(page: Page, customer_id: str) -> None:
    page.locator("#query").fill(customer_id)
    page.locator("#query").press("Enter")
    expect(page.locator("#card")).to_be_visible()


def drag_to(page: Page, middle: tuple[float, float], degrees: int) -> str:
    """Hold the customer over a place around the middle; what is said of letting go there."""
    reach = 230 if degrees % 180 < 90 else 200
    x, y = middle[0] + reach * math.cos(math.radians(degrees)), middle[1] + reach * math.sin(math.radians(degrees))
    page.mouse.move(x, y, steps=2)
    return page.locator("#tip").inner_text()


def test_somebody_elses_step_is_shown_before_ones_own_can_undo_it(site: Site, visit: Visit):
    proposal = site.service.propose(site.service.bring(town(seed=12)), tolerance=0.2)
    page = visit("manager", proposal.removeprefix("/v1"))
    expect(page.locator("#move-table table")).to_be_visible()
    site.service.ask("second manager", "PATCH", proposal, json={"comment": "mine"}, match="*")

    page.locator("#move-table .refused").first.click()

    expect(page.locator("#said")).to_contain_text("Somebody has changed it meanwhile")
    expect(page.locator("#comment textarea")).to_have_value("mine")
    page.locator("#move-table .refused").first.click()
    said(page, "Refused: it stays.")


def test_a_planner_compares_what_ifs_in_one_table(site: Site, visit: Visit):
    path = site.service.bring(town(seed=13)).removeprefix("/v1")
    page = visit("planner", f"{path}/scenarios")

    page.locator("#kind-fields select").select_option("R03")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#kept .tick")).to_have_count(1)
    page.get_by_label("What changes").first.select_option("rep_part_time")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#kept .tick")).to_have_count(2)
    page.get_by_label("What changes").first.select_option("scaled")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#kept .tick")).to_have_count(3)
    page.get_by_label("Potential within ±").fill("40")
    page.get_by_label("Workload within ±").fill("40")
    page.get_by_role("button", name="Run and compare").click()

    expect(page.locator("#table tbody tr")).to_have_count(4, timeout=60_000)
    names = page.locator("#table tbody th").all_text_contents()
    assert names == ["today, rebalanced", "Potential +15%, all customers", "R01 works 50%", "R03 leaves"]
    expect(page.locator("#table tbody tr").last.locator("td").first).to_contain_text("2")
    page.get_by_role("link", name="R03 leaves").click()
    expect(page.locator("#territory-table tbody tr")).to_have_count(2)


def test_a_planner_on_a_phone_gives_a_rep_a_home_on_the_map_and_compares_other_rules(site: Site, visit: Visit):
    path = site.service.bring(town(seed=33)).removeprefix("/v1")
    page = visit("planner", f"{path}/scenarios", **PHONE)
    kind = page.get_by_label("What changes").first

    kind.select_option("rep_joins")
    page.get_by_label("Id of the new rep").fill("R09")
    page.get_by_role("button", name="Choose on the map").tap()
    expect(page.locator("#map canvas")).to_be_visible()
    page.locator("#map").tap()
    expect(page.locator("[data-field=at]")).not_to_have_value("")
    page.get_by_role("button", name="Keep it").tap()
    expect(page.locator("#kept .tick")).to_have_count(1)
    kind.select_option("rules")
    page.locator("[data-field=rule]").select_option("tolerance")
    page.locator("[data-field=value]").fill("45")
    page.get_by_role("button", name="Keep it").tap()
    expect(page.locator("#kept .tick")).to_have_count(2)
    kind.select_option("territories")
    page.locator("[data-field=count]").fill("2")
    page.get_by_role("button", name="Keep it").tap()
    expect(page.locator("#kept .tick")).to_have_count(3)
    page.get_by_role("button", name="Edit: 2 territories").tap()
    page.locator("#build").get_by_label("Name").fill("Two only")
    page.get_by_role("button", name="Save").tap()
    expect(page.locator("#kept .tick", has_text="Two only")).to_be_visible()
    page.get_by_label("Potential within ±").fill("40")
    page.get_by_label("Workload within ±").fill("40")
    page.get_by_role("button", name="Run and compare").tap()

    rows = page.locator("#table tbody tr")
    expect(rows).to_have_count(4, timeout=60_000)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 375
    territories = {row.locator("th").inner_text(): row.locator("td").first.inner_text()[0] for row in rows.all()}
    assert territories["Two only"] == "2"
    assert [count for name, count in territories.items() if name.startswith("R09 joins")] == ["4"]
    page.go_back()
    expect(page.locator("#earlier a")).to_have_count(1)


def test_a_home_is_typed_latitude_first_and_one_that_is_nowhere_is_refused_at_once(site: Site, visit: Visit):
    path = site.service.bring(town(seed=34)).removeprefix("/v1")
    page = visit("planner", f"{path}/scenarios")
    page.get_by_label("What changes").first.select_option("rep_moves")

    for typed in ("43.31, 4.21", "121.4737, 31.2304", "95, 200"):
        page.get_by_label("Home: customer id, or latitude, longitude").fill(typed)
        page.get_by_role("button", name="Add this change").click()

    told = page.locator("#changes li span").all_inner_texts()
    assert told == ["R01 moves to 43.31, 4.21", "R01 moves to 31.2304, 121.4737"]
    assert "This is no place" in page.locator("[data-field=at]").evaluate("field => field.validationMessage")


def test_new_files_are_looked_at_before_they_are_taken_over(site: Site, visit: Visit, tmp_path: Path):
    path = site.service.bring(town(6, reps=2, seed=34)).removeprefix("/v1")
    files = files_of(town(7, reps=2, seed=35), tmp_path)
    page = visit("manager", f"{path}/data")

    page.locator("#bring input[name=customers]").set_input_files(files["customers"])
    page.locator("#bring").get_by_role("button", name="See what changes").click()
    expect(page.locator("#update-told")).to_contain_text("Customers new: 1, gone: 0, changed: 6.")
    page.locator("[data-rule=speed_kmh]").fill("30")
    page.locator("#preview").click()
    expect(page.locator("#preview-table tbody tr").first).to_contain_text("Speed, km/h")
    page.get_by_role("button", name="Take over").click()
    said(page, "The new files hold.")

    page.locator("#crumb").click()
    expect(page.locator("#subtitle")).to_contain_text("7 customers")
    expect(page.locator("#history-table tbody tr")).to_have_count(2)
    page.locator("#handover-rep").select_option("R01")
    expect(page.locator("#handover-told")).to_contain_text("gives")


def test_a_front_is_chosen_from_with_a_slider(site: Site, visit: Visit):
    path = site.service.bring(town(seed=14)).removeprefix("/v1")
    page = visit("manager", path)

    page.get_by_role("button", name="Rebalance").click()
    form = page.locator("#rebalance")
    form.get_by_label("Cut anew into").fill("4")
    expect(form.get_by_label("Customers that may move")).to_be_disabled()
    expect(form.get_by_label("Customers that may move")).to_have_css("border-style", "dashed")
    form.get_by_label("Cut anew into").fill("")
    expect(form.get_by_label("Customers that may move")).to_be_enabled()
    form.get_by_label("Proposals to choose from").fill("3")
    form.get_by_role("button", name="Start").click()

    expect(page.locator("#chart circle").first).to_be_visible(timeout=60_000)
    slider = page.locator("#slider")
    slider.fill("0")
    fewest = page.locator("#chosen dd").first.inner_text()
    slider.fill(slider.get_attribute("max") or "0")
    assert float(fewest.rstrip("%")) <= float(page.locator("#chosen dd").first.inner_text().rstrip("%"))
    expect(page.locator("#table thead")).to_contain_text("Mean km to the middle")
    expect(page.locator("#table thead")).not_to_contain_text("Driving")


def test_the_headline_shows_how_far_customers_are_from_the_middle_and_changes_with_a_move_by_hand(
    site: Site, visit: Visit
):
    proposal = site.service.propose(site.service.bring(town(seed=36)), tolerance=0.2)
    page = visit("manager", proposal.removeprefix("/v1"))
    tile = page.locator("#tiles .tile", has_text="Mean km to the middle")
    expect(tile).to_contain_text("→")
    before = tile.inner_text()
    find(page, "0007")

    here = page.locator("#card select").input_value()
    page.locator("#card select").select_option(next(name for name in ("T1", "T3") if name != here))
    page.locator("#card").get_by_role("button", name="Give", exact=True).click()

    expect(tile).not_to_have_text(before)
    expect(page.locator("#tiles")).not_to_contain_text("Driving")


def test_a_rep_challenges_without_a_line_and_it_is_sent_once(site: Site, visit: Visit):
    path = published(site, seed=15)
    page = visit("rep A", "/my", **PHONE)
    town_of_15 = page.locator("h2", has_text="Town 15")
    expect(town_of_15).to_be_visible()
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    keep = page.get_by_role("button", name="I should keep this customer").first

    page.context.set_offline(True)
    keep.click()
    page.get_by_label("Why?").fill("I know the owner.")
    page.get_by_role("button", name="Send to the manager").click()
    expect(page.locator("#line")).to_contain_text("1 waiting to be sent.")
    page.reload()
    expect(town_of_15).to_be_visible()
    expect(page.locator("#line")).to_contain_text("1 waiting to be sent.")
    page.context.set_offline(False)

    expect(page.locator("#line")).to_be_hidden()
    page.get_by_role("tab", name="My challenges").click()
    expect(page.locator("#challenge-list .card", has_text="I know the owner.")).to_have_count(1)
    challenges = site.service.get("manager", f"{path}/challenges").json()["items"]
    assert [challenge["note"] for challenge in challenges] == ["I know the owner."]


def test_a_managers_answer_reaches_the_rep(site: Site, visit: Visit):
    path = published(site, seed=16, effective_from=date.today().isoformat())
    row = next(row for row in site.service.get("rep A", f"{path}/handovers").json()["items"] if row["from"] == "T1")
    site.service.post("rep A", f"{path}/challenges", {"customer_id": row["customer_id"], "note": "mine"})
    page = visit("manager", path.removeprefix("/v1"))

    page.locator("#challenge-table input").fill("Not this time.")
    page.locator("#challenge-table").get_by_role("button", name="Refuse").click()
    said(page, "Answered.")

    rep = visit("rep A", "/my", **PHONE)
    rep.get_by_role("tab", name="My challenges").click()
    expect(rep.locator("#challenge-list")).to_contain_text("refused Not this time.")
    expect(rep.locator("#challenge-list .card", has_text="Not this time.").locator("h4")).to_have_text(row["name"])


def test_on_a_phone_no_tab_of_a_rep_is_cut_off(site: Site, visit: Visit):
    for language in ("en-GB", "zh-CN"):
        tabs = visit("rep A", "/my", **PHONE, locale=language).locator(".tabs")

        assert tabs.evaluate("tabs => tabs.scrollWidth <= tabs.clientWidth")


def test_an_accepted_challenge_says_who_still_has_the_customer_and_leads_to_a_proposal_that_brings_it_back(
    site: Site, visit: Visit
):
    path = published(site, seed=17)
    row = next(row for row in site.service.get("rep A", f"{path}/handovers").json()["items"] if row["from"] == "T1")
    site.service.post("rep A", f"{path}/challenges", {"customer_id": row["customer_id"], "note": "mine"})
    page = visit("manager", path.removeprefix("/v1"))

    page.locator("#challenge-table").get_by_role("button", name="Accept").click()
    said(page, "Accepted. The customer is moved only by a proposal that is published.")
    expect(page.locator("#challenge-table")).to_contain_text(
        f"It stays in {row['to']} until a proposal that brings it to T1 is published."
    )
    page.get_by_role("button", name="Make that proposal").click()

    expect(page.locator("#move-table tbody tr")).to_have_count(1, timeout=60_000)
    proposal = f"/v1{page.url.removeprefix(site.address)}"
    moves = site.service.get("manager", f"{proposal}/moves").json()["items"]
    assert [(move["customer_id"], move["to"]) for move in moves] == [(row["customer_id"], "T1")]
    assert site.service.get("manager", proposal).json()["summary"]["locked"] == 1


def test_a_version_of_a_day_to_come_is_shown_with_its_day_and_the_version_that_holds_until_then(
    site: Site, visit: Visit
):
    to_come = published(site, seed=38, effective_from=(date.today() + timedelta(1)).isoformat())
    holds = published(site, seed=39, effective_from=date.today().isoformat())

    told = visit("manager", to_come.removeprefix("/v1")).locator("#holds-from")
    page = visit("manager", holds.removeprefix("/v1"))

    expect(told).to_contain_text("This page shows version 2, which holds from ")
    expect(told).to_contain_text("Until then version 1 holds.")
    expect(page.locator("#history-table tbody tr")).to_have_count(2)
    expect(page.locator("#holds-from")).to_be_hidden()


def test_an_address_of_a_section_leads_to_it(site: Site, visit: Visit):
    path = published(site, seed=37).removeprefix("/v1")

    page = visit("manager", f"{path}#history")

    expect(page.locator("#history h2").first).to_be_in_viewport()


def test_an_admin_lets_somebody_in_and_reads_who_did_what(visit: Visit):
    page = visit("admin", "/users")

    form = page.locator("#create")
    form.get_by_label("Login").fill("carla")
    form.get_by_label("Name").fill("Carla")
    form.get_by_label("Role").select_option("rep")
    form.get_by_label("Rep id").fill("R09")
    form.get_by_role("button", name="Create user").click()

    expect(page.locator("#secret code")).to_have_text(re.compile(r"^[a-z2-9]{5}(-[a-z2-9]{5}){3}$"))
    expect(page.locator("#table tr", has_text="carla")).to_contain_text("one-time password")
    page.get_by_role("link", name="Audit").click()
    expect(page.locator("#table tbody tr", has_text="user created").first).to_contain_text("carla")


def test_an_admin_changes_what_somebody_may_and_takes_his_tokens(visit: Visit, site: Site):
    site.service.post("planner", "/v1/tokens", {"name": "nightly"})
    page = visit("admin", "/users")

    page.get_by_role("button", name="Change: planner").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("#tokens")).to_contain_text("nightly")
    dialog.get_by_role("button", name="Revoke: nightly").click()
    dialog.get_by_role("button", name="nightly").click()
    expect(dialog.locator("#tokens")).not_to_contain_text("nightly")
    dialog.get_by_label("Regions").fill("east, north")
    dialog.get_by_role("button", name="Save").click()

    said(page, "Saved.")
    expect(page.locator("#table tr", has_text="planner").first).to_contain_text("east, north")
    assert site.service.get("planner", "/v1/me").json()["regions"] == ["east", "north"]


def test_an_admin_makes_a_backup_and_takes_it_away(visit: Visit):
    page = visit("admin", "/backups")
    expect(page.locator("#last")).to_have_text("None was made here yet.")

    page.get_by_role("button", name="Make one now").click()

    said(page, "The backup is ready.")
    expect(page.locator("#last")).to_contain_text("The last one was made on")
    expect(page.locator("main")).to_contain_text("territory restore FILE")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download").click()
    assert taken.value.path().read_bytes().startswith(b"SQLite format 3")
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Really remove it?").click()
    expect(page.locator("#last")).to_have_text("None was made here yet.")
