"""Barriers, given neighbours and areas: who borders whom, and what a territory in one piece is then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.borders import cells_of, graph_of, touching
from territory.boundaries import grounds_of
from territory.land import PLAIN, Land
from territory.maps.payload import describe_plan
from territory.measures import alerts, ground_of, measure
from territory.model import Portfolio
from territory.neighbours import PlaceGraph, collapse
from tests.worlds import line_of_customers

COUNTIES = Path(__file__).parents[2] / "shared" / "data" / "iowa" / "counties.geojson"
GRID = np.array([(x, y) for x in range(4) for y in range(3)], float) * 1000
IDS = [f"{x}{y}" for x in range(4) for y in range(3)]


def wall(*corners: tuple[float, float]) -> Land:
    return Land(barriers=np.array([shapely.LineString(np.array(corners) * 1000)]))


def edges(*pairs: tuple[str, str]) -> Land:
    return Land(edges=np.array(pairs, object))


def named(graph: PlaceGraph, ids: list[str]) -> set[str]:
    """Pairs of rows that border each other, as "a-b"."""
    return {f"{ids[a]}-{ids[b]}" for a, b in graph.row_pairs()}


def areas(*boxes: tuple[float, float, float, float], ids: list[str]) -> pd.Series:
    return pd.Series([shapely.box(*np.array(box) * 1000.0) for box in boxes], index=ids, dtype=object)


def test_land_that_says_nothing_leaves_the_neighbours_as_they_are():
    graph = graph_of(GRID, IDS, PLAIN)

    assert PLAIN.is_plain
    assert graph.pairs.tolist() == PlaceGraph.of(GRID).pairs.tolist()


def test_no_neighbours_lie_on_two_sides_of_a_barrier():
    river = wall((1.5, -5), (1.5, 9))

    graph = graph_of(GRID, IDS, river)

    assert {pair for pair in named(graph, IDS) if (pair[0] in "01") != (pair[3] in "01")} == set()
    assert len(np.unique(graph.parts)) == 2


def test_a_gap_in_a_barrier_joins_the_two_sides():
    bridge = Land(barriers=np.array([*wall((1.5, -5), (1.5, 0.9)).barriers, *wall((1.5, 1.1), (1.5, 9)).barriers]))

    graph = graph_of(GRID, IDS, bridge)

    assert {pair for pair in named(graph, IDS) if (pair[0] in "01") != (pair[3] in "01")} == {"11-21"}
    assert len(np.unique(graph.parts)) == 1


def test_a_short_wall_is_walked_around():
    graph = graph_of(GRID, IDS, wall((1.5, 0.8), (1.5, 1.2)))

    assert "11-21" not in named(graph, IDS)
    assert "10-20" in named(graph, IDS)


def test_a_way_through_the_joint_of_a_barrier_is_cut():
    bent = wall((0.5, -1), (0.5, 0), (0.6, 1))

    assert "A-B" not in named(graph_of(np.array([(0.0, 0), (1000, 0)]), ["A", "B"], bent), ["A", "B"])


def test_a_customer_on_a_barrier_borders_both_sides():
    line = np.array([(0.0, 0), (1000, 0), (2000, 0)])

    assert named(graph_of(line, ["A", "B", "C"], wall((1, -1), (1, 1))), ["A", "B", "C"]) == {"A-B", "B-C"}


def test_given_neighbours_replace_those_of_the_customers_they_name():
    line = np.array([(float(x), 0) for x in range(5)]) * 1000

    graph = graph_of(line, list("ABCDE"), edges(("A", "C"), ("B", "C"), ("A", "nobody")))

    assert named(graph, list("ABCDE")) == {"A-C", "B-C", "C-D", "D-E"}


def test_given_neighbours_may_cross_a_barrier():
    both = replace(edges(("A", "B")), barriers=wall((0.5, -1), (0.5, 1)).barriers)

    assert named(graph_of(np.array([(0.0, 0), (1000, 0)]), ["A", "B"], both), ["A", "B"]) == {"A-B"}


def test_areas_that_share_a_border_are_neighbours_and_those_that_share_a_corner_are_not():
    shapes = areas((0, 0, 1, 1), (1, 0, 2, 1), (0, 1, 1, 2), (1, 1, 2, 2), ids=list("ABCD")).to_numpy()

    assert touching(shapes).tolist() == [[0, 1], [0, 2], [1, 3], [2, 3]]


@pytest.mark.skipif(not COUNTIES.is_file(), reason="the counties are not here")
def test_the_counties_of_iowa_share_222_borders():
    counties = gpd.read_file(COUNTIES).to_crs("EPSG:26915").geometry.to_numpy()

    assert len(counties) == 99
    assert len(touching(counties)) == 222  # corners left out


def test_outlines_that_were_drawn_a_little_apart_still_touch():
    shapes = areas((0, 0, 1, 1), (1.0005, 0, 2, 1), (2.1, 0, 3, 1), ids=list("ABC")).to_numpy()

    assert touching(shapes).tolist() == [[0, 1]]


def test_an_island_of_areas_is_joined_by_its_shortest_link():
    outlines = areas((0, 0, 1, 1), (1, 0, 2, 1), (5, 0, 6, 1), ids=list("ABC"))
    middle = np.array([shape.centroid.coords[0] for shape in outlines])

    assert named(graph_of(middle, list("ABC"), Land(outlines=outlines)), list("ABC")) == {"A-B", "B-C"}


def test_customers_beside_areas_border_them_as_places_do():
    outlines = areas((0, 0, 1, 1), (1, 0, 2, 1), ids=["A", "B"])
    xy = np.array([(500.0, 500), (1500, 500), (2500, 500)])

    assert named(graph_of(xy, ["A", "B", "shop"], Land(outlines=outlines)), ["A", "B", "shop"]) == {"A-B", "B-shop"}


def with_land(portfolio: Portfolio, land: Land) -> Portfolio:
    return replace(portfolio, land=land)


def test_a_territory_on_both_sides_of_a_barrier_is_in_pieces_and_an_alert_says_that_the_land_is_apart():
    line = with_land(line_of_customers(6, reps=2), wall((1.5, -9), (1.5, 9)))

    measured, told = measure(line), alerts(line).set_index("measure")["message"]

    assert measured["pieces"].tolist() == [2, 1]
    assert told["parts"].startswith("Barriers or given neighbours leave the customers in 2 parts (of 4, 2 customers)")
    assert told["pieces"] == "T1 is in 2 pieces."


def test_the_fingerprint_knows_the_land():
    line = line_of_customers(3, reps=1)
    lands = [PLAIN, wall((0, 0), (1, 1)), wall((0, 0), (1, 2)), edges(("1", "2")), edges(("1", "3"))]

    prints = {with_land(line, land).fingerprint for land in lands}

    assert len(prints) == len(lands)
    assert with_land(line, Land()).fingerprint == line.fingerprint


def test_customers_that_leave_take_their_neighbours_and_outlines_with_them():
    line = with_land(line_of_customers(4, reps=1), edges(("1", "2"), ("2", "3"), ("3", "4")))

    assert ground_of(line.without_customers(["3"])).graph.row_pairs().tolist() == [[0, 1]]


def test_the_moments_of_an_area_are_those_of_its_shape_with_its_holes():
    square, hole = shapely.box(0, 0, 6, 6), shapely.box(2, 2, 4, 4)
    apart = shapely.MultiPolygon([shapely.box(100, 0, 101, 1), shapely.box(103, 0, 104, 1)])

    area, centre, moment = cells_of(np.array([square, square - hole, apart]))

    assert area.tolist() == [36, 32, 2]
    assert centre.tolist() == [[3, 3], [3, 3], [102, 0.5]]
    assert moment == pytest.approx([6**4 / 6, (6**4 - 2**4) / 6, 2 * (1 / 6 + 1.5**2)])


def test_the_compactness_of_areas_is_that_of_their_outlines():
    outlines = areas((-0.5, -0.5, 0.5, 0.5), (0.5, -0.5, 1.5, 0.5), ids=["1", "2"])
    line = with_land(line_of_customers(2, reps=1), Land(outlines=outlines))

    # Two squares side by side: A^2 / (2 pi I) of a rectangle of 1 by 2.
    assert measure(line)["compactness"].tolist() == pytest.approx([4 / (2 * np.pi * 2 * (1 + 4) / 12)])


def test_the_ground_of_areas_is_their_outlines_together():
    outlines = areas((0, 0, 1, 1), (1, 0, 2, 1), (2, 0, 3, 1), ids=["1", "2", "3"])
    line = with_land(line_of_customers(3, reps=1), Land(outlines=outlines))

    ground = grounds_of(line, pd.Series(["T2", "T10", "T2"], index=["1", "2", "3"]))

    assert isinstance(ground, gpd.GeoSeries)
    assert ground.index.tolist() == ["T2", "T10"]
    assert ground["T2"].equals(shapely.union_all([outlines["1"], outlines["3"]]))


def test_the_map_is_told_where_the_barriers_are():
    line = with_land(line_of_customers(3, reps=1), wall((0.5, -1), (0.5, 1)))

    told = describe_plan(line, travel="none", crs="wgs84")["barriers"]

    (barrier,) = told
    assert len(barrier) == 4  # where it begins, and the way to its end
    assert barrier[2] == 0
    assert barrier[3] > 0


def test_areas_go_before_the_ground_around_other_customers():
    outlines = areas((-0.5, -0.5, 0.5, 0.5), ids=["1"])
    line = with_land(line_of_customers(3, reps=1), Land(outlines=outlines))

    ground = grounds_of(line, pd.Series(["T1", "T2", "T2"], index=["1", "2", "3"]))

    assert ground["T1"].contains(outlines["1"])
    assert ground["T2"].intersection(outlines["1"]).area == pytest.approx(0, abs=1e-6)


@settings(max_examples=60)
@given(
    spots=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=25),
    ends=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=4),
    labels=st.randoms(use_true_random=False),
)
def test_pairs_of_rows_and_places_tell_the_same_pieces_and_none_crosses_a_barrier(spots, ends, labels):
    xy = np.array(spots, float) * 100
    barrier = shapely.LineString(np.array(ends) * 10.0 + 3.7)
    label = np.array([labels.randrange(3) for _ in spots])

    graph = graph_of(xy, [str(row) for row in range(len(xy))], Land(barriers=np.array([barrier])))

    pairs = graph.row_pairs()
    ways = shapely.linestrings(xy[pairs]) if len(pairs) else []
    assert not shapely.crosses(ways, barrier).any()
    assert pairs.tolist() == np.unique(np.sort(pairs, axis=1), axis=0).tolist()
    inside = pairs[label[pairs[:, 0]] == label[pairs[:, 1]]]
    assert len(np.unique(graph.pieces(label))) == pieces_by_hand(len(xy), inside)
    assert collapse(xy)[0].tolist() == graph.places.tolist()


def pieces_by_hand(count: int, pairs: np.ndarray) -> int:
    piece = list(range(count))
    for a, b in pairs:
        piece = [piece[a] if each == piece[b] else each for each in piece]
    return len(set(piece))
