"""The page: it carries all it needs, shows what it is told, and takes no name for anything but a name."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from territory.adjustment import adjust
from territory.demand import derive_demand
from territory.errors import NotFoundError
from territory.geo import from_wgs84, local_crs, project, unproject
from territory.maps import draw_map
from territory.measures import measure
from territory.model import CUSTOMER_COLUMNS, Portfolio, Proposal, with_columns
from territory.realignment import realign
from tests.worlds import line_of_customers, portfolio_of

NASTY = [
    "<img src=x onerror=\"alert('name')\">",
    "${alert(1)}`;alert(2)//",
    "</script><script>alert(3)</script>",
    "{{ 7*7 }}{% raw %}",
    "'\"><svg onload=alert(4)>",
    "javascript:alert(5)\u2028 & <b>bold</b>",
]
"""Names that a careless page would run, compute or show as something else."""


def proposal_of(portfolio: Portfolio, alignment: list[str], reason: str = "balances workload") -> Proposal:
    """A proposal with this alignment; who moves pays 2.5 and had no other choice."""
    after = pd.Series(alignment, index=portfolio.customers.index)
    moved = after[after != portfolio.alignment]
    moves = pd.DataFrame(
        {
            "customer_id": moved.index,
            "from": portfolio.alignment[moved.index].to_numpy(),
            "to": moved.to_numpy(),
            "reason": reason,
            "price": 2.5,
            "runner_up": None,
        }
    )
    demand = derive_demand(portfolio, travel="none")
    return Proposal(
        portfolio,
        after,
        moves,
        measure(portfolio, demand=demand),
        measure(portfolio, after, demand=demand),
        {"potential": 0.05, "workload": 0.05},
        "none",
        seed=7,
        objective=1.0,
        lower_bound=0.9,
        gap=0.1,
    )


def line_proposal() -> Proposal:
    """Twelve equal customers on a line, T1 with six of them, T2 and T3 with three: after, four each."""
    today = line_of_customers(12, reps=3)
    owners = ["T1"] * 6 + ["T2"] * 3 + ["T3"] * 3
    uneven = portfolio_of(
        pd.DataFrame(today.customers.drop(columns="geometry")).assign(x=today.xy[:, 0], y=0.0, territory=owners),
        pd.DataFrame(today.reps.drop(columns="geometry")).assign(x=today.reps.geometry.x, y=0.0),
    )
    return proposal_of(uneven, ["T1"] * 4 + ["T2"] * 4 + ["T3"] * 4)


def nasty_proposal() -> Proposal:
    """Six customers; every text that can be a name, an id, a reason or a tier is one of NASTY."""
    customers = pd.DataFrame(
        {
            "x": [0.0, 1000, 2000, 3000, 4000, 4000],
            "y": [0.0, 800, 0, 800, 0, 0],
            "name": NASTY,
            "tier": NASTY,
            "potential": [5.0, 4, 3, 2, 1, 1],
            "visits_per_year": 12.0,
            "minutes_per_visit": 30.0,
            "territory": [NASTY[0], NASTY[0], NASTY[0], NASTY[2], NASTY[2], NASTY[2]],
        },
        index=[f"{number}{name}" for number, name in enumerate(NASTY)],
    )
    reps = pd.DataFrame(
        {"x": [0.0, 4000], "y": 0.0, "name": [NASTY[1], NASTY[4]], "territory": [NASTY[0], NASTY[2]]}, index=NASTY[3:5]
    )
    portfolio = portfolio_of(customers, reps)
    lost = pd.DataFrame({"reason": NASTY[:3]}, index=pd.Index(NASTY[3:], name="customer_id"))
    portfolio = Portfolio(portfolio.customers, portfolio.reps, portfolio.rules, lost)
    return proposal_of(portfolio, [NASTY[0]] * 2 + [NASTY[2]] * 4, reason=NASTY[5])


def scene_of(page: folium.Map) -> dict[str, Any]:
    """What the page was told."""
    html = page.get_root().render()
    found = re.search(r'<script type="application/json" id="scene">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def lonlat(scene: dict[str, Any]) -> np.ndarray:
    """Where the page draws the customers, (n, 2) degrees."""
    whole = np.column_stack([scene["customers"]["x"], scene["customers"]["y"]])
    return (whole + scene["origin"]) / scene["degree"]


Opener = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Opens a map from a file; at the end no script failed, nothing was executed and no host was asked."""
    faults: list[str] = []
    contexts = []

    def open_map(page_map: folium.Map, **context_options: Any) -> Page:
        path = tmp_path / "proposal.html"
        page_map.save(str(path))
        context = browser.new_context(
            viewport={"width": 1280, "height": 800}, reduced_motion="reduce", **context_options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
        page.on("request", lambda ask: faults.append(ask.url) if ask.url.split("#")[0] != path.as_uri() else None)
        page.goto(path.as_uri())
        return page

    yield open_map

    for context in contexts:
        context.close()
    assert [fault for fault in faults if not fault.startswith("data:")] == []


def test_the_same_plan_gives_the_same_bytes():
    first, second = (draw_map(line_proposal()).get_root().render() for _ in range(2))

    assert first == second


def test_a_page_can_be_rendered_and_saved_again(tmp_path):
    page = draw_map(line_proposal())

    page.save(str(tmp_path / "once.html"))
    page.save(str(tmp_path / "twice.html"))

    assert (tmp_path / "once.html").read_bytes() == (tmp_path / "twice.html").read_bytes()
    assert (tmp_path / "once.html").read_text(encoding="utf-8") == page.get_root().render()


def test_the_page_names_no_address_to_load_from():
    html = draw_map(line_proposal()).get_root().render()

    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//[^"'\s>]+\.(?:js|css|png)""", html)
    assert "sourceMappingURL" not in html
    assert not re.findall(r"url\((?!data:|#)[^)]*\)", html)
    assert "img-src data: blob:;" in html


def test_the_page_is_told_who_is_where_and_what_they_measure():
    proposal = line_proposal()

    scene = scene_of(draw_map(proposal))

    assert scene["views"] == ["before", "after"]
    assert [territory["name"] for territory in scene["territories"]] == ["T1", "T2", "T3"]
    assert scene["customers"]["before"] == [0] * 6 + [1] * 3 + [2] * 3
    assert scene["customers"]["after"] == [0] * 4 + [1] * 4 + [2] * 4
    assert scene["territories"][0]["measures"]["before"]["deviation_potential"] == pytest.approx(0.5)
    assert [move[0] for move in scene["moves"]] == [4, 5, 8]
    lon, lat = unproject(proposal.portfolio.xy, proposal.portfolio.customers.crs)
    assert lonlat(scene) == pytest.approx(np.column_stack([lon, lat]), abs=1e-5)


def test_neighbours_have_different_colours():
    scene = scene_of(draw_map(line_proposal()))

    colours = [territory["colour"] for territory in scene["territories"]]
    assert colours[0] != colours[1] != colours[2]


def colours_of(plan: Portfolio | Proposal) -> dict[str, int]:
    return {territory["name"]: territory["colour"] for territory in scene_of(draw_map(plan))["territories"]}


def test_a_territory_keeps_its_colour_from_today_to_the_plan_and_when_a_customer_is_moved_by_hand():
    proposal = line_proposal()
    moved = adjust(proposal, move={str(proposal.portfolio.customers.index[0]): "T3"}, check=False)

    colours = colours_of(proposal.portfolio)

    assert colours_of(proposal) == colours
    assert colours_of(moved) == colours


def test_of_two_territories_that_come_beside_each_other_in_one_colour_only_one_changes_it():
    town = line_of_customers(36, reps=12)
    beside = town.alignment.where(town.alignment.index != town.alignment.index[1], "T11").tolist()

    today, after = colours_of(town), colours_of(proposal_of(town, beside))

    assert today["T1"] == today["T11"]
    assert after["T1"] != after["T11"]
    assert [name for name in today if after[name] != today[name]] == ["T1"]


def test_a_proposal_from_scratch_has_no_before():
    proposal = line_proposal()
    scratch = Proposal(**{**vars(proposal), "before": None})

    assert scene_of(draw_map(scratch))["views"] == ["after"]


def test_on_amap_tiles_customers_are_drawn_in_gcj02():
    lon, lat = np.array([116.397, 116.45]), np.array([39.909, 39.95])
    crs = local_crs(lon, lat)
    town = line_of_customers(2, reps=2)
    places = town.customers.set_geometry(gpd.points_from_xy(*project(lon, lat, crs).T, crs=crs), crs=crs)
    beijing = Portfolio(places, town.reps.to_crs(crs), town.rules, town.unplaced)

    plain, amap = scene_of(draw_map(beijing)), scene_of(draw_map(beijing, tiles="amap"))

    assert lonlat(plain) == pytest.approx(np.column_stack([lon, lat]), abs=1e-5)
    assert lonlat(amap) == pytest.approx(np.column_stack(from_wgs84(lon, lat, "gcj02")), abs=1e-5)
    assert np.abs(lonlat(amap) - lonlat(plain)).max() > 0.005


def test_customers_on_both_sides_of_the_antimeridian_lie_side_by_side():
    lon, lat = np.array([179.9, -179.9]), np.array([-17.0, -17.0])
    crs = local_crs(lon, lat)
    x, y = project(lon, lat, crs).T
    table = pd.DataFrame(
        {"potential": 1.0, "visits_per_year": 1.0, "minutes_per_visit": 1.0, "territory": "T1"}, ["a", "b"]
    )
    customers = gpd.GeoDataFrame(
        with_columns(table.rename_axis("customer_id"), CUSTOMER_COLUMNS), geometry=gpd.points_from_xy(x, y, crs=crs)
    )
    fiji = line_of_customers(1, reps=1)

    scene = scene_of(draw_map(Portfolio(customers, fiji.reps.to_crs(crs), fiji.rules, fiji.unplaced)))

    assert np.ptp(lonlat(scene)[:, 0]) == pytest.approx(0.2, abs=1e-4)


def test_an_unknown_language_or_base_map_is_refused_with_what_there_is():
    with pytest.raises(NotFoundError) as refused:
        draw_map(line_proposal(), language="fr", tiles="moon")  # type: ignore[arg-type]  # what a caller may get wrong

    assert [problem.where for problem in refused.value.problems] == ["language", "tiles"]


def test_ten_thousand_customers_make_a_page_under_one_megabyte():
    count = 10_000
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "x": rng.uniform(0, 3e5, count).round(3),
            "y": rng.uniform(0, 3e5, count).round(3),
            "name": [
                f"{word} Store {number}"
                for number, word in enumerate(rng.choice(["东方超市", "Lotus", "River"], count))
            ],
            "potential": rng.lognormal(10, 1, count),
            "visits_per_year": rng.choice([6.0, 12, 26], count),
            "minutes_per_visit": 30.0,
        },
        index=[f"C{number:05d}" for number in range(count)],
    )
    table["territory"] = [f"T{x // 60_000 * 5 + y // 60_000:.0f}" for x, y in zip(table["x"], table["y"], strict=True)]

    html = draw_map(portfolio_of(table)).get_root().render()

    assert len(gzip.compress(html.encode())) < 1_000_000


def test_names_stay_text_wherever_they_are_shown(opened):
    page = opened(draw_map(nasty_proposal(), title=NASTY[0], language="en"))

    expect(page.locator("h1")).to_have_text(NASTY[0])
    expect(page).to_have_title(re.compile("img src=x"))
    shown = page.locator(".row-name b").all_text_contents()
    assert set(shown) == {NASTY[0], NASTY[2]}
    assert set(page.locator(".row-name small").all_text_contents()) == {NASTY[1], NASTY[4]}
    page.locator("#moves summary").click()
    page.locator("#unplaced summary").click()
    assert page.locator("#moves .item b").all_text_contents() == [NASTY[2]]
    assert page.locator("#unplaced .item b").all_text_contents() == NASTY[3:]
    assert page.locator("#unplaced .item small").all_text_contents() == NASTY[:3]
    page.locator("#moves .item").click()
    expect(page.locator("#card h2")).to_have_text(NASTY[2])
    facts = page.locator("#card dd").all_text_contents()
    assert {f"2{NASTY[2]}", NASTY[2], NASTY[0], NASTY[5]} <= set(facts)
    for query, name in zip(["0<img", "1$", "2</", "3{", "4'", "5java"], NASTY, strict=True):
        page.locator("#query").fill(query)
        expect(page.locator("#found .item b")).to_have_text(name)
        page.locator("#query").press("Enter")
        expect(page.locator("#card h2")).to_have_text(name)
        expect(page.locator("#card dd").first).to_have_text(query[0] + name)
    page.locator("#query").fill(NASTY[1] + "?")
    expect(page.locator("#found .empty")).to_contain_text(NASTY[1][:20])
    page.locator("button.row").first.click()
    expect(page.locator("#card p").first).to_have_text(page.locator("button.row small").first.text_content() or "")
    box = page.locator(".folium-map").bounding_box()
    assert box is not None
    for part in (0.3, 0.4, 0.5, 0.6):
        page.mouse.move(box["x"] + box["width"] * part, box["y"] + box["height"] / 2)
        expect(page.locator("#tip b")).not_to_be_empty()
    page.keyboard.press("b")
    page.locator("#colours label").nth(2).click()
    page.locator("#language").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.emulate_media(media="print")
    assert page.locator("img, svg, b b").count() == 0


def test_the_reader_switches_between_before_and_after_by_key_or_click(opened):
    page = opened(draw_map(line_proposal(), language="en"))

    expect(page.locator(".verdict strong")).to_have_text("Fair: every territory is within its tolerance.")
    assert page.locator(".tile-value").all_text_contents() == ["50%→0%", "50%→0%", "3", "3 of 3", "10%"]
    page.keyboard.press("b")
    expect(page.locator(".verdict strong")).to_have_text("T1 has 50% too much potential.")
    expect(page.locator("#views input:checked")).to_have_value("before")
    page.locator("#views input:checked").press("ArrowRight")
    expect(page.locator("#views input:checked")).to_have_value("after")
    expect(page.locator("#views input:checked")).to_be_focused()
    page.locator("#views label").first.click()
    expect(page.locator(".verdict")).to_have_class("verdict unfair")
    assert "Potential +50% → 0%, Workload +50% → 0%" in (
        page.locator("button.row").first.get_attribute("aria-label") or ""
    )


def test_territories_within_the_tolerance_are_painted_fair(opened):
    wide = replace(line_proposal(), tolerance={"potential": 3.0, "workload": 3.0})
    page = opened(draw_map(wide, language="en"))

    page.keyboard.press("b")
    ground = page.evaluate("""() => {
        const canvas = document.querySelector(".folium-map canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Set();
        for (let i = 0; i < data.length; i += 4) colours.add(data.slice(i, i + 4).join());
        return [colours.has("225,228,228,255"), [...colours].some((each) => {
            const [red, , blue, alpha] = each.split(",").map(Number);
            return alpha === 255 && red === 243 && blue === 195;
        })];
    }""")

    assert ground == [True, False]


def test_territories_are_coloured_and_a_click_on_a_bar_zooms_to_one(opened):
    page = opened(draw_map(line_proposal(), language="en"))
    colour_at = """([x, y]) => {
        const canvas = document.querySelector(".folium-map canvas");
        const box = canvas.getBoundingClientRect();
        return Array.from(canvas.getContext("2d").getImageData(x - box.x, y - box.y, 1, 1).data);
    }"""
    spot = """([lon, lat]) => {
        const point = map_territories.latLngToContainerPoint([lat, lon]);
        const box = document.querySelector(".folium-map").getBoundingClientRect();
        return [Math.round(point.x + box.x), Math.round(point.y + box.y)];
    }"""
    proposal = line_proposal()
    lon, lat = unproject(np.array([[500.0, 0.0], [2000.0, 0.0]]), proposal.portfolio.customers.crs)
    between, customer = ([float(lon[i]), float(lat[i])] for i in range(2))

    even = page.evaluate(colour_at, page.evaluate(spot, between))
    page.keyboard.press("b")
    unfair = page.evaluate(colour_at, page.evaluate(spot, between))
    zoom = page.evaluate("map_territories.getZoom()")
    page.locator("button.row", has_text="T1").click()
    nearer = page.evaluate("map_territories.getZoom()")
    page.mouse.click(*page.evaluate(spot, customer))

    assert even == [225, 228, 228, 255]
    assert unfair[0] > unfair[2] + 40  # orange: too much
    assert nearer > zoom
    expect(page.locator("#card dd").first).to_have_text("3")
    expect(page.locator("#card p")).to_have_text("stays")


def test_search_is_driven_by_arrows_and_enter(opened):
    page = opened(draw_map(line_proposal(), language="en"))

    page.keyboard.press("/")
    page.keyboard.type("1")
    expect(page.locator('#found [aria-selected="true"] b')).to_have_text("T1")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#query")).to_have_attribute("aria-activedescendant", "found-2")
    page.keyboard.press("Enter")

    expect(page.locator("#card dd").first).to_have_text("10")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()


def test_only_moved_customers_can_be_shown_and_each_tells_why_it_moves(opened):
    page = opened(draw_map(line_proposal(), language="en"))

    page.get_by_label("Only moved customers").check()
    page.locator("#moves summary").click()
    page.locator("#moves .item").first.click()

    names = page.locator("#card dt").all_text_contents()
    facts = dict(zip(names, page.locator("#card dd").all_text_contents(), strict=True))
    assert facts["From"] == "T1"
    assert facts["To"] == "T2"
    assert facts["Reason"] == "balances workload"
    assert facts["Staying would cost, % of the plan"] == "2.5"
    assert facts["Next best"] == "nobody"


def test_a_long_label_leaves_the_values_of_a_card_their_room(opened):
    page = opened(draw_map(line_proposal(), language="en"))
    page.set_viewport_size({"width": 1400, "height": 900})

    page.locator("#moves summary").click()
    page.locator("#moves .item").first.click()

    card, value = (page.locator(place).first.bounding_box() for place in ("#card", "#card dd"))
    assert value["width"] > 0.4 * card["width"]


def test_a_reason_is_told_in_the_readers_language(opened):
    line = line_of_customers(8, reps=2)
    owner = pd.Series(["T1"] * 6 + ["T2"] * 2, index=line.customers.index, dtype="str")
    line = replace(line, customers=line.customers.assign(territory=owner))
    page = opened(draw_map(realign(line, tolerance=0.05, seed=1, travel="none"), language="zh"))

    page.locator("#query").fill("5")
    page.keyboard.press("Enter")

    expect(page.locator("#card")).to_contain_text("T1 的潜力超出应得份额 50%；T2 的潜力低于应得份额 50%")
    page.locator("#language").click()
    expect(page.locator("#card")).to_contain_text("T1 is 50% over its share of potential; T2 is 50% under its share")


def test_the_page_speaks_the_readers_language_and_fits_a_phone(opened):
    page = opened(draw_map(line_proposal()), locale="zh-CN")

    expect(page.locator("h1")).to_have_text("区域调整方案")
    page.locator("#language").click()
    expect(page.locator("h1")).to_have_text("Territory proposal")
    page.set_viewport_size({"width": 375, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.locator("#grip").click()
    expect(page.locator("#grip")).to_have_attribute("aria-expanded", "true")
    page.locator("button.row").first.press("Enter")
    expect(page.locator("button.row").first).to_be_focused()
    expect(page.locator("#grip")).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#card")).to_be_in_viewport()


def test_empty_cases_are_said_in_words(opened):
    nobody = line_of_customers(1, reps=1)
    nobody = Portfolio(nobody.customers.iloc[:0], nobody.reps.iloc[:0], nobody.rules, nobody.unplaced)

    page = opened(draw_map(nobody, language="en"))

    expect(page.locator("#empty-map")).to_be_visible()
    expect(page.locator(".verdict")).to_have_text("There are no territories yet.")
    expect(page.locator("#views")).to_be_hidden()
    page.locator("#unplaced summary").click()
    expect(page.locator("#unplaced .empty")).to_have_text("Every customer has a place on the map.")


def test_todays_territories_are_drawn_without_a_proposal(opened):
    page = opened(draw_map(line_of_customers(6, reps=2), language="en"))

    expect(page.locator("h1")).to_have_text("Territories today")
    expect(page.locator("#views")).to_be_hidden()
    expect(page.locator("#moves")).to_have_count(0)
    expect(page.locator("button.row")).to_have_count(2)
