"""A service to talk to: an application on a fresh database, users of every role, and jobs that run when we say so."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
from fastapi.testclient import TestClient

from api.app import Service, create_app
from api.auth import secret_hash
from api.jobs import queue
from api.jobs.child import Context, attempt
from api.settings import Settings
from api.store import Store, Token, User, new_id, now
from territory.files import write_portfolio
from territory.model import Portfolio
from tests.worlds import portfolio_of

EVERYBODY = {
    "admin": ("admin", ["*"], None),
    "manager": ("manager", ["east"], None),
    "second manager": ("manager", ["east"], None),
    "manager of the west": ("manager", ["west"], None),
    "planner": ("planner", ["east"], None),
    "rep A": ("rep", ["east"], "R01"),
    "rep B": ("rep", ["east"], "R02"),
}
"""name -> role, regions, rep_id"""


@dataclass
class Running:
    """The service under test."""

    settings: Settings
    store: Store
    app: Service
    client: TestClient
    secrets: dict[str, str] = field(default_factory=dict)

    def ask(self, who: str | None, method: str, url: str, **options: Any) -> Any:
        """A request of somebody; of nobody when `who` is None."""
        headers = dict(options.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.secrets[who]}"
        if "match" in options:
            headers["If-Match"] = options.pop("match")
        return self.client.request(method, url, headers=headers, **options)

    def get(self, who: str | None, url: str, **options: Any) -> Any:
        """What somebody gets."""
        return self.ask(who, "GET", url, **options)

    def post(self, who: str | None, url: str, body: Any = None, **options: Any) -> Any:
        """What somebody is answered to a POST of JSON."""
        return self.ask(who, "POST", url, json={} if body is None else body, **options)

    def run_jobs(self) -> int:
        """Do all jobs that wait, here and now; how many there were."""
        done = 0
        while (claim := queue.claim(self.store, "test", 60.0)) is not None:
            attempt(Context(self.store, self.settings, claim, lambda *_: None))
            done += 1
        return done

    def bring(self, portfolio: Portfolio, *, region: str = "east", who: str = "admin", name: str = "Town") -> str:
        """Upload a portfolio and have it read; its path."""
        with tempfile.TemporaryDirectory() as folder:
            write_portfolio(portfolio, folder)
            files = {
                path.stem: (path.name, path.read_bytes())
                for path in Path(folder).iterdir()
                if path.stem in ("customers", "reps", "rules")
            }
        answer = self.ask(who, "POST", "/v1/portfolios", data={"name": name, "region": region}, files=files)
        assert answer.status_code == 202, answer.text
        self.run_jobs()
        return str(answer.headers["location"])

    def propose(self, portfolio: str, *, who: str = "manager", **parameters: Any) -> str:
        """Have a proposal made; its path."""
        answer = self.post(who, f"{portfolio}/proposals", {"travel": "none", "effort": 0.05, **parameters})
        assert answer.status_code == 202, answer.text
        self.run_jobs()
        return str(answer.headers["location"])

    def etag(self, who: str, url: str) -> str:
        """The version that somebody reads."""
        return str(self.get(who, url).headers["etag"])


def serve(url: str, **settings: Any) -> Running:
    """A service on a migrated database, with everybody in it. Close its client and store."""
    # A process of its own for each of many services would cost more than all the days that are solved.
    home = Path(tempfile.gettempdir()) / f"territory-{uuid4().hex}"
    chosen = Settings(database_url=url, slots=0, **{"route_processes": 0, "home": home, **settings})
    store = Store(chosen.url)
    app = create_app(chosen, store)
    tested = Running(chosen, store, app, TestClient(app, raise_server_exceptions=False))
    with store.writing() as session:
        for name, (role, regions, rep_id) in EVERYBODY.items():
            user = User(
                id=new_id("user"),
                login=name.replace(" ", "."),
                name=name,
                role=role,
                regions=regions,
                rep_id=rep_id,
                password_hash=None,
                must_change_password=False,
                is_active=True,
                created_at=now(),
            )
            session.add(user)
            session.flush()
            secret = f"secret of {name}"
            tested.secrets[name] = secret
            session.add(
                Token(id=new_id("token"), secret_hash=secret_hash(secret), user_id=user.id, name="t", created_at=now())
            )
    return tested


EAST, NORTH = 400_000.0, 5_000_000.0
"""Where the town lies, in metres of the plane: nobody lives at longitude and latitude 0."""


def town(count: int = 24, reps: int = 3, seed: int = 1) -> Portfolio:
    """Customers scattered over 30 km in strips, one strip a rep, the first strip far too large."""
    rng = np.random.default_rng(seed)
    xy = np.round(rng.uniform(0, 30_000, (count, 2)), 3)
    border = np.linspace(0, 1, reps + 1)[1:-1] ** 0.5 * 30_000
    strip = np.searchsorted(border, xy[:, 0])
    customers = pd.DataFrame(
        {
            "x": xy[:, 0] + EAST,
            "y": xy[:, 1] + NORTH,
            "name": [f"Customer {number}" for number in range(count)],
            "potential": rng.integers(50, 150, count).astype(float),
            "visits_per_year": 10.0,
            "minutes_per_visit": 30.0,
            "territory": [f"T{each + 1}" for each in strip],
        },
        index=pd.Index([f"{number:04d}" for number in range(count)], name="customer_id"),
    )
    homes = pd.DataFrame(
        {
            "x": (np.arange(reps) + 0.5) * 30_000 / reps + EAST,
            "y": 15_000.0 + NORTH,
            "territory": [f"T{each + 1}" for each in range(reps)],
        },
        index=pd.Index([f"R{each + 1:02d}" for each in range(reps)], name="rep_id"),
    )
    return portfolio_of(customers, homes)
