"""Sales territories that are fair in potential and workload, in one piece, with few moves and a proof.

Names load when they are first used, so that ``import territory`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from territory.adjustment import adjust as adjust
    from territory.buildup import Sizing as Sizing
    from territory.buildup import sizing as sizing
    from territory.callplan import CallPlan as CallPlan
    from territory.callplan import plan_calls as plan_calls
    from territory.clustering import BalancedTerritories as BalancedTerritories
    from territory.demand import demand_sources as demand_sources
    from territory.demand import derive_demand as derive_demand
    from territory.demo import demo_folder as demo_folder
    from territory.errors import DataError as DataError
    from territory.errors import InfeasibleError as InfeasibleError
    from territory.errors import NotFoundError as NotFoundError
    from territory.errors import Problem as Problem
    from territory.errors import TerritoryError as TerritoryError
    from territory.files import Check as Check
    from territory.files import check_files as check_files
    from territory.files import read_portfolio as read_portfolio
    from territory.files import read_rules as read_rules
    from territory.files import read_travel_table as read_travel_table
    from territory.files import write_portfolio as write_portfolio
    from territory.files import write_proposal as write_proposal
    from territory.files import write_rules as write_rules
    from territory.fronts import proposals as proposals
    from territory.fronts import tabulate_front as tabulate_front
    from territory.itinerary import days_of as days_of
    from territory.itinerary import navigation_links as navigation_links
    from territory.itinerary import write_itinerary as write_itinerary
    from territory.maps import draw_days as draw_days
    from territory.maps import draw_map as draw_map
    from territory.measures import alerts as alerts
    from territory.measures import max_deviation as max_deviation
    from territory.measures import measure as measure
    from territory.model import CUSTOMER_COLUMNS as CUSTOMER_COLUMNS
    from territory.model import MEASURES as MEASURES
    from territory.model import REP_COLUMNS as REP_COLUMNS
    from territory.model import Portfolio as Portfolio
    from territory.model import Proposal as Proposal
    from territory.model import Rules as Rules
    from territory.realignment import align as align
    from territory.realignment import explain_moves as explain_moves
    from territory.realignment import realign as realign
    from territory.reconciling import Reconciliation as Reconciliation
    from territory.reconciling import reconcile as reconcile
    from territory.reopening import reopen as reopen
    from territory.routing import DayPlan as DayPlan
    from territory.routing import Route as Route
    from territory.routing import best_days_for as best_days_for
    from territory.routing import nearby as nearby
    from territory.routing import solve_route as solve_route
    from territory.scenarios import next_rep as next_rep
    from territory.scenarios import simulate as simulate
    from territory.scenarios import tabulate as tabulate
    from territory.scenarios import without_each_rep as without_each_rep
    from territory.tradeoffs import TradeOff as TradeOff
    from territory.tradeoffs import trade_off as trade_off
    from territory.travel import build_roads as build_roads
    from territory.travel import open_travel as open_travel
    from territory.travel import read_roads as read_roads
    from territory.travel import write_roads as write_roads

_HOMES = {
    "adjustment": ("adjust",),
    "buildup": ("Sizing", "sizing"),
    "callplan": ("CallPlan", "plan_calls"),
    "clustering": ("BalancedTerritories",),
    "demand": ("demand_sources", "derive_demand"),
    "demo": ("demo_folder",),
    "errors": ("DataError", "InfeasibleError", "NotFoundError", "Problem", "TerritoryError"),
    "files": (
        "Check",
        "check_files",
        "read_portfolio",
        "read_rules",
        "read_travel_table",
        "write_portfolio",
        "write_proposal",
        "write_rules",
    ),
    "fronts": ("proposals", "tabulate_front"),
    "itinerary": ("days_of", "navigation_links", "write_itinerary"),
    "maps": ("draw_days", "draw_map"),
    "measures": ("alerts", "max_deviation", "measure"),
    "model": ("CUSTOMER_COLUMNS", "MEASURES", "REP_COLUMNS", "Portfolio", "Proposal", "Rules"),
    "realignment": ("align", "explain_moves", "realign"),
    "reconciling": ("Reconciliation", "reconcile"),
    "reopening": ("reopen",),
    "routing": ("DayPlan", "Route", "best_days_for", "nearby", "solve_route"),
    "scenarios": ("next_rep", "simulate", "tabulate", "without_each_rep"),
    "tradeoffs": ("TradeOff", "trade_off"),
    "travel": ("build_roads", "open_travel", "read_roads", "write_roads"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = ("alignment", "borders", "boundaries", "geo", "homes", "land", "neighbours", "rules", *_HOMES)

# A star import must not need an extra.
__all__ = [name for name, module in _HOME_OF.items() if module != "clustering"]


def __getattr__(name: str) -> object:
    if name in _HOME_OF:
        value = getattr(import_module(f"territory.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return import_module(f"territory.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("territory-planner")
    raise AttributeError(f"module 'territory' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF, *_MODULES, "__version__"})
