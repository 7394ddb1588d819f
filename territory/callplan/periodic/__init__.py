"""Periodic routing of the literature: customers with sets of days, vehicles with a capacity, nothing but distance."""

from territory.callplan.periodic.solving import PeriodicPlan, solve_periodic

__all__ = ["PeriodicPlan", "solve_periodic"]
