"""The use cases, the one report, and the one place of wiring."""
