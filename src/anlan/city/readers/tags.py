"""Values that sources write in many ways: speeds, one-way marks, yes and no."""

from __future__ import annotations

import math
import re

_MPH_KMH = 1.609344
_SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph|公里/小时|公里)?", re.IGNORECASE)

FORWARD = frozenset({"yes", "true", "1", "t", "y", "ft", "f", "f-t", "forward", "1.0", "是"})
BACKWARD = frozenset({"-1", "reverse", "tf", "t-f", "backward", "-1.0"})


def speed_kmh(text: object, *, mph: bool = False) -> float:
    """A posted speed in km/h: ``50``, ``30 mph``, ``60 km/h``; NaN for ``RU:urban``, ``none`` and the like.

    Of several values (``50;30``) the lowest counts. Zero is no speed.

    Parameters
    ----------
    text : object
        As OpenStreetMap's ``maxspeed`` or a number.
    mph : bool
        Whether a number without a unit means miles per hour.
    """
    if isinstance(text, (int, float)):
        values = [float(text) * (_MPH_KMH if mph else 1.0)]
    else:
        values = []
        for part in re.split(r"[;|]", str(text or "")):
            match = _SPEED.fullmatch(part.strip())
            if match is None:
                continue
            unit = (match[2] or ("mph" if mph else "km/h")).lower()
            values.append(float(match[1]) * (_MPH_KMH if unit == "mph" else 1.0))
    values = [v for v in values if math.isfinite(v) and v > 0]
    return min(values) if values else math.nan


def directions(text: object) -> tuple[bool, bool]:
    """Whether a one-way mark lets one drive forward and backward along the shape.

    ``yes``, ``1``, ``FT`` mean forward only; ``-1``, ``reverse``, ``TF`` backward only; all else both.
    """
    word = str(text).strip().lower()
    if word in FORWARD:
        return True, False
    if word in BACKWARD:
        return False, True
    return True, True
