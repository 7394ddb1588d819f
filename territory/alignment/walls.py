"""Where shares of units hold a territory together too weakly, and the inequalities that forbid it.

Where a part of a territory lies apart from its root (the unit that could least be elsewhere), some unit of each ring
between them must belong to the territory too: separator inequalities (Carvajal, Constantino, Goycoolea, Vielma and
Weintraub 2013, Operations Research 61).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
from scipy.sparse import csr_matrix, eye_array, kron
from scipy.sparse.csgraph import connected_components

from territory.alignment.units import Units

RINGS, EACH = 3, 3
"""Rings around a part that lies apart, and the units of the part, for which there are inequalities."""
SOME, VIOLATED = (0.03, 0.3), 0.01
"""From what share on a unit is looked at as a territory's, a look for each; and by how much an inequality is broken."""


class Walls:
    """Sets of units between a territory's root and others: one must be in the territory if both of them are."""

    def __init__(self, units: Units, root: np.ndarray) -> None:
        """`root` (K,) int, a unit of each territory."""
        n, self._root = len(units.mass), root
        self._graph = csr_matrix((np.ones(len(units.ind), np.float32), units.ind, units.ptr), shape=(n, n))
        # Of few territories `kron` would make blocks with zeros in them, and a zero counts as an edge.
        self._side_by_side = kron(self._graph, eye_array(len(root), dtype=np.float32), format="csr")

    def broken(self, share: np.ndarray) -> csr_matrix:
        """The inequalities unit - wall + root <= 1 that shares (n, K) break: (w, n * K), unit after unit."""
        count = len(self._root)
        pairs, weights = [], []
        for territory, inner, walls in chain.from_iterable(self._pieces_apart(share > some) for some in SOME):
            here, root = share[:, territory], self._root[territory]
            largest = inner[np.argsort(-here[inner], kind="stable")[:EACH]]
            for wall in walls:
                most = here[wall].sum() + 1.0 - here[root] + VIOLATED
                for unit in largest[here[largest] > most]:
                    pairs.append(np.append(wall, [unit, root]) * count + territory)
                    weights.append(np.append(np.full(len(wall), -1.0), [1.0, 1.0]))
        ptr = np.cumsum([0, *map(len, pairs)])
        values, index = (np.concatenate(parts) if parts else np.zeros(0) for parts in (weights, pairs))
        return csr_matrix((values, index.astype(np.int64), ptr), shape=(len(pairs), share.size))

    def _pieces_apart(self, is_held: np.ndarray) -> Iterator[tuple[int, np.ndarray, list[np.ndarray]]]:
        """Of (n, K) bool: the pieces that lie apart from roots, as territory, units, and walls, units each."""
        part, of = self._parts(is_held)
        member = np.zeros((len(of), len(is_held)), bool)
        unit, territory = np.nonzero(is_held)
        member[part[unit, territory], unit] = True
        main = part[self._root, np.arange(len(self._root))][of]
        apart = np.flatnonzero((main >= 0) & (np.arange(len(of)) != main))
        inside, rings = member[apart], [self._around(member[main[apart]])]
        for _ in range(RINGS):
            ring = self._around(inside)
            inside = inside | ring
            # Once the root is in a ring or within, it is on the same side as the piece.
            ring[inside[np.arange(len(apart)), self._root[of[apart]]]] = False
            rings.append(ring)
        for at, piece in enumerate(apart):
            around = {ring[at].tobytes(): ring[at] for ring in rings if not (ring[at] & member[piece]).any()}
            walls = [np.flatnonzero(wall) for wall in around.values() if wall.any()]
            yield of[piece], np.flatnonzero(member[piece]), walls

    def _parts(self, is_held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The piece of each pair, (n, K) int, -1 where nothing is held, and the territory of each piece."""
        held = np.flatnonzero(is_held)
        count, piece = connected_components(self._side_by_side[held][:, held], directed=False)
        of, part = np.empty(count, np.int64), np.full(is_held.shape, -1)
        of[piece] = held % is_held.shape[1]
        part.ravel()[held] = piece
        return part, of

    def _around(self, inside: np.ndarray) -> np.ndarray:
        """(p, n) bool, the units that border each of these sets of units, (p, n) bool."""
        return (self._graph @ inside.T.astype(np.float32)).T.astype(bool) & ~inside
