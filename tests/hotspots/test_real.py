"""Memphis robberies, New York shootings and London fires, end to end."""

import csv
import os
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyproj
import pytest

from anlan import hotspots
from anlan.core.time import WEEK_S
from anlan.model import Calls

DATA = Path(os.environ.get("ANLAN_DATA", "")) if os.environ.get("ANLAN_DATA") else None
needs_data = pytest.mark.skipif(
    DATA is None, reason="ANLAN_DATA names no folder of real data (see README of the shared data)"
)
pytestmark = needs_data


def rows(*path: str) -> list[dict[str, str]]:
    assert DATA is not None
    with DATA.joinpath(*path).open(encoding="utf-8-sig", errors="replace") as file:
        return list(csv.DictReader(file))


def projected(lon: Any, lat: Any, epsg: int) -> Any:
    x, y = pyproj.Transformer.from_crs(4326, epsg, always_xy=True).transform(lon, lat)
    known = np.isfinite(x) & np.isfinite(y)
    return np.where(known, x, np.nan), np.where(known, y, np.nan)


@pytest.fixture(scope="module")
def memphis() -> tuple[Calls, ZoneInfo]:
    table = rows("memphis", "incidents.csv")
    # The file marks its times as UTC, but they are local: as UTC, robbers would sleep from 23 to 3.
    tz = ZoneInfo("America/Chicago")
    received = [datetime.fromisoformat(r["occurred_at"]).replace(tzinfo=tz).timestamp() for r in table]
    x, y = projected([float(r["longitude"]) for r in table], [float(r["latitude"]) for r in table], 32616)
    n = len(table)
    calls = Calls.make(
        n,
        id=[r["id"] for r in table],
        category=[r["category"] for r in table],
        source=["reported"] * n,
        received=received,
        x=x,
        y=y,
    )
    return calls, tz


@pytest.fixture(scope="module")
def new_york() -> tuple[Calls, ZoneInfo]:
    table = rows("manhattan", "incidents.csv")
    tz = ZoneInfo("America/New_York")
    received = [
        datetime.fromisoformat(f"{r['date']}T{r['time']}").replace(tzinfo=tz).timestamp() for r in table
    ]
    x, y = projected(
        [float(r["longitude"] or "nan") for r in table], [float(r["latitude"] or "nan") for r in table], 32618
    )
    n = len(table)
    calls = Calls.make(
        n,
        id=[r["id"] for r in table],
        category=["shooting"] * n,
        area=[r["borough"] for r in table],
        source=["reported"] * n,
        received=received,
        x=x,
        y=y,
    )
    return calls, tz


def test_memphis_robberies_from_calls_to_targets(memphis):
    calls, tz = memphis
    cells = hotspots.Cells.covering(calls.x, calls.y, 500.0)
    demand = hotspots.demand(calls, cells, tz=tz)
    assert demand.volume.sum() * demand.weeks == pytest.approx(np.isfinite(calls.x).sum())
    # Robbery is an evening crime: more at 20-24 h than at 4-8 h.
    by_hour = (demand.volume.sum(axis=1) @ demand.profile).reshape(7, 24).sum(axis=0)
    assert by_hour[20:].sum() > 1.5 * by_hour[4:8].sum()
    found = hotspots.targets(calls, cells, tz=tz, held_out_weeks=16, budget_share=0.05)
    chosen, random = found.proof["chosen"], found.proof["random"]
    assert chosen.pai_interval[0] > random.pai_interval[1]
    assert chosen.hit_rate >= found.proof["count"].hit_rate - 0.02
    count = np.bincount(cells.of_calls(calls), minlength=len(cells)).reshape(cells.n_row, cells.n_column)
    hot = hotspots.gi_star(count, hotspots.Disk(2.0)).hot()
    assert 0.005 < hot.mean() < 0.2
    assert count[hot].mean() > 5 * count.mean()
    moran = hotspots.local_moran(count, hotspots.Box(1)).clusters()
    assert (hot & (moran == 1)).sum() > 0.5 * (moran == 1).sum()
    few = hotspots.concentration(count.ravel()[np.bincount(cells.of_calls(calls), minlength=len(cells)) >= 0])
    assert few.places_share[1] < 0.1
    year = hotspots.prominence(calls, tz=tz)
    assert year.method == "recent"


def test_a_shifted_clock_is_noticed(memphis, new_york):
    assert hotspots.clock_caveat(*memphis) is None
    assert hotspots.clock_caveat(*new_york) is None
    calls, tz = memphis
    as_utc = calls.replaced(received=calls.received - 6 * 3600)
    told = hotspots.clock_caveat(as_utc, tz)
    assert told is not None
    assert "another time zone" in told[1]


def test_new_york_shootings_against_earlier_years(new_york):
    calls, tz = new_york
    boroughs = hotspots.Districts.of(calls)
    assert len(boroughs) == 5
    # The rise of summer 2020 is on record; June and July of 2019 are not.
    until = datetime(2020, 7, 13, tzinfo=tz).timestamp()
    window = (datetime(2014, 12, 29, tzinfo=tz).timestamp(), until)
    risen = hotspots.prominence(calls, boroughs, tz=tz, window=window)
    assert risen.method == "season"
    assert risen.years == 5
    assert risen.prominent.any()
    assert risen.place[0] in ("", "BROOKLYN", "BRONX")
    assert risen.observed[0] > 2 * risen.expected[0]
    until = datetime(2019, 7, 15, tzinfo=tz).timestamp()
    window = (datetime(2013, 12, 30, tzinfo=tz).timestamp(), until)
    assert not hotspots.prominence(calls, boroughs, tz=tz, window=window).prominent.any()


def test_new_york_alarms_over_ten_years_keep_their_rate(new_york):
    """Every fourth week of 2012-2019, a time of slow decline: alarms must be rare."""
    calls, tz = new_york
    window = (datetime(2006, 1, 2, tzinfo=tz).timestamp(), datetime(2020, 1, 6, tzinfo=tz).timestamp())
    admitted = hotspots.admit(calls, window=window)
    series = hotspots.weekly_series(admitted, hotspots.Districts.of(calls), window, tz)
    weeks = range(6 * 52, series.count.shape[1], 4)
    p = np.concatenate(
        [
            hotspots.farrington(series.count, series.first_monday, at=at, exposure=series.exposure).p
            for at in weeks
        ]
    )
    assert len(p) > 600
    assert (p <= 0.01).mean() < 0.03
    assert (p <= 0.05).mean() < 0.08


def test_new_york_hot_spots_emerge_and_stay(new_york):
    calls, tz = new_york
    window = (datetime(2010, 1, 1, tzinfo=tz).timestamp(), datetime(2020, 1, 1, tzinfo=tz).timestamp())
    cells = hotspots.Cells.covering(calls.x, calls.y, 1000.0)
    steps = hotspots.time_steps(calls, cells, tz=tz, step_days=364, window=window)
    assert len(steps) == 10
    found = hotspots.emerging(steps.reshape(-1, cells.n_row, cells.n_column), hotspots.Disk(1.5))
    names = {found.name(int(c)) for c in np.unique(found.pattern)}
    assert "persistent hot spot" in names
    early, late = steps[:5].sum(axis=0), steps[5:].sum(axis=0)
    live = (early + late) > 0
    held = hotspots.stability(early[live], late[live])
    assert held.rank_correlation > 0.5
    assert held.held > 0.7 * held.held_best


def test_london_fires_are_a_weekly_rhythm_without_weeks_of_holidays_lost():
    table = rows("london2009", "lfb_dwelling_fires_2009.csv")
    tz = ZoneInfo("Europe/London")
    received = [
        datetime.fromisoformat(f"{r['DateOfCall']}T{r['TimeOfCall']}").replace(tzinfo=tz).timestamp()
        for r in table
    ]
    n = len(table)
    calls = Calls.make(
        n,
        id=[str(i) for i in range(n)],
        category=["dwelling fire"] * n,
        source=["reported"] * n,
        received=received,
        x=[float(r["Easting_m"]) for r in table],
        y=[float(r["Northing_m"]) for r in table],
        area=[r["BoroughName"] for r in table],
    )
    demand = hotspots.demand(calls, tz=tz, cell_m=1000.0, shape="hexagon")
    assert demand.weeks == pytest.approx(365 / 7, abs=0.2)
    evening = demand.profile[0].reshape(7, 24)[:, 17:21].sum()
    assert evening > 1.5 * demand.profile[0].reshape(7, 24)[:, 3:7].sum()  # people cook
    found = hotspots.prominence(calls, hotspots.Districts.of(calls), tz=tz)
    assert found.method == "recent"
    surface = hotspots.kde(calls.x, calls.y, bandwidth_m=1500.0)
    top = hotspots.top_cells(surface, 1)
    # The densest point lies in inner London, within 10 km of Charing Cross (530 km E, 180.4 km N).
    assert np.hypot(top.x[0] - 530_000, top.y[0] - 180_400) < 10_000
    assert demand.interval()[0].max() > 0
    assert WEEK_S * demand.weeks > 0
