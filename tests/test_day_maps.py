"""The page of a day or a month: it shows what it is told, asks no other host, and takes no name for anything else."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from territory.errors import NotFoundError
from territory.geo import from_wgs84
from territory.itinerary import Day
from territory.maps import draw_days
from tests.test_itinerary import day, tour, weeks
from tests.test_maps import NASTY, Opener, scene_of
from tests.test_maps import opened as opened

LEFT_OUT = pd.DataFrame({"rep_id": ["R01"], "customer_id": ["9"], "reason": ["the days are full"]}).assign(
    reason_zh="各日已排满"
)


@cache
def nasty_day() -> Day:
    """Stops, reasons and the rep with names that a careless page would run."""
    stops = pd.concat([day().stops] * 2, ignore_index=True).assign(customer_id=NASTY, name=NASTY, stop=range(1, 7))
    left_out = pd.DataFrame({"customer_id": NASTY, "name": NASTY[::-1], "reason": NASTY})
    legs = [*day().legs, *day().legs[:3]]
    return replace(day(), rep=NASTY[0], rep_name=NASTY[2], stops=stops, legs=legs, left_out=left_out)


def two_reps() -> list[Day]:
    return [*weeks(), *(replace(one, rep="R02", rep_name="Rui") for one in weeks()[:2])]


def drawn(scene: dict[str, Any], place: list[int]) -> np.ndarray:
    return (np.array(place) + scene["origin"]) / scene["degree"]


def test_the_page_is_told_where_stops_are_and_when_they_are_visited():
    scene = scene_of(draw_days([day()]))

    told = scene["days"][0]
    assert [stop["id"] for stop in told["stops"]] == day().stops["customer_id"].tolist()
    assert [stop["start"] for stop in told["stops"]] == day().stops["start"].dt.strftime("%H:%M").tolist()
    places = np.array([drawn(scene, [stop["x"], stop["y"]]) for stop in told["stops"]])
    assert places == pytest.approx(day().stops[["lon", "lat"]].to_numpy(), abs=1e-5)
    assert len(told["legs"]) == 4


def test_on_amap_s_tiles_everything_is_drawn_in_amap_s_coordinates():
    shanghai = replace(
        day(),
        stops=day().stops.assign(lon=[121.47, 121.48, 121.49], lat=[31.23, 31.24, 31.25]),
        begin=(121.46, 31.22),
        end=(121.46, 31.22),
        legs=[np.array([[121.46, 31.22], [121.47, 31.23]])] * 4,
    )

    scene = scene_of(draw_days([shanghai], tiles="amap"))

    stop = scene["days"][0]["stops"][0]
    shifted = np.array(from_wgs84([121.47], [31.23], "gcj02")).ravel()
    assert drawn(scene, [stop["x"], stop["y"]]) == pytest.approx(shifted, abs=1e-5)
    assert (stop["lon"], stop["lat"]) == (121.47, 31.23)
    assert stop["amap"] == pytest.approx(shifted, abs=1e-6)


def test_the_same_days_give_the_same_page():
    first, second = (draw_days(list(weeks())).get_root().render() for _ in range(2))

    assert first == second


def test_a_language_or_base_map_that_there_is_not_is_refused():
    with pytest.raises(NotFoundError, match="language: There is no 'fr'"):
        draw_days([day()], language="fr")


def test_a_day_is_a_list_from_leaving_to_coming_back(opened: Opener):
    page = opened(draw_days([day()], language="en"))

    expect(page.locator("h1")).to_have_text("Ana, Wed, 3 March 2027")
    rows = page.locator(".timeline .stop")
    expect(rows.first).to_contain_text("Leave")
    expect(rows.last).to_contain_text("Back")
    expect(page.locator(".timeline button.stop")).to_have_count(3)
    expect(page.locator(".timeline")).to_contain_text("appointment")
    expect(page.locator(".note")).to_contain_text("estimate")


@pytest.mark.parametrize(
    ("proof", "language", "told"),
    [
        ("optimal", "zh", "已证明最优"),
        ("gap 1.2 %", "en", "within 1.2 % of the best"),
        ("gap 1.2 %", "zh", "与最优相差不超过 1.2 %"),
        ("infeasible", "zh", "无法安排全部必访客户"),
    ],
)
def test_how_good_a_day_is_stands_there_in_either_language(opened: Opener, proof, language, told):
    page = opened(draw_days([replace(day(), proof=proof)], language=language))

    expect(page.locator(".tile").last).to_contain_text(told)


@pytest.mark.parametrize(
    ("arrive", "order"), [("11:40", ["leg", "Break", "stop"]), ("12:30", ["Break", "leg", "stop"])]
)
def test_a_break_on_arrival_stands_after_the_drive_and_an_earlier_one_before_it(opened: Opener, arrive, order):
    moments = {name: pd.Timestamp(f"2027-03-03 {text}") for name, text in (("arrive", arrive), ("start", "12:45"))}
    stops = day().stops.iloc[:1].assign(**moments, leave=pd.Timestamp("2027-03-03 13:15"))
    pause = pd.Timestamp("2027-03-03 11:45"), pd.Timestamp("2027-03-03 12:45")
    page = opened(draw_days([replace(day(), stops=stops, legs=day().legs[:2], pause=pause)], language="en"))

    rows = page.locator(".timeline > li > :is(.leg, .stop)").evaluate_all(
        """(all) => all.map((row) => {
          if (row.className === "leg") return "leg";
          return row.tagName === "BUTTON" ? "stop" : row.children[1].textContent;
        })"""
    )

    assert rows == ["Leave", *order, "leg", "Back"]


def test_a_chosen_stop_offers_links_that_open_navigation(opened: Opener):
    page = opened(draw_days([day()], language="en"))

    page.locator("button.stop").first.click()

    links = page.locator(".timeline .go a")
    hrefs = [link.get_attribute("href") for link in links.all()]
    assert [href.split("/")[2] if "//" in href else href.split(":")[0] for href in hrefs] == [
        "geo",
        "www.google.com",
        "maps.apple.com",
        "uri.amap.com",
    ]
    assert all(link.get_attribute("rel") == "noopener noreferrer" for link in links.all())
    page.locator("button.stop").first.click()
    expect(links).to_have_count(0)


def test_a_stop_is_chosen_on_the_map(opened: Opener):
    page = opened(draw_days([day()], language="en"))
    place = day().stops.iloc[1]
    x, y = page.evaluate(
        """([lat, lon]) => {
          const map = Object.values(window).find((value) => value instanceof L.Map);
          const box = map.getContainer().getBoundingClientRect();
          const at = map.latLngToContainerPoint([lat, lon]);
          return [box.x + at.x, box.y + at.y];
        }""",
        [place["lat"], place["lon"]],
    )

    page.mouse.click(x, y)

    expect(page.locator("button.stop").nth(1)).to_have_attribute("aria-expanded", "true")


def test_a_month_is_a_calendar_and_a_day_of_it_is_chosen_there(opened: Opener):
    page = opened(draw_days(list(weeks()), language="en", left_out=LEFT_OUT))
    cells = page.locator(".calendar button")

    expect(cells).to_have_count(len(weeks()))
    expect(page.locator(".list")).to_contain_text("the days are full")
    cells.nth(1).click()
    expect(page.locator(".timeline button.stop")).to_have_count(len(weeks()[1].stops))
    page.keyboard.press("Escape")
    expect(page.locator(".timeline")).to_have_count(0)


def test_of_several_reps_one_is_chosen(opened: Opener):
    page = opened(draw_days(two_reps(), language="en"))

    page.locator("select.whose").select_option("1")

    expect(page.locator("h1")).to_contain_text("Rui")
    expect(page.locator(".calendar button")).to_have_count(2)


def test_a_night_away_stands_in_the_calendar_and_at_the_day_s_end(opened: Opener):
    page = opened(draw_days(list(tour()), language="en"))

    expect(page.locator(".calendar em")).to_have_count(1)
    page.locator(".calendar button").first.click()
    expect(page.locator(".timeline li").last).to_contain_text(f"Night near {tour()[0].night_after}")


def test_the_page_speaks_chinese(opened: Opener):
    page = opened(draw_days(list(weeks())), locale="zh-CN")

    expect(page.locator(".calendar th").first).to_have_text("周一")
    page.locator("#language").click()
    expect(page.locator(".calendar th").first).to_have_text("Mon")


def test_a_reason_is_told_in_the_language_of_the_page(opened: Opener):
    page = opened(draw_days(list(weeks()), language="zh", left_out=LEFT_OUT))

    page.locator(".list summary").click()

    expect(page.locator(".reason")).to_have_text("9 · 各日已排满")
    page.locator("#language").click()
    expect(page.locator(".reason")).to_have_text("9 · the days are full")


def test_every_word_is_there_in_both_languages():
    page = draw_days([day()]).get_root().render()

    parts = re.findall(r"Object\.assign\(STRINGS\.(en|zh), \{(.*?)\n\}\);", page, re.DOTALL)
    english, chinese = (re.findall(r"^  (\w+):", body, re.MULTILINE) for _, body in parts)

    assert [language for language, _ in parts] == ["en", "zh"]
    assert english == chinese != []


def test_names_are_shown_as_they_are_and_run_nothing(opened: Opener):
    page = opened(draw_days([nasty_day()], language="en", title=NASTY[3]))

    assert page.locator("button.stop b").all_text_contents() == NASTY
    page.locator("button.stop").first.click()
    page.locator(".list summary").click()
    expect(page.locator(".reason").first).to_contain_text(NASTY[0])
    expect(page.locator("h1")).to_have_text(NASTY[3])


def test_a_phone_shows_the_map_and_a_card_of_the_chosen_stop(opened: Opener):
    page = opened(draw_days([day()], language="en"))
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#grip").click()

    page.locator("button.stop").nth(1).click()
    page.locator("#grip").click()

    expect(page.locator("#card")).to_contain_text("Stop 2 of 3")
    page.locator("#card .close").click()
    expect(page.locator("#card")).to_be_hidden()


def test_no_days_are_told(opened: Opener):
    page = opened(draw_days([], language="en"))

    expect(page.locator("#empty-map")).to_have_text("There are no days to show.")


def test_a_month_prints_with_its_calendar(opened: Opener):
    page = opened(draw_days(list(weeks()), language="en"))

    page.emulate_media(media="print")

    expect(page.locator(".calendar")).to_be_visible()
    expect(page.locator(".zoom")).to_be_hidden()
