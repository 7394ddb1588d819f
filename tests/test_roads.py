"""Travel by road, on towns small enough to reckon by hand, and on Porto where the extract is at hand."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from territory.errors import DataError, NotFoundError
from territory.travel import hierarchy, read_roads, write_roads
from territory.travel.roads import RoadTravel
from territory.travel.speeds import limit_kmh
from territory.travel.storing import build_roads
from tests.towns import PLANE, SQUARE, STREET, osm_xml

PORTO = Path(__file__).parents[2] / "shared" / "data" / "routing" / "osm" / "porto_portugal.osm.pbf"
Build = Callable[..., RoadTravel]


@pytest.fixture
def town(tmp_path: Path) -> Build:
    """Roads of ways ``{"AB": tags}`` between nodes ``{"A": (x, y)}`` in metres, by way of a real extract."""

    def build(places: dict, ways: list, nodes: dict | None = None, restrictions: list = ()) -> RoadTravel:
        path = tmp_path / "town.osm"
        path.write_text(osm_xml(places, ways, nodes or {}, restrictions), encoding="utf-8")
        roads = build_roads(path)
        # Every hour alike, so that minutes can be reckoned by hand.
        return RoadTravel(roads.name, roads.network, roads.rank, roads.origin, np.ones_like(roads.factors))

    return build


def spots(*places: tuple[float, float]) -> gpd.GeoSeries:
    return gpd.GeoSeries(
        gpd.points_from_xy(*np.array(places, float).T), index=list("abcdefgh"[: len(places)]), crs=PLANE
    )


def minutes(roads: RoadTravel, *places: tuple[float, float]) -> float:
    return float(roads.matrix(spots(*places)).minutes[0, -1])


def test_a_kilometre_at_sixty_takes_a_minute(town):
    roads = town(SQUARE, [("AB", STREET)])

    matrix = roads.matrix(spots((0, 0), (1000, 0)))

    assert matrix.minutes == pytest.approx(np.array([[0, 1], [1, 0]]), abs=1e-3)
    assert matrix.metres == pytest.approx(np.array([[0, 1000], [1000, 0]]), abs=0.5)
    assert not matrix.is_estimate


@pytest.mark.parametrize(
    ("tags", "kmh"),
    [
        ({"highway": "motorway", "oneway": "no"}, 90),
        ({"highway": "residential"}, 25),
        ({"highway": "residential", "maxspeed": "30"}, 24),
        ({"highway": "residential", "maxspeed": "30 mph"}, 38.6),
        ({"highway": "residential", "maxspeed": "PT:urban"}, 25),
        ({"highway": "primary", "maxspeed": "90; 50"}, 40),
        ({"highway": "primary", "surface": "cobblestone"}, 30),
    ],
)
def test_speed_follows_the_limit_then_the_class_and_never_beats_the_surface(town, tags, kmh):
    roads = town(SQUARE, [("AB", tags)])

    assert minutes(roads, (0, 0), (1000, 0)) == pytest.approx(60 / kmh, rel=2e-3)


def test_a_one_way_street_is_gone_around(town):
    roads = town(SQUARE, [("AB", {**STREET, "oneway": "yes"}), ("BCDA", STREET)])

    matrix = roads.matrix(spots((0, 0), (1000, 0)))

    assert matrix.minutes[0, 1] == pytest.approx(1, abs=0.01)
    assert matrix.minutes[1, 0] == pytest.approx(3, abs=0.01)


def test_against_the_arrow_on_the_same_one_way_street_one_goes_around_it(town):
    roads = town(SQUARE, [("AB", {**STREET, "oneway": "yes"}), ("BCDA", STREET)])
    places = spots((600, 0), (400, 0))

    matrix, (way,) = roads.matrix(places), roads.path(places)

    assert matrix.metres[0, 1] == pytest.approx(3800, abs=3)
    assert way.length == pytest.approx(3800, abs=3)
    assert matrix.metres[1, 0] == pytest.approx(200, abs=1)


@pytest.mark.parametrize("oneway", ["yes", "-1"])
def test_a_street_can_be_one_way_against_its_drawing(town, oneway):
    roads = town(SQUARE, [("AB", {**STREET, "oneway": oneway}), ("BCDA", STREET)])

    there = roads.matrix(spots((0, 0), (1000, 0))).metres[0, 1]

    assert there == pytest.approx(1000 if oneway == "yes" else 3000, abs=3)


def test_a_forbidden_turn_is_not_taken(town):
    # From the south to the east at M, which is forbidden: on to the north, around a loop, and back.
    places = {"S": (0, -1000), "M": (0, 0), "E": (1000, 0), "N": (0, 1000), "X": (1000, 1000)}
    ways = [("SM", STREET), ("ME", STREET), ("MN", STREET), ("NXE", STREET)]

    free = town(places, ways)
    barred = town(places, ways, restrictions=[("no_right_turn", 1, "M", 2)])

    assert free.matrix(spots((0, -1000), (500, 0))).metres[0, 1] == pytest.approx(1500, abs=3)
    assert barred.matrix(spots((0, -1000), (500, 0))).metres[0, 1] == pytest.approx(4500, abs=8)
    assert barred.matrix(spots((500, 0), (0, -1000))).metres[0, 1] == pytest.approx(1500, abs=3)


def test_where_one_must_go_straight_on_no_other_turn_is_taken(town):
    places = {"S": (0, -1000), "M": (0, 0), "E": (1000, 0), "N": (0, 1000), "X": (1000, 1000)}
    ways = [("SM", STREET), ("ME", STREET), ("MN", STREET), ("NXE", STREET)]

    roads = town(places, ways, restrictions=[("only_straight_on", 1, "M", 3)])

    assert roads.matrix(spots((0, -1000), (500, 0))).metres[0, 1] == pytest.approx(4500, abs=8)


def test_a_turn_costs_seconds_where_roads_meet_and_none_in_a_bend(town):
    places = {**SQUARE, "E": (1000, -1000)}
    crossing = town(places, [("AB", STREET), ("BC", STREET), ("BE", STREET)])
    bend = town(places, [("AB", STREET), ("BC", STREET)])

    # Square turns cost half of 7 s.
    assert minutes(crossing, (0, 0), (1000, 1000)) == pytest.approx(2 + 3.5 / 60, abs=2e-3)
    assert minutes(bend, (0, 0), (1000, 1000)) == pytest.approx(2, abs=2e-3)


def test_a_traffic_light_on_the_way_takes_six_seconds(town):
    roads = town(SQUARE, [("ABC", STREET)], nodes={"B": {"highway": "traffic_signals"}})

    assert minutes(roads, (0, 0), (1000, 1000)) == pytest.approx(2.1, abs=2e-3)


@pytest.mark.parametrize(
    ("barrier", "metres"),
    [
        ({"barrier": "bollard"}, 3000),
        ({"barrier": "gate", "access": "private"}, 3000),
        ({"barrier": "gate"}, 1000),
        ({"barrier": "bollard", "motor_vehicle": "yes"}, 1000),
    ],
)
def test_a_barrier_is_gone_around_unless_it_lets_cars_through(town, barrier, metres):
    places = {**SQUARE, "M": (500, 0)}

    roads = town(places, [("AMB", STREET), ("BCDA", STREET)], nodes={"M": barrier})

    assert roads.matrix(spots((0, 0), (1000, 0))).metres[0, 1] == pytest.approx(metres, abs=3)


@pytest.mark.parametrize("tags", [{"access": "private"}, {"motor_vehicle": "no"}, {"highway": "footway"}])
def test_ways_that_are_not_for_cars_are_not_used(town, tags):
    roads = town(SQUARE, [("AB", {**STREET, **tags}), ("BCDA", STREET)])

    assert roads.matrix(spots((0, 0), (1000, 0))).metres[0, 1] == pytest.approx(3000, abs=3)


def test_the_most_particular_access_tag_decides(town):
    roads = town(SQUARE, [("AB", {**STREET, "access": "no", "motorcar": "yes"})])

    assert minutes(roads, (0, 0), (1000, 0)) == pytest.approx(1, abs=2e-3)


def test_roads_that_do_not_lead_to_the_rest_are_left_out_and_counted(town):
    places = {**SQUARE, "X": (2000, 5000), "Y": (2100, 5000), "Z": (1000, -900)}

    roads = town(places, [("ABCD", STREET), ("XY", STREET), ("BZ", {**STREET, "oneway": "yes"})])

    assert roads.describe()["lanes_left_out"] == 3
    matrix = roads.matrix(spots((0, 0), (1000, -900)))
    assert matrix.snapped_metres.tolist() == pytest.approx([0, 900], abs=1)
    assert np.isfinite(matrix.minutes).all()


def test_off_the_road_one_goes_at_ten_and_the_distance_is_told(town):
    roads = town(SQUARE, [("AB", STREET)])

    matrix = roads.matrix(spots((0, 0), (500, 100)))

    assert matrix.snapped_metres.tolist() == pytest.approx([0, 100], abs=0.1)
    assert matrix.minutes[0, 1] == pytest.approx(0.5 + 0.1 / 10 * 60, abs=2e-3)
    assert matrix.metres[0, 1] == pytest.approx(600, abs=1)


def test_neighbours_in_one_yard_need_not_go_out_on_the_road(town):
    roads = town(SQUARE, [("AB", STREET)])

    matrix = roads.matrix(spots((500, 200), (500, 210)))

    assert matrix.metres[0, 1] == pytest.approx(10, abs=0.01)
    assert matrix.minutes[0, 1] == pytest.approx(0.06, abs=1e-3)


def test_places_far_from_any_road_are_named_and_nothing_leads_there(town):
    roads = town(SQUARE, [("AB", STREET)])

    matrix = roads.matrix(spots((0, 0), (1000, 0), (0, 9000)))

    assert matrix.unreachable == ("c",)
    assert np.isinf(matrix.minutes[[0, 1, 2, 2], [2, 2, 0, 1]]).all()
    assert matrix.minutes[2, 2] == 0
    assert matrix.minutes[0, 1] == pytest.approx(1, abs=1e-3)


def test_nobody_stops_on_a_motorway(town):
    places = {"A": (0, 0), "B": (1000, 0), "E": (0, 300), "F": (1000, 300)}

    roads = town(places, [("AB", {"highway": "motorway"}), ("BFEA", STREET)])

    assert roads.matrix(spots((500, 0), (500, 300))).snapped_metres.tolist() == pytest.approx([300, 0], abs=0.5)


def test_rush_hour_slows_the_arterial_road_most(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text(osm_xml(SQUARE, [("AB", {"highway": "primary"}), ("BC", {"highway": "residential"})], {}, []))
    roads = build_roads(path)
    places = spots((0, 0), (1000, 0), (1000, 1000))

    night, rush, day = (roads.matrix(places, departure_minutes=hour).minutes for hour in (180, 490, None))

    assert rush[0, 1] / night[0, 1] > rush[1, 2] / night[1, 2] > 1
    assert night[0, 1] < day[0, 1] < rush[0, 1]


def test_few_columns_can_be_asked_for_and_are_the_same(town):
    roads = town(SQUARE, [("ABCDA", {**STREET, "oneway": "yes"})])
    places = spots((0, 0), (1000, 500), (200, 1000))

    whole, part = roads.matrix(places), roads.matrix(places, places.iloc[[2]])

    assert part.minutes.tolist() == whole.minutes[:, [2]].tolist()
    assert part.snapped_metres_to.tolist() == whole.snapped_metres[[2]].tolist()


def test_points_come_in_any_projection(town):
    roads = town(SQUARE, [("AB", STREET)])
    places = spots((0, 0), (1000, 50))

    elsewhere = places.to_crs("EPSG:32631")

    assert roads.matrix(elsewhere).minutes == pytest.approx(roads.matrix(places).minutes, abs=1e-3)
    assert roads.path(elsewhere)[0].coords[0] == pytest.approx(elsewhere.iloc[0].coords[0], abs=0.01)


def test_degrees_and_missing_places_are_refused_together(town):
    roads = town(SQUARE, [("AB", STREET)])
    places = gpd.GeoSeries([None, *gpd.points_from_xy([0], [0])], index=["x", "y"], crs="EPSG:4326")

    with pytest.raises(DataError) as refused:
        roads.matrix(places)

    assert [problem.where for problem in refused.value.problems] == ["points, crs", "place 'x'"]


def test_the_way_on_the_map_is_as_long_as_the_matrix_says(town):
    roads = town(SQUARE, [("ABC", STREET), ("CDA", {**STREET, "oneway": "yes"})])
    places = spots((100, 40), (1000, 700), (0, 300), (0, 300), (100, -20))

    lines, metres = roads.path(places), roads.matrix(places).metres

    assert [line.length for line in lines] == pytest.approx([metres[a, b] for a, b in pairwise(range(5))], abs=1)
    corners = np.column_stack([places.x, places.y])
    assert np.array([line.coords[0] for line in lines]) == pytest.approx(corners[:-1], abs=0.02)
    assert np.array([line.coords[-1] for line in lines]) == pytest.approx(corners[1:], abs=0.02)


def test_where_no_road_leads_the_way_is_drawn_straight(town):
    roads = town(SQUARE, [("AB", STREET)])

    (line,) = roads.path(spots((0, 0), (0, 9000)))

    assert len(line.coords) == 2


@pytest.mark.parametrize("count", [0, 1])
def test_no_places_and_one_place_are_places(town, count):
    roads = town(SQUARE, [("AB", STREET)])
    places = spots((0, 0)).iloc[:count]

    assert roads.matrix(places).minutes.tolist() == [[0.0]][:count]
    assert roads.path(places) == []


def test_a_graph_comes_back_from_its_file_as_it_was(town, tmp_path):
    roads = town({**SQUARE, "E": (2000, 10)}, [("ABC", STREET), ("CDA", {**STREET, "oneway": "yes"}), ("BE", STREET)])
    places = spots((0, 0), (1000, 500), (0, 400), (1500, 0))

    again = read_roads(write_roads(roads, tmp_path / "sub" / "town.roads"))

    assert again.describe() == roads.describe()
    assert again.fingerprint == roads.fingerprint
    assert again.matrix(places).minutes.tolist() == roads.matrix(places).minutes.tolist()
    assert pickle.loads(pickle.dumps(again)).matrix(places).minutes.tolist() == roads.matrix(places).minutes.tolist()


def test_the_same_extract_gives_the_same_bytes(town, tmp_path):
    ways = [("ABC", STREET), ("CDA", STREET)]

    first, second = (write_roads(town(SQUARE, ways), tmp_path / f"{n}.roads").read_bytes() for n in range(2))

    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()


@pytest.mark.parametrize("content", [b"", b"PK not a zip", b"lon,lat\n"])
def test_what_is_not_a_graph_is_refused_in_plain_words(tmp_path, content):
    path = tmp_path / "x.roads"
    path.write_bytes(content)

    with pytest.raises(DataError, match="it is not a road graph"):
        read_roads(path)
    with pytest.raises(NotFoundError, match="no such file"):
        read_roads(tmp_path / "none.roads")


def test_what_is_not_an_extract_is_refused_in_plain_words(tmp_path):
    (tmp_path / "x.osm.pbf").write_bytes(b"lon,lat\n1,2\n")
    (tmp_path / "empty.osm").write_text('<osm version="0.6"></osm>')

    with pytest.raises(DataError, match="cannot be read"):
        build_roads(tmp_path / "x.osm.pbf")
    with pytest.raises(DataError, match="no road for cars"):
        build_roads(tmp_path / "empty.osm")
    with pytest.raises(NotFoundError, match="no such file"):
        build_roads(tmp_path / "none.osm.pbf")


@pytest.mark.parametrize(
    ("text", "kmh"),
    [("50", 50), ("30 mph", 48.28), ("80;50", 50), ("none", None), ("DE:30", None), (None, None), ("0", None)],
)
def test_posted_limits_are_read_as_people_write_them(text, kmh):
    assert limit_kmh(text) == (None if kmh is None else pytest.approx(kmh, abs=0.01))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), count=st.integers(1, 30), density=st.floats(0.5, 4))
def test_every_quickest_way_is_the_one_that_dijkstra_finds(seed, count, density):
    rng = np.random.default_rng(seed)
    arcs = int(count * density)
    tail, head = rng.integers(0, count, (2, arcs))
    tail, head = tail[tail != head], head[tail != head]
    ms, cm = rng.integers(1, 1000, len(tail)), rng.integers(1, 1000, len(tail))

    found = hierarchy.find_shortcuts(hierarchy.order_nodes(count, tail, head), tail, head)
    weights = hierarchy.customize(found, ms, cm)
    ends = np.column_stack([found.rank, np.full(count, -1)]).astype(np.int64)
    nothing = np.zeros((count, 2), np.int64)
    table, lengths = hierarchy.many_to_many(found, weights, (ends, nothing, nothing), (ends, nothing, nothing))

    swept = hierarchy._sweep(found.first, found.head, weights.ms, weights.cm, *(ends, nothing, nothing) * 2)
    assert [part.tolist() for part in swept] == [table.tolist(), lengths.tolist()]
    expected = oracle(count, tail, head, ms)
    assert np.where(table < hierarchy.FAR // 2, table.astype(float), np.inf).tolist() == expected.tolist()
    cost = pd.DataFrame({"a": tail, "b": head, "ms": ms, "cm": cm}).sort_values(["ms", "cm"])
    cost = cost.drop_duplicates(["a", "b"]).set_index(["a", "b"])
    node_of = np.argsort(found.rank)
    for a, b in rng.integers(0, count, (5, 2)):
        ranks = hierarchy.one_to_one(found, weights, (ends[a], nothing[a]), (ends[b], nothing[b]))
        way = [(node_of[x], node_of[y]) for x, y in pairwise(ranks)]
        assert bool(ranks) == np.isfinite(expected[a, b])
        assert sum(cost.loc[step, "ms"] for step in way) == (expected[a, b] if ranks else 0)
        assert not ranks or sum(cost.loc[step, "cm"] for step in way) >= lengths[a, b]


def oracle(
    count: int, tail: np.ndarray, head: np.ndarray, ms: np.ndarray, rows: np.ndarray | None = None
) -> np.ndarray:
    least = pd.Series(ms.astype(float)).groupby([tail, head]).min()
    a, b = (least.index.get_level_values(level).to_numpy(int) for level in (0, 1))
    return dijkstra(coo_array((least.to_numpy(), (a, b)), shape=(count, count)).tocsr(), indices=rows)


@pytest.fixture(scope="module")
def porto() -> RoadTravel:
    if not PORTO.exists():
        pytest.skip("the extract of Porto is not at hand")
    return build_roads(PORTO, name="Porto")


def places_in_porto(count: int, seed: int) -> gpd.GeoSeries:
    rng = np.random.default_rng(seed)
    degrees = gpd.points_from_xy(rng.uniform(-8.66, -8.56, count), rng.uniform(41.135, 41.185, count))
    return gpd.GeoSeries(degrees, crs="EPSG:4326").to_crs("EPSG:32629")


def test_in_porto_every_way_is_the_one_that_dijkstra_finds(porto):
    network, count = porto.network, len(porto.network.lane_road)
    turn = network.turn_from != network.turn_to
    tail, head = network.turn_from[turn], network.turn_to[turn]
    ms = network.turn_ms[turn] + network.lane_ms[head]
    lanes = np.random.default_rng(5).integers(0, count, 100)

    found = hierarchy.find_shortcuts(porto.rank, tail, head)
    weights = hierarchy.customize(found, ms, np.zeros_like(ms))
    ends = np.column_stack([found.rank[lanes], np.full(100, -1)]).astype(np.int64)
    nothing = np.zeros((100, 2), np.int64)
    table, _ = hierarchy.many_to_many(found, weights, (ends, nothing, nothing), (ends, nothing, nothing))

    assert table[:5].tolist() == oracle(count, tail, head, ms, lanes[:5])[:, lanes].tolist()


def test_in_porto_everything_is_reached_and_ways_are_as_long_as_they_say(porto):
    places = places_in_porto(40, seed=2)

    matrix, lines = porto.matrix(places), porto.path(places)

    assert np.isfinite(matrix.minutes).all()
    assert (matrix.minutes >= 0).all()
    straight = np.hypot(
        *(places.x.to_numpy()[:, None] - places.x.to_numpy(), places.y.to_numpy()[:, None] - places.y.to_numpy())
    )
    assert (matrix.metres >= straight * 0.999).all()
    told = [matrix.metres[a, b] for a, b in pairwise(range(40))]
    # Two projections differ by less than a thousandth.
    assert [line.length for line in lines] == pytest.approx(told, rel=2e-3)
