"""Webhooks: told once it has happened, signed, in order, tried again, and nowhere but where it is configured."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from api.planning import delivering
from api.planning.delivering import MOST_ATTEMPTS, deliver
from api.planning.desk import record
from api.store import Delivery, Webhook
from tests.api.services import Running, serve
from tests.loopback import Loopback, Quiet


class Receiver(Loopback):
    """A program that is told of events: what came, and the statuses that it answers, 200 when there are no more."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.came.append((self.path, dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

        super().__init__(Handler)

    def told(self) -> list[str]:
        return [orjson.loads(body)["object_id"] for _, _, body in self.came]


@pytest.fixture(scope="module")
def telling(database: str) -> Iterator[Running]:
    service = serve(database, webhook_hosts=("127.0.0.1",))
    with service.client:
        yield service
    service.store.close()


@pytest.fixture
def receiver(telling: Running) -> Iterator[Receiver]:
    with telling.store.writing() as session:
        session.execute(sa.delete(Delivery))
        session.execute(sa.delete(Webhook))
    with Receiver() as running:
        yield running


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the deliverer's clock on, by seconds."""
    true_now, offset = delivering.now, 0.0

    def pass_by(seconds: float) -> None:
        nonlocal offset
        offset += seconds
        monkeypatch.setattr(delivering, "now", lambda: true_now() + offset)

    return pass_by


def webhook(service: Running, url: str, *events: str) -> dict[str, Any]:
    answer = service.post("admin", "/v1/webhooks", {"url": url, "events": list(events) or ["proposal.submitted"]})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def happen(service: Running, *names: str, action: str = "proposal.submitted") -> None:
    for name in names:
        with service.store.writing() as session:
            record(session, "user_x", action, name, None, "", {"comment": "名"})


def shown(service: Running, made: dict[str, Any]) -> dict[str, Any]:
    items = service.get("admin", "/v1/webhooks").json()["items"]
    return next(item for item in items if item["webhook_id"] == made["webhook_id"])


def test_what_happens_is_told_with_a_signature_that_only_we_can_make(telling: Running, receiver: Receiver):
    secret = webhook(telling, f"{receiver.url}/hook")["secret"]

    happen(telling, "proposal_1")
    deliver(telling.store, telling.settings)

    ((path, headers, body),) = receiver.came
    at, given = (part.partition("=")[2] for part in headers["Territory-Signature"].split(","))
    assert given == hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert path == "/hook"
    assert orjson.loads(body)["event"] == "proposal.submitted"


def test_only_what_was_asked_for_is_told_and_only_once(telling: Running, receiver: Receiver):
    webhook(telling, receiver.url, "alignment.published")

    happen(telling, "proposal_1")
    happen(telling, "alignment_1", action="alignment.published")
    deliver(telling.store, telling.settings)
    deliver(telling.store, telling.settings)

    assert receiver.told() == ["alignment_1"]


def test_what_did_not_happen_after_all_is_not_told(telling: Running, receiver: Receiver):
    webhook(telling, receiver.url)

    def fail() -> None:
        with telling.store.writing() as session:
            record(session, "user_x", "proposal.submitted", "proposal_1", None, "", {})
            raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError):
        fail()
    deliver(telling.store, telling.settings)

    assert receiver.told() == []


def test_what_is_not_taken_is_tried_again_and_those_behind_it_wait(telling: Running, receiver: Receiver, later: Any):
    webhook(telling, receiver.url)
    receiver.answers = [503]
    happen(telling, "one", "two", "three")

    deliver(telling.store, telling.settings)
    deliver(telling.store, telling.settings)
    before = receiver.told()
    later(11.0)
    deliver(telling.store, telling.settings)

    assert before == ["one"]
    assert receiver.told() == ["one", "one", "two", "three"]


def test_a_webhook_that_never_answers_is_turned_off_and_loses_nothing(telling: Running, receiver: Receiver, later: Any):
    made = webhook(telling, receiver.url)
    receiver.answers = [500] * MOST_ATTEMPTS
    happen(telling, "one", "two")

    for _ in range(MOST_ATTEMPTS + 3):
        deliver(telling.store, telling.settings)
        later(200_000.0)
    off = shown(telling, made)
    resumed = telling.post("admin", f"/v1/webhooks/{made['webhook_id']}/resume")
    deliver(telling.store, telling.settings)

    assert (off["status"], off["waiting"], off["last_answer"]) == ("off", 2, "HTTP Error 500: Internal Server Error")
    assert (resumed.status_code, resumed.json()["status"]) == (200, "on")
    assert receiver.told() == ["one"] * (MOST_ATTEMPTS + 1) + ["two"]
    assert shown(telling, made)["waiting"] == 0


def test_a_webhook_that_is_off_keeps_no_other_from_hearing(telling: Running, receiver: Receiver):
    webhook(telling, "http://127.0.0.1:9/nobody-listens")
    webhook(telling, receiver.url)

    happen(telling, "one", "two")
    deliver(telling.store, telling.settings)

    assert receiver.told() == ["one", "two"]


def test_workers_side_by_side_tell_each_thing_once_and_in_order(telling: Running, receiver: Receiver):
    webhook(telling, receiver.url)
    names = [f"proposal_{number:02}" for number in range(12)]
    happen(telling, *names)

    workers = [threading.Thread(target=deliver, args=(telling.store, telling.settings)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    deliver(telling.store, telling.settings)

    assert receiver.told() == names


@pytest.mark.parametrize(
    "url",
    [
        "http://[",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:x/",
        "http://127.0.0.1/ü",
        "http://127.0.0.1/ a",
        "http://127.0.0.1@example.com/",
        "http://example.com\\@127.0.0.1:80x/",
    ],
)
def test_what_is_no_address_is_told(telling: Running, url: str):
    answer = telling.post("admin", "/v1/webhooks", {"url": url, "events": ["proposal.ready"]})

    assert answer.status_code == 422
    assert [problem["where"] for problem in answer.json()["problems"]] == ["url"]


def test_a_webhook_leads_nowhere_that_is_not_configured(telling: Running, receiver: Receiver):
    foreign = telling.post("admin", "/v1/webhooks", {"url": "http://example.com/x", "events": ["proposal.ready"]})
    webhook(telling, receiver.url)
    receiver.answers = [307]
    happen(telling, "one")

    deliver(telling.store, telling.settings.model_copy(update={"webhook_hosts": ("elsewhere.example",)}))
    withdrawn = receiver.told()
    deliver(telling.store, telling.settings)

    assert foreign.status_code == 422
    assert "TERRITORY_WEBHOOK_HOSTS" in foreign.json()["problems"][0]["fix"]
    assert withdrawn == []
    assert [path for path, _, _ in receiver.came] == ["/"], "a redirect was followed"
