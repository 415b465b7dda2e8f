"""Who stands where once the sites are chosen: units over sites, and each unit's new home."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anlan.model import Plan, Sites, Units
from anlan.siting.answer import Floats, Ints

if TYPE_CHECKING:
    from anlan.city.city import City

FAR_S = 1e9
"""Stands for a way that does not exist where ways are added up."""


def spread(total: int, served: Floats, at_least: Ints) -> Ints:
    """Units at each site: what must be there, and every further one where its share of calls is greatest.

    Each site gets a first unit before any gets a second; after that the next unit goes to the site with the
    most calls per unit (Jefferson's rule of apportionment).

    Parameters
    ----------
    total : int
        Units in all.
    served : ndarray, shape (n_site,)
        Calls for which each site is the nearest.
    at_least : ndarray of int, shape (n_site,)
        Units that stay where they are.

    Returns
    -------
    ndarray of int64, shape (n_site,)
    """
    units = at_least.astype(np.int64).copy()
    queue = [(units[k] > 0, -served[k] / (units[k] + 1), k) for k in range(len(units))]
    heapq.heapify(queue)
    for _ in range(max(total - int(units.sum()), 0) if queue else 0):
        _, _, k = heapq.heappop(queue)
        units[k] += 1
        heapq.heappush(queue, (True, -served[k] / (units[k] + 1), k))
    return units


def crews(city: City, present: Plan | None, chosen: Sites, units_at: Ints) -> Units:
    """The present units at their new homes, so that the total way from the old ones is least.

    Where there are more places than units, new units fill them; where there are fewer, the units that are
    left over are left out.

    Parameters
    ----------
    city : City
    present : Plan, optional
    chosen : Sites
    units_at : ndarray of int64, shape (n_chosen,)
    """
    home = np.repeat(chosen.id, units_at)
    if not len(home):
        return Units.empty()
    there = Units.empty() if present is None else present.units
    if not len(there) or present is None:
        return _new(home, np.arange(len(home)), taken=set())
    from scipy.optimize import linear_sum_assignment

    rows = present.sites.index_of(there.home.tolist())
    way = city.travel(mode="ordinary").matrix(present.sites.take(rows).positions, chosen.positions)
    same = present.sites.id[rows][:, None] == chosen.id[None, :]
    way = np.where(same, 0.0, np.where(np.isfinite(way), way, FAR_S))
    unit, place = linear_sum_assignment(np.repeat(way, units_at, axis=1))
    kept = there.take(unit).replaced(home=home[place])
    free = np.setdiff1d(np.arange(len(home)), place)
    return Units.concat([kept, _new(home, free, taken=set(kept.id.tolist()))])


def _new(home: NDArray[np.object_], places: NDArray[np.int64], taken: set[str]) -> Units:
    """Units that do not exist yet, called after their site: ``post-007-1``."""
    names: list[str] = []
    for place in places.tolist():
        number = 1
        while f"{home[place]}-{number}" in taken:
            number += 1
        names.append(f"{home[place]}-{number}")
        taken.add(names[-1])
    return Units.make(len(names), id=names, kind=["patrol"] * len(names), home=home[places])
