"""The neighbour graph: connected, local, the same however the rows come."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from territory.neighbours import collapse, count_pieces, neighbour_pairs

plane = arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.integers(-20, 20).map(float))


def square(side: int) -> np.ndarray:
    return np.array([[x * 1000.0, y * 1000.0] for x in range(side) for y in range(side)])


def test_places_on_a_line_border_the_next_one():
    places = np.array([[0.0, 0], [10, 0], [20, 0], [35, 0]])

    pairs = neighbour_pairs(places)

    assert pairs.tolist() == [[0, 1], [1, 2], [2, 3]]


def test_two_places_border_each_other_and_one_borders_nobody():
    assert neighbour_pairs(np.array([[0.0, 0], [5, 5]])).tolist() == [[0, 1]]
    assert neighbour_pairs(np.array([[0.0, 0]])).shape == (0, 2)


def test_two_islands_are_joined_by_their_shortest_links_only():
    west, east = square(4), square(4) + np.array([50_000, 0])

    pairs = neighbour_pairs(np.vstack([west, east]))

    bridges = pairs[(pairs[:, 0] < 16) & (pairs[:, 1] >= 16)]
    assert 1 <= len(bridges) <= 7
    assert np.isin(bridges[:, 0], [12, 13, 14, 15]).all()


def test_customers_of_one_territory_on_both_sides_of_another_are_in_two_pieces():
    xy = np.column_stack([np.arange(5) * 1000.0, np.zeros(5)])

    found = count_pieces(xy, np.array(["A", "A", "B", "A", "B"]))

    assert found.to_dict() == {"A": 2, "B": 2}


def test_a_shared_place_connects_both_its_territories():
    xy = np.array([[0.0, 0], [1000, 0], [1000, 0], [2000, 0], [2000, 0]])

    found = count_pieces(xy, np.array(["A", "A", "B", "A", "B"]))

    assert found.to_dict() == {"A": 1, "B": 1}


def test_places_at_the_rim_do_not_border_each_other_around_the_place_between_them():
    # The cells of the first and the last place meet only far below the line on which all three nearly stand.
    places = np.array([[0.0, 0], [500, 900], [1000, 100], [1500, 900], [2000, 0]])

    inside, around = neighbour_pairs(places).tolist(), neighbour_pairs(places, around_corners=True).tolist()

    assert [pair for pair in around if pair not in inside] == [[0, 4]]


@given(plane)
def test_the_graph_is_connected_whatever_the_places(xy):
    places, place_of = collapse(xy)

    pairs = neighbour_pairs(places)

    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(places), len(places)))
    assert connected_components(graph, directed=False)[0] == 1
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert (places[place_of] == xy).all()


@given(plane, st.randoms(use_true_random=False))
def test_the_order_of_customers_changes_no_piece(xy, random):
    labels = np.array([random.choice("ABC") for _ in xy])
    order = np.array(random.sample(range(len(xy)), len(xy)))

    assert count_pieces(xy, labels).equals(count_pieces(xy[order], labels[order]))
