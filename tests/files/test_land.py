"""Reading barriers, areas that are not assigned, given neighbours and customers that are areas."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from territory.errors import DataError
from territory.files import check_files, read_portfolio, write_portfolio, write_proposal
from territory.measures import ground_of
from territory.realignment import align

SHOPS = ("customer_id,lon,lat,revenue", "1,2.00,48,10", "2,2.01,48,10", "3,2.02,48,10", "4,2.03,48,10")


def shapes_file(path: Path, *shapes: shapely.Geometry, crs: int = 4326, **attributes: list[str]) -> Path:
    gpd.GeoDataFrame(attributes, geometry=list(shapes), crs=4326).to_crs(crs).to_file(path)
    return path


def wall(lon: float) -> shapely.LineString:
    return shapely.LineString([(lon, 47), (lon, 49)])


def said(check) -> list[str]:
    return [str(note) for note in check.notes]


@pytest.mark.parametrize(("name", "crs"), [("b.geojson", 4326), ("b.gpkg", 4326), ("b.gpkg", 3857)])
def test_neighbours_do_not_cross_the_barriers_of_a_file(write, tmp_path, name, crs):
    barriers = shapes_file(tmp_path / name, wall(2.015), crs=crs)

    portfolio = read_portfolio(write(*SHOPS), barriers=barriers)

    assert ground_of(portfolio).graph.row_pairs().tolist() == [[0, 1], [2, 3]]


def test_a_barrier_in_chinese_map_coordinates_is_shifted_with_the_customers(write, tmp_path):
    shops = [line.replace(",2.", ",120.").replace(",48,", ",31,") for line in SHOPS]
    barriers = shapes_file(tmp_path / "b.geojson", shapely.LineString([(120.015, 30), (120.015, 32)]))

    portfolio = read_portfolio(write(*shops), barriers=barriers, crs="gcj02")

    assert ground_of(portfolio).graph.row_pairs().tolist() == [[0, 1], [2, 3]]


def test_the_border_of_a_lake_is_a_barrier(write, tmp_path):
    lake = shapes_file(tmp_path / "lake.geojson", shapely.box(2.012, 47, 2.018, 49))

    portfolio = read_portfolio(write(*SHOPS), barriers=lake)

    assert ground_of(portfolio).graph.row_pairs().tolist() == [[0, 1], [2, 3]]


def test_points_are_no_barriers_and_lines_are_no_areas(write, tmp_path):
    points = shapes_file(tmp_path / "p.geojson", wall(2.0), shapely.Point(2, 48))
    lines = shapes_file(tmp_path / "l.geojson", wall(2.0))

    check = check_files(write(*SHOPS), barriers=points, not_assigned=lines)

    assert [str(fault) for fault in check.faults] == [
        "p.geojson, feature 2: It is a Point, not a line. Give lines that are not to be crossed.",
        "l.geojson, feature 1: It is a LineString, not an area. Give polygons.",
    ]


def test_a_file_that_holds_no_shapes_is_told_with_every_other_fault(write):
    table, one_column = write("a,b", "1,2", name="table.csv"), write("a", "1", name="edges.csv")

    with pytest.raises(DataError) as refused:
        read_portfolio(write("customer_id,lon,lat", "1,2,48", "1,2,48"), barriers=table, neighbours=one_column)

    told = [problem.where.split(",")[0] for problem in refused.value.problems]
    assert told == ["customers.csv", "table.csv", "edges.csv"]


def test_customers_in_areas_that_are_not_assigned_are_unplaced_with_the_reason(write, tmp_path):
    areas = shapes_file(
        tmp_path / "a.geojson", shapely.box(1.9, 47, 2.005, 49), shapely.box(1.9, 47, 2.015, 49), name=["Depot", ""]
    )

    check = check_files(write(*SHOPS), not_assigned=areas)

    assert check.portfolio.unplaced["reason"].to_dict() == {
        "1": "It lies in an area that is not assigned (Depot).",
        "2": "It lies in an area that is not assigned.",
    }
    assert check.portfolio.customers.index.tolist() == ["3", "4"]
    assert check.faults == ()
    assert "customers.csv: 2 customers lie in areas that are not assigned; they are in no territory." in said(check)


def test_a_customer_that_is_not_assigned_stays_so_until_its_reason_is_taken_out(write, tmp_path):
    areas = shapes_file(tmp_path / "a.geojson", shapely.box(1.9, 47, 2.005, 49))
    write_portfolio(read_portfolio(write(*SHOPS), not_assigned=areas), tmp_path / "out")
    written = tmp_path / "out" / "customers.csv"

    again = read_portfolio(written)
    written.write_text(written.read_text().replace("It lies in an area that is not assigned.", ""))
    freed = read_portfolio(written)

    assert again.unplaced["reason"].to_dict() == {"1": "It lies in an area that is not assigned."}
    assert freed.customers.index.tolist() == ["2", "3", "4", "1"]


@pytest.mark.parametrize("header", [("from,to",), (), ("customer_id,neighbour,metres",)])
def test_given_neighbours_are_read_with_any_header_or_none(write, header):
    more = ",5" if header and header[0].count(",") == 2 else ""
    edges = write(*header, f"1,3{more}", f"4,2{more}", f"3,2{more}", name="edges.csv")

    portfolio = read_portfolio(write(*SHOPS), neighbours=edges)

    assert ground_of(portfolio).graph.row_pairs().tolist() == [[0, 2], [1, 2], [1, 3]]


def test_rows_that_name_strangers_are_left_out_and_counted(write):
    edges = write("a,b", "1,3", "9,3", "1,", name="edges.csv")

    check = check_files(write(*SHOPS), neighbours=edges)

    told = "edges.csv: 2 rows (3, 4) do not name two customers of the customers' file and are left out."
    assert told in said(check)
    assert check.portfolio.land.edges.tolist() == [["1", "3"]]


def test_neighbours_of_which_none_is_a_customer_are_a_fault(write):
    check = check_files(write(*SHOPS), neighbours=write("a,b", "01,03", name="edges.csv"))

    (fault,) = check.faults
    assert str(fault) == "edges.csv: No row names two customers of the customers' file. Write the ids as there, as '1'."


def counties(path: Path) -> Path:
    """A row of three areas and, beyond a strip of nothing, a fourth."""
    boxes = [shapely.box(2 + 0.1 * k, 48, 2.1 + 0.1 * k, 48.1) for k in (0, 1, 2, 4)]
    attributes = {"customer_id": list("ABCD"), "revenue": ["5", "5", "5", "5"]}
    return shapes_file(path, *boxes, **attributes)


@pytest.mark.parametrize("name", ["c.geojson", "c.gpkg"])
def test_areas_are_customers_whose_place_is_inside_and_that_border_those_they_touch(tmp_path, name):
    portfolio = read_portfolio(counties(tmp_path / name))

    inside = shapely.contains_xy(portfolio.land.outlines.to_numpy(), *portfolio.xy.T)
    assert inside.tolist() == [True] * 4
    assert ground_of(portfolio).graph.row_pairs().tolist() == [[0, 1], [1, 2], [2, 3]]


def test_a_proposal_for_areas_draws_their_outlines_together(tmp_path):
    portfolio = read_portfolio(counties(tmp_path / "c.gpkg"))

    write_proposal(align(portfolio, territories=2, tolerance=0.1, travel="none"), tmp_path / "out")

    features = json.loads((tmp_path / "out" / "territories.geojson").read_text())["features"]
    grounds = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    assert [round(ground.area, 4) for ground in grounds] == [0.02, 0.02]
    assert shapely.union_all(grounds).bounds == (2, 48, 2.5, 48.1)


def test_outlines_from_a_file_of_their_own_make_areas_of_points(write, tmp_path):
    shapes = [shapely.box(1.995 + 0.01 * k, 47.9, 2.005 + 0.01 * k, 48.1) for k in (0, 1, 3, 7)]
    outlines = shapes_file(tmp_path / "o.geojson", *shapes, **{"Account-ID": ["1", "2", "4", "no one"]})

    check = check_files(write(*SHOPS), outlines=outlines)

    assert check.portfolio.land.outlines.index.tolist() == ["1", "2", "4"]
    assert "o.geojson: 1 outlines name no customer of the customers' file and are left out." in said(check)


def test_land_reads_back_as_it_was_written(tmp_path, write):
    portfolio = read_portfolio(
        counties(tmp_path / "c.geojson"),
        barriers=shapes_file(tmp_path / "b.geojson", wall(2.15)),
        neighbours=write("A,B", name="edges.csv"),
    )

    write_portfolio(portfolio, out := tmp_path / "out")

    again = read_portfolio(
        out / "customers.csv",
        rules=out / "rules.toml",
        barriers=out / "barriers.geojson",
        neighbours=out / "neighbours.csv",
        outlines=out / "outlines.geojson",
    )
    assert again.fingerprint == portfolio.fingerprint


def test_the_land_of_an_earlier_portfolio_in_a_folder_is_taken_away(tmp_path, write):
    write_portfolio(read_portfolio(counties(tmp_path / "c.geojson")), tmp_path / "out")

    write_portfolio(read_portfolio(write(*SHOPS)), tmp_path / "out")

    assert not (tmp_path / "out" / "outlines.geojson").exists()
