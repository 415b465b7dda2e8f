"""Rows of the analysis benchmark: one module each, with `rows() -> list[Row]`."""
