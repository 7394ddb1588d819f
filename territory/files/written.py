"""Reading back a table that we wrote ourselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from territory.errors import DataError, Problem
from territory.files.faults import Ledger
from territory.files.text import read_csv


def read_written(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    """The table of a CSV that `write_proposal` wrote, every cell as text, NA where blank.

    Raises
    ------
    DataError
        It cannot be read, or one of `columns` is not in it.
    """
    path = Path(path)
    ledger = Ledger(path.name)
    try:
        source = read_csv(path, ledger)
    except OSError as error:
        fix = "Give the folder that a plan was written into."
        raise DataError([Problem(str(path), f"It cannot be read ({error.strerror}).", fix)]) from error
    if ledger.stops:
        raise DataError(ledger.stopping())
    missing = [name for name in columns if name not in source.headers]
    if missing:
        what = f"It has no column {', '.join(missing)}."
        raise DataError([Problem(path.name, what, "Give the file as it was written.")])
    return pd.DataFrame(
        {name: source.columns[source.headers.index(name)].to_pandas().astype("str") for name in columns}
    )
