"""Shifts that cover the units each hour needs, with the fewest unit-hours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.siting.answer import Floats, Ints, Status, conclude
from anlan.siting.mip import RowBuilder, optimise
from anlan.siting.problem import Watch


@dataclass(frozen=True, eq=False)
class Shifts:
    """Shifts with a certificate. Immutable.

    Attributes
    ----------
    start, length, units : ndarray of int64, shape (n_shift,)
        First slot and slots of each kind of shift that is used, and units on it; by start, then length.
    staffed : ndarray of int64, shape (n_slot,)
        Units on duty.
    objective, bound : float
        Unit-hours, and the fewest that could do.
    gap, status, seconds
        As in `Siting`.
    """

    start: Ints
    length: Ints
    units: Ints
    staffed: Ints
    objective: float
    bound: float
    gap: float
    status: Status
    seconds: float

    def __post_init__(self) -> None:
        for array in (self.start, self.length, self.units, self.staffed):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.start)


def shifts(
    needed: ArrayLike,
    lengths: ArrayLike,
    *,
    starts: ArrayLike | None = None,
    cyclic: bool = True,
    slot_h: float = 1.0,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    job: Job | None = None,
) -> Shifts:
    r"""Cover every hour's need by shifts with the fewest unit-hours.

    .. math:: \min \sum_s l_s y_s \quad\text{s.t.}\quad \sum_{s \ni t} y_s \ge n_t \;\forall t,\;
              y_s \ge 0 \text{ whole}

    Dantzig (1954), "A comment on Edie's 'Traffic delays at toll booths'", *Operations Research* 2, 339-341.
    Among answers with the fewest unit-hours one with few shifts is taken. Solved by HiGHS, whose relaxation
    is whole by itself where slots do not close up to a circle.

    Parameters
    ----------
    needed : array of int (n_slot,)
        Units needed in each slot, such as `Staffing.units`.
    lengths : int or sequence of int
        Slots a shift may last, such as ``(8, 10, 12)``.
    starts : sequence of int, optional
        Slots in which a shift may begin; every one where left out.
    cyclic : bool
        Whether the last slot is followed by the first, as in a day or a week; otherwise shifts end by then.
    slot_h : float
        Hours of a slot.
    gap, time_limit_s, job
        As in `anlan.siting.mclp`.

    Returns
    -------
    Shifts

    Raises
    ------
    AnlanError
        If an input is wrong, or no shift covers a slot that needs units.
    """
    watch = Watch(float(time_limit_s), job)
    need, long, begin = _checked(needed, lengths, starts, slot_h)
    n = len(need)
    start, length = (a.ravel() for a in np.meshgrid(begin, long, indexing="ij"))
    fits = length <= n if cyclic else start + length <= n
    start, length = start[fits], length[fits]
    cover = np.zeros((n, len(start)))
    for s, (first, slots) in enumerate(zip(start.tolist(), length.tolist(), strict=True)):
        cover[np.arange(first, first + slots) % n, s] = 1.0
    bare = np.flatnonzero((need > 0) & ~cover.any(axis=1))
    if len(bare):
        raise AnlanError(
            f"slot {bare[0]}",
            f"it needs {need[bare[0]]} unit(s) and no shift may cover it",
            "allow further starts or lengths",
            code="slot_uncovered",
        )
    if not need.any():
        return _answer(start, length, np.zeros(len(start), np.int64), cover, 0.0, slot_h, gap, watch)
    # One shift less is worth less than any slot: at most this many shifts are ever used.
    light = 0.5 / float(need.sum() + 1)
    builder = RowBuilder(len(start))
    builder.add(cover, need, np.inf)
    program = builder.program("min", length + light, 0.0, float(need.max()), True)
    outcome = optimise(program, watch, gap=gap)
    y = np.round(outcome.x).astype(np.int64)
    bound = outcome.bound
    if not len(y):
        y, bound = _greedily(need, start, length, cover), max(0.0, bound)
    # Whole slots: the fewest is at least the bound less what shifts weigh, rounded up.
    least = max(float(need.sum()), np.ceil(bound - light * (need.sum() + 1) - 1e-6))
    return _answer(start, length, y, cover, least, slot_h, gap, watch)


def _greedily(need: Ints, start: Ints, length: Ints, cover: Floats) -> Ints:
    """Some cover, where there was no time for a better one: the shift that meets most need per slot."""
    y, left = np.zeros(len(start), np.int64), need.copy()
    while left.any():
        meets = (cover * (left > 0)[:, None]).sum(axis=0) / length
        s = int(meets.argmax())
        y[s] += 1
        left = np.maximum(0, left - cover[:, s].astype(np.int64))
    return y


def _answer(
    start: Ints, length: Ints, y: Ints, cover: Floats, least: float, slot_h: float, gap: float, watch: Watch
) -> Shifts:
    used = np.flatnonzero(y)
    used = used[np.lexsort((length[used], start[used]))]
    staffed = (cover @ y).astype(np.int64)
    total = float(length @ y)
    one = conclude(
        "shifts", "min", sites=used, assignment=staffed, objective=total * slot_h, bound=least * slot_h,
        asked_gap=gap, seconds=watch.seconds,
    )  # fmt: skip
    return Shifts(
        start[used],
        length[used],
        y[used],
        staffed,
        one.objective,
        one.bound,
        one.gap,
        one.status,
        one.seconds,
    )


def _checked(
    needed: ArrayLike, lengths: ArrayLike, starts: ArrayLike | None, slot_h: float
) -> tuple[Ints, Ints, Ints]:
    need = np.asarray(needed)
    if need.ndim != 1 or not need.size or not np.all((need >= 0) & (need == np.floor(need))):
        raise AnlanError(
            f"needed of shape {need.shape}",
            "there is one whole number of units, 0 or more, for each slot",
            "round up what each slot needs",
        )
    long = np.unique(np.atleast_1d(np.asarray(lengths)))
    if not long.size or not np.all((long >= 1) & (long == np.floor(long))) or long[0] > len(need):
        raise AnlanError(
            f"lengths = {lengths!r}",
            f"a shift lasts a whole number of slots, 1 to {len(need)}",
            "give the lengths in slots",
        )
    begin = np.arange(len(need)) if starts is None else np.unique(np.atleast_1d(np.asarray(starts)))
    if not begin.size or begin.min() < 0 or begin.max() >= len(need):
        raise AnlanError(
            f"starts = {starts!r}", f"slots are numbered from 0 to {len(need) - 1}", "correct them"
        )
    if not (0 < slot_h < np.inf):
        raise AnlanError(f"slot_h = {slot_h}", "a slot lasts a positive number of hours", "correct it")
    return need.astype(np.int64), long.astype(np.int64), begin.astype(np.int64)
