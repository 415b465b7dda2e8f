"""Anlan (安澜): an operations platform for a time-boxed public-safety campaign."""

__version__ = "0.1.0"
