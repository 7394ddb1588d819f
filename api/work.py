"""The worker's process: `python -m api.work`, as `territory-serve` starts it, or by itself on another machine."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection

from api.auth.company import forget_started
from api.auth.signing_in import forget_expired
from api.exchange.route import forget_answers
from api.jobs.chores import Chore, Chores
from api.jobs.worker import Worker
from api.logs import set_up_logs
from api.planning import backups, layers
from api.planning.delivering import deliver, forget_delivered
from api.settings import Settings
from api.store import Store, Sweeper

ANSWERS_KEPT_SECONDS = 24 * 3600.0
DELIVERIES_KEPT_SECONDS = 30 * 24 * 3600.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Work until told to stop, or until the process that has started this one is gone."""
    parser = argparse.ArgumentParser(prog="python -m api.work", description="Runs the jobs of the service.")
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    parent = parser.parse_args(arguments).parent
    given = os.environ.pop("TERRITORY_SETTINGS", None)
    settings = Settings() if given is None else Settings.model_validate_json(given)
    set_up_logs()
    store = Store(settings.url)

    worker = Worker(settings, store)
    chores = Chores(_chores(store, settings), worker.stop)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: worker.stop())
    chores.start()
    worker.run(None if parent is None else Connection(parent, writable=False))
    chores.stop(settings.grace_seconds)
    store.close()


def _chores(store: Store, settings: Settings) -> list[Chore]:
    sweeper = Sweeper(store, settings.unused_seconds)

    def forget() -> None:
        forget_answers(store, ANSWERS_KEPT_SECONDS)
        with store.writing() as session:
            forget_expired(session)
            forget_started(session)
            forget_delivered(session, DELIVERIES_KEPT_SECONDS)

    return [
        Chore(lambda: deliver(store, settings), 2.0),
        Chore(forget, 60.0),
        Chore(sweeper.sweep, settings.unused_seconds / 2),
        Chore(lambda: layers.catch_up(store), 600.0),
        Chore(lambda: backups.sweep(settings), 3600.0),
    ]


if __name__ == "__main__":
    main()
