"""Which header of a file means which column of ours."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from territory.files.faults import Ledger
from territory.model import Column

UNPLACED_REASON = "unplaced_reason"
"""In a portfolio that was written: why the customer of this row had no place."""

_RESERVED = ("geometry", "reason", UNPLACED_REASON)
_IGNORED = re.compile(r"[\s_\-.\u200b\ufeff]+")


@dataclass(frozen=True)
class Headers:
    """Where our columns are: `ours` name -> position, `others` the name it is kept under -> position."""

    names: Sequence[str]
    ours: Mapping[str, int]
    others: Mapping[str, int]

    def of(self, column: str) -> str:
        """The header of our `column` as the file has it."""
        return self.names[self.ours[column]] if column in self.ours else column


def header_key(header: str) -> str:
    """Headers with one key mean one thing: case, width, spaces, underscores, hyphens and points do not matter."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", header).casefold())


def meanings(columns: Sequence[Column]) -> dict[str, str]:
    """Header key -> our column."""
    return {header_key(header): column.name for column in columns for header in (column.name, *column.aliases)}


def match_headers(
    names: Sequence[str], columns: Sequence[Column], chosen: Mapping[str, str], has_places: bool, ledger: Ledger
) -> Headers:
    """Match `names` to `columns`; what is chosen by hand, our column -> header, goes before what is known by name.

    A fault for two headers that mean one column, a header that was chosen but is not there, and a required column
    that is missing. lon and lat are not looked for when the file `has_places` by its geometry.
    """
    ours = _chosen(names, chosen, ledger)
    by_hand = set(ours.values())
    known = meanings([column for column in columns if not (has_places and column.name in ("lon", "lat"))])
    for position, name in enumerate(names):
        meant = known.get(header_key(name))
        if meant is None or meant in chosen or position in by_hand:
            continue
        if meant in ours:
            ledger.fault(
                f"'{names[ours[meant]]}' and '{name}' both mean {meant}.",
                f"Rename one of them, or say which: {meant}={name}.",
                row=1 if ledger.noun == "row" else None,
                columns=[names[ours[meant]], name],
            )
            continue
        ours[meant] = position
    for column in columns:
        is_needed = column.required and not (has_places and column.name in ("lon", "lat"))
        if is_needed and column.name not in ours and column.name not in chosen:
            _missing(column, names, known, ledger)
    return Headers(names, ours, _others(names, set(ours.values()), columns, ledger))


def _chosen(names: Sequence[str], chosen: Mapping[str, str], ledger: Ledger) -> dict[str, int]:
    ours = {}
    for column, header in chosen.items():
        exact = [position for position, name in enumerate(names) if name == header]
        alike = [position for position, name in enumerate(names) if header_key(name) == header_key(header)]
        if exact or alike:
            ours[column] = (exact or alike)[0]
            continue
        near = difflib.get_close_matches(header, names, 3)
        hint = f"Near it: {', '.join(near)}. " if near else ""
        ledger.fault(
            f"There is no header '{header}' to read {column} from.",
            f"{hint}The headers are {_listed(names)}.",
            columns=[header],
        )
    return ours


def _missing(column: Column, names: Sequence[str], known: Mapping[str, str], ledger: Ledger) -> None:
    keys = {header_key(name): name for name in names if name}
    wanted = [key for key, meant in known.items() if meant == column.name]
    near = {keys[key]: None for want in wanted for key in difflib.get_close_matches(want, keys, 2, 0.7)}
    hint = f"Is it '{next(iter(near))}'? Then say {column.name}={next(iter(near))}. " if near else ""
    also = f" ({', '.join(column.aliases[:4])} …)" if column.aliases else ""
    ledger.fault(
        f"Column {column.name} is missing. The headers are {_listed(names)}.",
        f"{hint}Name a column {column.name}{also}, or map one: {column.name}=HEADER.",
    )


def _others(names: Sequence[str], used: set[int], columns: Sequence[Column], ledger: Ledger) -> dict[str, int]:
    """Names under which the file's other columns are kept: none that means a column of ours, none twice."""
    known = meanings(columns)
    others: dict[str, int] = {}
    for position, name in enumerate(names):
        if position in used or (header_key(name) == header_key(UNPLACED_REASON)):
            continue
        kept = name or f"column {position + 1}"
        if header_key(kept) in known or kept in _RESERVED:
            kept = f"source_{kept}"
        number = 2
        unique = kept
        while unique in others:
            unique, number = f"{kept}_{number}", number + 1
        others[unique] = position
        if unique != name:
            ledger.note(f"Column '{name}' is kept as '{unique}'.", columns=[name])
    return others


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name or "(blank)" for name in names[:40])
    return shown + (f" and {len(names) - 40} more" if len(names) > 40 else "")
