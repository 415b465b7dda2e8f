"""The present layout of a city as a plan: its stations, and the units that they house."""

from __future__ import annotations

import numpy as np

from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.model.plan import Plan
from anlan.model.post import Posts
from anlan.model.unit import Units

STATION = "station"
CLOSED = ("closed", "planned")


def present_plan(city: City, *, kind: str = STATION, unit_kind: str = "patrol") -> Plan:
    """The plan that a city works by today: every unit waits at its station, the closest idle one is sent.

    Parameters
    ----------
    city : City
        Its open sites of the kind are the stations; a station's ``capacity`` is the number of units that
        it houses (one where it is not known, none where it is zero).
    kind : str
        Kind of site that units start from.
    unit_kind : str
        Kind of the units.

    Returns
    -------
    Plan
        Units are called after their station: ``ST07-1``, ``ST07-2``…; posts hold all week.

    Raises
    ------
    AnlanError
        If the city has no such open site, or a capacity is not a whole number of units.
    """
    stations = city.sites.of_kind(kind)
    stations = stations.take(~np.isin(stations.status, CLOSED))
    if not len(stations):
        kinds = ", ".join(sorted(set(city.sites.kind.tolist()))) or "none"
        raise AnlanError(
            f"{city.name()} without an open site of kind {kind!r}",
            f"units start from stations, and the city's sites are of kind: {kinds}",
            "add stations to its sites, or name the kind that units start from",
            code="stations_missing",
        )
    housed = np.where(np.isnan(stations.capacity), 1.0, stations.capacity)
    odd = np.flatnonzero((housed < 0) | (housed != np.floor(housed)) | (housed > np.iinfo(np.int16).max))
    if len(odd):
        raise AnlanError(
            f"site {stations.id[odd[0]]} with capacity {housed[odd[0]]:g}",
            "a station houses a whole number of units",
            "correct its capacity",
            code="station_capacity",
        )
    counts = housed.astype(np.int64)
    home = np.repeat(stations.id, counts)
    number = np.arange(len(home)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    units = Units.make(
        len(home),
        id=[f"{site}-{i}" for site, i in zip(home.tolist(), number.tolist(), strict=True)],
        kind=[unit_kind] * len(home),
        home=home,
    )
    manned = stations.take(counts > 0)
    return Plan(
        name="present",
        sites=stations,
        posts=Posts.make(len(manned), site=manned.id, units=counts[counts > 0]),
        units=units,
        provenance={
            "method": "present layout",
            "city": city.name(),
            "state": city.settings.state,
            "stations": len(stations),
            "units": len(units),
        },
    )
