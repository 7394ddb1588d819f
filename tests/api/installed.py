"""The service as it is installed: `territory-serve` in processes of its own, which can be killed and looked at."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.api.services import serve

BEGINS_WITHIN_SECONDS = 90.0


class Installed:
    """An installation on a SQLite file with everybody in it."""

    def __init__(self, url: str, log: Path, **settings: object) -> None:
        self.service = serve(url)
        self._log, self._port = log, _free_port()
        given = {"DATABASE_URL": url, **{f"TERRITORY_{name.upper()}": str(value) for name, value in settings.items()}}
        self._environment = {**os.environ, **given}
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=60.0, trust_env=False)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "api.serve", "--port", str(self._port)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        until = time.monotonic() + BEGINS_WITHIN_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.client.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(self._log.read_text())

    def kill(self) -> None:
        """End the process that answers, at once and without a word to it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.client.close()
        self.service.store.close()

    def ask(self, who: str, method: str, url: str, **options: Any) -> httpx.Response:
        """A request of somebody."""
        headers = {**options.pop("headers", {}), "Authorization": f"Bearer {self.service.secrets[who]}"}
        return self.client.request(method, url, headers=headers, **options)

    def over(self, url: str, *, statuses: tuple[str, ...] = ("ready", "failed", "done"), seconds: float = 90.0) -> Any:
        """What is found at a URL once its status is one of these."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            told = self.ask("admin", "GET", url).json()
            if told["status"] in statuses:
                return told
            time.sleep(0.05)
        raise AssertionError(told)


@contextmanager
def watched(pid: int) -> Iterator[dict[int, int]]:
    """Bytes that this process and its descendants have had in memory at most, by pid; filled while the block runs."""
    most: dict[int, int] = {}
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.02):
            for each in _family(pid):
                most[each] = max(most.get(each, 0), _peak_bytes(each))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        is_over.set()
        thread.join()


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from _family(int(child))


def _peak_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
