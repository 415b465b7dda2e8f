"""The server: JSON over HTTP with its OpenAPI description, and a live stream. Translates, decides nothing."""

from anlan.web.app import make_app

__all__ = ["make_app"]
