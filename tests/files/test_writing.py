"""Writing: reads back the same, runs nowhere, and is the same bytes for the same content."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from territory.errors import DataError, Problem
from territory.files import read_portfolio, write_portfolio, write_proposal
from territory.files.text import escape, unescape
from territory.measures import measure
from territory.model import Portfolio, Proposal, Rules
from tests.worlds import line_of_customers

CUSTOMERS = (
    "id,name,lon,lat,revenue,tier,territory,locked,last_visit,colour,locale",
    "007,\"=cmd|' /C calc'!A0\",2.3512345678,48.85,1200.50,A,T1,yes,2027-03-01,@red,",
    "0042,'-quoted,2.36,48.86,,B,T1,,,,",
    "-3,Plain 店,2.37,48.87,0.1,A,T2,no,,+1,",
    "far,NA,99,north,5,C,T2,,,,x",
    ",None,,,7,C,,,,,",
)
REPS = ("rep_id,name,territory,lon,lat,share", "R1,Ann,T1,2.3,48.8,1", "R2,Bo,T2,,,0.5")


def reread(folder: Path) -> Portfolio:
    reps = folder / "reps.csv"
    return read_portfolio(folder / "customers.csv", reps if reps.exists() else None, rules=folder / "rules.toml")


def cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def proposal_of(portfolio: Portfolio, moved: dict[str, str] | None, **changes: object) -> Proposal:
    """The proposal that moves these customers; from scratch, everybody stays, when `moved` is None."""
    moves = pd.DataFrame(
        [(name, portfolio.alignment[name], to, "balance", 1.5, "T9") for name, to in (moved or {}).items()],
        columns=["customer_id", "from", "to", "reason", "price", "runner_up"],
    )
    alignment = portfolio.alignment.copy()
    for name, to in (moved or {}).items():
        alignment[name] = to
    parts = {
        "before": None if moved is None else measure(portfolio, travel="none"),
        "after": measure(portfolio, alignment, travel="none"),
        "tolerance": {"potential": 0.05, "workload": 0.05},
        "travel": "none",
        "seed": 7,
        "objective": 2.0,
        "lower_bound": 1.5,
        "gap": 0.25,
        "seconds": 1.23456,
    }
    return Proposal(portfolio=portfolio, alignment=alignment, moves=moves, **{**parts, **changes})


def plane_world() -> Portfolio:
    """Nine customers in a square of France, three a territory."""
    line = line_of_customers(9, reps=3)
    grid = gpd.points_from_xy(np.arange(9) % 3 * 1000.0, np.arange(9) // 3 * 1000.0)
    crs = "+proj=laea +lat_0=49 +lon_0=2 +datum=WGS84 +units=m"
    customers = gpd.GeoDataFrame(line.customers.drop(columns="geometry"), geometry=grid, crs=crs)
    reps = gpd.GeoDataFrame(line.reps.drop(columns="geometry"), geometry=grid[[1, 4, 7]], crs=crs)
    return Portfolio(customers, reps, line.rules, line.unplaced)


def test_a_portfolio_reads_back_with_the_same_fingerprint(write, tmp_path):
    portfolio = read_portfolio(write(*CUSTOMERS), write(*REPS, name="reps.csv"))

    write_portfolio(portfolio, tmp_path / "out")

    again = reread(tmp_path / "out")
    assert again.fingerprint == portfolio.fingerprint
    assert again.unplaced["reason"].to_dict() == portfolio.unplaced["reason"].to_dict()
    assert again.customers["name"].tolist() == ["=cmd|' /C calc'!A0", "-quoted", "Plain 店"]


def test_no_text_cell_of_a_written_table_runs_as_a_formula(write, tmp_path):
    portfolio = read_portfolio(write(*CUSTOMERS), write(*REPS, name="reps.csv"))

    write_portfolio(portfolio, tmp_path / "out")

    header, *rows = cells(tmp_path / "out" / "customers.csv")
    texts = [cell for row in rows for name, cell in zip(header, row, strict=True) if name not in ("lon", "lat")]
    assert not [cell for cell in texts if cell.startswith(("=", "+", "-", "@"))]
    assert rows[2][0] == "'-3"


def test_ids_keep_their_zeros_and_blank_columns_of_ours_are_left_out(write, tmp_path):
    write_portfolio(read_portfolio(write("id,lon,lat,colour", "007,2,48,")), tmp_path)

    assert cells(tmp_path / "customers.csv") == [["customer_id", "lon", "lat", "colour"], ["007", "2", "48", ""]]
    assert not (tmp_path / "reps.csv").exists()


def test_mending_the_coordinates_of_an_unplaced_customer_places_it(write, tmp_path):
    write_portfolio(read_portfolio(write("id,name,lon,lat", "1,A,2,48", "2,B,,")), tmp_path / "out")
    table = tmp_path / "out" / "customers.csv"

    table.write_text(table.read_text().replace("2,B,,,", "2,B,2.1,48.1,"))

    assert reread(tmp_path / "out").customers.index.tolist() == ["1", "2"]


def test_unplaced_customers_are_listed_with_the_reason(write, tmp_path):
    write_portfolio(read_portfolio(write(*CUSTOMERS)), tmp_path / "out")

    header, first, second = cells(tmp_path / "out" / "unplaced.csv")
    assert header[:2] == ["customer_id", "reason"]
    assert first[:2] == ["far", "'north' is not a number."]
    assert second[:2] == ["row 6", "It has no longitude and no latitude."]


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(text, text, st.floats(1, 179), st.floats(-50, 75), st.none() | st.floats(0, 1e12), text),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_a_portfolio_holds_reads_back_the_same(tmp_path, rows):
    with (tmp_path / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_id", "name", "lon", "lat", "potential", "=other"])
        writer.writerows(
            [f"{n}{id_}", name, lon, lat, money, other] for n, (id_, name, lon, lat, money, other) in enumerate(rows)
        )
    portfolio = read_portfolio(tmp_path / "customers.csv")

    write_portfolio(portfolio, tmp_path / "out")

    assert reread(tmp_path / "out").fingerprint == portfolio.fingerprint


@given(st.text(max_size=8) | st.text("'=+-@\t\r＝", max_size=8))
def test_escaped_text_comes_back_and_starts_no_formula(text):
    assert unescape(escape(text)) == text
    assert not escape(text).startswith(("=", "+", "-", "@", "\t", "\r", "＝"))


def test_a_proposal_is_written_as_tables_a_geojson_and_a_report(tmp_path):
    proposal = proposal_of(plane_world(), {"4": "T1"})

    write_proposal(proposal, tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "alignment.csv",
        "moves.csv",
        "report.json",
        "territories.geojson",
    ]
    assert cells(tmp_path / "alignment.csv")[:2] == [["customer_id", "territory"], ["1", "T1"]]
    assert cells(tmp_path / "moves.csv") == [
        ["customer_id", "from", "to", "reason", "price", "runner_up"],
        ["4", "T2", "T1", "balance", "1.5", "T9"],
    ]
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["tolerance"] == {"potential": 0.05, "workload": 0.05}
    assert report["moved"] == 1
    assert report["max_deviation"] == {"potential": 0.333333, "workload": 0.333333}
    assert report["measures"][0] == {
        "territory": "T1",
        "potential": 400.0,
        "workload_minutes": 1200.0,
        "customers": 4,
        "travel": 0.0,
        "share": 1 / 3,
    }
    assert report["disruption"] == {"customers": 0.111111, "potential": 0.111111, "relation": 0.0}
    assert (report["seed"], report["seconds"], report["contiguous"], report["status"]) == (7, 1.235, True, "gap")
    assert (report["objective"], report["lower_bound"], report["gap"]) == (2.0, 1.5, 0.25)


def test_territories_are_written_in_degrees_with_their_measures(tmp_path):
    write_proposal(proposal_of(plane_world(), {}), tmp_path)

    territories = gpd.read_file(tmp_path / "territories.geojson")
    assert territories["territory"].tolist() == ["T1", "T2", "T3"]
    assert territories["potential"].tolist() == [300.0, 300.0, 300.0]
    assert territories.is_valid.all()
    assert territories.geometry.iloc[1].contains(shapely.Point(2.0136, 49.009))
    corners = territories.get_coordinates().to_numpy()
    assert (corners.round(6) == corners).all()


def test_equal_proposals_give_equal_bytes(tmp_path):
    for name, seconds in (("a", 1.0), ("b", 2.0)):
        write_proposal(proposal_of(plane_world(), {"4": "T1"}, seconds=seconds), tmp_path / name)

    for path in (tmp_path / "a").iterdir():
        there = (tmp_path / "b" / path.name).read_bytes()
        assert path.read_bytes().replace(b'"seconds": 1.0', b'"seconds": 2.0') == there
        assert b"\r" not in there


def test_without_an_alignment_before_there_are_no_moves_and_an_old_table_of_moves_goes(tmp_path):
    write_proposal(proposal_of(plane_world(), {"4": "T1"}), tmp_path)

    write_proposal(proposal_of(plane_world(), None), tmp_path)

    assert not (tmp_path / "moves.csv").exists()
    assert json.loads((tmp_path / "report.json").read_text())["disruption"] is None


def test_what_could_not_be_met_is_in_the_report_with_its_reason(tmp_path):
    reason = Problem("tolerance", "'T1' cannot be within 5 %.", "Relax it to 10 %.", "容差：请放宽到 10 %。")

    write_proposal(proposal_of(plane_world(), {}, reasons=(reason,), lower_bound=float("nan")), tmp_path)

    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["status"], report["lower_bound"]) == ("infeasible", None)
    assert report["reasons"] == [
        {
            "where": "tolerance",
            "what": "'T1' cannot be within 5 %.",
            "fix": "Relax it to 10 %.",
            "zh": "容差：请放宽到 10 %。",
        }
    ]


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_left_behind(tmp_path):
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(DataError, match="It cannot be written"):
        write_portfolio(plane_world(), tmp_path / "taken" / "out")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_failure_leaves_the_files_of_before_as_they_were(tmp_path):
    write_portfolio(plane_world(), tmp_path)
    before = (tmp_path / "customers.csv").read_bytes()
    (tmp_path / "rules.toml").unlink()
    (tmp_path / "rules.toml").mkdir()

    with pytest.raises(DataError):
        write_portfolio(line_of_customers(3, reps=1), tmp_path)

    assert (tmp_path / "customers.csv").read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))


def test_rules_of_ones_own_are_part_of_the_portfolio(write, tmp_path):
    rules = write("[visits_per_year]", "X = 10", "[minutes_per_visit]", "X = 30", name="rules.toml")
    portfolio = read_portfolio(write("id,lon,lat,tier", "1,2,48,X"), rules=rules)

    write_portfolio(portfolio, tmp_path / "out")

    assert portfolio.rules != Rules()
    assert reread(tmp_path / "out").fingerprint == portfolio.fingerprint
