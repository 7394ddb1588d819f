"""The rep's part of the service: every router of it."""

from __future__ import annotations

from api.routers import calendars, calls, driving, visits

FIELD_ROUTES = (calls.routes, driving.routes, visits.routes, calendars.routes)
