"""The clusterer: scikit-learn's own checks, and what it promises beyond them."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from territory import BalancedTerritories
from territory.neighbours import count_pieces


def scattered(count: int, seed: int, features: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1000, (count, features)).round(3)


@parametrize_with_checks([BalancedTerritories(effort=0.1)])
@pytest.mark.filterwarnings("ignore:Skipping check check_array_api_input")
def test_scikit_learn_s_own_checks_pass(estimator, check):
    check(estimator)


def test_rows_are_cut_into_territories_of_equal_weight_in_one_piece_each():
    rows = scattered(200, seed=1)

    found = BalancedTerritories(5, tolerance=0.02).fit(rows)

    assert np.bincount(found.labels_).tolist() == pytest.approx([40] * 5, abs=0.8)
    assert found.max_deviation_ <= 0.02
    assert (count_pieces(rows, found.labels_) == 1).all()
    assert found.reasons_ == ()


def test_a_line_of_nine_is_cut_in_three():
    found = BalancedTerritories(3).fit(np.arange(9.0)[:, None])

    centres = np.sort(found.cluster_centers_.ravel())
    assert centres.tolist() == pytest.approx([1, 4, 7])
    assert found.inertia_ == pytest.approx(6)
    assert found.predict([[1.2], [7.9]]).tolist() == [found.labels_[0], found.labels_[-1]]


def test_sample_weight_is_balanced_rather_than_the_number_of_rows():
    rows, weight = np.arange(8.0)[:, None], [3, 3, 1, 1, 1, 1, 1, 1]

    found = BalancedTerritories(2).fit(rows, sample_weight=weight)

    assert (found.labels_ == found.labels_[0]).tolist() == [True, True] + [False] * 6
    assert found.inertia_ == pytest.approx(3 * 0.5 + 17.5)


def test_several_measures_are_balanced_at_once():
    rows = scattered(300, seed=2)
    measures = np.random.default_rng(3).lognormal(0, 0.5, (300, 2))

    found = BalancedTerritories(4, tolerance=[0.05, 0.02]).fit(rows, measures=measures)

    held = np.column_stack([np.bincount(found.labels_, column) for column in measures.T])
    deviation = np.abs(held / (measures.sum(axis=0) / 4) - 1).max(axis=0)
    assert found.max_deviation_ == pytest.approx(deviation)
    assert (deviation <= [0.05, 0.02]).all()


def test_measures_may_be_columns_of_the_table():
    rows = scattered(100, seed=4)
    measures = np.random.default_rng(5).lognormal(0, 0.3, (100, 2))
    table = pd.DataFrame({"potential": measures[:, 0], "x": rows[:, 0], "y": rows[:, 1], "workload": measures[:, 1]})

    by_column = BalancedTerritories(3, measures=[0, 3], effort=0.2).fit(table)
    by_hand = BalancedTerritories(3, effort=0.2).fit(rows, measures=measures)

    assert by_column.labels_.tolist() == by_hand.labels_.tolist()
    assert by_column.predict(table).tolist() == by_column.labels_.tolist()
    assert by_column.n_features_in_ == 4
    assert by_column.feature_names_in_.tolist() == ["potential", "x", "y", "workload"]
    assert by_column.cluster_centers_.shape == (3, 2)


def test_a_tolerance_that_whole_rows_cannot_meet_is_told_and_not_hidden():
    found = BalancedTerritories(2).fit(np.arange(9.0)[:, None])

    assert sorted(np.bincount(found.labels_)) == [4, 5]
    assert found.max_deviation_ == pytest.approx([1 / 9])
    assert "deviates by 11 %; 5 % was asked. Allow 12 %" in str(found.reasons_[0])


def test_rows_at_one_place_share_a_territory_unless_there_are_too_few_places():
    rows = np.repeat([[0.0, 0], [1, 0], [2, 0]], 4, axis=0)

    by_place = BalancedTerritories(3).fit_predict(rows)
    by_row = BalancedTerritories(6).fit_predict(rows)

    assert len(set(by_place[:4])) == len(set(by_place[4:8])) == len(set(by_place[8:])) == 1
    assert np.bincount(by_row).tolist() == [2] * 6


def test_rows_without_weight_join_their_neighbours():
    weight = np.ones(12)
    weight[3] = 0

    found = BalancedTerritories(2, tolerance=0.2).fit(np.arange(12.0)[:, None], sample_weight=weight)

    assert found.labels_[3] in (found.labels_[2], found.labels_[4])


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 5))
def test_every_fit_is_proven_repeatable_and_agrees_with_predict(seed, features, territories):
    rows = scattered(40, seed, features)
    weight = np.random.default_rng(seed).uniform(0.5, 2, 40)

    found = BalancedTerritories(territories, tolerance=0.2, effort=0.2).fit(rows, sample_weight=weight)

    again = clone(found).fit(rows, sample_weight=weight)
    assert again.labels_.tolist() == found.labels_.tolist()
    assert sorted(set(found.labels_)) == list(range(territories))
    assert found.predict(rows).tolist() == found.labels_.tolist()
    assert 0 <= found.lower_bound_ <= found.inertia_ * (1 + 1e-12)
    if found.lower_bound_ > 0:
        assert found.gap_ == pytest.approx(found.inertia_ / found.lower_bound_ - 1)
    for territory, centre in enumerate(found.cluster_centers_):
        mine = found.labels_ == territory
        assert centre == pytest.approx(np.average(rows[mine], axis=0, weights=weight[mine]))


def test_with_all_the_tolerance_in_the_world_it_comes_near_to_k_means():
    rows = scattered(150, seed=6)
    free = KMeans(4, n_init=20, random_state=0).fit(rows)

    found = BalancedTerritories(4, tolerance=0.9).fit(rows)

    assert found.inertia_ <= free.inertia_ * 1.05


def test_more_than_two_features_are_seen_on_their_plane_of_most_spread():
    plane = scattered(60, seed=7)
    tilted = plane @ np.linalg.qr(scattered(5, seed=8, features=5))[0][:2]

    found = BalancedTerritories(3).fit(tilted)

    flat = BalancedTerritories(3).fit(plane)
    assert found.cluster_centers_.shape == (3, 5)
    assert found.max_deviation_ == pytest.approx([0], abs=1e-12)
    assert found.inertia_ == pytest.approx(flat.inertia_, rel=0.05)
    assert found.lower_bound_ == pytest.approx(flat.lower_bound_, rel=0.05)


def test_the_score_is_minus_the_inertia_and_lets_a_search_choose():
    rows = scattered(60, seed=3)
    found = BalancedTerritories(3, effort=0.2).fit(rows)

    search = GridSearchCV(BalancedTerritories(effort=0.2), {"n_territories": [2, 6]}, cv=2).fit(rows)

    assert found.score(rows) == pytest.approx(-found.inertia_)
    assert search.best_params_ == {"n_territories": 6}


def test_the_score_counts_weights():
    rows, weight = scattered(40, seed=3), np.r_[np.ones(20), np.full(20, 3.0)]
    table = np.column_stack([rows, weight])

    by_weight = BalancedTerritories(2, effort=0.2).fit(rows, sample_weight=weight)
    by_column = BalancedTerritories(2, measures=[2], effort=0.2).fit(table)

    assert by_weight.score(rows, sample_weight=weight) == pytest.approx(-by_weight.inertia_)
    assert by_column.score(table) == pytest.approx(-by_column.inertia_)


def test_it_works_in_a_pipeline():
    rows = scattered(60, seed=9) * [1, 1000]

    labels = make_pipeline(StandardScaler(), BalancedTerritories(3)).fit_predict(rows)

    assert np.bincount(labels).tolist() == [20] * 3


def test_a_random_state_of_numpy_s_is_taken():
    rows = scattered(30, seed=10)

    one, two = (
        BalancedTerritories(3, effort=0.2, random_state=np.random.RandomState(4)).fit_predict(rows) for _ in range(2)
    )

    assert one.tolist() == two.tolist()


@pytest.mark.parametrize(
    ("parameters", "weights", "said"),
    [
        ({"n_territories": 0}, {}, "n_territories"),
        ({"n_territories": 11}, {}, "n_samples=10 with a weight cannot fill n_territories=11"),
        ({"n_territories": 4}, {"sample_weight": [1, 1, 1] + [0] * 7}, "n_samples=3 with a weight"),
        ({"effort": 0}, {}, "effort"),
        ({"tolerance": 0}, {}, "above 0"),
        ({"tolerance": [0.1, 0.1]}, {}, "one number or 1"),
        ({"measures": [2]}, {}, "X has 2 columns"),
        ({"measures": ["x"]}, {}, "not a list of column numbers"),
        ({"measures": [0, 1]}, {}, "leaves no column"),
        ({"measures": [1]}, {"sample_weight": np.ones(10)}, "given twice: sample_weight and columns of X"),
        ({}, {"sample_weight": np.full(10, -1.0)}, "[Nn]egative"),
        ({}, {"sample_weight": np.zeros(10)}, "zero"),
        ({}, {"measures": np.ones((9, 2))}, "measures has 9 rows and X has 10"),
        ({}, {"measures": np.full((10, 2), np.nan)}, "measures contains NaN"),
    ],
)
def test_what_cannot_be_clustered_is_refused(parameters, weights, said):
    rows = np.abs(scattered(10, seed=11))

    with pytest.raises(ValueError, match=said):
        BalancedTerritories(**{"n_territories": 2, **parameters}).fit(rows, **weights)


def test_nothing_is_predicted_before_it_is_fitted():
    with pytest.raises(NotFittedError):
        BalancedTerritories().predict([[0.0, 0.0]])


def test_scikit_learn_is_loaded_only_with_the_clusterer_and_asked_for_where_it_is_missing():
    program = """
import sys
import territory
territory.realign, territory.adjust
from territory import *
assert "sklearn" not in sys.modules
sys.modules["sklearn"] = None
try:
    territory.BalancedTerritories
except ImportError as error:
    print(error)
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "pip install 'territory-planner[sklearn]'" in done.stdout
