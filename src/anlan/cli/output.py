"""Printing results: JSON for programs, plain lines for people."""

from __future__ import annotations

import json
from typing import Any

import typer

from anlan.core.plain import plain


def emit(value: Any, as_json: bool, lines: list[str]) -> None:
    """Print a value as one JSON document, or the lines."""
    if as_json:
        typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=1))
    else:
        for line in lines:
            typer.echo(line)
