"""Files in and out: reading with every fault told at once, writing so that it reads back the same."""

from territory.files.reading import Check, check_files, read_portfolio
from territory.files.rules import read_rules, write_rules
from territory.files.travel import read_travel_table
from territory.files.writing import write_portfolio, write_proposal
from territory.files.written import read_written

__all__ = [
    "Check",
    "check_files",
    "read_portfolio",
    "read_rules",
    "read_travel_table",
    "read_written",
    "write_portfolio",
    "write_proposal",
    "write_rules",
]
