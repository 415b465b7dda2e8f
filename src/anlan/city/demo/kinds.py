"""The kinds of call in the demo city and the assumed habits of each: how often, when, where, how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.time import SLOTS

ROAD_GROUPS = {
    "motorway": "fast",
    "motorway_link": "fast",
    "trunk": "fast",
    "trunk_link": "fast",
    "primary": "main",
    "primary_link": "main",
    "secondary": "main",
    "secondary_link": "main",
    "tertiary": "street",
    "tertiary_link": "street",
    "unclassified": "street",
    "residential": "homes",
    "living_street": "homes",
    "pedestrian": "mall",
}
"""Which of five groups each of the network's road classes belongs to."""

PLACES = {
    "homes": {"fast": 0.0, "main": 0.5, "street": 0.9, "homes": 1.6, "mall": 0.6},
    "shops": {"fast": 0.0, "main": 1.0, "street": 1.2, "homes": 0.6, "mall": 4.0},
    "night": {"fast": 0.0, "main": 0.8, "street": 1.3, "homes": 0.7, "mall": 5.0},
    "traffic": {"fast": 1.1, "main": 1.6, "street": 0.7, "homes": 0.2, "mall": 0.0},
    "any": {"fast": 0.1, "main": 1.0, "street": 1.0, "homes": 1.0, "mall": 1.5},
}
"""Relative calls per metre of street by group of road class, for each habit of place."""

Bump = tuple[float, float, float]
"""(hour of the day, spread in hours, weight)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of call.

    Attributes
    ----------
    key, zh, en : str
    priority : int
        1 is the most urgent.
    share : float
        Of all background calls; the shares sum to 1.
    where : str
        A key of `PLACES`.
    centre : float
        Calls per metre grow as this power of centre-ness.
    uneven : float
        Power on the street effect: how much the kind keeps to a few streets.
    floor : float
        Hourly rate that never stops, in units of the bumps.
    day : tuple of Bump
        Daily rhythm, weekdays.
    weekend : tuple of Bump
        Saturdays, Sundays and public holidays; empty means the weekday's.
    nights_out : float
        Factor on Friday and Saturday 18:00 to 06:00.
    season : (float, float)
        Amplitude and day of the year of the maximum of a yearly cosine.
    holiday : float
        Factor on public holidays.
    discovered, device : float
        Share noticed by officers, and by alarm devices; the rest is reported.
    phone : float
        Share settled by telephone, without sending a unit.
    interval_h : float
        Median hours between the last time all was well and the discovery, for calls whose time is not
        known; 0 where it is.
    on_scene_min, on_scene_spread : float
        Median and log standard deviation of the minutes a unit is busy at the scene.
    waterside : bool
        Only near wide gaps of the network (rivers and lakes).
    """

    key: str
    zh: str
    en: str
    priority: int
    share: float
    where: str
    centre: float
    uneven: float
    floor: float
    day: tuple[Bump, ...]
    weekend: tuple[Bump, ...] = ()
    nights_out: float = 1.0
    season: tuple[float, float] = (0.0, 0.0)
    holiday: float = 1.0
    discovered: float = 0.02
    device: float = 0.0
    phone: float = 0.0
    interval_h: float = 0.0
    on_scene_min: float = 25.0
    on_scene_spread: float = 0.6
    waterside: bool = False


SUMMER, WINTER = 205.0, 20.0

KINDS = (
    Kind("traffic", "交通事故", "Road traffic", 2, 0.205, "traffic", 0.9, 0.7, 0.25,
         ((8.0, 1.3, 1.4), (13.0, 3.0, 1.0), (18.0, 1.6, 1.7)), ((11.5, 2.5, 1.0), (17.5, 3.0, 1.2)),
         season=(0.06, 330), holiday=0.9, discovered=0.06, phone=0.25, on_scene_min=22),
    Kind("help", "群众求助", "Help to the public", 3, 0.165, "any", 1.2, 0.8, 0.2,
         ((10.0, 2.2, 1.2), (15.5, 2.5, 1.0), (20.0, 2.2, 1.0)),
         season=(0.08, SUMMER), holiday=0.95, phone=0.30, on_scene_min=20),
    Kind("noise", "噪声扰民", "Noise", 3, 0.105, "night", 1.35, 1.1, 0.12,
         ((13.5, 1.2, 0.3), (21.5, 1.8, 1.8), (23.8, 1.2, 1.0)), nights_out=1.3,
         season=(0.30, SUMMER), holiday=1.1, phone=0.15, on_scene_min=15),
    Kind("theft", "盗窃", "Theft", 2, 0.105, "shops", 1.5, 1.2, 0.2,
         ((9.0, 1.5, 0.9), (14.5, 3.0, 1.0), (19.5, 2.0, 1.1)), season=(0.10, SUMMER), holiday=0.85,
         discovered=0.03, interval_h=2.5, on_scene_min=32),
    Kind("dispute", "经济纠纷", "Civil dispute", 3, 0.095, "shops", 1.35, 1.0, 0.08,
         ((10.5, 2.0, 1.3), (15.5, 2.4, 1.2), (20.0, 1.8, 0.7)),
         season=(0.15, WINTER), holiday=0.7, phone=0.12, on_scene_min=35),
    Kind("fraud", "诈骗", "Fraud", 3, 0.085, "homes", 1.2, 0.7, 0.08,
         ((10.5, 2.0, 1.2), (15.0, 2.5, 1.3), (20.5, 2.0, 0.9)),
         season=(0.10, 320), holiday=0.7, phone=0.35, on_scene_min=40),
    Kind("domestic", "家庭纠纷", "Domestic dispute", 2, 0.075, "homes", 1.05, 0.8, 0.2,
         ((12.0, 2.5, 0.4), (20.5, 2.6, 1.4), (23.5, 1.8, 0.6)), nights_out=1.1,
         season=(0.10, SUMMER), holiday=1.25, on_scene_min=38),
    Kind("affray", "打架斗殴", "Affray", 1, 0.055, "night", 1.5, 1.3, 0.12,
         ((14.0, 3.0, 0.35), (21.5, 2.2, 1.2), (0.5, 1.8, 1.0)), nights_out=1.6,
         season=(0.22, SUMMER), holiday=1.1, discovered=0.06, on_scene_min=34),
    Kind("drunk", "醉酒滋事", "Drunkenness", 2, 0.035, "night", 1.65, 1.4, 0.06,
         ((14.0, 1.2, 0.25), (22.5, 2.0, 1.6), (1.5, 1.6, 0.9)), nights_out=1.7,
         season=(0.18, SUMMER), holiday=1.3, discovered=0.10, on_scene_min=30),
    Kind("burglary", "入室盗窃", "Burglary", 2, 0.022, "homes", 0.75, 1.0, 0.25,
         ((8.5, 1.6, 1.0), (18.5, 2.0, 1.1)), season=(0.15, WINTER), holiday=1.2,
         interval_h=8.0, on_scene_min=55),
    Kind("missing", "人员走失", "Missing person", 2, 0.014, "any", 0.9, 0.4, 0.15,
         ((11.0, 2.5, 0.8), (17.5, 2.5, 1.2)), season=(0.12, SUMMER), holiday=1.1,
         interval_h=1.5, on_scene_min=45, on_scene_spread=0.8),
    Kind("alarm", "技防报警", "Alarm device", 2, 0.014, "shops", 1.35, 0.9, 0.8,
         ((2.5, 2.5, 0.8), (22.0, 2.0, 0.5)), device=0.92, discovered=0.0, on_scene_min=12),
    Kind("gambling", "赌博", "Gambling", 3, 0.010, "homes", 1.05, 1.2, 0.06,
         ((15.5, 2.5, 1.0), (21.5, 2.2, 1.4)), season=(0.20, WINTER), holiday=1.4, discovered=0.35,
         on_scene_min=60),
    Kind("fire_aid", "火警联动", "Fire assistance", 1, 0.007, "any", 0.9, 0.3, 0.4,
         ((12.0, 2.0, 0.6), (18.5, 2.0, 0.8)), season=(0.25, WINTER), holiday=1.3, on_scene_min=40),
    Kind("robbery", "抢劫抢夺", "Robbery", 1, 0.004, "night", 1.35, 1.2, 0.2,
         ((13.0, 3.0, 0.3), (22.0, 2.5, 1.2), (2.0, 2.0, 0.8)), season=(0.10, SUMMER), on_scene_min=60),
    Kind("harassment", "猥亵骚扰", "Indecency", 1, 0.003, "shops", 1.5, 1.0, 0.1,
         ((8.5, 1.5, 0.7), (18.5, 2.0, 0.9), (22.5, 1.8, 0.8)), season=(0.35, SUMMER), on_scene_min=45),
    Kind("drowning", "溺水", "Drowning", 1, 0.001, "any", 0.45, 0.2, 0.04,
         ((16.0, 2.5, 1.3), (19.0, 1.8, 0.9)), ((15.5, 3.0, 1.8),), season=(0.92, SUMMER), holiday=1.2,
         on_scene_min=70, waterside=True),
)  # fmt: skip
"""All kinds. The figures are this project's assumptions, chosen to be plausible: see docs/demo-city.md."""

BY_KEY = {kind.key: kind for kind in KINDS}


def week(kind: Kind) -> NDArray[np.float64]:
    """Share of a kind's calls in each hour of the week, shape (168,), Monday 00:00 first; sums to 1."""
    weekday, weekend = _day(kind.day, kind.floor), _day(kind.weekend or kind.day, kind.floor)
    rate = np.concatenate([np.tile(weekday, 5), np.tile(weekend, 2)])
    hours = np.arange(SLOTS)
    for friday_or_saturday in (4, 5):
        since = (hours - (friday_or_saturday * 24 + 18)) % SLOTS
        rate[since < 12] *= kind.nights_out
    return rate / rate.sum()


def season(kind: Kind, day_of_year: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factor of the yearly cosine on each day; its mean over a year is 1."""
    amplitude, peak = kind.season
    return 1.0 + amplitude * np.cos(2.0 * np.pi * (day_of_year - peak) / 365.25)


def _day(bumps: tuple[Bump, ...], floor: float) -> NDArray[np.float64]:
    """Hourly rate (24,): a floor and bell-shaped bumps wrapped round midnight."""
    middle = np.arange(24) + 0.5
    rate = np.full(24, floor)
    for hour, spread, weight in bumps:
        away = (middle - hour + 12.0) % 24.0 - 12.0
        rate += weight * np.exp(-0.5 * (away / spread) ** 2)
    return rate
