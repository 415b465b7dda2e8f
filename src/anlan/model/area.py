"""Areas: the jurisdiction tree from nation to community, which changes with time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from anlan.core.columns import Columns, Floats, Strings

LEVELS = ("nation", "province", "city", "county", "town", "precinct", "community")


@dataclass(frozen=True, eq=False)
class Areas(Columns):
    """Areas as column arrays; at every date the valid ones form a tree.

    Attributes
    ----------
    code, parent : ndarray of str
        GB/T 2260-style or any other codes; the root's parent is empty.
    level : ndarray of str
        One of `LEVELS`.
    name_zh, name_en : ndarray of str
    valid_from, valid_to : ndarray of float64
        Unix seconds, half-open ``[from, to)``; ±inf where open.
    geometry : ndarray of object
        Shapely polygon or multipolygon in WGS-84 degrees, or None.
    """

    code: Strings
    parent: Strings
    level: Strings
    name_zh: Strings
    name_en: Strings
    valid_from: Floats
    valid_to: Floats
    geometry: Strings

    DTYPES: ClassVar[Mapping[str, Any]] = {
        "code": object,
        "parent": object,
        "level": object,
        "name_zh": object,
        "name_en": object,
        "valid_from": np.float64,
        "valid_to": np.float64,
        "geometry": object,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "parent": "",
        "name_zh": "",
        "name_en": "",
        "valid_from": -np.inf,
        "valid_to": np.inf,
        "geometry": None,
    }

    def name(self, row: int, language: str) -> str:
        """The area's name in ``zh`` or ``en``, falling back to the other and then to the code."""
        names = (self.name_zh[row], self.name_en[row])
        first, second = names if language == "zh" else names[::-1]
        return str(first or second or self.code[row])

    def at(self, unix_s: float) -> Areas:
        """The areas that are valid at an instant."""
        return self.take((self.valid_from <= unix_s) & (unix_s < self.valid_to))
