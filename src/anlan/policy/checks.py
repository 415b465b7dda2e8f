"""Checks that the tables of a policy share; each failure is one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from anlan.core.errors import AnlanError

TOP_PRIORITY = 100
"""Priorities are 1 (most urgent) to this."""


def section(kind: type[Any], given: Any, name: str) -> Any:
    """A settings object from a table of the configuration."""
    if not isinstance(given, Mapping):
        raise AnlanError(
            f"{name} = {given!r}", "it is a table of settings", f"write [{name}]", code="policy_setting"
        )
    known = {f.name for f in fields(kind)}
    unknown = set(given) - known
    if unknown:
        raise AnlanError(
            f"[{name}] {sorted(unknown)[0]}",
            "it is not a setting of a policy",
            f"the settings are {', '.join(sorted(known))}",
            code="policy_setting",
        )
    return kind(**given)


def number(name: str, value: Any, low: float = 0.0, high: float = float("inf")) -> float:
    """A finite or allowed infinite number between two bounds."""
    ok = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not ok or not low <= float(value) <= high:
        rule = f"it lies between {low:g} and {high:g}" if np.isfinite(high) else f"it is at least {low:g}"
        raise AnlanError(
            f"{name} = {value!r}", f"it is a number and {rule}", "correct it", code="policy_number"
        )
    return float(value)


def whole(name: str, value: Any, low: int = 0, high: int = 1 << 30) -> int:
    """A whole number between two bounds; a text of digits will do, because TOML's keys are texts."""
    try:
        out = int(value)
        ok = low <= out <= high and float(value) == out and not isinstance(value, bool)
    except (TypeError, ValueError):
        ok = False
    if not ok:
        raise AnlanError(
            f"{name} = {value!r}",
            f"it is a whole number from {low} to {high}",
            "correct it",
            code="policy_number",
        )
    return int(value)


def by_priority(name: str, given: Any) -> dict[int, Any]:
    """A mapping whose keys are priorities."""
    if not isinstance(given, Mapping):
        raise AnlanError(
            f"{name} = {given!r}",
            "it is a table by priority",
            f'write for example {name} = {{"2" = 1}}',
            code="policy_setting",
        )
    return {whole(f"priority in {name}", k, 1, TOP_PRIORITY): v for k, v in given.items()}


def names(name: str, given: Any) -> tuple[str, ...]:
    """A list of ids."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise AnlanError(
            f"{name} = {given!r}",
            "it is a list of ids",
            'write for example ["A", "B"]',
            code="policy_setting",
        )
    return tuple(str(v) for v in given)


def known(name: str, wanted: Iterable[str], there: Iterable[str], what: str) -> None:
    """Every wanted id exists."""
    ids = set(there)
    for one in wanted:
        if one not in ids:
            raise AnlanError(
                f"{name} names {one!r}",
                f"it is not one of the {len(ids)} {what}",
                "correct the id or add it",
                code="policy_unknown_id",
            )
