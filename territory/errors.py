"""What can go wrong, said so that the reader can mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault: where it is, what it is, how to mend it; `zh` says all three in Chinese, "" where nobody does."""

    where: str
    what: str
    fix: str
    zh: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.fix}".strip()


class TerritoryError(Exception):
    """The family of everything this library raises on purpose."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[TerritoryError], tuple[tuple[Problem, ...]]]:
        """How it travels between processes: Python would make it anew from its text."""
        return type(self), (self.problems,)


class DataError(TerritoryError):
    """The input cannot be used as it is; every fault found is listed."""


class InfeasibleError(TerritoryError):
    """The rules contradict each other; each problem names the rule to relax."""


class NotFoundError(TerritoryError):
    """A name that does not exist was asked for; the problem lists what exists."""


class UnavailableError(TerritoryError):
    """A service that was asked (a routing server) did not answer, or not with what was asked for."""
