"""Printing results: JSON for programs, plain lines for people."""

from __future__ import annotations

import json
import math
from typing import Any

import typer


def emit(value: Any, as_json: bool, lines: list[str]) -> None:
    """Print a value as one JSON document, or the lines."""
    if as_json:
        typer.echo(json.dumps(_plain(value), ensure_ascii=False, indent=1))
    else:
        for line in lines:
            typer.echo(line)


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return value
