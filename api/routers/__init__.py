"""The URLs under /v1: each route translates between HTTP and `planning`, and nothing more."""
