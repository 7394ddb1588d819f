"""The command line: the library's words, typed in a terminal."""

from territory.cli.app import main

__all__ = ["main"]
