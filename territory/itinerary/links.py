"""Links that open a phone's navigation."""

from __future__ import annotations

from urllib.parse import quote

import numpy as np

from territory.geo import from_wgs84


def navigation_links(lon: float, lat: float, name: str = "") -> dict[str, str]:
    """Where to tap to be led to a place, by the app that it opens.

    Parameters
    ----------
    lon, lat : degrees, WGS-84
    name : what the app shows

    Returns
    -------
    dict with ``geo`` (RFC 5870; the phone's own choice, Android mostly), ``google``, ``apple`` and ``amap``
        Amap's place is in GCJ-02, which it expects; outside of mainland China that is the same.
    """
    shifted_lon, shifted_lat = (float(np.round(value[0], 6)) for value in from_wgs84(lon, lat, "gcj02"))
    place, called = f"{lat:.6f},{lon:.6f}", quote(name, safe="")
    return {
        "geo": f"geo:{place}?q={place}" + (f"({called})" if called else ""),
        "google": f"https://www.google.com/maps/dir/?api=1&destination={place}&travelmode=driving",
        "apple": f"https://maps.apple.com/?daddr={place}&dirflg=d" + (f"&q={called}" if called else ""),
        "amap": f"https://uri.amap.com/navigation?to={shifted_lon:.6f},{shifted_lat:.6f},{called}"
        "&mode=car&coordinate=gaode&callnative=1",
    }
