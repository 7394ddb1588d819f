"""Questions to a server: time-outs, tries, quotas, and keys that are never told."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Any

from territory.errors import DataError, Problem, UnavailableError

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

MOST_WAIT_SECONDS = 60.0
"""However long a server asks for."""
_BUSY = {429, 502, 503, 504}


@dataclass(frozen=True)
class Server:
    """Where a server is, and how patient one is with it.

    Parameters
    ----------
    url : ``http://host:port`` or ``https://host/path``, from configuration
    key : the server's key, where it asks for one; it is in no message, log or representation
    timeout_seconds : for a connection, and for each answer
    tries : how often a question is asked when the server is busy, silent or gone, waiting 1, 2, 4 ... x `wait_seconds`
    wait : what waits so many seconds; by default the thread does, tests put something quicker in its place
    """

    url: str
    key: str = field(default="", repr=False)
    timeout_seconds: float = 20.0
    tries: int = 4
    wait_seconds: float = 0.5
    wait: Callable[[float], object] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        import httpx

        try:
            given = httpx.URL(self.url)
            is_web = given.scheme in ("http", "https") and bool(given.host)
        except httpx.InvalidURL:
            is_web = False
        if not is_web:
            what = "it is not the address of a server."
            raise DataError([Problem("travel, server", what, "Give http://host:port or https://host/path.")])
        if given.userinfo or given.query:
            what = "the address holds more than a place: a key in it would be told in messages."
            raise DataError([Problem("travel, server", what, "Give the key apart from the address.")])

    def get(self, path: str, parameters: Mapping[str, str] | None = None, **options: Any) -> Any:
        """What the server says to a GET of `path`, as JSON values; see `ask` for options and errors."""
        return self.ask("GET", path, parameters=parameters, **options)

    def post(self, path: str, body: Any, **options: Any) -> Any:
        """What the server says to a POST of `body` as JSON."""
        return self.ask("POST", path, body=body, **options)

    def ask(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        is_busy: Callable[[Any], bool] = lambda answer: False,
    ) -> Any:
        """Ask until there is an answer.

        Parameters
        ----------
        is_busy : whether an answer, as JSON values, only says that one should ask again later

        Returns
        -------
        JSON values; of a refusal too (statuses 400 to 499), so that the caller can tell why.

        Raises
        ------
        UnavailableError
            No answer after all tries, or one that is no JSON object.
        """
        import httpx

        url = httpx.URL(self.url.rstrip("/") + path, params=dict(parameters or {}) or None)
        patience = httpx.Timeout(self.timeout_seconds).as_dict()
        failure = ""
        for attempt in range(self.tries):
            if attempt:
                (self.wait or Event().wait)(self._pause(attempt, failure))
            request = httpx.Request(
                method, url, headers=dict(headers or {}), json=body, extensions={"timeout": patience}
            )
            try:
                response = self._transport.handle_request(request)
                content = response.read()
            except httpx.TransportError as error:
                # The error's own words may quote the address with its key.
                failure = f"it did not answer ({type(error).__name__})"
                log.info("%s: %s, try %d of %d", self.url, failure, attempt + 1, self.tries)
                continue
            failure, answer = self._read(response, content)
            if not failure and not is_busy(answer):
                return answer
            failure = failure or "it is over its limit of questions"
            log.info("%s: %s, try %d of %d", self.url, failure, attempt + 1, self.tries)
        fix = "Check that it runs, ask less at once, or use a road graph in a file instead."
        raise UnavailableError([Problem(self.url, f"{failure.partition(';')[0]}, {self.tries} times.", fix)])

    def __getstate__(self) -> dict[str, Any]:
        # An open connection travels to no other process.
        return {name: vars(self)[name] for name in self.__dataclass_fields__}

    def _read(self, response: httpx.Response, content: bytes) -> tuple[str, Any]:
        """Why there is no answer yet ("" if there is), and the answer."""
        if response.status_code in _BUSY:
            return f"it is busy (status {response.status_code}); {response.headers.get('retry-after', '')}", None
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            what = f"it answered with something that is no JSON object (status {response.status_code})."
            raise UnavailableError([Problem(self.url, what, "Check that the address is a routing server's.")])
        return "", answer

    def _pause(self, attempt: int, failure: str) -> float:
        """Seconds until the next try: what the server asked for, else twice as long each time."""
        asked = failure.rpartition("; ")[2]
        own = self.wait_seconds * 2 ** (attempt - 1)
        return min(MOST_WAIT_SECONDS, max(own, float(asked)) if asked.isdecimal() else own)

    @cached_property
    def _transport(self) -> httpx.HTTPTransport:
        import httpx

        # The transport alone: httpx.Client would log each address in full, key included, and follow redirects with it.
        return httpx.HTTPTransport()
