"""A rep's day and month as people carry them."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from functools import cache

import gpxpy
import icalendar
import numpy as np
import pandas as pd
import pytest

from territory.callplan import CallPlan, plan_calls
from territory.errors import DataError, NotFoundError
from territory.geo import to_wgs84
from territory.itinerary import (
    Day,
    calendar_text,
    days_of,
    days_table,
    left_out_table,
    navigation_links,
    read_calls,
    read_stops,
    stops_table,
    track_text,
    write_itinerary,
)
from territory.itinerary.keeping import plan_text
from territory.model import Portfolio
from territory.routing import solve_route
from tests.callplan.weeks import planned, town
from tests.worlds import line_of_customers

NASTY = "=cmd|' /C calc'!A0 <b>&\u0007 (x) ,;\\ 店"
"""A name that a careless file would run, break or end at."""


@cache
def street() -> Portfolio:
    """Six customers in a row, a kilometre apart, R01 amid them; the last one has a nasty name."""
    line = line_of_customers(6, reps=1)
    names = ["Shop 1", "Shop 2", "Shop 3", "Shop 4", None, NASTY]
    return replace(line, customers=line.customers.assign(name=names), reps=line.reps.assign(name="Ana"))


@cache
def day() -> Day:
    visits = pd.DataFrame(
        {"must": True, "appointment": [None, "14:00", None]}, index=pd.Index(["1", "3", "6"], name="customer_id")
    )
    (planned,) = days_of(solve_route(street(), rep="R01", day="2027-03-03", visits=visits))
    return planned


@cache
def calls() -> CallPlan:
    return plan_calls(street(), start="2027-03-01", weeks=2, seed=1, effort=0.1, workers=1)


@cache
def weeks() -> tuple[Day, ...]:
    return tuple(days_of(calls(), street()))


@cache
def tour() -> tuple[Day, ...]:
    """Two days with a night between them, 230 km from home."""
    world = town([(230.0 + km, 0.0) for km in range(8)], minutes_per_visit=45.0)
    away = replace(world, reps=world.reps.assign(nights_away=1.0))
    return tuple(days_of(planned(away, weeks=1), away))


def entries(text: str) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(text).walk("VEVENT"))


def test_a_route_becomes_a_day_with_places_in_degrees():
    planned = day()

    assert (planned.rep, planned.rep_name, planned.title) == ("R01", "Ana", "Ana, 2027-03-03")
    assert planned.stops["customer_id"].tolist() == ["1", "3", "6"] or planned.stops["stop"].tolist() == [1, 2, 3]
    assert planned.stops.loc[planned.stops["customer_id"] == "3", "appointment"].tolist() == [True]
    # A thousand metres of the equal-area world are 0.0104 degrees of longitude.
    gap = planned.stops.set_index("customer_id")["lon"]
    assert gap["6"] - gap["1"] == pytest.approx(5 * (gap["3"] - gap["1"]) / 2)
    assert planned.begin == planned.end
    assert len(planned.legs) == 4
    assert all(len(leg) == 2 for leg in planned.legs)
    assert planned.is_estimate


def test_the_way_of_a_day_leads_from_stop_to_stop():
    planned = day()

    places = [planned.begin, *planned.stops[["lon", "lat"]].itertuples(index=False, name=None), planned.end]

    for leg, start, end in zip(planned.legs, places[:-1], places[1:], strict=True):
        assert leg[[0, -1]] == pytest.approx(np.array([start, end]), abs=1e-6)


def test_a_day_is_as_long_as_from_leaving_to_coming_back():
    planned = day()

    assert planned.minutes == (planned.home - planned.depart).total_seconds() / 60
    assert planned.depart < planned.stops["arrive"].iloc[0]
    assert planned.home > planned.stops["leave"].iloc[-1]


def test_a_call_plan_becomes_its_days_in_order_with_every_visit_on_one_of_them():
    planned = weeks()

    assert [day.date for day in planned] == sorted({dt.date.fromisoformat(text) for text in calls().visits["day"]})
    told = [(day.date.isoformat(), name) for day in planned for name in day.stops["customer_id"]]
    assert told == list(zip(calls().visits["day"], calls().visits["customer_id"], strict=True))
    assert all(len(day.legs) == len(day.stops) + 1 for day in planned)


def test_a_call_plan_needs_its_portfolio_and_knows_its_reps():
    with pytest.raises(DataError, match=r"days_of\(calls, portfolio\)"):
        days_of(calls())
    with pytest.raises(NotFoundError, match="There are R01"):
        days_of(calls(), street(), rep="R09")

    assert len(days_of(calls(), street(), rep="R01")) == len(weeks())


def test_a_link_leads_each_app_to_the_place():
    links = navigation_links(121.47, 31.23, "店 (A&B)")

    assert links["geo"] == "geo:31.230000,121.470000?q=31.230000,121.470000(%E5%BA%97%20%28A%26B%29)"
    assert "destination=31.230000,121.470000&" in links["google"]
    assert "daddr=31.230000,121.470000&" in links["apple"]
    assert "%E5%BA%97%20%28A%26B%29" in links["apple"]


def test_amap_is_told_the_place_in_its_own_coordinates():
    told = navigation_links(121.47, 31.23)["amap"].partition("to=")[2].split(",")

    lon, lat = (float(value) for value in told[:2])
    back = to_wgs84([lon], [lat], "gcj02")
    assert abs(lon - 121.47) > 0.003
    assert (float(back[0][0]), float(back[1][0])) == pytest.approx((121.47, 31.23), abs=2e-6)


def test_abroad_amap_is_told_the_place_as_it_is():
    assert "to=-8.610000,41.150000," in navigation_links(-8.61, 41.15)["amap"]


def test_each_visit_is_an_entry_of_the_calendar_and_so_is_the_break():
    told = entries(calendar_text([day()]))

    visits = [entry for entry in told if entry["summary"] != "Break"]
    stops = day().stops
    assert [entry["dtstart"].dt for entry in visits] == [
        moment.to_pydatetime() for moment in stops["start"].dt.floor("s")
    ]
    assert [entry["dtend"].dt for entry in visits] == [
        moment.to_pydatetime() for moment in stops["leave"].dt.floor("s")
    ]
    assert sorted(str(entry["summary"]) for entry in visits) == sorted(
        ["Shop 1", "Shop 3", NASTY.replace("\u0007", "")]
    )
    assert (len(told) - len(visits)) == (day().pause is not None)
    assert "amap: https://uri.amap.com" in visits[0]["description"]


def test_an_entry_is_known_again_when_the_plan_changes_and_told_apart_from_others():
    before = {entry["uid"] for entry in entries(calendar_text([day()]))}
    later = replace(day(), stops=day().stops.assign(start=day().stops["start"] + pd.Timedelta(minutes=5)))
    elsewhere = replace(day(), date=dt.date(2027, 3, 4))

    assert {entry["uid"] for entry in entries(calendar_text([later]))} == before
    assert not {entry["uid"] for entry in entries(calendar_text([elsewhere]))} & before


def test_times_are_those_of_the_phone_or_of_a_zone_that_is_named():
    floating, zoned = (entries(calendar_text([day()], timezone=zone))[0] for zone in (None, "Asia/Shanghai"))

    assert floating["dtstart"].dt.tzinfo is None
    assert zoned["dtstart"].dt.utcoffset() == dt.timedelta(hours=8)
    with pytest.raises(NotFoundError, match="no time zone 'Mars/Base'"):
        calendar_text([day()], timezone="Mars/Base")


def test_a_calendar_with_a_named_zone_holds_the_rules_of_that_zone():
    calendar = icalendar.Calendar.from_ical(calendar_text([day()], timezone="Europe/Paris"))

    assert [str(zone["tzid"]) for zone in calendar.walk("VTIMEZONE")] == ["Europe/Paris"]


def test_a_night_away_is_told_in_every_form():
    first, last = tour()

    (night,) = [entry for entry in entries(calendar_text([first, last])) if "Night" in entry["summary"]]
    assert str(night["summary"]) == f"Night away, near {first.night_after}"
    assert night["dtstart"].dt == first.home.to_pydatetime()
    assert night["dtend"].dt == last.depart.to_pydatetime()
    assert days_table([first, last])[["night_before", "night_after"]].to_numpy().tolist() == [
        ["", first.night_after],
        [first.night_after, ""],
    ]
    ends = [route.points[-1].name for route in gpxpy.parse(track_text([first, last])).routes]
    assert ends == [f"end, night near {first.night_after}", "end"]


def test_the_track_has_each_stop_and_the_whole_way():
    read = gpxpy.parse(track_text([day()]))

    assert read.waypoints[0].name.startswith("1. ")
    assert len(read.routes[0].points) == 5
    assert [segment.get_points_no() for segment in read.tracks[0].segments] == [2, 2, 2, 2]
    place = day().stops.iloc[0]
    assert (read.waypoints[0].longitude, read.waypoints[0].latitude) == pytest.approx(
        (place["lon"], place["lat"]), abs=1e-6
    )


def test_tables_hold_a_row_a_stop_and_a_row_a_day():
    stops, days = stops_table(weeks()), days_table(weeks())

    assert len(stops) == len(calls().visits)
    assert stops[["arrive", "leave"]].map(lambda text: pd.to_datetime(text, format="%H:%M:%S")).notna().all(axis=None)
    assert days["visits"].sum() == len(stops)
    assert days["date"].tolist() == [day.date.isoformat() for day in weeks()]
    assert list(left_out_table(weeks())) == ["date", "rep_id", "customer_id", "name", "reason", "reason_zh"]


def test_no_days_make_empty_tables_and_files_that_can_still_be_read(tmp_path):
    files = write_itinerary([], tmp_path)

    assert pd.read_csv(tmp_path / "stops.csv").empty
    assert entries((tmp_path / "visits.ics").read_text("utf-8")) == []
    assert gpxpy.parse((tmp_path / "visits.gpx").read_text("utf-8")).waypoints == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)


def test_who_is_left_out_has_a_file_as_long_as_there_is_somebody(tmp_path):
    lost = pd.DataFrame({"customer_id": ["9"], "name": [""], "reason": ["closed"], "reason_zh": ["不接待"]})

    some = write_itinerary([replace(day(), left_out=lost)], tmp_path)
    told = pd.read_csv(tmp_path / "left_out.csv", dtype=str)
    none = write_itinerary([day()], tmp_path)

    assert told.loc[0, ["date", "rep_id", "customer_id", "reason"]].tolist() == ["2027-03-03", "R01", "9", "closed"]
    assert set(some) - set(none) == {"left_out.csv"}
    assert not (tmp_path / "left_out.csv").exists()


def test_a_day_without_visits_is_a_day():
    empty = replace(day(), stops=day().stops.iloc[:0], legs=day().legs[:1], pause=None)

    assert days_table([empty])["visits"].tolist() == [0]
    assert stops_table([empty]).empty
    assert entries(calendar_text([empty])) == []
    assert len(gpxpy.parse(track_text([empty])).tracks[0].segments) == 1


def test_a_name_is_data_in_every_file(tmp_path):
    write_itinerary([day()], tmp_path)

    text = (tmp_path / "stops.csv").read_text("utf-8")
    read = pd.read_csv(io.StringIO(text), dtype=str)
    assert read.loc[read["customer_id"] == "6", "name"].tolist() == [f"'{NASTY}"]
    points = gpxpy.parse((tmp_path / "visits.gpx").read_text("utf-8")).waypoints
    assert any(point.name.endswith("<b>& (x) ,;\\ 店") for point in points)


def test_the_same_days_give_the_same_bytes(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]

    files, _ = (write_itinerary(list(weeks()), folder) for folder in folders)

    assert [(folders[0] / name).read_bytes() for name in files] == [(folders[1] / name).read_bytes() for name in files]


def test_the_break_of_a_planned_day_stands_in_its_calendar():
    busy = replace(street(), customers=street().customers.assign(visits_per_year=92.0, minutes_per_visit=150.0))
    planned = days_of(plan_calls(busy, start="2027-03-01", weeks=1, seed=1, effort=0.1, workers=1), busy)

    told = entries(calendar_text(planned))

    breaks = [entry for entry in told if entry["summary"] == "Break"]
    assert len(breaks) == sum(day.pause is not None for day in planned) > 0
    assert {entry["dtend"].dt - entry["dtstart"].dt for entry in breaks} == {dt.timedelta(minutes=60)}


def test_a_plan_that_was_kept_is_one_to_stay_near_to(tmp_path):
    (tmp_path / "calls.json").write_text(plan_text(calls()), encoding="utf-8")

    earlier = read_calls(tmp_path)

    assert (earlier.start, earlier.finish) == (calls().start, calls().finish)
    assert set(earlier.customers) == set(calls().customers)
    assert set(map(tuple, earlier.visits.to_numpy())) == set(
        map(tuple, calls().visits[["customer_id", "day"]].to_numpy())
    )
    asked = {"start": "2027-03-08", "weeks": 1, "seed": 2, "effort": 0.1, "workers": 1}
    pd.testing.assert_frame_equal(
        plan_calls(street(), **asked, previous=earlier).visits, plan_calls(street(), **asked, previous=calls()).visits
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"start": "soon", "weeks": 2, "days_by_customer": {}}'])
def test_a_plan_that_cannot_be_read_is_told(tmp_path, text):
    with pytest.raises(NotFoundError, match="territory calls"):
        read_calls(tmp_path)
    (tmp_path / "calls.json").write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match="holds no call plan"):
        read_calls(tmp_path)


def test_the_stops_of_a_folder_are_visits_to_plan_again(tmp_path):
    write_itinerary([day()], tmp_path)

    stops = read_stops(tmp_path)

    assert set(stops["customer_id"]) == {"1", "3", "6"}
    assert set(stops["rep_id"]) == {"R01"}
    assert stops.set_index("customer_id")["appointment"].dropna().to_dict() == {"3": "14:00"}
    visits = stops.set_index("customer_id")
    again = solve_route(street(), rep="R01", day=stops["day"].iloc[0], visits=visits)
    assert again.stops["customer_id"].tolist() == stops["customer_id"].tolist()


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_stops_that_cannot_be_read_are_told(tmp_path, text):
    with pytest.raises(NotFoundError, match="territory calls"):
        read_stops(tmp_path)
    (tmp_path / "stops.csv").write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match="holds no stops"):
        read_stops(tmp_path)
