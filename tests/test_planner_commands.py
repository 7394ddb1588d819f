"""The planner's commands as a person meets them: proposals, tradeoff, size, simulate, adjust."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from territory.adjustment import adjust
from territory.errors import DataError
from territory.files import read_portfolio, write_proposal
from territory.realignment import align, realign
from territory.reopening import reopen
from tests.terminal import Run, territory
from tests.test_cli import write_town

REPS = ("rep_id,territory,lon,lat", "R1,T1,2.305,48.85", "R2,T2,2.315,48.85", "R3,T3,2.32,48.85")


@pytest.fixture(scope="module")
def unfair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a street of 24 customers, of whom T1 has twice as many as T2 and T3."""
    folder = tmp_path_factory.mktemp("unfair")
    write_town(folder, count=24, territories=3)
    (folder / "reps.csv").write_text("\n".join(REPS) + "\n", encoding="utf-8")
    return folder


def inputs(folder: Path) -> tuple[Path, Path]:
    return folder / "customers.csv", folder / "reps.csv"


def plain(text: str) -> str:
    return " ".join(text.split())


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# ---- proposals


@pytest.fixture(scope="module")
def front(unfair: Path) -> tuple[Run, Path]:
    out = unfair / "plans"
    words = ("--count", 4, "--tolerance", "15%", "--travel", "none", "--out", out)
    return territory("proposals", *inputs(unfair), *words, columns=100), out


def test_proposals_writes_every_plan_into_the_folder_of_its_number(front):
    run, out = front

    table = rows_of(out / "front.csv")
    numbers = [f"{int(row['plan']):02}" for row in table]

    assert run.code == 0
    assert 1 <= len(table) <= 4
    assert sorted(path.name for path in out.iterdir()) == [*numbers, "front.csv", "front.html"]
    assert {path.name for path in (out / "01").iterdir()} == {
        *("alignment.csv", "moves.csv", "territories.geojson", "report.json", "proposal.html")
    }
    report = json.loads((out / "01" / "report.json").read_text(encoding="utf-8"))
    assert report["label"] == table[0]["label"]


def test_a_front_of_which_no_plan_keeps_the_tolerance_says_why_and_ends_with_exit_code_3(tmp_path):
    write_town(tmp_path, count=25, territories=3)
    words = ("--count", 2, "--tolerance", "0.1%", "--travel", "none", "--out", tmp_path / "plans")

    run = territory("proposals", tmp_path / "customers.csv", *words, columns=200)

    assert run.code == 3
    assert "No plan keeps every rule." in plain(run.out)
    assert "tolerance on" in plain(run.err)
    for path in (tmp_path / "plans").glob("0?/report.json"):
        report = json.loads(path.read_text(encoding="utf-8"))
        assert report["tolerance"] == {"potential": 0.001, "workload": 0.001}
        assert report["reasons"]


def test_proposals_names_each_plan_and_what_plans_are_traded_on(front):
    run, out = front

    said = plain(run.out)

    assert "Plan Moves deviation to middle What it is" in said
    for row in rows_of(out / "front.csv"):
        assert row["label"] in said
    assert "balanced choice" in said
    assert "each plan is in the folder of its number" in said


def test_the_chart_links_every_plan_and_loads_nothing(front):
    _, out = front

    page = (out / "front.html").read_text(encoding="utf-8")

    linked = set(re.findall(r'href="([^"]+\.html)"', page))
    assert linked == {f"{int(row['plan']):02}/proposal.html" for row in rows_of(out / "front.csv")}
    assert all((out / link).is_file() for link in linked)
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", page)
    assert "today" in page


def test_fewer_plans_than_before_leave_none_of_an_earlier_run(unfair, tmp_path):
    stale = tmp_path / "07"
    stale.mkdir()
    (stale / "report.json").write_text("{}", encoding="utf-8")
    (tmp_path / "08").mkdir()
    (tmp_path / "08" / "note.txt").write_text("mine", encoding="utf-8")

    territory("proposals", *inputs(unfair), "--count", 1, "--travel", "none", "--tolerance", "15%", "--out", tmp_path)

    assert not stale.exists()
    assert (tmp_path / "08" / "note.txt").read_text(encoding="utf-8") == "mine"


def test_labels_on_the_chart_are_data_never_markup():
    from territory.fronts import tabulate_front, today_on_the_axes
    from territory.maps.front import draw_front
    from tests.test_fronts import drifted_town, front

    table = tabulate_front(front(5)).assign(label="<b>&\"'")

    page = draw_front(table, today_on_the_axes(drifted_town()))

    assert "<b>" not in page
    assert "&lt;b&gt;&amp;" in page


# ---- tradeoff and size


def test_tradeoff_tells_the_tightest_tolerance_that_was_met(unfair):
    run = territory("tradeoff", *inputs(unfair), "--tolerances", "2%,15%,50%", "--travel", "none")

    said = plain(run.out)

    assert run.code == 0
    assert "±2 % " in said
    assert "±50 % yes" in said
    assert re.search(r"is the tightest tolerance that was met|Every tolerance from ±2 % up was met", said)


def test_tradeoff_as_json_holds_the_curve(unfair):
    run = territory("tradeoff", *inputs(unfair), "--tolerances", "15%,50%", "--travel", "none", "--json")

    found = json.loads(run.out)

    assert [row["tolerance"] for row in found["curve"]] == [0.15, 0.5]
    assert set(found) == {"curve", "knee", "words", "seed"}


def test_size_tells_how_many_territories_and_how_that_comes_about(unfair):
    # 24 customers, 12 visits of 30 minutes each: 144 hours a year, 46 weeks.
    run = territory("size", unfair / "customers.csv", "--hours-per-week", 1, "--travel", "none", columns=100)

    said = plain(run.out)

    assert run.code == 0
    assert "all 24 288 144 h 0 h 144 h" in said
    assert "144 hours of work a year, 0 of them travel, at 46 hours a rep ask for 4 territories" in said


def test_size_as_json_holds_the_number_and_its_neighbours(unfair):
    run = territory("size", unfair / "customers.csv", "--hours-per-week", 1, "--travel", "none", "--json")

    found = json.loads(run.out)

    assert found["territories"] == 4
    assert [row["territories"] for row in found["table"]] == [3, 4, 5]


# ---- simulate


def test_scenarios_that_keep_no_tolerance_say_why_and_end_with_exit_code_3(unfair):
    words = ("--scale", "potential=2:territory=T1", "--tolerance", "0.1%", "--travel", "none")

    run = territory("simulate", *inputs(unfair), *words, columns=200)
    told = json.loads(territory("simulate", *inputs(unfair), *words, "--json").out)["scenarios"]

    assert run.code == 3
    assert "potential x 2, territory T1: tolerance on potential" in plain(run.out)
    assert "today:" not in plain(run.out)
    assert [row["told"] != "" for row in told] == [row["reasons"] > 0 for row in told]


def test_two_homes_of_one_new_rep_are_two_scenarios(unfair):
    words = ("--with-rep", "New@2.31,48.85", "--with-rep", "New@2.32,48.85", "--tolerance", "40%", "--json")

    found = json.loads(territory("simulate", *inputs(unfair), *words).out)["scenarios"]

    assert [row["scenario"] for row in found] == ["today", "with New", "with New@2.32,48.85"]


def test_simulate_puts_each_change_beside_today(unfair, tmp_path):
    changes = ("--without-rep", "R3", "--half-time", "R1", "--scale", "potential=2:territory=T1")
    words = ("--with-rep", "New@2.31,48.85", "--tolerance", "25%", "--out", tmp_path)

    run = territory("simulate", *inputs(unfair), *changes, *words, columns=100)

    assert run.code == 0
    table = rows_of(tmp_path / "scenarios.csv")
    named = ["today", "without R3", "with New", "R1 half time", "potential x 2, territory T1"]
    assert [row["scenario"] for row in table] == named
    assert [row["territories"] for row in table] == ["3", "2", "4", "3", "3"]
    assert all(name in plain(run.out) for name in named)
    assert (tmp_path / "02" / "proposal.html").is_file()


def test_changes_can_be_made_together(unfair):
    run = territory(
        *("simulate", *inputs(unfair), "--without-rep", "R3", "--scale", "visits_per_year=0.5"),
        *("--together", "--travel", "none", "--tolerance", "25%", "--json"),
    )

    today, both = json.loads(run.out)["scenarios"]
    assert both["scenario"] == "without R3; visits_per_year x 0.5"
    assert both["territories"] == 2
    assert both["workload_hours"] == today["workload_hours"] / 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "say what changes"),
        (("--scale", "potential"), "is not COLUMN=FACTOR"),
        (("--scale", "potential=2:A"), "is not COLUMN=VALUE"),
        (("--with-rep", "New"), "is not REP@LON,LAT"),
    ],
)
def test_a_change_that_cannot_be_read_is_told(unfair, words, told):
    run = territory("simulate", *inputs(unfair), *words)

    assert run.code == 2
    assert told in plain(run.err.replace("│", " "))


def test_a_rep_who_does_not_exist_is_told_with_those_who_do(unfair):
    run = territory("simulate", *inputs(unfair), "--without-rep", "R9")

    assert run.code == 1
    assert "'R9' is not a rep." in run.err
    assert "There are R1, R2, R3." in run.err


# ---- who takes over, and where the next rep should live


def test_who_takes_over_from_each_rep_is_told(unfair):
    words = ("--travel", "none", "--tolerance", "25%")

    run = territory("without-each-rep", *inputs(unfair), *words, columns=110)
    one = territory("without-each-rep", *inputs(unfair), *words, "--rep", "R3", "--json")

    assert run.code == 0
    assert all(f"{rep}, T{number}" in plain(run.out) for number, rep in enumerate(("R1", "R2", "R3"), start=1))
    heirs = json.loads(one.out)["heirs"]
    assert {row["rep_id"] for row in heirs} == {"R3"}
    assert sum(row["customers"] for row in heirs) == 6


def test_homes_for_the_next_rep_are_told_with_what_they_save(unfair):
    words = ("--at", "000", "--at", "012", "--tolerance", "30%")

    run = territory("next-rep", *inputs(unfair), *words, columns=120)
    told = territory("next-rep", *inputs(unfair), *words, "--json")

    assert run.code == 0
    assert "000 Shop 0" in plain(run.out)
    assert {row["candidate"] for row in json.loads(told.out)["homes"]} == {"000", "012"}


# ---- adjust, and plans that are read back


@pytest.fixture(scope="module")
def planned(unfair: Path) -> Path:
    out = unfair / "plan"
    words = ("--tolerance", "15%", "--travel", "none", "--out", out)
    assert territory("realign", *inputs(unfair), *words).code == 0
    return out


def test_adjust_moves_and_locks_customers_of_a_plan_that_was_written(unfair, planned, tmp_path):
    before = {row["customer_id"]: row["territory"] for row in rows_of(planned / "alignment.csv")}

    run = territory("adjust", planned, *inputs(unfair), "--move", "007=T3", "--lock", "001", "--out", tmp_path)

    after = {row["customer_id"]: row["territory"] for row in rows_of(tmp_path / "alignment.csv")}
    assert run.code == 3  # T3 is then in two pieces
    assert after == {**before, "007": "T3"}
    assert {row["customer_id"]: row["reason"] for row in rows_of(tmp_path / "moves.csv")}["007"] == "moved by hand"
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["locks"] == {"001": "T1"}
    assert report["status"] == "infeasible"


def test_locks_by_hand_hold_when_the_plan_is_adjusted_again(unfair, planned, tmp_path):
    territory("adjust", planned, *inputs(unfair), "--lock", "001", "--out", tmp_path)

    run = territory("adjust", tmp_path, *inputs(unfair), "--move", "001=T2", "--out", tmp_path / "again")

    assert run.code == 1
    assert "it is locked to T1 and cannot move to T2" in plain(run.err)


def test_a_plan_is_not_adjusted_with_other_files_than_it_was_made_from(unfair, planned, tmp_path):
    run = territory("adjust", planned, unfair / "customers.csv", "--move", "007=T3", "--out", tmp_path)

    assert run.code == 1
    assert "The plan was made from other customers, reps, rules or land." in plain(run.err)


def test_a_folder_without_a_plan_is_told(unfair, tmp_path):
    run = territory("adjust", tmp_path, *inputs(unfair), "--move", "007=T3")

    assert run.code == 1
    assert "Give the folder that a plan was written into." in run.err


def test_two_territories_for_one_customer_are_told(unfair, planned):
    run = territory("adjust", planned, *inputs(unfair), "--move", "007=T3", "--move", "007=T2")

    assert run.code == 2
    assert "'007' is given T3 and T2; give one." in plain(run.err.replace("│", " "))


def test_homes_hold_every_centre_or_none(unfair):
    run = territory("realign", *inputs(unfair), "--centre", "homes", "--centre", "T1=4.8,45.7")

    assert run.code == 2
    assert "homes holds every centre" in plain(run.err.replace("│", " "))


def test_a_move_that_cannot_be_read_is_told(unfair, planned):
    run = territory("adjust", planned, *inputs(unfair), "--move", "007")

    assert run.code == 2
    assert "is not CUSTOMER=TERRITORY" in plain(run.err.replace("│", " "))


@pytest.mark.parametrize("plan", [realign, lambda portfolio, **band: align(portfolio, territories=4, **band)])
def test_a_written_plan_reads_back_as_it_was(unfair, tmp_path, plan):
    portfolio = read_portfolio(*inputs(unfair))
    proposal = plan(portfolio, tolerance=0.15, seed=3)
    write_proposal(proposal, tmp_path)

    again = reopen(tmp_path, read_portfolio(*inputs(unfair)))

    assert again.alignment.equals(proposal.alignment)
    assert again.after.equals(proposal.after)
    assert again.moves["customer_id"].tolist() == proposal.moves["customer_id"].tolist()
    assert again.max_deviation == proposal.max_deviation
    assert again.gap == pytest.approx(proposal.gap, abs=1e-6)


def test_what_is_changed_by_hand_in_a_plan_that_was_read_back_proves_nothing(unfair, planned):
    adjusted = adjust(reopen(planned, read_portfolio(*inputs(unfair))), move={"007": "T3"})

    assert adjusted.lower_bound != adjusted.lower_bound
    assert adjusted.gap == float("inf")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("report.json", "{", "It is damaged"),
        ("report.json", "{}", "It lacks fingerprint"),
        ("report.json", "[]", "It lacks fingerprint"),
        ("alignment.csv", "customer_id,territory\n001,T1\n", "It does not name every customer once."),
        ("alignment.csv", "customer_id,owner\n001,T1\n", "It has no column territory."),
    ],
)
def test_a_damaged_plan_is_told(unfair, planned, tmp_path, name, content, told):
    for path in planned.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=re.escape(told)):
        reopen(tmp_path, read_portfolio(*inputs(unfair)))


# ---- the land


def test_barriers_and_areas_that_are_not_assigned_are_told_by_check_and_heeded_by_measure(unfair, tmp_path):
    wall = {"type": "LineString", "coordinates": [[2.3055, 48], [2.3055, 49]]}
    ring = [[2.3225, 48], [2.33, 48], [2.33, 49], [2.3225, 49], [2.3225, 48]]
    barriers = geojson(tmp_path / "barriers.geojson", wall)
    depot = geojson(tmp_path / "depot.geojson", {"type": "Polygon", "coordinates": [ring]})
    land = ("--barriers", barriers, "--not-assigned", depot)

    checked = territory("check", *inputs(unfair), *land, columns=200)
    measured = territory("measure", *inputs(unfair), *land, columns=200)

    assert checked.code == 0
    assert "1 customers lie in areas that are not assigned" in plain(checked.out)
    assert "leave the customers in 2 parts" in plain(checked.out)
    assert "T1 is in 2 pieces." in plain(measured.out)
    assert "leave the customers in 2 parts (of 17, 6 customers)" in plain(measured.out)


def geojson(path: Path, *shapes: dict) -> Path:
    features = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path
