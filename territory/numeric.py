"""Arithmetic that gives the same bits on every machine.

NumPy and BLAS choose instructions by processor, and libm differs from system to system: a last digit
that differs would send a search another way. What steers the search is computed here, in plain IEEE steps.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from territory.kernels import kernel

LN2 = 0.6931471805599453
APART = 16
"""Numbers of eight bytes that a processor fetches together at most."""
SMALL = 120
"""Up to this many rows, an order costs more than it saves."""


@njit(cache=True, inline="always")
def exp_negative(x: float) -> float:
    """e**x for x <= 0, relative error below 1e-9; 0 below -700. Halving and a Taylor polynomial."""
    if x < -700.0:
        return 0.0
    whole = int(x / LN2)
    rest = (x - whole * LN2) * 0.125
    term = 1.0 + rest * (
        1.0 + rest * (0.5 + rest * (1 / 6 + rest * (1 / 24 + rest * (1 / 120 + rest * (1 / 720 + rest / 5040)))))
    )
    term *= term
    term *= term
    term *= term
    power = 0.5
    times = -whole
    while times > 0:
        if times & 1:
            term *= power
        power *= power
        times >>= 1
    return term


@njit(cache=True, inline="always")
def log_small(x: float) -> float:
    """Natural logarithm of x >= 1, relative error below 1e-9; halving and the series of atanh."""
    whole = 0
    while x > 1.5:
        x *= 0.5
        whole += 1
    z = (x - 1.0) / (x + 1.0)
    s = z * z
    return whole * LN2 + 2.0 * z * (1.0 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s / 13))))))


@njit(cache=True, inline="always")
def next_random(state: np.ndarray) -> np.uint64:
    """The next 64 random bits of a xorshift64* generator (Vigna 2016); `state` is (1,) uint64, not zero."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return x * np.uint64(0x2545F4914F6CDD1D)


@njit(cache=True, inline="always")
def random_below(state: np.ndarray, count: int) -> np.int64:
    """A whole number from 0 to count - 1; `count` below 2**31."""
    return np.int64(((next_random(state) >> np.uint64(33)) * np.uint64(count)) >> np.uint64(31))


@njit(cache=True, inline="always")
def random_unit(state: np.ndarray) -> float:
    """A number in [0, 1)."""
    return np.float64(next_random(state) >> np.uint64(11)) * 1.1102230246251565e-16


def narrow_order(matrix: np.ndarray) -> np.ndarray:
    """(n,) an order of rows in which what is not zero is near the diagonal (Cuthill and McKee 1969, George 1971)."""
    if len(matrix) <= SMALL:
        return np.arange(len(matrix))
    return reverse_cuthill_mckee(csr_matrix(matrix != 0.0), symmetric_mode=True)


def solve_positive(matrix: np.ndarray, right: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Solution of matrix @ x = right for a symmetric positive definite matrix, by Cholesky; (n,) zeros if it is not.

    Zeros before the first entry of a row are not touched: in the `order` of `narrow_order` there are many. Any order
    is right.
    """
    x, solved = np.zeros_like(right), right[order]
    ordered = matrix[np.ix_(order, order)]
    if _solve_in_envelope(ordered, solved, np.zeros_like(ordered), np.zeros(len(order), np.int64)):
        x[order] = solved
    return x


@kernel()
def _solve_in_envelope(matrix: np.ndarray, x: np.ndarray, low: np.ndarray, first: np.ndarray) -> bool:
    """Put the solution in the place of the right side `x`; False where there is none."""
    n = x.size
    for i in range(n):
        while first[i] < i and matrix[i, first[i]] == 0.0:
            first[i] += 1
        for j in range(first[i], i + 1):
            rest = matrix[i, j]
            for k in range(max(first[i], first[j]), j):
                rest -= low[i, k] * low[j, k]
            if i > j:
                low[i, j] = rest / low[j, j]
            elif rest > 0.0:
                low[i, i] = np.sqrt(rest)
            else:
                return False
    for i in range(n):
        for k in range(first[i], i):
            x[i] -= low[i, k] * x[k]
        x[i] /= low[i, i]
    for i in range(n - 1, -1, -1):
        x[i] /= low[i, i]
        for k in range(first[i], i):
            x[k] -= low[i, k] * x[i]
    return True


def new_state(seed: int, stream: int = 0) -> np.ndarray:
    """A generator's state, (1,) uint64, for `next_random`."""
    return np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64) | np.uint64(1)


def apart(values: np.ndarray) -> np.ndarray:
    """The same (n,) array with nothing near it in memory: a thread that writes it keeps no other waiting for theirs."""
    room = np.zeros(len(values) + 2 * APART, values.dtype)
    room[APART:-APART] = values
    return room[APART:-APART]
