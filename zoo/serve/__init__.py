"""Serving: the HTTP API, its workers, and the page."""
