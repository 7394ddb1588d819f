"""How the loops are compiled that run millions of times."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from numba import njit

kernel = partial(njit, cache=True, nogil=True, error_model="numpy", _nrt=False)
"""A compiled function that makes no arrays and gives none back: `@kernel()`, and `njit`'s options.

It counts no references to the arrays it is given: of tuples of arrays numba counts each array at each look, atomically,
which takes longer than the arithmetic, and two threads that look at the same array wait for each other. A division by
zero gives what IEEE says instead of an error. Compiling fails where a function makes an array after all.
"""

_PART = {"error_model": "numpy", "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def part(**options: Any) -> Callable[[Callable], Any]:
    """A kernel that compiled functions call, and Python never: `@part()`; `_nrt=True` where it makes arrays.

    Nothing is compiled by which Python could call it, and it is kept within those that call it: newcomers wait less.
    """

    def compiled(function: Callable) -> Any:
        made: Any = njit(**{**_PART, **options})(function)

        def refuse(*_: object, **__: object) -> NoReturn:
            raise TypeError(f"{function.__name__} is a part of kernels: only compiled functions call it.")

        # Found by Python, it would be a pointer to nowhere.
        made._insert, made._compile_for_args = (lambda *_: None), refuse
        return made

    return compiled
