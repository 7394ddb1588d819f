"""HTTP as all routers speak it: a request is a unit of work, JSON is strict, each answer has one shape."""

from api.exchange.access import IfMatch, Nonce, needs
from api.exchange.errors import add_error_handlers
from api.exchange.formats import Offered, choose_format, represent
from api.exchange.frame import Frame
from api.exchange.responses import Json, is_fresh, not_modified
from api.exchange.route import ExchangeRoute, at_once

__all__ = [
    "ExchangeRoute",
    "Frame",
    "IfMatch",
    "Json",
    "Nonce",
    "Offered",
    "add_error_handlers",
    "at_once",
    "choose_format",
    "is_fresh",
    "needs",
    "not_modified",
    "represent",
]
