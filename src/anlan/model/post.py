"""Posts: where units stand by, by hour of the week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Columns, Strings


@dataclass(frozen=True, eq=False)
class Posts(Columns):
    """Posts as column arrays: one row per site and span of hours.

    Attributes
    ----------
    site : ndarray of str
        Id of the site.
    slot_from, slot_to : ndarray of int16
        Half-open span ``[from, to)`` of hour-of-week slots (0–168).
    units : ndarray of int16
        How many units should stand there in that span.
    """

    site: Strings
    slot_from: NDArray[np.int16]
    slot_to: NDArray[np.int16]
    units: NDArray[np.int16]

    DTYPES: ClassVar[Mapping[str, Any]] = {
        "site": object,
        "slot_from": np.int16,
        "slot_to": np.int16,
        "units": np.int16,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"slot_from": 0, "slot_to": 168, "units": 1}
