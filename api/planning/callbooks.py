"""Call plans as bytes, as `api.content` keeps portfolios: parts named by what is in them."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date

import pandas as pd

from api.content import Fetch, Parts, table_bytes, table_of
from territory.callplan import CallPlan
from territory.errors import Problem

_TABLES = ("visits", "days", "stretched", "dropped", "coverage", "measures", "changes")
_PLAIN = ("weeks", "seed", "travel", "is_estimate")


def encode_calls(calls: CallPlan, parts: Parts) -> str:
    """Put a call plan into `parts`; the name under which `decode_calls` finds it."""
    manifest = {
        "start": calls.start.isoformat(),
        **{name: getattr(calls, name) for name in _PLAIN},
        **{name: parts.add(table_bytes(getattr(calls, name))) for name in _TABLES},
        "customers": parts.add(table_bytes(pd.DataFrame(index=calls.customers.rename("customer_id")))),
        "problems": [asdict(problem) for problem in calls.problems],
    }
    return parts.add(json.dumps(manifest, sort_keys=True, allow_nan=False).encode())


def decode_calls(name: str, fetch: Fetch) -> CallPlan:
    """The call plan that was put away under this name."""
    manifest = json.loads(fetch(name))
    return CallPlan(
        start=date.fromisoformat(manifest["start"]),
        **{each: manifest[each] for each in _PLAIN},
        **{each: table_of(fetch(manifest[each])) for each in _TABLES},
        customers=table_of(fetch(manifest["customers"])).index,
        problems=tuple(Problem(**problem) for problem in manifest["problems"]),
    )
