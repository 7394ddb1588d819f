"""Somebody who is signed in, and what of the rows he may see."""

from __future__ import annotations

from dataclasses import dataclass

from api.store import StoredPortfolio, User

ADMIN, MANAGER, PLANNER, REP = "admin", "manager", "planner", "rep"
ROLES = (ADMIN, MANAGER, PLANNER, REP)
EVERYONE = frozenset(ROLES)
PLANNERS = frozenset({ADMIN, MANAGER, PLANNER})
"""Who sees plans before they are published."""
ALL_REGIONS = "*"


@dataclass(frozen=True)
class Principal:
    """A user at work.

    `csrf` is what a page's form must send back, None for a program with a token; `until` is when its token ends.
    """

    user_id: str
    login: str
    name: str
    role: str
    regions: tuple[str, ...]
    rep_id: str | None
    must_change_password: bool = False
    csrf: str | None = None
    until: float | None = None

    @classmethod
    def of(cls, user: User, csrf: str | None = None) -> Principal:
        """The principal that a user is."""
        return cls(
            user.id,
            user.login,
            user.name,
            user.role,
            tuple(user.regions),
            user.rep_id,
            user.must_change_password,
            csrf,
        )

    @property
    def is_rep(self) -> bool:
        """Whether only one territory is this user's to see."""
        return self.role == REP

    @property
    def sees_all_regions(self) -> bool:
        """Whether no region is hidden."""
        return self.role == ADMIN or ALL_REGIONS in self.regions

    def sees(self, portfolio: StoredPortfolio) -> bool:
        """Whether there is such a portfolio, as far as this user may know."""
        if not self.sees_all_regions and portfolio.region not in self.regions:
            return False
        return not self.is_rep or self.rep_id in portfolio.rep_ids
