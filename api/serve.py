"""`territory-serve`: the service on this machine, with the worker that runs its jobs."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

import uvicorn

from api.app import create_app
from api.auth import first_admin
from api.auth.accounts import FIRST_LOGIN
from api.backup import backup, restore
from api.logs import set_up_logs
from api.settings import Settings
from api.store import Store, upgrade
from territory.errors import DataError

log = logging.getLogger(__name__)

_RESTARTED_AFTER_SECONDS = 0.5


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until told to stop; or back the database up, or restore it."""
    given = _parser().parse_args(arguments)
    chosen = {name: value for name, value in vars(given).items() if name in Settings.model_fields and value is not None}
    settings = Settings(**chosen)
    if given.command is None:
        _serve(settings)
        return
    try:
        if given.command == "backup":
            backup(settings, given.file)
        else:
            restore(settings, given.file)
    except DataError as error:
        raise SystemExit(str(error)) from error


def _serve(settings: Settings) -> None:
    set_up_logs()
    upgrade(settings.url)
    store = Store(settings.url)
    _tell_first_password(store, settings.address)
    app = create_app(settings, store)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, int(settings.grace_seconds)),
        timeout_keep_alive=30,
    )
    server = _Server(config, app.state.is_stopping)
    for name in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises what it has heard once more when it has ended: that must not end us before the worker has.
        signal.signal(name, lambda *_: setattr(server, "should_exit", True))
    crew = Crew(settings) if settings.slots else None
    if crew:
        crew.start()
    try:
        server.run()
    finally:
        if crew:
            crew.stop()


class Crew:
    """The worker's process, begun again whenever it dies."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        # The worker hears that this process is gone when its end of the pipe is the only one.
        self._theirs, self._ours = multiprocessing.Pipe(duplex=False)
        self._thread = threading.Thread(target=self._watch, name="crew", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let the worker end its jobs within the grace, and wait for it."""
        self._is_stopping.set()
        self._ours.close()
        self._thread.join(self._settings.grace_seconds + 5)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def _watch(self) -> None:
        while not self._is_stopping.is_set():
            self._process = _start_worker(self._settings, self._theirs)
            code = self._process.wait()
            if not self._is_stopping.is_set():
                log.error("the worker ended with code %s; another one begins", code)
                self._is_stopping.wait(_RESTARTED_AFTER_SECONDS)


def _start_worker(settings: Settings, pipe: Connection) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "api.work", "--parent", str(pipe.fileno())]
    # By the environment and not as an argument: the address of the database may hold a password.
    environment = {**os.environ, "TERRITORY_SETTINGS": settings.model_dump_json()}
    return subprocess.Popen(command, pass_fds=[pipe.fileno()], env=environment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="territory-serve",
        description="The territory planner as a service, with pages and an HTTP interface.",
        epilog="Everything else is set by environment variables: DATABASE_URL and TERRITORY_..., see api/settings.py.",
    )
    parser.add_argument("--host", help="the address to listen on; 127.0.0.1 is this machine only")
    parser.add_argument("--port", type=int, help="the port, 0 for any that is free")
    parser.add_argument("--home", help="the folder of the SQLite file")
    parser.add_argument("--slots", type=int, help="jobs at once; 0 when workers run elsewhere")
    commands = parser.add_subparsers(dest="command", metavar="")
    saving = commands.add_parser("backup", help="write the database into a file, while the service runs")
    saving.add_argument("file", type=Path)
    restoring = commands.add_parser("restore", help="put a backup in the database's place, whole or not at all")
    restoring.add_argument("file", type=Path)
    return parser


def _tell_first_password(store: Store, address: str) -> None:
    password = first_admin(store)
    if password is not None:
        # To the terminal and not to the log, which others may read.
        sys.stdout.write(
            f"\nOpen {address} and sign in once as '{FIRST_LOGIN}' with this password; then choose your own:\n\n"
            f"  {password}\n\n"
        )
        sys.stdout.flush()


class _Server(uvicorn.Server):
    """uvicorn, whose streams learn first that the process is to end."""

    def __init__(self, config: uvicorn.Config, is_stopping: threading.Event) -> None:
        super().__init__(config)
        self._is_stopping = is_stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop taking requests, let those that run end."""
        self._is_stopping.set()
        super().handle_exit(sig, frame)


if __name__ == "__main__":
    main()
