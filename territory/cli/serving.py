"""A folder's pages on this machine's own browser, and on no other machine's."""

from __future__ import annotations

from collections.abc import Collection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from territory.errors import DataError, Problem

LOOPBACK = "127.0.0.1"
USUAL_PORT = 8000
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".geojson": "application/geo+json",
}


class FolderServer(ThreadingHTTPServer):
    """Serves the named files of one folder, and ``/`` as its `front` page.

    Parameters
    ----------
    port : int, 0 for any that is free; None for `USUAL_PORT`, or any when that is taken

    Raises
    ------
    DataError
        The port is taken, or not ours to take.
    """

    daemon_threads = True
    # On Windows and Linux alike a port that another program listens on must count as taken.
    allow_reuse_port = False

    def __init__(self, folder: Path, files: Collection[str], front: str, port: int | None) -> None:
        self.folder, self.files, self.front = folder, frozenset(files), front
        try:
            self._bind(USUAL_PORT if port is None else port)
        except OSError as error:
            if port is not None:
                fix = "Choose another, or --port 0 for any that is free."
                raise DataError([Problem(f"port {port}", f"It cannot be used ({error.strerror}).", fix)]) from error
            self._bind(0)

    def _bind(self, port: int) -> None:
        super().__init__((LOOPBACK, port), _FileHandler)

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the front page."""
        return f"http://localhost:{self.server_address[1]}/"


class _FileHandler(BaseHTTPRequestHandler):
    """GET and HEAD of the named files; everything else is not found."""

    server: FolderServer
    server_version = "territory"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are no news to the person at the terminal."""

    def _answer(self, *, has_body: bool) -> None:
        content, kind = self._asked()
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if has_body:
            self.wfile.write(content)

    def _asked(self) -> tuple[bytes | None, str]:
        # A page elsewhere whose name resolves to this machine must not read what is served here.
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        name = unquote(urlsplit(self.path).path).removeprefix("/") or self.server.front
        if host not in ("localhost", LOOPBACK) or name not in self.server.files:
            return None, ""
        path = self.server.folder / name
        try:
            return path.read_bytes(), _TYPES.get(path.suffix, "application/octet-stream")
        except OSError:
            return None, ""
