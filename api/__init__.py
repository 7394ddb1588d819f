"""The service over the library: HTTP, store and jobs. Where what lives, each floor importing only from those above it:

- ``settings`` what may be configured; ``problems`` what a request may be refused with; ``content`` portfolios and
  proposals as bytes
- ``store`` SQL: tables, migrations, transactions; ``jobs`` the queue, the worker and its child processes
- ``auth`` who asks: passwords, sessions, tokens, roles; ``planning`` what they do: every rule of the trade, and the
  tasks that run as jobs
- ``schemas`` what a stranger may send and gets; ``exchange`` one request as one unit of work: who may, strict JSON,
  problem+json, ETag, Idempotency-Key, one URL in several formats
- ``routers`` the URLs, which translate and nothing more; ``app`` puts all together; ``serve`` is `territory-serve`,
  ``work`` the worker's process
"""
