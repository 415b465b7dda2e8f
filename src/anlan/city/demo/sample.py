"""Drawing the demo's calls: an inhomogeneous Poisson process in space and time, and what is planted in it.

The background of kind k on edge e in hour h has the rate

    n_calls · share_k · season_k(day) · holiday_k(day) · week_k(hour of week) · day(h) · growth · space_k(e)

per year, where `week` has mean 1 over a week, `season` mean 1 over a year and `space` sums to 1; `day` is
log-normal with mean 1 and common to all kinds. A planted effect adds an independent Poisson process of
(relative risk - 1) times the reported background in its place and span, or, below 1, thins the reported
calls there. Superposition and thinning keep the relative risk exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.city.demo.ground import Ground, ground
from anlan.city.demo.holidays import is_holiday
from anlan.city.demo.kinds import KINDS, Kind, season, week
from anlan.city.demo.model import DemoModel, Planted, midnight
from anlan.city.demo.plant import default_planted
from anlan.city.demo.precincts import precincts
from anlan.city.demo.roads import CRS
from anlan.city.demo.service import patrol_presence, serve
from anlan.city.demo.truth import Effect, Truth
from anlan.city.projection import Projection
from anlan.core.columns import Bools, Floats
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.core.time import DAY_S, HOUR_S, SLOTS
from anlan.model.call import Calls
from anlan.model.position import Positions

ADDRESS_M = 20.0
SETBACK_M = (3.0, 15.0)
"""Calls come from addresses every 20 m along a street, on either side and 3 to 15 m off its middle; how far
is a property of the address, so that places repeat exactly."""

ROW = {kind.key: row for row, kind in enumerate(KINDS)}

YEAR_H = 365.25 * 24
REPORTED, DISCOVERED, DEVICE = 0, 1, 2
SOURCE_WORDS = np.array(["reported", "discovered", "device"], dtype=object)
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Hours:
    """The hours of the sampled span.

    Attributes
    ----------
    start : ndarray of float64, shape (n_hours,)
        Unix seconds.
    slot : ndarray of int64
        Hour of the week.
    rhythm : ndarray of int64
        Hour of the week whose rhythm it has: a public holiday has a Sunday's.
    day_of_year : ndarray of float64
    holiday : ndarray of bool
    common : ndarray of float64
        Factor of the day and of growth, for all kinds.
    """

    start: Floats
    slot: Ints
    rhythm: Ints
    day_of_year: Floats
    holiday: Bools
    common: Floats

    def rate(self, kind: Kind, n_calls: float) -> Floats:
        """Expected background calls of a kind in each hour."""
        factor = np.where(self.holiday, kind.holiday, 1.0) * season(kind, self.day_of_year) * self.common
        return n_calls * kind.share / YEAR_H * SLOTS * week(kind)[self.rhythm] * factor


def hours_of(model: DemoModel) -> Hours:
    """The hours of a model's span."""
    begin, end = model.span_s
    n_days = round((end - begin) / DAY_S)
    n = n_days * 24
    hour, day = np.arange(n), np.arange(n) // 24
    slot = (model.first_day.weekday() * 24 + hour) % SLOTS
    holiday = is_holiday(model.first_day, n_days)
    rng = stream(model.seed, "days")
    spread = model.day_spread
    daily = np.exp(spread * rng.standard_normal(n_days) - spread**2 / 2)
    years = (np.arange(n_days) - n_days / 2) / 365.25
    return Hours(
        start=np.asarray(begin + hour * HOUR_S, np.float64),
        slot=slot,
        rhythm=np.where(holiday[day], 6 * 24 + hour % 24, slot),
        day_of_year=np.asarray((day + model.first_day.timetuple().tm_yday) % 365.25, np.float64),
        holiday=holiday[day],
        common=(daily * (1.0 + model.growth) ** years)[day],
    )


def sample(model: DemoModel, job: Job | None = None) -> tuple[Calls, Truth]:
    """The calls of a model and the truth about what was planted in them.

    Calls are on the network, carry their precinct's code and are ordered by the time they were received.
    The same model gives the same calls.
    """
    job = job or Job()
    land, hours = ground(), hours_of(model)
    planted = default_planted(model) + model.planted
    draws = [_background(model, hours, number) for number in range(len(KINDS))]
    effects = []
    for number, effect in enumerate(planted):
        job.check()
        rng = stream(model.seed, "effect", number)
        region = _region(effect, land)
        expected, added = 0.0, 0
        for row in (ROW[kind] for kind in effect.kinds):
            mean, change, draws[row] = _planted(model, hours, effect, region, row, draws[row], rng)
            expected, added = expected + mean, added + change
        effects.append(Effect(effect, expected, added))
    rows = np.concatenate([np.full(len(d.hour), i) for i, d in enumerate(draws)])
    calls = _calls(model, hours, rows, _Draw.concat(draws), job)
    return calls, Truth(model, tuple(effects))


@dataclass(frozen=True, eq=False)
class _Draw:
    """Calls of one kind before they have a time within the hour and a place on the edge."""

    hour: Ints
    edge: Ints
    source: Ints

    @classmethod
    def concat(cls, parts: list[_Draw]) -> _Draw:
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("hour", "edge", "source")))

    def take(self, rows: NDArray[Any]) -> _Draw:
        return _Draw(self.hour[rows], self.edge[rows], self.source[rows])


@lru_cache(maxsize=2)
def _shares(unevenness: float) -> tuple[Floats, ...]:
    """Spatial share of each kind on each edge."""
    return tuple(ground().share(kind, unevenness) for kind in KINDS)


def _pick(rng: np.random.Generator, weight: Floats, n: int) -> Ints:
    """So many edges, drawn with replacement."""
    running = np.cumsum(weight)
    return np.searchsorted(running, rng.random(n) * running[-1], side="right").astype(np.int64)


def _background(model: DemoModel, hours: Hours, number: int) -> _Draw:
    kind = KINDS[number]
    rng = stream(model.seed, "background", kind.key)
    counts = rng.poisson(hours.rate(kind, model.n_calls))
    hour = np.repeat(np.arange(len(counts)), counts)
    n = len(hour)
    source = np.select(
        [(toss := rng.random(n)) < kind.discovered, toss < kind.discovered + kind.device],
        [DISCOVERED, DEVICE],
        REPORTED,
    )
    share = _shares(model.unevenness)[number]
    edge = _pick(rng, share, n)
    found = source == DISCOVERED
    if found.any():
        edge[found] = _pick(rng, share * patrol_presence(), int(found.sum()))
    return _Draw(hour, edge, source)


def _region(effect: Planted, land: Ground) -> Bools:
    """The edges whose middle lies in an effect's place."""
    if effect.sector:
        beats = precincts()
        if effect.sector not in beats.sector_codes:
            return np.zeros(len(land.roads), bool)
        number = beats.sector_codes.index(effect.sector)
        return np.asarray(beats.sector[beats.of(land.mid_x, land.mid_y)] == number)
    return np.asarray(np.hypot(land.mid_x - effect.x, land.mid_y - effect.y) <= effect.radius_m)


def _planted(
    model: DemoModel,
    hours: Hours,
    effect: Planted,
    region: Bools,
    number: int,
    draw: _Draw,
    rng: np.random.Generator,
) -> tuple[float, int, _Draw]:
    """Expected reported background there, calls added (or taken away), and the kind's calls with them."""
    kind = KINDS[number]
    begin, end = (midnight(date.fromisoformat(d)) for d in (effect.since, effect.until))
    within = (hours.start >= begin) & (hours.start < end)
    share = np.where(region, _shares(model.unevenness)[number], 0.0)
    reported = 1.0 - kind.discovered - kind.device
    rate = np.where(within, hours.rate(kind, model.n_calls) * reported * share.sum(), 0.0)
    if effect.relative_risk >= 1.0:
        counts = rng.poisson((effect.relative_risk - 1.0) * rate)
        hour = np.repeat(np.arange(len(counts)), counts)
        edge = _pick(rng, share, len(hour)) if len(hour) else np.empty(0, np.int64)
        extra = _Draw(hour, edge, np.full(len(hour), REPORTED))
        return float(rate.sum()), len(hour), _Draw.concat([draw, extra])
    here = region[draw.edge] & within[draw.hour] & (draw.source == REPORTED)
    gone = here & (rng.random(len(here)) >= effect.relative_risk)
    return float(rate.sum()), -int(gone.sum()), draw.take(~gone)


def _calls(model: DemoModel, hours: Hours, kind: Ints, draw: _Draw, job: Job) -> Calls:
    rng = stream(model.seed, "calls")
    n = len(kind)
    # Whole seconds within the hour.
    received = hours.start[draw.hour] + np.floor(rng.random(n) * HOUR_S)
    order = np.argsort(received, kind="stable")
    kind, received, draw = kind[order], received[order], draw.take(order)
    job.check()
    positions, x, y = _addresses(rng, draw.edge)
    service = serve(rng, kind, received, hours.slot[draw.hour], positions, draw.source == DISCOVERED)
    job.check()
    start, end = _intervals(rng, kind, received, draw.source == REPORTED)
    lon, lat = Projection(CRS).inverse(x, y)
    beats = precincts()
    codes = np.array([*beats.codes, ""], dtype=object)
    return Calls.make(
        n,
        id=np.array([f"D{i:07d}" for i in range(1, n + 1)], dtype=object),
        category=np.array([k.key for k in KINDS], dtype=object)[kind],
        priority=np.array([k.priority for k in KINDS], np.int8)[kind],
        source=SOURCE_WORDS[draw.source],
        received=received,
        dispatched=service.dispatched,
        en_route=service.en_route,
        arrived=service.arrived,
        cleared=service.cleared,
        start=start,
        end=end,
        x=x,
        y=y,
        lon=lon.round(7),
        lat=lat.round(7),
        edge=positions.edge,
        offset_m=positions.offset_m,
        area=codes[beats.of(x, y)],
        disposition=service.disposition,
    )


def _addresses(rng: np.random.Generator, edge: Ints) -> tuple[Positions, Floats, Floats]:
    """A house on each call's edge: its position on the network and where it stands."""
    roads, n = ground().roads, len(edge)
    length = roads.edges.length_m[edge]
    houses = np.maximum(np.floor(length / ADDRESS_M), 1.0)
    house = np.floor(rng.random(n) * houses)
    offset = (house + 0.5) * (length / houses)
    # A number that is as good as random and belongs to the address.
    near, far = SETBACK_M
    setback = near + (edge * 31 + house * 17) % 97 / 96 * (far - near)
    side = np.where(rng.random(n) < 0.5, -setback, setback)
    ax, ay = roads.x[2 * edge], roads.y[2 * edge]
    along = np.maximum(length, 1e-9)
    ux, uy = (roads.x[2 * edge + 1] - ax) / along, (roads.y[2 * edge + 1] - ay) / along
    x, y = ax + offset * ux - side * uy, ay + offset * uy + side * ux
    return Positions(edge.astype(np.int32), offset.round(2)), x.round(2), y.round(2)


def _intervals(
    rng: np.random.Generator, kind: Ints, received: Floats, reported: Bools
) -> tuple[Floats, Floats]:
    """When it happened, where that is only known between two times: last seen well, found out."""
    n = len(kind)
    median = np.array([k.interval_h for k in KINDS])[kind] * HOUR_S
    between = (median > 0) & reported & (rng.random(n) < 0.6)
    end = received - np.floor(rng.random(n) * 1800.0)
    start = end - np.rint(median * np.exp(0.8 * rng.standard_normal(n)))
    return np.where(between, start, np.nan), np.where(between, end, np.nan)
