"""Pieces of territories: finding them, and making one of several."""

from __future__ import annotations

import numpy as np

from territory.alignment.units import Units, parts_of


def connect(units: Units, label: np.ndarray, loose: np.ndarray) -> np.ndarray:
    """Labels with every territory in one piece: its heaviest piece stays, the others go to a neighbour each.

    A piece goes to the neighbouring territory that it shares most edges with. Units that may not move stay, and
    so do the pieces of the territories that may be in several, loose (K,) bool.
    """
    count = len(loose)
    label = label.copy()
    row = np.repeat(np.arange(len(label)), np.diff(units.ptr))
    for _ in range(100):
        piece, main = pieces(units, label)
        stray = ~main[piece] & units.movable & ~loose[label]
        edge = stray[row] & main[piece[units.ind]] & (label[row] != label[units.ind])
        if not edge.any():
            return label
        key, shared = np.unique(piece[row[edge]] * count + label[units.ind[edge]], return_counts=True)
        order = np.lexsort((-key, shared, key // count))
        last = order[np.append(np.flatnonzero(np.diff(key[order] // count)), len(order) - 1)]
        goes = np.full(len(main), -1)
        goes[key[last] // count] = key[last] % count
        label = np.where(stray & (goes[piece] >= 0), goes[piece], label)
    return label


def pieces(units: Units, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The piece of each unit, (n,) int, and whether each piece is its territory's heaviest, (pieces,) bool."""
    piece = parts_of(units, label)
    count = int(piece.max()) + 1
    mass = np.bincount(piece, units.mass, count)
    owner = np.zeros(count, np.int64)
    owner[piece] = label
    order = np.lexsort((-np.arange(count), mass, owner))
    main = np.zeros(count, bool)
    main[order[np.append(np.flatnonzero(np.diff(owner[order])), count - 1)]] = True
    return piece, main


def bordering(units: Units, label: np.ndarray) -> np.ndarray:
    """(p, 2) int, the pairs of territories that share a border, the lower number first, in order."""
    of, other = np.repeat(label, np.diff(units.ptr)), label[units.ind]
    return np.unique(np.column_stack([of, other])[of < other], axis=0)
