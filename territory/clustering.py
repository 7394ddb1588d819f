"""Balanced territories as a scikit-learn clusterer, for people who come from there."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from territory.alignment import UnitPlan, align_units, centroids

try:
    from sklearn.base import BaseEstimator, ClusterMixin
    from sklearn.utils import check_array, check_random_state, check_scalar
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "BalancedTerritories needs scikit-learn 1.6 or later: pip install 'territory-planner[sklearn]'."
    ) from error


class BalancedTerritories(ClusterMixin, BaseEstimator):
    """Clusters of equal weight on every measure, each in one piece and compact, with a bound on what could be better.

    Parameters
    ----------
    n_territories : int, at least 1; by default as many as scikit-learn's own checks ask of every clusterer
    tolerance : float, or one for each measure; ratio
        A territory's weight over its equal share may be 1 - tolerance to 1 + tolerance.
    measures : sequence of int, or None
        Columns of X that are weights to balance on rather than coordinates; None: X holds coordinates only.
    random_state : int, RandomState or None
    effort : float, multiplies the steps of the search

    Attributes
    ----------
    labels_ : (n_samples,) int, from 0 to n_territories - 1, each in use
    cluster_centers_ : (n_territories, number of coordinates) float, weighted means
    inertia_ : float
        Sum over rows of weight x squared distance to the territory's centre, as in KMeans. The weight is
        `sample_weight`, or the mean of several measures after each is scaled to the mean 1.
    lower_bound_ : float
        No assignment to these centres within the tolerance, each territory in one piece if it has to be, has less
        inertia; where the tolerance is not met, none that is nowhere farther outside of it.
    gap_ : float, ratio, (inertia_ - lower_bound_) / lower_bound_
    max_deviation_ : (number of measures,) float, ratio, the largest deviation from the equal share
    reasons_ : tuple of Problem, why the tolerance could not be met and what to relax; empty when it is met
    n_features_in_ : int
    feature_names_in_ : (n_features_in_,) text, only when X has text column names

    Notes
    -----
    Coordinates are taken in one unit on every axis (metres in a projection; scale other features before). Equal rows of
    X are one place and share a territory, so a weight of 2 is the same as a row given twice; only where there are fewer
    places than territories do the rows of a place part. Rows without any weight take no part: they get the territory
    that `predict` gives.

    One or two coordinates are the plane that the algorithm works on. More are projected on their first two principal
    axes: borders, "in one piece" and the bound are those of that plane. Inertia is taken in all of them; the bound,
    which knows the plane only, still holds for it but is loose. For clusters in many dimensions this is the wrong tool.

    Where equal shares are impossible (9 equal rows in 2 territories), the best found stands and `reasons_` says so:
    nothing is raised, nor warned.
    """

    labels_: np.ndarray
    cluster_centers_: np.ndarray
    inertia_: float
    lower_bound_: float
    gap_: float
    max_deviation_: np.ndarray

    def __init__(
        self,
        n_territories: int = 3,
        *,
        tolerance: float | Sequence[float] = 0.05,
        measures: Sequence[int] | None = None,
        random_state: Any = 0,
        effort: float = 1.0,
    ) -> None:
        self.n_territories = n_territories
        self.tolerance = tolerance
        self.measures = measures
        self.random_state = random_state
        self.effort = effort

    def fit(self, X: Any, y: object = None, sample_weight: Any = None, *, measures: Any = None) -> BalancedTerritories:
        """Cut the rows of X into territories.

        Parameters
        ----------
        X : (n_samples, n_features) float, coordinates and the columns named by ``measures`` of the constructor
        y : ignored
        sample_weight : (n_samples,) float, at least 0; the one measure to balance on, 1 for every row by default
        measures : (n_samples, q) float, at least 0; several measures, each balanced on its own, in place of a weight

        Raises
        ------
        ValueError
            A parameter is out of its range, a weight is negative, weights are given in two ways, a measure is zero
            everywhere, or fewer rows have a weight than there are territories.
        """
        X = validate_data(self, X, dtype=np.float64)
        self._check_parameters()
        xy, own = self._split(X)
        loads = _loads(X, sample_weight, measures, own)
        tolerance = self._tolerances(loads.shape[1])
        mass = _mass(loads)
        weighty = mass > 0
        places, place_of = self._units(xy[weighty])
        held = np.column_stack([np.bincount(place_of, load) for load in loads[weighty].T])
        plan = align_units(
            _plane(places, _mass(held)),
            held,
            np.ones(self.n_territories),
            tolerance,
            seed=self._seed(),
            effort=self.effort,
        )
        self._places, self._place_labels = places, plan.labels.astype(np.int64)
        self.labels_ = np.empty(len(X), np.int64)
        self.labels_[weighty] = self._place_labels[place_of]
        self.labels_[~weighty] = self._nearest(xy[~weighty])
        self._judge(xy, mass, plan)
        return self

    def fit_predict(self, X: Any, y: object = None, sample_weight: Any = None, *, measures: Any = None) -> np.ndarray:
        """``fit(X, ...).labels_``."""
        return self.fit(X, sample_weight=sample_weight, measures=measures).labels_

    def predict(self, X: Any) -> np.ndarray:
        """The territory of the nearest place that `fit` has seen: for the rows of `fit`, their labels.

        The nearest centre would not do: balance moves borders off the middle between centres.

        Parameters
        ----------
        X : (m, n_features) float

        Returns
        -------
        (m,) int
        """
        check_is_fitted(self)
        return self._nearest(self._split(validate_data(self, X, dtype=np.float64, reset=False))[0])

    def score(self, X: Any, y: object = None, sample_weight: Any = None) -> float:
        """Minus the inertia that rows would have in the territories `predict` gives: the higher, the better, as KMeans.

        Parameters
        ----------
        X : (m, n_features) float
        y : ignored
        sample_weight : (m,) float, at least 0; by default 1 for every row, or what the columns ``measures`` say
        """
        labels = self.predict(X)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        xy, own = self._split(X)
        mass = _mass(_loads(X, sample_weight, None, own))
        return -float((mass * ((xy - self.cluster_centers_[labels]) ** 2).sum(axis=1)).sum())

    def _judge(self, xy: np.ndarray, mass: np.ndarray, plan: UnitPlan) -> None:
        """Set what the labels are worth."""
        self.cluster_centers_ = centroids(xy, mass, self.labels_, self.n_territories)
        self.inertia_ = float((mass * ((xy - self.cluster_centers_[self.labels_]) ** 2).sum(axis=1)).sum())
        self.lower_bound_ = min(float(plan.lower_bound * mass.sum()), self.inertia_)
        self.gap_ = _gap(self.inertia_, self.lower_bound_)
        self.max_deviation_ = plan.max_deviation
        self.reasons_ = plan.reasons

    def _units(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distinct places and the place of each row; every row by itself where there are too few of them."""
        places, place_of = np.unique(rows, axis=0, return_inverse=True)
        if len(places) < self.n_territories:
            places, place_of = rows, np.arange(len(rows))
        if len(places) < self.n_territories:
            raise ValueError(f"n_samples={len(rows)} with a weight cannot fill n_territories={self.n_territories}.")
        return places, place_of.ravel()

    def _nearest(self, xy: np.ndarray) -> np.ndarray:
        return self._place_labels[cKDTree(self._places).query(xy)[1]] if len(xy) else np.empty(0, np.int64)

    def _split(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Coordinates and, where the constructor names their columns, measures."""
        if self.measures is None:
            return X, None
        columns = np.asarray(self.measures)
        if columns.dtype.kind not in "iu" or columns.ndim != 1 or not len(columns):
            raise ValueError(f"measures={self.measures!r} is not a list of column numbers.")
        if columns.min() < -X.shape[1] or columns.max() >= X.shape[1]:
            raise ValueError(f"measures={self.measures!r}: X has {X.shape[1]} columns, numbered from 0.")
        others = np.delete(np.arange(X.shape[1]), columns)
        if not len(others):
            raise ValueError(f"measures={self.measures!r} leaves no column of X for coordinates.")
        return X[:, others], X[:, columns]

    def _check_parameters(self) -> None:
        check_scalar(self.n_territories, "n_territories", Integral, min_val=1)
        check_scalar(self.effort, "effort", Real, min_val=0, include_boundaries="neither")

    def _tolerances(self, count: int) -> np.ndarray:
        tolerance = np.asarray(self.tolerance, np.float64)
        if tolerance.ndim > 1 or tolerance.size not in (1, count):
            raise ValueError(f"tolerance={self.tolerance!r} must be one number or {count}, one for each measure.")
        if not ((tolerance > 0) & np.isfinite(tolerance)).all():
            raise ValueError(f"tolerance={self.tolerance!r} must be above 0, as in 0.05 for 5 %.")
        return np.broadcast_to(tolerance, (count,)).copy()

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))


def _loads(X: np.ndarray, sample_weight: Any, measures: Any, own: np.ndarray | None) -> np.ndarray:
    """(n, q) what is balanced, from the one place where it is given."""
    given = [
        name
        for name, value in {"sample_weight": sample_weight, "measures": measures, "columns of X": own}.items()
        if value is not None
    ]
    if len(given) > 1:
        raise ValueError(f"Weights are given twice: {' and '.join(given)}.")
    if measures is not None:
        loads = check_array(measures, dtype=np.float64, input_name="measures", ensure_2d=False)
        loads = loads[:, None] if loads.ndim == 1 else loads
        if len(loads) != len(X):
            raise ValueError(f"measures has {len(loads)} rows and X has {len(X)}.")
    elif own is not None:
        loads = own
    else:
        loads = _check_sample_weight(sample_weight, X, dtype=np.float64)[:, None]
    if (loads < 0).any():
        raise ValueError("Negative values in weights: a territory cannot hold less than nothing.")
    if not (loads.sum(axis=0) > 0).all():
        raise ValueError("A measure is zero for every row: there is nothing to balance.")
    return loads


def _mass(loads: np.ndarray) -> np.ndarray:
    """(n,) the weight itself, or of several measures their mean after each is scaled to the mean 1."""
    return loads[:, 0] if loads.shape[1] == 1 else (loads / loads.mean(axis=0)).mean(axis=1)


def _plane(places: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """(p, 2) places on the plane of most spread, which for two coordinates is their own."""
    coordinates = places.shape[1]
    if coordinates == 1:
        return np.column_stack([places, np.zeros(len(places))])
    if coordinates == 2:
        return places
    centred = places - np.average(places, axis=0, weights=mass)
    axes = np.linalg.eigh((centred * mass[:, None]).T @ centred)[1][:, :-3:-1]
    # The sign of an axis is the solver's whim: its largest part is positive.
    largest = np.abs(axes).argmax(axis=0)
    return centred @ (axes * np.sign(axes[largest, [0, 1]]))


def _gap(objective: float, bound: float) -> float:
    if bound > 0:
        return (objective - bound) / bound
    return 0.0 if objective <= 0 else float("inf")
