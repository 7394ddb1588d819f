"""How the loops are compiled that run millions of times."""

from __future__ import annotations

from functools import partial

from numba import njit

kernel = partial(njit, cache=True, nogil=True, error_model="numpy", _nrt=False)
"""A compiled function that makes no arrays and gives none back: `@kernel()`, and `njit`'s options.

It counts no references to the arrays it is given: of tuples of arrays numba counts each array at each look, atomically,
which takes longer than the arithmetic, and two threads that look at the same array wait for each other. A division by
zero gives what IEEE says instead of an error. Compiling fails where a function makes an array after all.
"""
