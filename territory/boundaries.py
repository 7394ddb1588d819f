"""Territories as ground: polygons that tile the region without gaps, one territory beside the other.

The ground of a customer is what lies nearer to it than to any other (its Voronoi cell). Only the cell sides
between two territories are borders, so only they are drawn, together with the outline of the region: the faces of
that one drawing are the territories. Nothing is dissolved and neighbours share their border by construction.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import minimum_spanning_tree

from territory.model import Portfolio, natural_key
from territory.neighbours import collapse, neighbour_pairs

if TYPE_CHECKING:
    import geopandas as gpd

GRID = 0.001
"""Every corner lies on this grid (metres): rounding then cannot tear a shared border apart."""

OUTLINE_PLACES = 4000
"""The outline is drawn from at most so many places; more would not be seen."""

BEYOND_TREE = 4.0
"""There is ground between places up to this many times farther apart than the long links of the shortest tree."""

LONE_RADIUS = 1000.0
"""Metres of ground around customers that all stand at one place."""

SIMPLIFY = 0.15
"""Borders are simplified to this part of the typical distance between places."""

WEDGE = 0.1
"""Seeds of a shared place stand this part of the distance to the nearest other place away from it."""

_NOWHERE = shapely.Polygon()


def grounds_of(portfolio: Portfolio, alignment: pd.Series) -> gpd.GeoSeries:
    """The ground of each territory of an alignment: areas together, and what lies around other customers.

    Parameters
    ----------
    portfolio : Portfolio
    alignment : Series, customer_id -> territory; customers without one own no ground

    Returns
    -------
    GeoSeries as of `territory_polygons`, which draws the ground of customers that are no areas; areas go before it.
    """
    labels = alignment.reindex(portfolio.customers.index)
    outlines = portfolio.land.outlines.reindex(labels.index)
    is_area = outlines.notna()
    if not is_area.any():
        return territory_polygons(portfolio.xy, labels)
    owned = outlines[is_area].groupby(labels[is_area].to_numpy(object)).agg(lambda shapes: shapely.union_all([*shapes]))
    if (~is_area & labels.notna()).any():
        around = territory_polygons(portfolio.xy, labels)
        rest = shapely.difference(around.to_numpy(), shapely.union_all([*outlines[is_area]]))
        owned = pd.Series(shapely.union(rest, owned.reindex(around.index, fill_value=_NOWHERE)), around.index)
    import geopandas as gpd

    names = sorted(owned.index, key=natural_key)
    return gpd.GeoSeries(owned[names].to_list(), index=pd.Index(names, name="territory", dtype="str"))


def territory_polygons(
    xy: np.ndarray, labels: pd.Series | np.ndarray, *, tolerance_metres: float | None = None
) -> gpd.GeoSeries:
    """The ground of each territory: polygons that tile the region without gaps or overlaps.

    Parameters
    ----------
    xy : (n, 2) float, metres
    labels : (n,) territory of each row; rows without one (NA) own no ground
    tolerance_metres : float, optional
        How far borders may be simplified; shared borders stay shared. 0 keeps the exact cells, in which every
        customer stands in its own territory or on its border. By default a part of the typical distance between
        places: the few customers next to a border may then stand just beyond it.

    Returns
    -------
    GeoSeries of Polygon or MultiPolygon, metres, indexed by territory in natural order; no CRS.

    Notes
    -----
    Voronoi cells of the distinct places, cut by the outline of the region (`_region`). A place shared by
    customers of several territories is a corner of each: its cell is cut into equal sectors that meet at the place,
    each turned towards the nearest other place of its territory. Ground that the outline cuts off from the
    customer it belongs to is left out.
    """
    import geopandas as gpd

    owner = pd.Series(np.asarray(labels, dtype=object))
    has_owner = owner.notna().to_numpy()
    names = sorted(owner[has_owner].unique(), key=natural_key)
    if not names:
        return gpd.GeoSeries([], index=pd.Index([], name="territory", dtype="str"))
    label = pd.Index(names).get_indexer(owner[has_owner])
    places, place_of = collapse(np.asarray(xy, float)[has_owner])
    middle = places.mean(axis=0)
    places = places - middle  # Qhull and the grid are most exact near the origin
    holders = np.unique(np.column_stack([place_of, label]), axis=0)

    region, spacing = _region(places, holders)
    seeds, seed_label = _seeds(places, holders, spacing)
    ground = _grounds(region, seeds, seed_label, len(names))
    tolerance = SIMPLIFY * spacing if tolerance_metres is None else tolerance_metres
    if tolerance > 0:
        # The outline is smooth already, and stays the same whatever the territories are.
        ground = shapely.coverage_simplify(ground, tolerance, simplify_boundary=False)
    ground = shapely.transform(ground, lambda corners: corners + middle)
    return gpd.GeoSeries(list(ground), index=pd.Index(names, name="territory", dtype="str"))


class _Outline(NamedTuple):
    """What the ground of a region has to do with its places alone, whoever holds them."""

    few: np.ndarray  # (f, 2) float, metres: the places that make the outline
    stands_for: np.ndarray  # (p,) int, row of `few` that stands for each place
    pairs: np.ndarray  # (e, 2) int, neighbours that are too far apart for ground between them
    spacing: float  # typical distance between places, metres
    margin: float
    mainland: shapely.Geometry


def _region(places: np.ndarray, holders: np.ndarray) -> tuple[shapely.Geometry, float]:
    """Outline of the ground that customers stand on, and the typical distance between places, metres.

    An island keeps a strip of ground along its bridge to another when one territory has customers on both.
    """
    few, stands_for, pairs, spacing, margin, mainland = _outline_of(places.tobytes())
    held = np.unique(np.column_stack([stands_for[holders[:, 0]], holders[:, 1]]), axis=0)
    bridges = shapely.linestrings(few[_between_islands(_same_territory(pairs, held), few, mainland)])
    region = shapely.union_all([mainland, *shapely.buffer(bridges, margin / 2, quad_segs=6)])
    return shapely.set_precision(shapely.simplify(region, margin / 40), GRID), spacing


@lru_cache(maxsize=4)
def _outline_of(content: bytes) -> _Outline:
    """The outline of places, given as the bytes of their coordinates: before and after are drawn on the same ones.

    The triangles between neighbouring places whose sides are all short for where they are and not far beyond the
    links of the shortest tree (an alpha shape that follows the local density: Edelsbrunner, Kirkpatrick and Seidel
    1983), with a margin of half the typical distance between places, rounded, holes filled. A lone customer keeps a
    disc of the margin.
    """
    few, stands_for, pitch = _thin(np.frombuffer(content).reshape(-1, 2))
    pairs = neighbour_pairs(few, around_corners=True)  # the outline is to be smooth
    length = _lengths(few, pairs)
    reach = _reach(pairs, length, len(few))
    core = _filled_triangles(few, pairs[length <= reach])
    if core.area > 0:
        spacing = float(np.sqrt(core.area / len(few)))
    else:
        spacing = float(np.median(length)) if len(length) else LONE_RADIUS * 2
    margin = max(0.5 * spacing, 1.6 * pitch)  # a place dropped by thinning is within 1.42 pitches of one kept
    is_long = length > max(reach, 3 * spacing)
    drawn = shapely.union_all([core, *shapely.linestrings(few[pairs[~is_long]]), shapely.multipoints(few)])
    rounded = shapely.buffer(shapely.buffer(drawn, 2 * margin, quad_segs=6), -margin, quad_segs=6)
    return _Outline(few, stands_for, pairs[is_long], spacing, margin, _without_holes(rounded))


def _between_islands(pairs: np.ndarray, places: np.ndarray, land: shapely.Geometry) -> np.ndarray:
    """The pairs that join two pieces of `land`; across a bay of one piece no bridge is needed."""
    islands = shapely.get_parts(land)
    ends, island = shapely.STRtree(islands).query(shapely.points(places[pairs.ravel()]), predicate="intersects")
    stands_on = np.zeros(pairs.size, np.int64)
    stands_on[ends] = island
    first, second = stands_on.reshape(-1, 2).T
    return pairs[first != second]


def _same_territory(pairs: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The pairs that have a territory in common, by the (place, territory) of `held`.

    An island keeps a strip of ground along its bridge when one territory holds both ends: it is in one piece,
    so it is drawn in one piece.
    """
    holds = coo_matrix((np.ones(len(held), bool), held.T)).tocsr()
    return pairs[holds[pairs[:, 0]].multiply(holds[pairs[:, 1]]).getnnz(axis=1) > 0]


def _thin(places: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """At most OUTLINE_PLACES of the places, spread evenly.

    Returns
    -------
    few : (f, 2) float, metres
    stands_for : (p,) int, row of `few` that stands for each place
    pitch : metres of the grid that was laid, 0 when every place is kept
    """
    if len(places) <= OUTLINE_PLACES:
        return places, np.arange(len(places)), 0.0
    from scipy.spatial import cKDTree

    pitch = float(np.median(cKDTree(places).query(places, k=2)[0][:, 1]))
    while True:
        cell = np.floor((places - places.min(axis=0)) / pitch).astype(np.int64)
        code = cell[:, 0] * (cell[:, 1].max() + 1) + cell[:, 1]
        _, kept, stands_for = np.unique(code, return_index=True, return_inverse=True)
        if len(kept) <= OUTLINE_PLACES:
            return places[kept], stands_for.ravel(), pitch
        pitch *= 1.25


def _reach(pairs: np.ndarray, length: np.ndarray, count: int) -> float:
    """How far apart two places may be with ground between them: well beyond nearly all links of the shortest tree.

    Towns far from each other still make one region, as many links join them; one far customer or island does not.
    """
    if not len(pairs):
        return 0.0
    tree = minimum_spanning_tree(coo_matrix((length, pairs.T), shape=(count, count)))
    return BEYOND_TREE * float(np.quantile(tree.data, 0.95, method="lower"))


def _filled_triangles(places: np.ndarray, pairs: np.ndarray) -> shapely.Geometry:
    """Union of the Delaunay triangles whose three sides are all in `pairs`, holes filled."""
    from scipy.spatial import Delaunay, QhullError

    try:
        corners = np.sort(Delaunay(places - places.mean(axis=0)).simplices.astype(np.int64), axis=1)
    except (QhullError, ValueError):  # fewer than three places, or all on one line
        return shapely.MultiPolygon()
    count = len(places)
    sides = np.concatenate([corners[:, [0, 1]], corners[:, [0, 2]], corners[:, [1, 2]]])
    code = (sides[:, 0] * count + sides[:, 1]).reshape(3, -1)
    code = code[:, np.isin(code, pairs[:, 0] * count + pairs[:, 1]).all(axis=0)]
    side, times = np.unique(code, return_counts=True)
    rim = side[times == 1]
    faces = shapely.polygonize(shapely.linestrings(places[np.column_stack([rim // count, rim % count])]))
    return shapely.union_all(shapely.get_parts(faces))


def _seeds(places: np.ndarray, holders: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Voronoi seeds and their territory: each place once, a shared place once a territory on a small circle round it.

    Parameters
    ----------
    holders : (h, 2) int, each (place, territory) that occurs, sorted
    """
    from scipy.spatial import cKDTree

    place, label = holders.T
    count = np.bincount(place, minlength=len(places))
    seeds = places[place].copy()
    shared = np.flatnonzero(count[place] > 1)
    if not len(shared):
        return seeds, label
    angle = _angle_to_own(places, holders, shared)
    order = np.lexsort((angle, place[shared]))
    shared, angle = shared[order], angle[order]
    group = place[shared]
    start = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    size = count[group[start]]
    slot = 2 * np.pi * (np.arange(len(group)) - np.repeat(start, size)) / count[group]
    # Even sectors, turned so that each faces its own territory as well as it can (circular mean of the misfits).
    misfit = np.exp(1j * (angle - slot))
    direction = slot + np.repeat(np.angle(np.add.reduceat(misfit, start)), size)
    reach = np.full(len(group), spacing)
    if len(places) > 1:
        reach = cKDTree(places).query(places[group], k=2)[0][:, 1]
    seeds[shared] += (WEDGE * reach)[:, None] * np.column_stack([np.cos(direction), np.sin(direction)])
    return seeds, label


def _angle_to_own(places: np.ndarray, holders: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Direction from each shared holder to the nearest other place of its territory, radians."""
    from scipy.spatial import cKDTree

    angle = np.zeros(len(holders))
    for territory in np.unique(holders[shared, 1]):
        own = places[holders[holders[:, 1] == territory, 0]]
        rows = shared[holders[shared, 1] == territory]
        if len(own) > 1:
            here = places[holders[rows, 0]]
            nearest = own[cKDTree(own).query(here, k=2)[1][:, 1]]
            angle[rows] = np.arctan2(*(nearest - here).T[::-1])
    return angle[shared]


def _grounds(region: shapely.Geometry, seeds: np.ndarray, label: np.ndarray, count: int) -> np.ndarray:
    """Faces of borders and outline, gathered by territory: (count,) geometries."""
    from scipy.spatial import cKDTree

    outline = shapely.boundary(region)
    borders = _border_lines(seeds, label, region)
    noded = shapely.union_all([outline, *borders], grid_size=GRID)
    faces = shapely.get_parts(shapely.polygonize([noded]))
    inside = shapely.point_on_surface(faces)
    shapely.prepare(region)
    is_ground = shapely.contains_properly(region, inside)
    faces, inside = faces[is_ground], inside[is_ground]
    if len(faces) > count:
        held = shapely.STRtree(shapely.points(seeds)).query(faces, predicate="intersects")[0]
        has_customer = np.bincount(held, minlength=len(faces)) > 0
        faces, inside = faces[has_customer], inside[has_customer]
    face_label = label[cKDTree(seeds).query(shapely.get_coordinates(inside))[1]]
    return np.array([_gathered(faces[face_label == territory]) for territory in range(count)], dtype=object)


def _border_lines(seeds: np.ndarray, label: np.ndarray, region: shapely.Geometry) -> np.ndarray:
    """Voronoi sides between seeds of different territories, that reach at least as far as the region."""
    from scipy.spatial import Voronoi

    left, bottom, right, top = shapely.bounds(region)
    far = 10 * max(right - left, top - bottom)
    turn = np.arange(8) * np.pi / 4
    ring = far * np.column_stack([np.cos(turn), np.sin(turn)]) + [(left + right) / 2, (bottom + top) / 2]
    # The far ring closes every cell: no side runs to infinity, and a line of customers is no special case.
    cells = Voronoi(np.vstack([seeds, ring]))
    pair = cells.ridge_points
    is_border = (pair < len(seeds)).all(axis=1)
    is_border[is_border] = label[pair[is_border, 0]] != label[pair[is_border, 1]]
    ends = np.array([cells.ridge_vertices[row] for row in np.flatnonzero(is_border)], dtype=np.int64).reshape(-1, 2)
    return shapely.linestrings(cells.vertices[ends])


def _gathered(faces: np.ndarray) -> shapely.Geometry:
    return faces[0] if len(faces) == 1 else shapely.multipolygons(faces)


def _without_holes(ground: shapely.Geometry) -> shapely.Geometry:
    shells = shapely.polygons(shapely.get_exterior_ring(shapely.get_parts(ground)))
    return shapely.union_all(shells)


def _lengths(places: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    return np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
