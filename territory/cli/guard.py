"""Whatever goes wrong on purpose ends in plain words and an exit code, never in a traceback."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable

import typer

from territory.cli.options import example
from territory.cli.screen import CANCELLED, CancelledError, Screen
from territory.cli.spreading import Command, spread
from territory.errors import Problem, TerritoryError

FINE, FAULTS, USAGE, OUTSIDE, UNREAD = 0, 1, 2, 3, 141
"""Exit codes; `screen.CANCELLED` is 130. 141 is what a shell reports when the reader of a pipe has gone."""


def command(app: typer.Typer, *lines: str) -> Callable[[Command], Command]:
    """Make a function a command of `app`: its bundles are spread, its failures told, `lines` are its examples."""

    def add(function: Command) -> Command:
        return app.command(epilog=example(*lines))(guarded(spread(function)))

    return add


def guarded(command: Command) -> Command:
    """`command`, with every foreseen failure told on stderr and turned into its exit code."""

    @functools.wraps(command)
    def run(**options: object) -> None:
        try:
            command(**options)
            sys.stdout.flush()
        except TerritoryError as error:
            _end(error.problems, FAULTS)
        except (KeyboardInterrupt, CancelledError):
            Screen().warn("Cancelled.")
            raise typer.Exit(CANCELLED) from None
        except BrokenPipeError:
            # Python flushes stdout once more as it ends: that must go nowhere, or it complains.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(UNREAD) from None
        except OSError as error:
            where = str(error.filename or "input or output")
            _end([Problem(where, f"{error.strerror or error}.", "Check the path and the room on the disk.")], FAULTS)

    return run


def _end(problems: tuple[Problem, ...] | list[Problem], code: int) -> None:
    Screen().problems(problems)
    raise typer.Exit(code)
