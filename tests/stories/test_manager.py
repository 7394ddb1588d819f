"""The regional manager: is today fair, what would be, and what do I hand out?"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from territory.demo import demo_folder
from tests.terminal import Run, territory

CITIES = ("Nanjing", "Zhenjiang", "Yangzhou", "Maanshan")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manager's folder: her part of the demo, four cities on the Yangtze."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("customers.csv", "reps.csv"):
        table = pd.read_csv(demo_folder() / name, dtype="str", keep_default_na=False)
        table[table["territory"].isin(CITIES)].to_csv(folder / name, index=False, lineterminator="\n")
    (folder / "rules.toml").write_bytes((demo_folder() / "rules.toml").read_bytes())
    return folder


def ask(desk: Path, command: str, *options: object) -> Run:
    files = (desk / "customers.csv", desk / "reps.csv", "--rules", desk / "rules.toml")
    return territory(command, *files, *options)


@pytest.fixture(scope="module")
def proposed(desk: Path) -> tuple[Run, Path]:
    return ask(desk, "realign", "--seed", 7, "--out", desk / "proposal"), desk / "proposal"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_first_she_checks_her_lists(desk):
    run = ask(desk, "check", "--json")

    found = json.loads(run.out)

    assert found["reps"] == len(CITIES)
    assert found["unplaced"] == len(found["faults"])
    assert run.code == (1 if found["faults"] else 0)


def test_then_she_sees_how_unfair_today_is(desk):
    run = ask(desk, "measure")

    assert run.code == 0
    assert "Nanjing holds 2.0 times its share of potential" in " ".join(run.out.split())


def test_the_proposal_brings_every_territory_into_its_band(proposed):
    run, folder = proposed

    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))

    assert run.code == 0
    assert max(report["max_deviation"].values()) <= 0.05
    assert report["contiguous"] is True
    assert report["lower_bound"] <= report["objective"]


def test_each_customer_is_in_one_territory_or_unplaced_with_a_reason(desk, proposed):
    _, folder = proposed

    placed = [row["customer_id"] for row in rows(folder / "alignment.csv")]
    unplaced = rows(folder / "unplaced.csv") if (folder / "unplaced.csv").exists() else []

    everyone = sorted(row["customer_id"] for row in rows(desk / "customers.csv"))
    assert sorted([*placed, *(row["customer_id"] for row in unplaced)]) == everyone
    assert all(row["reason"] for row in unplaced)


def test_anyone_can_recompute_the_balance_from_the_files(desk, tmp_path):
    ask(desk, "realign", "--travel", "none", "--out", tmp_path, "--quiet")

    demand = territory("check", desk / "customers.csv", "--rules", desk / "rules.toml", "--json")
    owner = {row["customer_id"]: row["territory"] for row in rows(tmp_path / "alignment.csv")}
    known = [row for row in rows(desk / "customers.csv") if row["customer_id"] in owner]
    held = pd.Series(0.0, index=list(CITIES))
    for row in known:
        held[owner[row["customer_id"]]] += float(row["potential"] or 2.2 * float(row["revenue"]))

    assert json.loads(demand.out)["sources"]
    assert (held / held.mean() - 1).abs().max() <= 0.05 + 1e-9


def test_every_move_has_a_reason_and_starts_where_the_customer_is_today(desk, proposed):
    _, folder = proposed

    moves = rows(folder / "moves.csv")
    today = {row["customer_id"]: row["territory"] for row in rows(desk / "customers.csv")}

    assert moves
    assert all(row["from"] == today[row["customer_id"]] != row["to"] for row in moves)
    assert all(row["reason"] and row["runner_up"] for row in moves)


def test_the_map_and_the_borders_are_there_to_be_opened(proposed):
    _, folder = proposed

    page = (folder / "proposal.html").read_text(encoding="utf-8")
    borders = json.loads((folder / "territories.geojson").read_text(encoding="utf-8"))

    assert "<html" in page
    assert sorted(feature["properties"]["territory"] for feature in borders["features"]) == sorted(CITIES)


def test_the_same_seed_gives_the_same_bytes(desk, proposed, tmp_path):
    _, first = proposed

    ask(desk, "realign", "--seed", 7, "--out", tmp_path, "--quiet")

    for name in ("alignment.csv", "moves.csv", "territories.geojson"):
        assert (tmp_path / name).read_bytes() == (first / name).read_bytes()
