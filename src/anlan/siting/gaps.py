r"""Gaps along lines: how long a stretch of bank is without equipment, and what keeps it short.

Let a be the places in order along a line and G the longest gap that is allowed. A choice of places keeps to
G exactly if every window :math:`\{k: a_i < a_k \le a_i + G\}` that does not reach the end contains a chosen
place, and so do the windows at both ends. That is a covering problem whose rows are intervals.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anlan.siting.answer import Floats, Ints
from anlan.siting.candidates import Candidates
from anlan.siting.fewest import Rows

Bools = NDArray[np.bool_]


def worst_gap(candidates: Candidates, chosen: Bools, ends: float) -> Floats:
    """Longest stretch without a chosen place on each line, in metres, shape (n_line,).

    Parameters
    ----------
    candidates : Candidates
    chosen : ndarray of bool, shape (n,)
    ends : float
        How much the stretches before the first and after the last place, and a line without any, count:
        1 for their length; 2 makes half the gap the farthest anybody on the bank is from equipment.
    """
    worst = np.where(candidates.closed, candidates.length_m, ends * candidates.length_m)
    for line, at in _by_line(candidates, chosen):
        length = candidates.length_m[line]
        between = np.diff(at).max(initial=0.0)
        if candidates.closed[line]:
            worst[line] = max(between, at[0] + length - at[-1])
        else:
            worst[line] = max(between, ends * at[0], ends * (length - at[-1]))
    return worst


def gap_rows(candidates: Candidates, usable: Bools, longest: float, ends: float) -> Rows:
    """The sets of candidates of which one at least is needed; an empty one where nothing helps.

    Parameters
    ----------
    candidates, ends
        As in `worst_gap`.
    usable : ndarray of bool, shape (n,)
        Candidates that count.
    longest : float
        Longest gap allowed, metres.
    """
    numbers = np.flatnonzero(usable)
    limit = longest * (1 + 1e-12) + 1e-9
    edges = np.searchsorted(candidates.line[numbers], np.arange(len(candidates.length_m) + 1))
    begin, size, wrap, back = [], [], [], []
    for line, length in enumerate(candidates.length_m):
        base, at = edges[line], candidates.at_m[numbers[edges[line] : edges[line + 1]]]
        ring, n = bool(candidates.closed[line]), len(at)
        if length * (1.0 if ring else ends) <= limit:
            continue
        if ring:
            last = np.searchsorted(np.concatenate([at, at + length]), at + limit, side="right")
            first = _shortest(last) if n else np.zeros(1, np.int64)
            width = last[first] - first - 1 if n else np.zeros(1, np.int64)
            first = first + 1
        else:
            last = np.searchsorted(at, at + limit, side="right")
            inner = _shortest(last[: int(((length - at) * ends > limit).sum())])
            near = int((at * ends <= limit).sum())
            far = int(((length - at) * ends <= limit).sum())
            first = np.concatenate([[0, n - far], inner + 1])
            width = np.concatenate([[near, far], last[inner] - inner - 1])
        begin.append(first)
        size.append(width)
        wrap.append(np.full(len(first), max(n, 1)))
        back.append(np.full(len(first), base))
    if not begin:
        return Rows(np.zeros(1, np.int64), np.empty(0, np.int64))
    width = np.concatenate(size).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(width)])
    step = np.arange(start[-1]) - np.repeat(start[:-1], width)
    place = np.repeat(np.concatenate(begin), width) + step
    place = place % np.repeat(np.concatenate(wrap), width) + np.repeat(np.concatenate(back), width)
    return Rows(start, numbers[place])


def _shortest(last: NDArray[np.intp]) -> Ints:
    """Windows that contain no other one: those that end before the next one does."""
    return np.flatnonzero(np.append(np.diff(last) > 0, True)[: len(last)])


def next_gap(candidates: Candidates, usable: Bools, above: float, ends: float) -> float:
    """The shortest gap longer than ``above`` that some choice could have; infinite where there is none."""
    best = np.inf

    def consider(values: Floats) -> None:
        nonlocal best
        longer = values[values > above * (1 + 1e-12) + 1e-9]
        best = min(best, float(longer.min(initial=np.inf)))

    consider(np.where(candidates.closed, candidates.length_m, ends * candidates.length_m))
    for line, at in _by_line(candidates, usable):
        length = candidates.length_m[line]
        if candidates.closed[line]:
            twice = np.concatenate([at, at + length])
        else:
            twice = at
            consider(np.concatenate([at * ends, (length - at) * ends]))
        k = np.searchsorted(twice, at + above * (1 + 1e-12) + 1e-9, side="right")
        inside = k < len(twice)
        consider(twice[k[inside]] - at[inside])
    return best


def _by_line(candidates: Candidates, chosen: Bools) -> list[tuple[int, Floats]]:
    """Line and metres of the chosen places, for lines that have any."""
    numbers = np.flatnonzero(chosen)
    if not len(numbers):
        return []
    lines, first = np.unique(candidates.line[numbers], return_index=True)
    parts = np.split(candidates.at_m[numbers], first[1:])
    return [(int(line), part) for line, part in zip(lines, parts, strict=True)]
