"""Which calls may teach: the public's reports by default, officers' discoveries only against their dose.

Learning where to patrol from what patrols discovered feeds on itself (Ensign, D., Friedler, S. A.,
Neville, S., Scheidegger, C. and Venkatasubramanian, S. (2018), "Runaway feedback loops in predictive
policing", *PMLR* 81). Everything in this package therefore takes ``source="reported"`` unless told
otherwise, and discovered calls enter only with the patrol dose under which they were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError
from anlan.model import SOURCES, Calls


@dataclass(frozen=True, eq=False)
class Admitted:
    """The calls that may teach, and what each counts.

    Attributes
    ----------
    calls : Calls
    rows : ndarray of int64, shape (n_call,)
        Their rows in the calls that were given.
    weight : ndarray of float64, shape (n_call,)
        1 for a report; for a discovered call the inverse of its patrol dose, scaled to a mean of 1.
    left_out : mapping of str to int
        How many calls were left out, by reason: another source's name, ``no_time`` or ``outside_window``.
    """

    calls: Calls
    rows: NDArray[np.int64]
    weight: Floats
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.rows)


def admit(
    calls: Calls,
    source: str | Sequence[str] = "reported",
    *,
    window: tuple[float, float] | None = None,
    dose: Floats | None = None,
) -> Admitted:
    """The calls of the named sources, received in a window, each with its weight.

    Parameters
    ----------
    calls : Calls
    source : str or sequence of str
        One or several of `anlan.model.SOURCES`. ``discovered`` asks for ``dose``.
    window : (float, float), optional
        Received in ``[from, to)``, Unix seconds; all times by default.
    dose : ndarray of float64, shape (n_call,), optional
        Patrol logged at each call's place over the window, in any unit (hours, passes). A discovered call
        counts ``1 / dose``, scaled so that the discovered calls keep their total (Horvitz–Thompson with
        the dose as inclusion propensity).

    Raises
    ------
    AnlanError
        If a source is unknown, nothing remains, or a discovered call has no dose.
    """
    wanted = (source,) if isinstance(source, str) else tuple(source)
    for name in wanted:
        if name not in SOURCES:
            raise AnlanError(
                f"source {name!r}",
                "a call is " + ", ".join(SOURCES[:-1]) + " or " + SOURCES[-1],
                "name one of these",
                code="source",
            )
    if len(calls) == 0:
        raise AnlanError("calls", "there are none", "give calls to learn from", code="no_calls")
    keep = np.logical_or.reduce([calls.source == name for name in wanted])
    left_out = _counts_of(calls.source[~keep])
    if not keep.any():
        raise AnlanError(
            f"calls of source {' or '.join(wanted)}",
            f"there are none among {len(calls)} calls ({_told(left_out)})",
            "say in the calls who noticed each of them, or name another source",
            code="source",
        )
    timed = np.isfinite(calls.received)
    if (keep & ~timed).any():
        left_out["no_time"] = int((keep & ~timed).sum())
    keep &= timed
    if window is not None:
        inside = _inside(calls.received, window)
        if (keep & ~inside).any():
            left_out["outside_window"] = int((keep & ~inside).sum())
        keep &= inside
    if not keep.any():
        raise AnlanError(
            f"calls of source {' or '.join(wanted)}",
            f"none was received in the window ({_told(left_out)})",
            "choose a window that holds calls",
            code="no_calls",
        )
    rows = np.flatnonzero(keep)
    kept = calls.take(rows)
    return Admitted(kept, rows, _weights(kept, wanted, None if dose is None else dose[rows]), left_out)


def _weights(kept: Calls, wanted: tuple[str, ...], dose: Floats | None) -> Floats:
    weight = np.ones(len(kept))
    if "discovered" not in wanted:
        return weight
    discovered = kept.source == "discovered"
    if not discovered.any():
        return weight
    if dose is None:
        raise AnlanError(
            f"{int(discovered.sum())} discovered calls",
            "they count only against the patrol under which they were found",
            "pass dose (patrol logged at each call's place), or leave them out",
            code="dose",
        )
    given = np.asarray(dose, float)[discovered]
    bad = ~(np.isfinite(given) & (given > 0))
    if bad.any():
        raise AnlanError(
            f"patrol dose of {int(bad.sum())} discovered calls",
            "a call cannot be discovered where no patrol was logged",
            "give a positive dose, or leave these calls out",
            code="dose",
        )
    inverse = 1.0 / given
    weight[discovered] = inverse / inverse.mean()
    return weight


def _inside(received: Floats, window: tuple[float, float]) -> Bools:
    begin, end = window
    if not begin < end:
        raise AnlanError(
            f"window [{begin:.0f}, {end:.0f})",
            "a window ends after it begins",
            "swap or move its ends",
            code="window",
        )
    with np.errstate(invalid="ignore"):
        return (received >= begin) & (received < end)


def _counts_of(sources: NDArray[np.object_]) -> dict[str, int]:
    return {name or "unknown": n for name, n in Counter(sources.tolist()).items()}


def _told(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in left_out.items()) or "none"


def counts(values: object, name: str = "counts") -> Floats:
    """Counts as finite, non-negative float64, or a sentence saying what is wrong.

    Raises
    ------
    AnlanError
        If a count is negative or not a number.
    """
    array = np.asarray(values, float)
    if array.size and not np.isfinite(array).all():
        raise AnlanError(
            f"{name}, {int((~np.isfinite(array)).sum())} of {array.size}",
            "a count is a number",
            "fill or drop the missing ones",
            code="count",
        )
    if array.size and array.min() < 0:
        raise AnlanError(
            f"{name}, smallest {array.min():g}",
            "a count cannot be negative",
            "correct it, or take corrections out of the period they belong to",
            code="count",
        )
    return array
