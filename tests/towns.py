"""Towns of a few streets around longitude and latitude 0, as OpenStreetMap would have them."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

import geopandas as gpd
import numpy as np

PLANE = "+proj=laea +lat_0=0 +lon_0=0 +datum=WGS84 +units=m +no_defs"
"""The plane that roads around 0, 0 are reckoned in."""
STREET = {"highway": "residential", "maxspeed": "75"}
"""A kilometre a minute: 75 km/h x 0.8."""
SQUARE = {"A": (0, 0), "B": (1000, 0), "C": (1000, 1000), "D": (0, 1000)}
"""A square of a kilometre, against the clock from its lower left."""


def osm_xml(places: dict, ways: list, nodes: dict | None = None, restrictions: list | tuple = ()) -> str:
    """An extract of ways ``[("AB", tags)]`` between places ``{"A": (x, y)}`` in metres of `PLANE`."""
    number = {name: at for at, name in enumerate(places, 1)}
    x, y = np.array(list(places.values()), float).T
    degrees = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=PLANE).to_crs("EPSG:4326")
    lines = ['<osm version="0.6">']
    for name, point in zip(places, degrees, strict=True):
        lines += [f'<node id="{number[name]}" version="1" lon="{point.x:.9f}" lat="{point.y:.9f}">']
        lines += [*tags_xml((nodes or {}).get(name, {})), "</node>"]
    for at, (way, tags) in enumerate(ways, 1):
        lines += [f'<way id="{at}" version="1">', *(f'<nd ref="{number[name]}"/>' for name in way)]
        lines += [*tags_xml(tags), "</way>"]
    for at, (kind, start, via, end) in enumerate(restrictions, 1):
        lines += [f'<relation id="{at}" version="1">', f'<member type="way" ref="{start}" role="from"/>']
        lines += [f'<member type="node" ref="{number[via]}" role="via"/>']
        lines += [f'<member type="way" ref="{end}" role="to"/>']
        lines += [*tags_xml({"type": "restriction", "restriction": kind}), "</relation>"]
    return "\n".join([*lines, "</osm>"])


def tags_xml(tags: dict) -> list[str]:
    return [f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items()]
