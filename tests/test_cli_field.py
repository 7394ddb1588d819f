"""The rep's commands and the roads, as a person meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.loopback import answering
from tests.terminal import Run, territory
from tests.towns import SQUARE, STREET, osm_xml

CUSTOMERS = "\n".join(
    [
        "customer_id,name,lon,lat,potential,visits_per_year,minutes_per_visit,territory",
        *(f"{n:02},Shop {n},{n / 1000},{0.0001 * (n % 3)},100,26,30,T1" for n in range(8)),
    ]
)
REPS = "rep_id,name,territory,lon,lat\nR1,Ana,T1,0.004,0.002\n"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight shops along a street, a rep, an extract, and a list of visits for a day."""
    folder = tmp_path_factory.mktemp("town")
    (folder / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    (folder / "reps.csv").write_text(REPS, encoding="utf-8")
    # As fast as the rules say, but one goes around: the other way along the street is closed.
    ways = [("AB", {**STREET, "oneway": "yes"}), ("BCDA", STREET)]
    (folder / "city.osm").write_text(osm_xml(SQUARE, ways), encoding="utf-8")
    (folder / "today.csv").write_text("customer_id,must,appointment\n01,yes,\n03,,14:00\n05,no,\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def built(town: Path) -> tuple[Run, Path]:
    target = town / "city.roads"
    return territory("roads", "build", town / "city.osm", "--out", target, "--name", "Squaretown"), target


@pytest.fixture(scope="module")
def routed(town: Path) -> tuple[Run, Path]:
    out = town / "wednesday"
    return territory("route", *files(town), "--day", "2027-03-03", *chosen(town), "--out", out), out


@pytest.fixture(scope="module")
def called(town: Path) -> tuple[Run, Path]:
    out = town / "march"
    asked = ("--start", "2027-03-01", "--weeks", "2", "--holiday", "2027-03-08", "--workers", "1", "--out", out)
    return territory("calls", *files(town), *asked), out


def files(town: Path) -> tuple[Path, Path]:
    return town / "customers.csv", town / "reps.csv"


def chosen(town: Path) -> tuple[object, ...]:
    return "--rep", "R1", "--visits", town / "today.csv"


# ---- roads


def test_building_roads_tells_what_there_is_and_how_to_use_it(built):
    run, target = built

    assert run.code == 0
    assert "Squaretown" in run.out
    assert f"--roads {target}" in " ".join(run.out.split())
    assert target.is_file()


def test_the_same_extract_makes_the_same_file(built, town):
    again = town / "again.roads"

    territory("roads", "build", town / "city.osm", "--out", again, "--name", "Squaretown", "--quiet")

    assert again.read_bytes() == built[1].read_bytes()


def test_info_says_what_a_graph_holds(built):
    run = territory("roads", "info", built[1], "--json")

    told = json.loads(run.out)
    assert (told["name"], told["roads"], told["file"]) == ("Squaretown", 2, "city.osm")
    assert told["kilometres"] == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("build", "none.osm.pbf"), 1, "no such file"),
        (("info", "none.roads"), 1, "territory roads build"),
        (("build", "{town}/reps.csv"), 1, "cannot be read"),
        (("build", "{town}/city.osm", "--out", "{town}/city.osm"), 2, "would be written"),
    ],
)
def test_what_cannot_be_built_or_read_is_told_in_plain_words(town, words, code, told):
    run = territory("roads", *(word.format(town=town) for word in words))

    assert run.code == code
    assert told in " ".join((run.out + run.err).replace("│", " ").split())  # a long path breaks the line in its box


def test_minutes_by_road_count_in_the_workload(built, town):
    by_line, by_road, none = (
        json.loads(territory("measure", *files(town), "--json", *words).out)
        for words in ((), ("--roads", built[1]), ("--roads", built[1], "--travel", "none"))
    )

    assert [told["travel"] for told in (by_line, by_road, none)] == ["line", "roads", "none"]
    assert by_road["measures"][0]["travel"] > 1.2 * by_line["measures"][0]["travel"]
    assert none["measures"][0]["travel"] == 0


def test_a_plan_is_made_with_minutes_by_road(built, town):
    run = territory(
        "align", *files(town), "--territories", "1", "--travel", "roads", "--roads", built[1], "--out", town / "plan"
    )

    assert run.code == 0
    assert json.loads((town / "plan" / "report.json").read_text("utf-8"))["travel"] == "roads"


def test_the_line_is_fitted_on_the_roads_between_the_customers(built, town):
    run = territory("roads", "fit", town / "customers.csv", "--roads", built[1], "--json")

    told = json.loads(run.out)
    assert told["detour_factor"] > 1.3
    assert told["fitted_on"] == "Squaretown"
    assert "detour_factor = " in territory("roads", "fit", town / "customers.csv", "--roads", built[1]).out
    assert territory("roads", "fit", town / "customers.csv").code == 2


def test_a_table_of_minutes_stands_for_roads_and_says_what_it_lacks(town, tmp_path):
    table = tmp_path / "minutes.csv"
    table.write_text("from,to,minutes\nR1,01,90\n01,03,5\n", encoding="utf-8")

    by_line, by_table = (territory("measure", *files(town), "--json", *words) for words in ((), ("--roads", table)))
    day = ("--day", "2027-03-03", *chosen(town), "--roads", table, "--out", tmp_path)
    routed = territory("route", *files(town), *day)

    assert json.loads(by_table.out)["travel"] == "roads"
    assert json.loads(by_table.out)["measures"][0]["travel"] > json.loads(by_line.out)["measures"][0]["travel"]
    told = "minutes.csv: Of 56 pairs of places 2 are given, 2 are as long as their way back, 52 are reckoned from"
    assert told in " ".join(by_table.err.split())
    assert "travel by table of minutes.csv and straight lines" in " ".join(routed.out.split())
    assert territory("measure", *files(town), "--roads", table, "--quiet").err == ""


def test_a_table_of_minutes_with_unknown_ids_is_told_in_plain_words(town, tmp_path):
    table = tmp_path / "minutes.csv"
    table.write_text("from,to,minutes\n1,03,5\nR1,01,7\n", encoding="utf-8")

    run = territory("measure", *files(town), "--roads", table)
    fitted = territory("roads", "fit", *files(town), "--roads", table)

    assert (run.code, fitted.code) == (1, 1)
    assert "row 2, column 'from': '1' is neither a customer_id nor a rep_id." in " ".join(run.err.split())
    assert "Perhaps '01'?" in run.err


def test_the_line_is_fitted_on_a_table_of_minutes(town, tmp_path):
    table = tmp_path / "minutes.csv"
    table.write_text("from,to,minutes,km\nR1,01,1,1\n01,03,1,1\n", encoding="utf-8")

    run = territory("roads", "fit", *files(town), "--roads", table, "--json")

    assert json.loads(run.out)["fitted_on"] == "table of minutes.csv"


def test_travel_by_road_without_roads_says_how_to_give_them(town):
    run = territory("measure", *files(town), "--travel", "roads")

    assert run.code == 1
    assert "--roads FILE" in run.err


@pytest.fixture
def ors() -> Iterator[tuple[str, list[str | None]]]:
    """A server on loopback that answers as openrouteservice, and the keys that it was given."""
    keys: list[str | None] = []

    def answer(asked: dict) -> dict:
        keys.append(asked["key"])
        table = [[60.0 for _ in asked["destinations"]] for _ in asked["sources"]]
        return {"durations": table, "distances": table}

    with answering(answer) as address:
        yield f"ors+{address}", keys


def test_a_server_s_key_comes_from_the_environment_and_is_not_told(town, ors):
    address, keys = ors

    run = territory("measure", *files(town), "--roads", address, "--json", TERRITORY_TRAVEL_KEY="s3cret")

    assert run.code == 0
    assert set(keys) == {"s3cret"}
    assert "s3cret" not in run.out + run.err


# ---- route


def test_a_route_is_told_as_a_list_and_written_as_files(routed):
    run, out = routed

    assert run.code == 0
    assert "Ana (R1), Wednesday 2027-03-03: 3 visits, travel estimated from straight lines." in " ".join(
        run.out.split()
    )
    assert "appointment" in run.out
    assert sorted(path.name for path in out.iterdir()) == [
        "days.csv",
        "route.html",
        "stops.csv",
        "visits.gpx",
        "visits.ics",
    ]
    stops = pd.read_csv(out / "stops.csv", dtype={"customer_id": str})
    assert sorted(stops["customer_id"]) == ["01", "03", "05"]
    assert stops.loc[stops["customer_id"] == "03", "start"].tolist() == ["14:00:00"]


def test_a_route_is_one_json_document(town):
    run = territory("route", *files(town), "--day", "2027-03-03", *chosen(town), "--json", "--out", town / "json")

    told = json.loads(run.out)
    assert (told["rep"], told["day"], told["is_estimate"]) == ("R1", "2027-03-03", True)
    assert [stop["stop"] for stop in told["stops"]] == [1, 2, 3]
    assert told["stops"][0]["arrive"].startswith("2027-03-03T")


def test_a_route_follows_the_roads(built, town, routed):
    asked = ("--day", "2027-03-03", *chosen(town), "--roads", built[1], "--json", "--out", town / "by-road")

    run = territory("route", *files(town), *asked)

    told = json.loads(run.out)
    assert told["travel"] == "Squaretown"
    assert not told["is_estimate"]
    straight = pd.read_csv(routed[1] / "days.csv")["drive_km"].item()
    assert told["drive_km"] > straight


def test_appointments_that_exclude_each_other_end_with_what_is_wrong(town):
    (town / "both.csv").write_text("customer_id,appointment\n01,14:00\n03,14:00\n", encoding="utf-8")
    asked = ("--rep", "R1", "--day", "2027-03-03", "--visits", town / "both.csv", "--out", town / "both")

    run = territory("route", *files(town), *asked)

    assert run.code == 3
    assert "01" in run.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("route", "--rep", "R1"), 2, "--day"),
        (("route", "--day", "2027-03-03"), 2, "--rep"),
        (("calls",), 2, "--start"),
        (("route", "--rep", "R9", "--day", "2027-03-03"), 1, "R9"),
        (("calls", "--start", "2027-03-01", "--rep", "R9"), 1, "R9"),
        (("route", "--rep", "R1", "--day", "2027-03-03", "--visits", "{town}/reps.csv"), 1, "customer_id"),
        (("route", "--rep", "R1", "--day", "2027-03-03", "--roads", "{town}/city.osm"), 1, "not a road graph"),
        (("route", "--rep", "R1", "--day", "2027-03-03", "--roads", "{town}/reps.csv"), 1, "minutes is missing"),
        (("calls", "--start", "2027-03-01", "--roads", "boat+http://host"), 1, "There are osrm"),
        (("calls", "--start", "2027-03-01", "--absent", "R1"), 2, "R02=2027-03-08"),
        (("calls", "--start", "2027-03-01", "--absent", "R1=soon"), 1, "'soon' is no day"),
        (("calls", "--start", "2027-03-01", "--absent", "R9=2027-03-02"), 1, "R9"),
        (("calls", "--start", "2027-03-01", "--fixed", "{town}/reps.csv"), 1, "customer_id"),
        (("calls", "--start", "2027-03-01", "--fixed", "{town}/none.csv"), 1, "no such file"),
        (("calls", "--start", "2027-03-01", "--previous", "{town}"), 1, "territory calls"),
    ],
)
def test_what_is_missing_or_wrong_is_told_in_plain_words(town, words, code, told):
    name, *options = (word.format(town=town) for word in words)

    run = territory(name, *files(town), *options, "--out", town / "wrong")

    assert run.code == code
    assert told in " ".join((run.out + run.err).split())
    assert not (town / "wrong").exists()


def test_a_file_that_is_read_is_not_written_over(town):
    (town / "own").mkdir(exist_ok=True)
    visits = town / "own" / "stops.csv"
    visits.write_text("customer_id\n01\n", encoding="utf-8")

    run = territory(
        "route", *files(town), "--rep", "R1", "--day", "2027-03-03", "--visits", visits, "--out", town / "own"
    )

    assert run.code == 2
    assert visits.read_text("utf-8") == "customer_id\n01\n"


# ---- calls


def test_weeks_are_told_by_rep_and_written_as_files(called):
    run, out = called

    assert run.code == 0
    assert "R1" in run.out
    names = {path.name for path in out.iterdir()}
    assert names == {
        "calls.html",
        "calls.json",
        "days.csv",
        "dropped.csv",
        "stops.csv",
        "stretched.csv",
        "visits.gpx",
        "visits.ics",
    }
    assert "2027-03-08" not in set(pd.read_csv(out / "stops.csv")["date"])


def test_a_change_within_the_weeks_stays_near_to_the_plan_and_keeps_appointments_and_absences(town, called):
    (town / "fixed.csv").write_text("customer_id,day,time\n03,2027-03-11,10:30\n", encoding="utf-8")
    asked = ("--start", "2027-03-08", "--weeks", "1", "--workers", "1", "--json", "--out", town / "changed")
    changes = ("--previous", called[1], "--absent", "R1=2027-03-09..2027-03-10", "--fixed", town / "fixed.csv")

    run = territory("calls", *files(town), *asked, *changes)

    assert run.code == 0
    stops = pd.read_csv(town / "changed" / "stops.csv", dtype=str)
    appointed = stops[(stops["customer_id"] == "03") & (stops["date"] == "2027-03-11")]
    assert appointed["start"].tolist() == ["10:30:00"]
    assert not set(stops["date"]) & {"2027-03-09", "2027-03-10"}
    told = pd.DataFrame(json.loads(run.out)["changes"])
    before = pd.read_csv(called[1] / "stops.csv", dtype=str)
    kept = before.merge(stops, on=["customer_id", "date"])
    assert len(kept) + (told["change"] != "added").sum() == (before["date"] >= "2027-03-08").sum()
    assert (town / "changed" / "changes.csv").is_file()


def test_weeks_are_one_json_document(town, called):
    asked = ("--start", "2027-03-01", "--weeks", "2", "--holiday", "2027-03-08", "--workers", "1")

    run = territory("calls", *files(town), *asked, "--json", "--out", town / "json-calls")

    told = json.loads(run.out)
    assert told["visits"] == len(pd.read_csv(called[1] / "stops.csv"))
    assert told["measures"][0]["rep_id"] == "R1"


def test_each_of_several_reps_has_a_folder_to_carry(town):
    (town / "two.csv").write_text(REPS + "R 2/x,Rui,T2,0.001,0.001\n", encoding="utf-8")
    rows = "\n".join(row[:-2] + "T2" if row.startswith("01") else row for row in CUSTOMERS.splitlines())
    (town / "divided.csv").write_text(rows, encoding="utf-8")

    run = territory(
        "calls",
        town / "divided.csv",
        town / "two.csv",
        "--start",
        "2027-03-01",
        "--workers",
        "1",
        "--out",
        town / "two",
    )

    assert run.code == 0
    assert sorted(path.name for path in (town / "two" / "reps").iterdir()) == ["R1", "R_2_x"]
    assert "Shop 1" in (town / "two" / "reps" / "R_2_x" / "visits.ics").read_text("utf-8")
    assert "Shop 1" not in (town / "two" / "reps" / "R1" / "visits.ics").read_text("utf-8")


def test_nobody_is_called_on_in_areas_that_are_not_assigned(town, called):
    ring = [[0.0065, -1], [0.01, -1], [0.01, 1], [0.0065, 1], [0.0065, -1]]
    depot = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (town / "depot.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [depot]}), "utf-8")
    asked = ("--start", "2027-03-01", "--weeks", "2", "--workers", "1", "--out", town / "without-depot")

    run = territory("calls", *files(town), "--not-assigned", town / "depot.geojson", *asked)

    assert run.code == 0
    everywhere, elsewhere = (
        set(pd.read_csv(out / "stops.csv", dtype={"customer_id": str})["customer_id"])
        for out in (called[1], town / "without-depot")
    )
    assert "07" in everywhere
    assert "07" not in elsewhere


@pytest.mark.parametrize("command", ["route", "calls", "best-days", "nearby", "roads"])
def test_help_says_what_a_command_does(command):
    run = territory(command, "--help")

    assert run.code == 0
    assert "--json" in run.out or "build" in run.out


# ---- reconcile


def test_routes_are_set_beside_territories_and_what_was_learnt_is_written(town):
    asked = ("--start", "2027-03-01", "--weeks", "1", "--rounds", "4", "--workers", "1")

    run = territory("reconcile", *files(town), *asked, "--out", town / "learnt")

    assert run.code == 0
    assert "Routes and territories agree after" in run.out
    learnt = pd.read_csv(town / "learnt" / "customers.csv")
    assert (learnt["travel_factor"].dropna() > 0).any()
    rounds = pd.read_csv(town / "learnt" / "rounds.csv")
    assert rounds["difference"].abs().iloc[-1] <= 0.05
    assert territory("measure", town / "learnt" / "customers.csv", town / "learnt" / "reps.csv").code == 0


def test_routes_that_do_not_agree_end_with_the_code_for_it(town):
    asked = ("--start", "2027-03-01", "--weeks", "1", "--rounds", "2", "--workers", "1", "--tolerance", "0.0001%")

    run = territory("reconcile", *files(town), *asked, "--json", "--out", town / "apart")

    assert run.code == 3
    assert json.loads(run.out)["is_settled"] is False


def test_reconciling_does_not_write_over_what_it_reads(town):
    run = territory("reconcile", *files(town), "--start", "2027-03-01", "--out", town, columns=500)

    assert run.code == 2
    assert "is read, and would be written" in run.err


# ---- best-days and nearby


def test_the_best_day_for_an_appointment_is_told_with_the_driving_more(town, called):
    asked = ("best-days", *files(town), "--customer", "07", "--calls", called[1], "--at", "10:30", "--minutes", "60")

    told = json.loads(territory(*asked, "--json").out)
    run = territory(*asked)

    assert told["rep"] == "R1"
    planned = pd.read_csv(called[1] / "days.csv")["date"]
    assert sorted(day["day"] for day in told["days"]) == sorted(planned)
    assert all(day["fits"] for day in told["days"])
    detours = [day["detour_minutes"] for day in told["days"]]
    assert detours == sorted(detours)
    assert run.code == 0
    assert f"A visit to Shop 7 (07) on {len(planned)} days of R1, the best first." in " ".join(run.out.split())


def test_a_visit_that_fits_on_no_day_says_why(town, called):
    asked = ("--customer", "07", "--calls", called[1], "--minutes", "600")

    run = territory("best-days", *files(town), *asked)

    assert run.code == 3
    assert "Drive and visit take longer than the shift." in " ".join(run.err.split())


def test_only_days_from_a_day_on_come_into_question(town, called):
    asked = ("best-days", *files(town), "--customer", "07", "--calls", called[1], "--start", "2027-03-09", "--json")

    days = [day["day"] for day in json.loads(territory(*asked).out)["days"]]

    assert days
    assert min(days) >= "2027-03-09"


def test_who_is_worth_a_stop_on_the_way_is_told_with_what_it_takes(town, routed):
    asked = ("nearby", *files(town), "--rep", "R1", "--day", "2027-03-03")

    by_list = json.loads(territory(*asked, "--visits", town / "today.csv", "--json").out)
    by_folder = json.loads(territory(*asked, "--calls", routed[1], "--count", "3", "--json").out)

    assert {stop["customer_id"] for stop in by_list["nearby"]} == {"02", "04", "06", "07"}
    assert len(by_folder["nearby"]) == 3
    assert "Worth a stop, the best first:" in territory(*asked, "--calls", routed[1]).out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("best-days", "--customer", "99"), 1, "99"),
        (("best-days",), 2, "--customer"),
        (("nearby", "--rep", "R1", "--day", "2027-05-01"), 1, "No such day is planned for R1."),
        (("nearby", "--rep", "R9", "--day", "2027-03-03"), 1, "R9"),
        (("nearby", "--rep", "R1", "--day", "2027-03-03", "--calls", "nowhere"), 1, "There is no such file."),
    ],
)
def test_questions_that_cannot_be_answered_are_told_in_plain_words(town, called, words, code, told):
    command, *rest = words
    plan = () if "--calls" in rest else ("--calls", called[1])

    run = territory(command, *files(town), *rest, *plan, columns=500)

    assert run.code == code
    assert told in run.err
