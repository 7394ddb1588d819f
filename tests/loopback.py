"""A server on this machine, for what asks one: it answers what a test wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@contextmanager
def running(server: BaseServer) -> Iterator[None]:
    """`server` answers in a thread of its own while the block runs."""
    with server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class Quiet:
    """A handler that answers without a word on the terminal."""

    def log_message(self, *args: object) -> None:
        pass


class Loopback:
    """A server on this machine, at `url`, whose requests `handler` answers while it is entered."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._running = running(self._server)

    def __enter__(self) -> Self:
        self._running.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._running.__exit__(*raised)  # type: ignore[arg-type]  # what raised comes as it is


@contextmanager
def answering(answer: Callable[[dict], Any]) -> Iterator[str]:
    """The address of a server on loopback that gives `answer` to each question.

    A question is ``path`` and what the query asks, or the JSON body and ``key``, its header authorization. The answer
    is the content of JSON, or (status, headers, content); bytes are sent as they are.
    """

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            url = urlsplit(self.path)
            self.tell({"path": url.path, **{key: values[0] for key, values in parse_qs(url.query).items()}})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.tell({"path": self.path, "key": self.headers.get("authorization"), **body})

        def tell(self, question: dict) -> None:
            told = answer(question)
            status, headers, content = told if isinstance(told, tuple) else (200, {}, told)
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "content-length": len(content)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(content)

    with Loopback(Handler) as server:
        yield server.url
