"""The fields of a command against what the transition asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from anlan.core.errors import AnlanError
from anlan.model.procedure import Field, Transition

LONGEST = 8000
"""Characters of a text without its own bound."""


def sort_fields(
    what: str, transition: Transition, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Open and personal fields, checked.

    Raises
    ------
    AnlanError
        If one is unknown, missing or not of its kind.
    """
    for name in given:
        if name not in transition.fields:
            known = ", ".join(transition.fields) or "none"
            raise _bad(
                f"{what}: field {name!r}", "it is not asked for", f"the fields are {known}", "field_unknown"
            )
    plain: dict[str, Any] = {}
    personal: dict[str, Any] = {}
    for name, asked in transition.fields.items():
        value = given.get(name)
        if value is None or value == "":
            if asked.required:
                raise _bad(
                    f"{what}: {name}", "it is required", f"give the {asked.label.en.lower()}", "field_missing"
                )
            continue
        (personal if asked.personal else plain)[name] = _value(
            f"{what}: {name} = {value!r}"[:200], asked, value
        )
    return plain, personal


def _value(what: str, asked: Field, value: Any) -> Any:
    match asked.kind:
        case "text" | "photo" | "subject":
            most = asked.most or LONGEST
            if not isinstance(value, str):
                raise _bad(what, "it is a text", "send it as a string", "field_kind")
            if len(value) > most:
                raise _bad(what, f"it has at most {most:g} characters", "shorten it", "field_long")
            if any(ord(c) < 32 and c not in "\n\t" for c in value):
                raise _bad(what, "it holds control characters", "remove them", "field_kind")
            return value
        case "number" | "whole" | "moment":
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise _bad(what, "it is a number", "send a finite number", "field_kind")
            if asked.kind == "whole" and value != int(value):
                raise _bad(what, "it is a whole number", "round it", "field_kind")
            least = -math.inf if asked.least is None else asked.least
            most_n = math.inf if asked.most is None else asked.most
            if not least <= value <= most_n:
                raise _bad(what, f"it lies from {least:g} to {most_n:g}", "correct it", "field_range")
            return int(value) if asked.kind == "whole" else value
        case "flag":
            if not isinstance(value, bool):
                raise _bad(what, "it is yes or no", "send true or false", "field_kind")
            return value
        case "choice":
            if value not in asked.choices:
                raise _bad(what, f"it is one of {', '.join(asked.choices)}", "choose one", "field_choice")
            return value
        case "choices":
            if not isinstance(value, list | tuple) or any(v not in asked.choices for v in value):
                raise _bad(
                    what, f"they are some of {', '.join(asked.choices)}", "choose some", "field_choice"
                )
            return list(value)
        case "place":
            right = isinstance(value, list | tuple) and len(value) == 2
            right = right and all(isinstance(v, int | float) and math.isfinite(v) for v in value)
            if not right or abs(value[0]) > 180 or abs(value[1]) > 90:
                raise _bad(
                    what, "it is [longitude, latitude] in degrees", "correct or swap them", "field_place"
                )
            return [float(value[0]), float(value[1])]


def _bad(value: str, rule: str, remedy: str, code: str) -> AnlanError:
    return AnlanError(value, rule, remedy, code=code)
