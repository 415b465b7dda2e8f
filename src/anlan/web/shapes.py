"""What comes in and goes out, in JSON's kinds."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from anlan.core.errors import AnlanError
from anlan.desk import Act
from anlan.model.procedure import SYSTEM, Procedure
from anlan.store import Record
from anlan.web import openapi

ACT_FIELDS = {"subject": str, "area": str, "fields": dict, "id": str, "device": str, "purpose": str}


def act_of(procedure: str, transition: str, given: dict[str, Any]) -> Act:
    """A command from a request's body.

    Raises
    ------
    AnlanError
        If a part is unknown or of the wrong kind.
    """
    for name, value in given.items():
        right = (
            isinstance(value, ACT_FIELDS[name])
            if name in ACT_FIELDS
            else (name == "at" and (value is None or _number(value)))
            or (
                name == "version"
                and (value is None or (isinstance(value, int) and not isinstance(value, bool)))
            )
        )
        if not right:
            raise AnlanError(
                f"{name!r} in the command",
                "a command has subject, area, fields, at, id, version, device and purpose, each of its kind",
                "see /api/openapi.json",
                code="body",
            )
        if isinstance(value, str) and (len(value) > 300 or not value.isprintable()):
            raise AnlanError(
                f"{name!r} in the command",
                "it is printable, at most 300 characters",
                "correct it",
                code="body",
            )
    return Act(procedure, transition, **given)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12


def record_shown(r: Record) -> dict[str, Any]:
    """A record as it is sent."""
    data = r.values
    return {
        "subject": r.subject,
        "procedure": r.procedure,
        "state": r.state,
        "area": r.stream,
        "opened_at": r.opened_us / 1e6,
        "updated_at": r.updated_us / 1e6,
        "due_at": None if r.due_us is None else r.due_us / 1e6,
        "version": r.version,
        "fields": data.get("fields", {}),
        "times": {k: v / 1e6 for k, v in data.get("times", {}).items()},
        "active": data.get("active", []),
        "personal": bool(data.get("personal")),
    }


def table_shown(p: Procedure) -> dict[str, Any]:
    """A procedure as the console reads it."""
    return {
        "label": p.label,
        "states": {n: {"label": s.label, "open": s.open} for n, s in p.states.items()},
        "transitions": {
            n: {
                "label": t.label,
                "paths": dict(t.paths),
                "roles": [r for r in t.roles if r != SYSTEM],
                "public": t.public,
                "form": openapi.form(t),
            }
            for n, t in p.transitions.items()
        },
        "deadlines": {
            n: {"states": list(d.states), "after_s": d.after_s, "fires": d.fires}
            for n, d in p.deadlines.items()
        },
    }


def whole(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query.

    Raises
    ------
    AnlanError
        If it is none or out of range.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.removeprefix("-").isdecimal() or not least <= int(text) <= most:
        raise AnlanError(
            f"{name} = {text!r}"[:80],
            f"it is a whole number from {least} to {most}",
            "correct it",
            code="query",
        )
    return int(text)


def address(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "?"
