"""The service: API, pages and command line over the core."""
