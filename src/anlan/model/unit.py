"""Units: patrol cars, foot patrols, supervisors, ambulances — whatever can be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anlan.core.columns import Columns, Strings


@dataclass(frozen=True, eq=False)
class Units(Columns):
    """Units as column arrays.

    Attributes
    ----------
    id, kind : ndarray of str
    home : ndarray of str
        Id of the site the unit belongs to.
    shift : ndarray of str
        When it is on duty, as `anlan.model.hours.Hours` reads it; empty means always.
    skills : ndarray of str
        Comma-separated.
    status : ndarray of str
        Empty (available), out_of_service…
    """

    id: Strings
    kind: Strings
    home: Strings
    shift: Strings
    skills: Strings
    status: Strings

    DTYPES: ClassVar[Mapping[str, Any]] = {
        "id": object,
        "kind": object,
        "home": object,
        "shift": object,
        "skills": object,
        "status": object,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"kind": "patrol", "shift": "", "skills": "", "status": ""}
