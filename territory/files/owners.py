"""Territories that customers name and no rep has: vacant, or written wrongly?"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

import numpy as np
import pandas as pd

from territory.files.faults import Ledger
from territory.model import natural_key

FEW = 0.2
"""A name like another's is a slip when it has at most this part of the other's customers."""

_ALIKE = 0.8
_MOST_NOTED = 20


def check_owners(customers: pd.DataFrame, reps: pd.DataFrame, rows: np.ndarray, header: str, ledger: Ledger) -> None:
    """Tell apart a vacant territory, which may be, from an unknown rep, which may not.

    A territory that no rep has is a fault when its name differs from a rep's territory only by case, spaces, signs or
    leading zeros (T1, T01); when it is spelled nearly alike with the same numbers and few customers have it
    (Nrth, North); when it is a rep's id; or when none of the territories has a rep. Else it is vacant, and noted.

    Parameters
    ----------
    customers : DataFrame, (n,) rows, with column ``territory``
    reps : DataFrame indexed by rep_id with column ``territory``
    rows : (n,) int, row of each customer in its file
    header : what the file calls the column
    """
    staffed = reps["territory"].dropna().unique()
    counts = customers["territory"].value_counts()
    unknown = sorted(set(counts.index) - set(staffed), key=natural_key)
    if not len(staffed) or not unknown:
        return
    if len(unknown) == len(counts):
        ledger.fault(
            f"None of the territories ({_some(unknown)}) has a rep; the reps have {_some(staffed)}.",
            "Write them the same way in both files.",
            columns=[header],
        )
        return
    near = {name: _meant(name, staffed, counts, reps) or "" for name in unknown}
    owner = customers["territory"].to_numpy(object)
    wrong = customers["territory"].isin([name for name, meant in near.items() if meant]).to_numpy()
    ledger.faults_at(
        rows[wrong],
        [f"No rep has territory '{name}'." for name in owner[wrong]],
        [near[name] for name in owner[wrong]],
        columns=[header],
    )
    vacant = [name for name, meant in near.items() if not meant]
    for name in vacant[:_MOST_NOTED]:
        ledger.note(f"Territory '{name}' ({counts[name]} customers) has no rep; it counts as vacant.", columns=[header])
    if len(vacant) > _MOST_NOTED:
        ledger.note(f"{len(vacant) - _MOST_NOTED} more territories are vacant.", columns=[header])


def _meant(name: str, staffed: np.ndarray, counts: pd.Series, reps: pd.DataFrame) -> str | None:
    """How to mend `name`, None when it stands for itself."""
    if name in reps.index and pd.notna(reps["territory"].get(name)):
        return f"It is a rep: write that rep's territory, '{reps['territory'][name]}'."
    words, figures = _parts(name)
    for other in staffed:
        other_words, other_figures = _parts(other)
        if figures != other_figures:
            continue
        is_few = counts[name] <= FEW * counts.get(other, 0)
        if words == other_words or (is_few and difflib.SequenceMatcher(None, words, other_words).ratio() >= _ALIKE):
            return f"Is it '{other}'? If it is vacant, give it a name less like that one."
    return None


def _parts(name: str) -> tuple[str, list[int]]:
    plain = unicodedata.normalize("NFKC", name).casefold()
    figures = [int(figure) for figure in re.findall(r"[0-9]+", plain)]
    return "".join(letter for letter in re.sub(r"[0-9]+", "#", plain) if letter.isalpha() or letter == "#"), figures


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(map(str, listed[:5])) + (", …" if len(listed) > 5 else "")
