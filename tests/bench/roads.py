"""How quick and how good travel by road is: ``python -m tests.bench.roads [--osrm http://localhost:5000]``.

Figures are processor seconds, the median of several runs, on the Porto extract in ``../shared/data/routing/osm``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np

from territory.travel import RoadTravel, TravelTimes, build_roads, fit_line, open_travel, read_roads, write_roads

ROOT = Path(__file__).parents[2]
PORTO = ROOT.parent / "shared" / "data" / "routing" / "osm" / "porto_portugal.osm.pbf"
# The middle of the town, as in the prototype that the figures are compared with.
WEST, SOUTH, EAST, NORTH = -8.66, 41.135, -8.56, 41.185
RUNS = 5


def places(count: int, seed: int) -> gpd.GeoSeries:
    """Places spread over the middle of Porto."""
    rng = np.random.default_rng(seed)
    degrees = gpd.points_from_xy(rng.uniform(WEST, EAST, count), rng.uniform(SOUTH, NORTH, count))
    return gpd.GeoSeries(degrees, crs="EPSG:4326").to_crs("EPSG:32629")


def seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """Processor seconds of `work`, the median of `runs`."""
    took = []
    for _ in range(runs):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return statistics.median(took)


def warmed(extract: Path) -> RoadTravel:
    """A graph, with everything compiled that the runs need."""
    roads = build_roads(extract)
    roads.matrix(places(5, 0))
    roads.path(places(3, 0))
    return roads


def figures(extract: Path) -> dict[str, str]:
    """What was measured, as text by its name."""
    roads = warmed(extract)
    town, home, many = places(200, 1), places(50, 2), places(20_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = write_roads(roads, Path(folder) / "porto.roads")
        size = path.stat().st_size / 1e6
        loading = seconds(lambda: read_roads(path))
        rush = seconds(lambda: read_roads(path).matrix(town.iloc[:2], departure_minutes=8 * 60), 3)
    fitted = fit_line(roads, town, seed=1)
    told = roads.describe()
    return {
        "extract": f"{extract.stat().st_size / 1e6:.1f} MB, {told['kilometres']:,.0f} km, {told['lanes']:,} lanes",
        "build": f"{seconds(lambda: build_roads(extract), 3):.1f} s",
        "file": f"{size:.1f} MB, read in {loading:.2f} s",
        "first answer of a new hour, file and index included": f"{rush:.2f} s",
        "matrix 200 x 200": f"{seconds(lambda: roads.matrix(town)):.2f} s",
        "matrix 20,000 x 50": f"{seconds(lambda: roads.matrix(many, home), 3):.1f} s",
        "way on the map": f"{1000 * seconds(lambda: roads.path(town.iloc[:41])) / 40:.0f} ms",
        "error of a straight line fitted on it": f"{100 * fitted.error:.0f} % (factor {fitted.detour_factor:.2f})",
    }


def compared(ours: TravelTimes, other: TravelTimes) -> str:
    """How far our minutes are from another source's, over places that both reach; and after one common factor."""
    town = places(200, 1)
    mine, theirs = ours.matrix(town).minutes, other.matrix(town).minutes
    used = np.isfinite(mine) & np.isfinite(theirs) & (theirs > 1)
    factor = np.median(theirs[used] / mine[used])
    plain = np.mean(np.abs(mine[used] - theirs[used]) / theirs[used])
    scaled = np.mean(np.abs(factor * mine[used] - theirs[used]) / theirs[used])
    return f"{100 * plain:.1f} %, {100 * scaled:.1f} % after the factor {factor:.2f}"


def main() -> None:
    """Measure, and print a table for the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extract", type=Path, default=PORTO)
    parser.add_argument("--osrm", help="the address of an OSRM server with the same extract")
    asked = parser.parse_args()
    if not asked.extract.is_file():
        sys.exit(f"{asked.extract} is not there.")
    rows = figures(asked.extract)
    if asked.osrm:
        rows["error against OSRM"] = compared(warmed(asked.extract), open_travel(f"osrm+{asked.osrm}"))
    print("| travel by road, Porto | |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
