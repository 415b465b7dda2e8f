"""The OpenAPI 3.1 description, made from the procedures' tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.model.procedure import SYSTEM, Field, Procedure, Transition

_KINDS: Mapping[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "photo": {"type": "string"},
    "subject": {"type": "string"},
    "number": {"type": "number"},
    "whole": {"type": "integer"},
    "moment": {"type": "number", "description": "Unix seconds"},
    "flag": {"type": "boolean"},
    "place": {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 2,
        "maxItems": 2,
        "description": "longitude, latitude (WGS-84)",
    },
}


def _texts(required: tuple[str, ...], *optional: str) -> dict[str, Any]:
    names = (*required, *optional)
    return {
        "type": "object",
        "properties": {n: {"type": "string"} for n in names},
        "required": list(required),
    }


BODIES: Mapping[str, dict[str, Any]] = {
    "/api/sign-in": _texts(("account", "password"), "code", "device"),
    "/api/password": _texts(("old", "new")),
    "/api/accounts": _texts(("account",)),
    "/api/subjects/{subject}/personal": _texts(("purpose",)),
    "/api/calls/{call}/assign": _texts((), "unit", "reason", "id"),
    "/api/units/{unit}/position": {
        "type": "object",
        "properties": {n: {"type": "number"} for n in ("lon", "lat", "at")},
        "required": ["lon", "lat"],
    },
}
"""Bodies of what is no procedure's."""


def field_schema(asked: Field) -> dict[str, Any]:
    """JSON Schema of a field."""
    if asked.kind == "choice":
        out: dict[str, Any] = {"type": "string", "enum": list(asked.choices)}
    elif asked.kind == "choices":
        out = {"type": "array", "items": {"type": "string", "enum": list(asked.choices)}}
    else:
        out = dict(_KINDS[asked.kind])
    if asked.kind == "text":
        out["maxLength"] = int(asked.most or 8000)
    if asked.kind in ("number", "whole", "moment"):
        out |= {k: v for k, v in (("minimum", asked.least), ("maximum", asked.most)) if v is not None}
    out["title"] = asked.label.en
    out["x-zh"] = asked.label.zh
    if asked.personal:
        out["x-personal"] = True
    return out


def form(transition: Transition) -> dict[str, Any]:
    """JSON Schema of a transition's fields."""
    return {
        "type": "object",
        "properties": {name: field_schema(f) for name, f in transition.fields.items()},
        "required": [name for name, f in transition.fields.items() if f.required],
        "additionalProperties": False,
    }


def command(transition: Transition) -> dict[str, Any]:
    """JSON Schema of a command."""
    return {
        "type": "object",
        "properties": {
            "subject": {"type": "string", "description": "empty to open a new one"},
            "area": {"type": "string"},
            "fields": form(transition),
            "at": {"type": ["number", "null"], "description": "when it happened, Unix seconds"},
            "id": {"type": "string", "description": "client's id: sending it twice does it once"},
            "version": {"type": ["integer", "null"]},
            "device": {"type": "string"},
            "purpose": {"type": "string"},
        },
        "additionalProperties": False,
    }


def describe(procedures: Mapping[str, Procedure], others: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The whole description.

    Parameters
    ----------
    procedures : mapping of str to Procedure
    others : mapping of str to mapping of str to str
        Path → method → what it does, for everything that is not a procedure's.
    """
    refused = {"description": "refused, in one sentence", "content": {"application/json": {"schema": _ERROR}}}
    codes = ("400", "401", "403", "404", "405", "409", "410", "413", "422", "429", "503")
    errors = dict.fromkeys(codes, refused)
    paths: dict[str, Any] = {}
    for path, methods in others.items():
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        parameters = [
            {"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names
        ]
        paths[path] = {
            method: {
                "summary": what,
                "parameters": parameters,
                "responses": {"200": {"description": what}, **errors},
            }
            for method, what in methods.items()
        }
        if path in BODIES:
            content = {"application/json": {"schema": BODIES[path]}}
            paths[path]["post"]["requestBody"] = {"required": True, "content": content}
    for p in procedures.values():
        for name, step in p.transitions.items():
            if step.roles == (SYSTEM,):
                continue
            paths[f"/api/act/{p.name}/{name}"] = {
                "post": {
                    "summary": f"{p.label.en}: {step.label.en} ({p.label.zh}：{step.label.zh})",
                    "description": f"Roles: {', '.join(r for r in step.roles if r != SYSTEM)}"
                    + (", anybody" if step.public else ""),
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": command(step)}},
                    },
                    "responses": {"200": {"description": "done, and on the disk"}, **errors},
                }
            }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Anlan 安澜", "version": "1", "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "anlan"},
            }
        },
        "security": [{"bearer": []}, {"cookie": []}],
    }


_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {k: {"type": "string"} for k in ("code", "value", "rule", "remedy", "message")},
            "required": ["code", "value", "rule", "remedy", "message"],
        }
    },
    "required": ["error"],
}
