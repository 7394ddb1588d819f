"""What every test may ask for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

# The same examples on every machine, and no clock: a shared machine may be slow.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")

# The shell has no window to draw: it takes two thirds of the processor time.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
INSTALL_SECONDS = 600
PATIENCE = 20_000
"""Milliseconds until what a page should show is missed: a shared machine may be slow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that compile kernels come first, each in one process only: others then find them in the cache.

    Of several processes each begins with a row of equally many items (pytest-xdist's worksteal). `compiles(row)` says
    in which row a test comes first; -1 is the last.
    """
    rows: list[list[pytest.Item]] = [[] for _ in range(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))]
    others = []
    for item in items:
        mark = item.get_closest_marker("compiles")
        (rows[mark.args[0] % len(rows)] if mark else others).append(item)
    for number, row in enumerate(rows):
        room = (len(items) - sum(map(len, rows[:number]))) // (len(rows) - number) - len(row)
        row += others[:room]
        del others[:room]
    items[:] = [item for row in rows for item in row]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A running Chromium: one that is installed, else one that we install; without any the test fails and says why."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        running = _running_chromium(playwright)
        yield running
        running.close()


def _running_chromium(playwright: Playwright) -> Browser:
    tried: list[str] = []
    running = _launch_any(playwright, tried)
    for command in [] if running else _install_commands():
        tried.append(_run(command))
        running = _launch_any(playwright, tried)
        if running:
            break
    if running is None:
        pytest.fail(
            "The browser tests need Chromium, and none could be started.\n"
            "To mend it: 'apt-get install chromium-headless-shell' as root (Debian), "
            "or 'python -m playwright install --with-deps chromium'.\nTried:\n- " + "\n- ".join(tried),
            pytrace=False,
        )
    return running


def _launch_any(playwright: Playwright, tried: list[str]) -> Browser | None:
    from playwright.sync_api import Error

    found = [shutil.which(name) for name in CHROMIUM_NAMES]
    own = playwright.chromium.executable_path
    if Path(own).exists():
        found.append(own)
    for path in dict.fromkeys(filter(None, found)):
        try:
            return playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        # On Ubuntu chromium-browser may be a stub that only points to snap: then the next one has its turn.
        except Error as error:
            tried.append(f"{path}: {error.message.splitlines()[0]}")
    if not any(found):
        tried.append(f"none of {', '.join(CHROMIUM_NAMES)} is on the PATH, nor {own}")
    return None


def _install_commands() -> Iterator[list[str]]:
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root and shutil.which("apt-get"):
        wait = ["-o", "DPkg::Lock::Timeout=300"]  # another test worker may be installing it already
        yield ["apt-get", *wait, "update"]
        yield ["apt-get", *wait, "install", "-y", "--no-install-recommends", "chromium-headless-shell"]
    yield [sys.executable, "-m", "playwright", "install", *(["--with-deps"] if is_root else []), "chromium"]


def _run(command: list[str]) -> str:
    """Run an installation and say how it went, in a line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(command)}: {error}"
    last = (done.stderr or done.stdout).strip().splitlines()[-1:]
    return f"{' '.join(command)}: {'done' if done.returncode == 0 else ' '.join(['failed:', *last])}"
