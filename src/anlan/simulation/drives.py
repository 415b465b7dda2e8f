"""Travel times by hour of the week, and how fast a run's own drives are in metres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anlan.city import City
from anlan.city.travel import Travel
from anlan.core.seed import stream
from anlan.core.text import Text
from anlan.core.time import SLOTS
from anlan.model.position import Positions

MOST = 6
"""Sets of travel times per mode; a city with more different hours has them merged into so many."""

SAMPLE = 40
"""Ways over which mean speeds are taken."""


def travels_by_hour(city: City, modes: Sequence[str]) -> tuple[list[Travel], NDArray[np.int64], list[Text]]:
    """Travel times of each mode and kind of hour.

    Hours whose speeds are equal share them. Where more than `MOST` hours differ they are put in order of their
    mean speed factor and cut into groups of like size; each group drives at its middle hour's speeds.

    Returns
    -------
    travels : list of Travel
    rows : ndarray of int64, shape (n_modes, 168)
        Which of them a mode has in each hour.
    said : list of Text
    """
    profile = city.network.profile
    if not profile.week:
        return (
            [city.travel(None, mode) for mode in modes],
            np.repeat(np.arange(len(modes))[:, None], SLOTS, axis=1),
            [],
        )
    names = sorted({*profile.class_kmh, *city.network.classes[0]})
    factors = np.array([profile.factors(names, slot, modes[0]) for slot in range(SLOTS)])
    unique, kind = np.unique(factors, axis=0, return_inverse=True)
    kind = kind.ravel()
    said = []
    if len(unique) > MOST:
        order = np.argsort(factors.mean(axis=1), kind="stable")
        kind = np.empty(SLOTS, np.int64)
        for group, hours in enumerate(np.array_split(order, MOST)):
            kind[hours] = group
        said.append(
            Text(
                f"一周各小时的车速按快慢归并为 {MOST} 组。",
                f"The week's hours are driven at {MOST} sets of speeds, hours of like speed together.",
            )
        )
        chosen = [int(hours[len(hours) // 2]) for hours in np.array_split(order, MOST)]
    else:
        chosen = [int(np.flatnonzero(kind == k)[0]) for k in range(len(unique))]
    travels = [city.travel(slot, mode) for mode in modes for slot in chosen]
    rows = np.stack([kind + m * len(chosen) for m in range(len(modes))]).astype(np.int64)
    return travels, rows, said


def speeds(
    travels: Sequence[Travel], stations: Positions, places: Positions, seed: int
) -> NDArray[np.float64]:
    """Mean metres per second in each set of travel times, over a sample of ways from stations to places.

    Returns
    -------
    ndarray of float64, shape (n_travels,)
    """
    random = stream(seed, "drives")
    some = random.choice(len(places), min(SAMPLE, len(places)), replace=False)
    origin = random.integers(0, len(stations), len(some))
    sums = np.zeros((len(travels), 2))
    for row, station in zip(some.tolist(), origin.tolist(), strict=True):
        for k, travel in enumerate(travels):
            path = travel.path(stations.take(np.array([station])), places.take(np.array([row])))
            if path.reachable:
                sums[k] += float(np.hypot(np.diff(path.x), np.diff(path.y)).sum()), path.travel_s
    return sums[:, 0] / np.maximum(sums[:, 1], 1e-9)
