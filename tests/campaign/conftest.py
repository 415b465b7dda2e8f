"""Grid Town: 12 × 12 junctions 250 m apart, two precincts, two stations, sixteen weeks of calls."""

from datetime import datetime

import numpy as np
import pytest
import shapely

from anlan.city.city import City
from anlan.city.roads import Edges, Roads
from anlan.core.time import WEEK_S, zone
from anlan.model import Areas, Calls, Sites

SIDE, STEP = 12, 250.0
EAST, NORTH = 500_000.0, 3_400_000.0  # in UTM zone 50N, near Wuhan
BEGIN = datetime(2022, 3, 7, tzinfo=zone("Asia/Shanghai")).timestamp()


def grid_roads():
    node = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    u = np.concatenate([node[:, :-1].ravel(), node[:-1, :].ravel()])
    v = np.concatenate([node[:, 1:].ravel(), node[1:, :].ravel()])
    x = EAST + np.tile(np.arange(SIDE), SIDE) * STEP
    y = NORTH + np.repeat(np.arange(SIDE), SIDE) * STEP
    return Roads(
        edges=Edges.make(
            id=[f"e{k}" for k in range(len(u))],
            u=u,
            v=v,
            road_class=["primary" if a // SIDE == SIDE // 2 else "residential" for a in u],
            length_m=np.full(len(u), STEP),
            name=[f"Row {a // SIDE}" for a in u],
        ),
        start=np.arange(len(u) + 1) * 2,
        x=np.stack([x[u], x[v]], 1).ravel(),
        y=np.stack([y[u], y[v]], 1).ravel(),
        node_x=x,
        node_y=y,
    )


def town_calls(weeks=16, per_week=120, seed=1):
    """Calls around two busy corners, most of them far from both stations."""
    rng = np.random.default_rng(seed)
    n = weeks * per_week
    corner = rng.choice(3, n, p=[0.5, 0.35, 0.15])
    centre = np.array([[9.0, 9.0], [8.0, 3.0], [5.5, 5.5]])[corner]
    at = centre + rng.normal(size=(n, 2)) * np.array([0.6, 0.6, 3.0])[corner, None]
    at = np.clip(at, 0, SIDE - 1) * STEP
    received = np.sort(BEGIN + rng.random(n) * weeks * WEEK_S)
    return Calls.make(
        id=[f"c{k}" for k in range(n)],
        category=rng.choice(["theft", "noise"], n),
        priority=rng.choice([1, 2], n),
        source=rng.choice(["reported", "discovered"], n, p=[0.9, 0.1]),
        received=received,
        x=EAST + at[:, 0],
        y=NORTH + at[:, 1],
    )


def town(calls=None):
    west, east = (shapely.box(EAST - 200 + d, NORTH - 200, EAST + 1400 + d, NORTH + 3000) for d in (0, 1600))
    draft = City.build(
        grid_roads(), name_zh="方格镇", name_en="Grid Town", tz="Asia/Shanghai", crs="EPSG:32650"
    )

    def degrees(shape):
        return shapely.transform(shape, lambda p: np.stack(draft.unproject(p[:, 0], p[:, 1]), 1))

    areas = Areas.make(
        code=["42", "4201", "4202"],
        parent=["", "42", "42"],
        level=["city", "precinct", "precinct"],
        name_zh=["方格镇", "西所", "东所"],
        name_en=["Grid Town", "West", "East"],
        geometry=[degrees(shapely.union(west, east)), degrees(west), degrees(east)],
    )
    sites = Sites.make(
        id=["S1", "S2"],
        kind=["station", "station"],
        name_zh=["一站", "二站"],
        lon=[np.nan, np.nan],
        lat=[np.nan, np.nan],
        x=EAST + np.array([1, 2]) * STEP,
        y=NORTH + np.array([1, 2]) * STEP,
        capacity=[2, 1],
    )
    return City.build(
        grid_roads(),
        name_zh="方格镇",
        name_en="Grid Town",
        tz="Asia/Shanghai",
        crs="EPSG:32650",
        areas=areas,
        sites=sites,
        calls=town_calls() if calls is None else calls,
        rings_s=(60, 120, 240),
    )


@pytest.fixture(scope="session")
def town_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town") / "grid-town"
    town().save(folder)
    return folder
