"""The command line as a person meets it, without starting a process."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from territory.cli import main


@dataclass(frozen=True)
class Run:
    """How a command ended: its exit code, and what it said on stdout and stderr."""

    code: int
    out: str
    err: str


def territory(*words: object, columns: int = 80, **variables: str) -> Run:
    """Type ``territory WORDS...`` where lines are `columns` wide, with more environment variables set."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in {"COLUMNS": str(columns), **variables}.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
    assert isinstance(end.value.code, int)
    return Run(end.value.code, out.getvalue(), err.getvalue())
