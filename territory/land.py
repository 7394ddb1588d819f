"""What lies between customers: lines that no territory crosses, given neighbours, and areas with outlines."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd


def _no_shapes() -> np.ndarray:
    return np.empty(0, object)


def _no_edges() -> np.ndarray:
    return np.empty((0, 2), object)


def _no_outlines() -> pd.Series:
    return pd.Series([], index=pd.Index([], name="customer_id", dtype="str"), dtype=object)


@dataclass(frozen=True, eq=False)
class Land:
    """What the map itself says about who borders whom; nothing by default.

    barriers (b,) lines in metres that no border of neighbours crosses; edges (e, 2) text, customer ids that border
    each other whatever lies between them; outlines, Series customer_id -> polygon in metres, of customers that are
    areas. Customers that a portfolio has not are not looked at.
    """

    barriers: np.ndarray = field(default_factory=_no_shapes)
    edges: np.ndarray = field(default_factory=_no_edges)
    outlines: pd.Series = field(default_factory=_no_outlines)

    @property
    def is_plain(self) -> bool:
        """Whether it says nothing, so that places alone tell who borders whom."""
        return not (len(self.barriers) or len(self.edges) or len(self.outlines))

    @property
    def content(self) -> bytes:
        """Everything it says, for a fingerprint; empty when it is plain."""
        import shapely

        # Where a ring begins and which way it turns says nothing.
        shapes = b"".join(shapely.to_wkb(shapely.normalize([*self.barriers, *self.outlines])))
        return shapes + "\n".join([*self.edges.ravel(), *self.outlines.index]).encode()


PLAIN = Land()
"""Land that says nothing."""
