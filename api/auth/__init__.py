"""Who asks: users, their passwords, sessions and tokens, and what each role may see."""

from api.auth.accounts import (
    change_password,
    create_token,
    create_user,
    first_admin,
    reset_password,
    revoke_token,
    update_user,
)
from api.auth.principal import ADMIN, EVERYONE, MANAGER, PLANNER, PLANNERS, REP, ROLES, Principal
from api.auth.signing_in import by_session, by_token, is_vouched_for, secret_hash, sign_in, sign_out

__all__ = [
    "ADMIN",
    "EVERYONE",
    "MANAGER",
    "PLANNER",
    "PLANNERS",
    "REP",
    "ROLES",
    "Principal",
    "by_session",
    "by_token",
    "change_password",
    "create_token",
    "create_user",
    "first_admin",
    "is_vouched_for",
    "reset_password",
    "revoke_token",
    "secret_hash",
    "sign_in",
    "sign_out",
    "update_user",
]
