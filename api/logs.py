"""Structured logs: one JSON object a line, on standard error, with the ids of request and job."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being answered."""

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """A record as a line of JSON; what is passed as ``extra`` stands beside the message."""

    def __init__(self, **always: str) -> None:
        super().__init__()
        self._always = {name: value for name, value in always.items() if value}

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._always,
        }
        if request := request_id.get():
            line["request_id"] = request
        line.update({name: value for name, value in vars(record).items() if name not in _OWN})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # A text from outside may hold half a character, which orjson refuses.
        plain = {name: _whole(value) if isinstance(value, str) else value for name, value in line.items()}
        return orjson.dumps(plain, default=str).decode()


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def set_up_logs(**always: str) -> None:
    """Send the logs of this process to standard error as lines of JSON, each with `always` in it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(**always))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"
    # What it sets up is the same each time, a dozen lines of it.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
