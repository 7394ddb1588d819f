"""Territories as ground: they tile the region, each customer stands in its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from territory.boundaries import LONE_RADIUS, territory_polygons
from territory.geo import local_crs, project
from territory.neighbours import count_pieces

IOWA = Path(__file__).parents[1] / ".." / "shared" / "data" / "iowa" / "customers.csv"
CORNER_METRES = 0.002
"""Corners are rounded to a millimetre, so a customer on a border may stand this far beside it."""


def outside(xy: np.ndarray, labels: list[str] | np.ndarray, ground: pd.Series) -> np.ndarray:
    """How far each customer stands outside of its territory, (n,) metres."""
    return shapely.distance(ground.loc[list(labels)].to_numpy(), shapely.points(xy))


def overlap(ground: pd.Series) -> float:
    """Area that belongs to two territories, as a part of all."""
    return (ground.area.sum() - shapely.union_all(ground.to_numpy()).area) / ground.area.sum()


@st.composite
def worlds(draw: st.DrawFn) -> tuple[np.ndarray, list[str]]:
    """Customers on a coarse grid, so that equal places, lines and squares are frequent."""
    places = draw(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=40))
    labels = draw(st.lists(st.sampled_from(["T1", "T2", "T10"]), min_size=len(places), max_size=len(places)))
    step = draw(st.sampled_from([7.25, 1000.0, 33333.333]))
    return np.array(places, float) * step, labels


@given(worlds())
def test_every_customer_stands_in_its_own_territory_or_on_its_border(world):
    xy, labels = world

    ground = territory_polygons(xy, labels, tolerance_metres=0)

    assert outside(xy, labels, ground).max() <= CORNER_METRES


@given(worlds())
def test_territories_tile_the_region_without_gaps_or_overlaps(world):
    xy, labels = world

    exact, simple = territory_polygons(xy, labels, tolerance_metres=0), territory_polygons(xy, labels)

    for ground in (exact, simple):
        assert ground.is_valid.all()
        assert shapely.coverage_is_valid(ground.to_numpy(), gap_width=0.5)
        assert abs(overlap(ground)) < 1e-9
    assert set(simple.index) == set(labels)


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(world, random):
    xy, labels = world
    order = list(range(len(labels)))
    random.shuffle(order)

    ground, shuffled = territory_polygons(xy, labels), territory_polygons(xy[order], [labels[i] for i in order])

    assert ground.to_wkb().tolist() == shuffled.to_wkb().tolist()


def test_two_customers_share_a_border_half_way():
    xy = np.array([[0.0, 0.0], [1000.0, 0.0]])

    ground = territory_polygons(xy, ["T1", "T2"])

    assert ground["T1"].bounds[2] == pytest.approx(500)
    assert ground["T2"].bounds[0] == pytest.approx(500)
    assert ground["T1"].area == pytest.approx(ground["T2"].area, rel=1e-6)


def test_territories_on_one_line_lie_side_by_side():
    xy = np.column_stack([np.arange(9) * 1000.0, np.zeros(9)])

    ground = territory_polygons(xy, ["T1"] * 3 + ["T2"] * 3 + ["T3"] * 3)

    assert ground.geom_type.tolist() == ["Polygon"] * 3
    assert ground["T2"].bounds[::2] == pytest.approx((2500, 5500))
    assert not ground["T1"].intersects(ground["T3"])


def test_a_lone_customer_keeps_a_disc_of_ground():
    ground = territory_polygons(np.array([[5.0, 7.0]]), ["T1"])

    assert ground["T1"].centroid.coords[0] == pytest.approx((5, 7), abs=1)
    assert ground["T1"].area == pytest.approx(np.pi * LONE_RADIUS**2, rel=0.1)


def test_customers_at_one_place_share_its_ground_equally():
    xy = np.array([[100.0, 100.0]] * 5)

    ground = territory_polygons(xy, ["T1", "T1", "T2", "T3", "T3"], tolerance_metres=0)

    assert ground.area.to_numpy() == pytest.approx(ground.area.mean(), rel=0.02)
    assert outside(xy, ["T1", "T1", "T2", "T3", "T3"], ground).max() <= CORNER_METRES


def test_a_shared_place_is_a_corner_of_both_and_each_part_faces_its_own():
    xy = np.array([[-1000.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1000.0, 0.0]])

    ground = territory_polygons(xy, ["T1", "T1", "T2", "T2"], tolerance_metres=0)

    assert ground.geom_type.tolist() == ["Polygon", "Polygon"]
    assert ground["T1"].bounds[2] == pytest.approx(0, abs=0.01)
    assert ground["T2"].bounds[0] == pytest.approx(0, abs=0.01)


def test_a_customer_far_from_all_others_gets_no_giant_cell():
    town = np.column_stack([part.ravel() for part in np.mgrid[0:10, 0:10]]) * 1000.0
    xy = np.vstack([town, [[900_000.0, 0.0]]])

    ground = territory_polygons(xy, ["T1"] * 100 + ["T2"])

    assert ground["T2"].area < 0.05 * ground["T1"].area
    assert ground["T1"].bounds[2] < 11_000


def test_an_island_of_a_territory_is_joined_to_it_by_a_strip():
    town = np.column_stack([part.ravel() for part in np.mgrid[0:6, 0:6]]) * 1000.0
    xy = np.vstack([town, town + np.array([40_000.0, 0.0])])

    one = territory_polygons(xy, ["T1"] * 72)
    two = territory_polygons(xy, ["T1"] * 36 + ["T2"] * 36)

    assert one.geom_type.tolist() == ["Polygon"]
    assert not two["T1"].intersects(two["T2"])


def test_empty_land_in_the_middle_belongs_to_those_around_it():
    turn = np.arange(40) * 2 * np.pi / 40
    ring = 10_000 * np.column_stack([np.cos(turn), np.sin(turn)])

    ground = territory_polygons(np.vstack([ring, 1.15 * ring]), ["T1"] * 80)

    assert ground["T1"].contains(shapely.Point(0, 0))
    assert len(ground["T1"].interiors) == 0


def test_customers_without_a_territory_own_no_ground():
    xy = np.array([[0.0, 0.0], [1000.0, 0.0], [2000.0, 0.0]])

    ground = territory_polygons(xy, pd.Series(["T1", np.nan, "T2"]))
    none = territory_polygons(xy, [None, None, None])

    assert ground.index.tolist() == ["T1", "T2"]
    assert ground["T1"].bounds[2] == pytest.approx(1000)
    assert none.empty


def test_territories_come_in_natural_order():
    xy = np.arange(6).reshape(3, 2) * 1000.0

    assert territory_polygons(xy, ["T10", "T2", "T1"]).index.tolist() == ["T1", "T2", "T10"]


def test_a_shift_of_all_customers_shifts_the_ground():
    xy = np.random.default_rng(3).uniform(0, 1e5, (200, 2)).round(3)
    labels = np.where(xy[:, 0] < 5e4, "T1", "T2")
    shift = np.array([250_000.0, -1_000_000.0])

    ground, shifted = territory_polygons(xy, labels), territory_polygons(xy + shift, labels)

    back = shapely.transform(shifted.to_numpy(), lambda corners: corners - shift)
    assert shapely.area(shapely.symmetric_difference(ground.to_numpy(), back)).sum() < 1e-6 * ground.area.sum()


@pytest.mark.skipif(not IOWA.exists(), reason="the shared data is not here")
def test_a_territory_in_one_piece_on_the_neighbour_graph_is_drawn_in_one_piece():
    iowa = pd.read_csv(IOWA, dtype={"customer_id": str})
    lon, lat = iowa["lon"].to_numpy(), iowa["lat"].to_numpy()
    xy = project(lon, lat, local_crs(lon, lat))

    ground = territory_polygons(xy, iowa["territory"])

    drawn = shapely.get_num_geometries(ground.to_numpy())
    assert drawn.tolist() == count_pieces(xy, iowa["territory"])[ground.index].tolist()
    assert (outside(xy, iowa["territory"], ground) > 0).mean() < 0.01
