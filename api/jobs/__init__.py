"""Long work: a queue in the database, and workers that run each job in a child process of its own."""

from api.jobs.queue import Claim, ask_cancel, enqueue, finish, is_over

__all__ = ["Claim", "ask_cancel", "enqueue", "finish", "is_over"]
