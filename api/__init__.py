"""The service over the library: HTTP, pages, store and jobs. Nothing is served yet."""
