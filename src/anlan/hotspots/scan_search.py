"""The search of a scan: circles cut to size and grouped, and the kernel that fits the model."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Bools, Floats, Ints
from anlan.core.errors import AnlanError
from anlan.hotspots.circles import Circles
from anlan.hotspots.scan_models import Cases, World
from anlan.kernels import scan_circles as kernel
from anlan.kernels import scan_replicate as replicate

_SLACK = 0.6
"""Width of a group of circles, in standard errors of the count at which a window stands out; measured."""
_FINENESS = 1.01
"""Ratio of neighbouring classes of circles that share thresholds."""
_LUT = 1 << 18
_NARROW = 65_535
_LANES = 64
"""Columns of sums are filled up to a multiple of this, so that whole vector registers add them."""
_NOTHING = 1e-6


@dataclass(frozen=True, eq=False)
class Found:
    """Best window of each centre: ratio, last entry of its circle, slots [begin, end); -inf where none."""

    llr: Floats
    entry: Ints
    begin: Ints
    end: Ints


@dataclass(frozen=True, eq=False)
class Search:
    """Everything about the windows that does not change from world to world."""

    world: World
    start: Ints
    place: NDArray[np.int32]
    distance: Floats
    ends: Bools
    reach: Floats
    block: Ints
    block_end: Ints
    block_reach: Floats
    only_last: bool
    longest: int
    least: int

    @classmethod
    def of(
        cls, world: World, circles: Circles, max_share: float, only_last: bool, longest: int, least: int
    ) -> Search:
        """Cut the circles at a share of the measure and group those of similar size."""
        centre = np.repeat(np.arange(len(circles)), np.diff(circles.start))
        weight = world.spatial[circles.place]
        running = np.concatenate([[0.0], np.cumsum(weight)])
        reach = running[1:] - running[circles.start[centre]]
        # A circle without measure holds nothing.
        valid = circles.ends & (reach <= max_share * world.total * (1 + 1e-12)) & (reach > 1e-9)
        if not valid.any():
            raise AnlanError(
                f"max_share = {max_share:g}",
                "no circle is that small: every place holds more",
                "allow a larger share, or use smaller places",
                code="max_share",
            )
        # Each row ends with the last circle that is allowed.
        index = np.flatnonzero(valid)
        last = np.full(len(circles), -1, np.int64)
        last[centre[index]] = index
        keep = np.arange(len(centre)) <= last[centre]
        start = np.concatenate([[0], np.cumsum(np.bincount(centre[keep], minlength=len(circles)))])
        ends, reach = valid[keep], reach[keep]
        block, block_end, block_reach = _blocks(start, ends, reach)
        return cls(
            world,
            start.astype(np.int64),
            circles.place[keep],
            circles.distance[keep],
            ends,
            reach,
            block,
            block_end,
            block_reach,
            only_last,
            longest,
            least,
        )

    def best(self, cases: Cases, plan: Plan, carry: bool, first: int, last: int) -> Found:
        """The best windows of centres [first, last) above the plan's level.

        With ``carry`` a centre is only searched for what beats the centres before it.
        """
        w = self.world
        shape = (w.n_place, w.n_slot)
        common: Any = (w.ratio, float(w.cases), w.total, plan.level, carry, first, last)
        if w.measure is not None:
            counts: Any = replicate.tally(*cases, *shape, 0, 0)
            return Found(
                *kernel.windows(
                    counts,
                    w.measure,
                    self.start,
                    self.place,
                    self.ends,
                    self.only_last,
                    self.longest,
                    self.least,
                    plan.floor,
                    plan.per_unit,
                    *common,
                )
            )
        grouped = (self.start, self.place, self.ends, self.reach, self.block, self.block_end)
        if self.only_last:
            counts = replicate.tally(*cases, *shape, self.longest, _padded(self.longest))
            # The last column of sums holds every place's cases, so their sum bounds any running count.
            narrow = int(counts[:, self.longest - 1].sum()) < _NARROW
            thresholds: Any = plan.thresholds
            if narrow:
                counts, thresholds = counts.astype(np.uint16), plan.narrow
            llr, entry, length = kernel.suffixes(
                counts, *grouped, plan.block_class, thresholds, plan.slot, *common
            )
            return Found(
                llr, entry, np.where(entry < 0, -1, w.n_slot - length), np.where(entry < 0, -1, w.n_slot)
            )
        counts = replicate.tally(*cases, *shape, 0, 0)
        return Found(
            *kernel.intervals(counts, *grouped, w.temporal, self.longest, self.least, plan.knots, *common)
        )

    def both(self, cases: Cases, plan: Plan, pool: ThreadPoolExecutor, threads: int) -> Found:
        """The best window of every centre, the centres shared among threads."""
        cuts = np.linspace(0, len(self.start) - 1, 4 * threads + 1).astype(int).tolist()
        parts = list(pool.map(lambda ab: self.best(cases, plan, False, *ab), list(pairwise(cuts))))
        return Found(
            *(np.concatenate([getattr(p, name) for p in parts]) for name in ("llr", "entry", "begin", "end"))
        )


@dataclass(frozen=True, eq=False)
class Plan:
    """What a level of the ratio means for counts: made once, used for many worlds."""

    level: float
    floor: NDArray[np.int32]
    per_unit: float
    block_class: NDArray[np.int32]
    thresholds: NDArray[np.int32]
    slot: Floats
    knots: Floats

    @cached_property
    def narrow(self) -> NDArray[np.uint16]:
        """The thresholds for counts that all lie below 65,535."""
        return np.minimum(self.thresholds, _NARROW).astype(np.uint16)

    @classmethod
    def of(cls, search: Search, level: float) -> Plan:
        """The plan for windows whose ratio exceeds a level."""
        w = search.world
        cases, total = float(w.cases), w.total
        none = np.zeros(1, np.int32)
        knots = _knots(w.cases)
        if w.measure is not None:
            per_unit = 1.0 if w.model == "bernoulli" else _LUT / total
            measures = np.arange(int(total * per_unit) + 2) / per_unit
            floor = kernel.least_counts(w.ratio, measures, level, search.least, cases, total)
            return cls(level, floor, per_unit, none, none[None], np.zeros(1), knots)
        if not search.only_last:
            return cls(level, none, 1.0, none, none[None], np.zeros(1), knots)
        slot = np.cumsum(w.temporal[::-1])[: search.longest].copy()
        small = float(search.block_reach.min())
        number = np.floor(np.log(search.block_reach / small) / math.log(_FINENESS)).astype(np.int32)
        sizes = small * _FINENESS ** np.arange(int(number.max()) + 1) * (1 - 1e-9)
        measures = (sizes[:, None] * slot[None, :]).ravel()
        thresholds = kernel.least_counts(w.ratio, measures, level, search.least, cases, total)
        extra = _padded(search.longest) - len(slot)
        # No count reaches the thresholds of the columns that only fill up.
        wide = np.pad(
            thresholds.reshape(len(sizes), -1), ((0, 0), (0, extra)), constant_values=np.iinfo(np.int32).max
        )
        return cls(level, none, 1.0, number, wide, np.pad(slot, (0, extra), mode="edge"), knots)


def _padded(longest: int) -> int:
    return -(-longest // _LANES) * _LANES if longest > _LANES // 2 else longest


def _blocks(start: Ints, ends: Bools, reach: Floats) -> tuple[Ints, Ints, Floats]:
    """Group the circles of each centre so that one bound serves a group.

    A window of measure μ stands out at about μ + √(2 L μ), so a group may span a share of about √(2 L / μ).
    """
    centre = np.repeat(np.arange(len(start) - 1), np.diff(start))
    # √reach as the scale on which that share is a constant step.
    level = np.floor(2.0 * np.sqrt(np.maximum(reach, 0.0)) / (_SLACK * math.sqrt(20.0)))
    # Below one step's worth, by powers of 1.3.
    small = np.floor(np.log(np.maximum(reach, 1e-9)) / math.log(1.3))
    level = np.where(level >= 4, level + 1e6, small)
    at = np.flatnonzero(ends)
    key_centre, key_level = centre[at], level[at]
    new = np.ones(len(at), bool)
    new[1:] = (key_centre[1:] != key_centre[:-1]) | (key_level[1:] != key_level[:-1])
    # A group ends with its last circle; entries that are not circles go with the next circle.
    last = np.flatnonzero(np.append(new[1:], True))
    block_end = at[last] + 1
    block_reach = reach[at[new]]
    count = np.bincount(key_centre[new], minlength=len(start) - 1)
    return np.concatenate([[0], np.cumsum(count)]).astype(np.int64), block_end.astype(np.int64), block_reach


def _knots(cases: int) -> Floats:
    """Counts between which chords are drawn: close together where they are small."""
    few = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    while few[-1] < cases:
        few.append(max(few[-1] + 1.0, math.floor(few[-1] * 1.45)))
    return np.array([k for k in few if k < cases] + [float(cases)])


def plan_above_nothing(search: Search) -> Plan:
    """A plan that finds any window with more cases than its share."""
    return Plan.of(search, _NOTHING)
