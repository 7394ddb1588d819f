"""Call plans over weeks: who is visited on which day, at each one's rhythm, in days that are even and short to drive.

`plan_calls` is the whole face. Inside: `workdays` says when a rep works, `asking` turns tables into arrays, `rhythm`
says how often a customer is due and what sets of days keep that, `search` finds the calendar in a `month`, `pool` puts
a better one together from the days seen on the way, `solving` proves its days, `telling` turns arrays into tables again
and says why.
"""

from __future__ import annotations

from territory.callplan.calling import plan_calls
from territory.callplan.plan import CallPlan, EarlierCalls

__all__ = ["CallPlan", "EarlierCalls", "plan_calls"]
