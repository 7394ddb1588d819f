"""Putting files where they belong: whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from territory.errors import DataError, Problem


def store(folder: str | Path, contents: Mapping[str, str], known: Iterable[str]) -> None:
    """Write `contents`, file name -> text, into `folder`; of the `known` names those not written are removed.

    All are written beside their place first and then renamed, so that a reader never meets half a file, and a
    failure leaves what was there before. A file of an earlier run must not be taken for one of this.

    Raises
    ------
    DataError
        The folder or a file cannot be written.
    """
    folder = Path(folder)
    drafts = {name: folder / f".{name}.{os.getpid()}.part" for name in contents}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, draft in drafts.items():
            draft.write_bytes(contents[name].encode())
        _check_places(folder / name for name in drafts)
        for name, draft in drafts.items():
            draft.replace(folder / name)
        for name in set(known) - set(contents):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        for draft in drafts.values():
            if draft.exists():
                draft.unlink()
        what = f"It cannot be written ({error.strerror})."
        fix = "Choose a folder that you may write to, on a disk with space left."
        raise DataError([Problem(str(error.filename or folder), what, fix)]) from error


def _check_places(paths: Iterable[Path]) -> None:
    """Find what a rename would stumble over before the first of them is done."""
    for path in paths:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "there is a folder of this name", str(path))
