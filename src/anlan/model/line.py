"""Lines: waterways, shores and other long things along which equipment stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anlan.core.columns import Columns, Strings


@dataclass(frozen=True, eq=False)
class Lines(Columns):
    """Lines: ``kind`` is waterway, shore, street…; ``geometry`` a shapely LineString in WGS-84."""

    id: Strings
    kind: Strings
    name: Strings
    geometry: Strings

    DTYPES: ClassVar[Mapping[str, Any]] = {"id": object, "kind": object, "name": object, "geometry": object}
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"name": ""}
