"""What a request may be refused with; `exchange` makes a problem+json of each (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from territory.errors import Problem


class ApiError(Exception):
    """A request that is not done; `status` and `title` belong to the class, the rest to the case."""

    status = 500
    title = "The request could not be done"

    def __init__(
        self,
        detail: str,
        *,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
        **extras: object,
    ) -> None:
        self.detail, self.problems, self.headers, self.extras = detail, tuple(problems), dict(headers or {}), extras
        super().__init__(detail)


class MalformedError(ApiError):
    """It cannot be read at all."""

    status, title = 400, "The request cannot be read"


class UnknownError(ApiError):
    """There is none, or it is not for this user to know that there is."""

    status, title = 404, "There is no such thing"


class UnauthenticatedError(ApiError):
    """Nobody, or nobody known."""

    status, title = 401, "Sign in first"


class ForbiddenError(ApiError):
    """Known, but not for this role."""

    status, title = 403, "Your role does not include this"


class NotAcceptableError(ApiError):
    """No format that is asked for is offered."""

    status, title = 406, "There is no such format of this"


class ConflictError(ApiError):
    """Right in itself, but not in the state that things are in."""

    status, title = 409, "It does not fit the state that things are in"


class StaleError(ApiError):
    """Somebody else has changed it since it was read; `current` is how it is now."""

    status, title = 412, "Somebody has changed it in the meantime"


class InvalidError(ApiError):
    """It can be read, but a value cannot be."""

    status, title = 422, "A value cannot be as it is"


class UnconditionalError(ApiError):
    """It may be edited by two people at once, and If-Match is missing."""

    status, title = 428, "Say which version you have changed"


class TooManyError(ApiError):
    """Too often."""

    status, title = 429, "Too many attempts"


class UnavailableError(ApiError):
    """Not now; later, yes."""

    status, title = 503, "The service cannot do this now"
