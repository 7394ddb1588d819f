"""The service on a port of this machine, with people who can sign in, for a browser to visit."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
import uvicorn

from api.auth import passwords
from api.planning.solving import make_ready
from api.store import User
from tests.api.databases import Databases
from tests.api.services import Running, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PASSWORD = "a sentence to keep in mind"
ONE_AT_A_TIME = threading.Lock()
PHONE = {"viewport": {"width": 375, "height": 740}, "is_mobile": True, "has_touch": True}


class Waiting(Running):
    """A service whose `run_jobs` also waits for the job that another thread is about."""

    def run_jobs(self) -> int:
        """Do all jobs that wait; one thread at a time."""
        with ONE_AT_A_TIME:
            return super().run_jobs()


class Site:
    """The service under its address; jobs run in the background as soon as they are asked for."""

    def __init__(self, service: Running) -> None:
        self.service = service
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(service.app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True),
            threading.Thread(target=self._work, daemon=True),
        ]

    def __enter__(self) -> Site:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.service.app.state.is_stopping.set()
        self._server.should_exit = True
        for thread in self._threads:
            thread.join(10)
        self._socket.close()

    def _work(self) -> None:
        while not self._is_over.wait(0.05):
            self.service.run_jobs()


@pytest.fixture(scope="session")
def solver() -> None:
    """What solves days is compiled: on a new machine that takes longer than anybody waits for a page."""
    make_ready()


@pytest.fixture(scope="module")
def site(databases: Databases, solver: None) -> Iterator[Site]:
    """The service on SQLite; everybody has the same password."""
    service = Waiting(**vars(serve(databases.fresh("sqlite"))))
    with service.store.writing() as session:
        session.execute(
            sa.update(User).values(password_hash=passwords.hashed(PASSWORD), login=sa.func.lower(User.login))
        )
    with Site(service) as running:
        yield running
    shutil.rmtree(service.settings.home, ignore_errors=True)


Visit = Callable[..., "Page"]


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """Opens a page as somebody; at the end no script has failed, nothing was executed, no other host was asked."""
    faults: list[str] = []
    contexts: list[BrowserContext] = []

    def open_page(who: str | None, path: str, **options: Any) -> Page:
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 860}, "locale": "en-GB", "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("request", lambda ask: None if is_ours(ask.url) else faults.append(ask.url))
        page.on("console", lambda line: faults.append(line.text) if is_fault(line) else None)
        if who is not None:
            sign_in(context, who)
        page.goto(site.address + path)
        return page

    def is_ours(url: str) -> bool:
        return url.startswith((site.address, "data:", "blob:"))

    def is_fault(line: Any) -> bool:
        # What the service refuses, and a line that a test cuts, are said on the page.
        is_of_the_line = any(said in line.text for said in ("Failed to load resource", "when fetching the script"))
        return line.type == "error" and not is_of_the_line

    def sign_in(context: BrowserContext, who: str) -> None:
        body = {"login": who.replace(" ", ".").lower(), "password": PASSWORD}
        answer = context.request.post(f"{site.address}/v1/session", data=body)
        assert answer.status == 201, answer.text()

    yield open_page

    for context in contexts:
        context.close()
    assert faults == []
