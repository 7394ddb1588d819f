"""Collecting everything that is wrong with a file, so that it is told at once, and never without bound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from territory.errors import Problem
from territory.files.chinese import in_chinese

MOST_LISTED = 1000
"""So many faults of a file are listed one by one; the rest is counted."""


@dataclass
class Ledger:
    """What was found in one file: faults, and notes on what is no fault but good to know.

    A fault that `stops` keeps the file from being read; the others (faults of place) do not.
    """

    file: str
    noun: str = "row"
    notes: list[Problem] = field(default_factory=list)
    _stopping: list[tuple[int, Problem]] = field(default_factory=list)
    _passing: list[tuple[int, Problem]] = field(default_factory=list)
    _one_by_one: int = 0
    _uncounted: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})

    def where(self, row: int | None = None, columns: Sequence[str] = ()) -> str:
        """As in ``customers.csv, row 5, column 'lat'``."""
        parts = [self.file]
        if row is not None:
            parts.append(f"{self.noun} {row}")
        if columns:
            parts.append(f"column{'s' if len(columns) > 1 else ''} {', '.join(repr(str(name)) for name in columns)}")
        return ", ".join(parts)

    def fault(
        self, what: str, fix: str, *, row: int | None = None, columns: Sequence[str] = (), stops: bool = True
    ) -> None:
        """One fault."""
        self._one_by_one += 1
        if self._one_by_one > MOST_LISTED:
            self._uncounted[stops] += 1
            return
        self._kept(stops).append((row or 0, in_chinese(Problem(self.where(row, columns), what, fix))))

    def adopt(self, problems: Iterable[Problem]) -> None:
        """Faults that were told elsewhere, as of a file that cannot be opened; they stop."""
        self._stopping.extend((0, in_chinese(problem)) for problem in problems)

    def faults_at(
        self,
        rows: np.ndarray,
        whats: Iterable[str],
        fix: str | Sequence[str],
        *,
        columns: Sequence[str],
        stops: bool = True,
    ) -> None:
        """One fault a row: `rows` (n,) int as the reader counts them, `whats` and perhaps `fix` (n,) text."""
        self._uncounted[stops] += max(0, len(rows) - MOST_LISTED)
        for place, (row, what) in enumerate(zip(rows[:MOST_LISTED].tolist(), whats, strict=False)):
            mend = fix if isinstance(fix, str) else fix[place]
            self._kept(stops).append((row, in_chinese(Problem(self.where(row, columns), what, mend))))

    def note(self, what: str, fix: str = "", *, row: int | None = None, columns: Sequence[str] = ()) -> None:
        """Something good to know that is no fault."""
        self.notes.append(Problem(self.where(row, columns), what, fix))

    @property
    def stops(self) -> bool:
        """Whether there is a fault that keeps the file from being read."""
        return bool(self._stopping)

    def stopping(self) -> list[Problem]:
        """The faults that keep the file from being read, in order of row."""
        return self._listed(self._stopping, self._uncounted[True])

    def faults(self) -> list[Problem]:
        """Every fault, in order of row; at most ``MOST_LISTED`` and a line that counts the rest."""
        return self._listed(self._stopping + self._passing, sum(self._uncounted.values()))

    def _kept(self, stops: bool) -> list[tuple[int, Problem]]:
        return self._stopping if stops else self._passing

    def _listed(self, found: list[tuple[int, Problem]], uncounted: int) -> list[Problem]:
        ordered = [problem for _, problem in sorted(found, key=lambda entry: entry[0])]
        rest = len(ordered) - MOST_LISTED + uncounted
        if rest <= 0:
            return ordered
        more = in_chinese(Problem(self.file, f"There are {rest:,} more faults.", "Mend these first, then check again."))
        return [*ordered[:MOST_LISTED], more]
