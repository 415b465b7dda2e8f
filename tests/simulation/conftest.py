"""Mill Town: 8 × 8 junctions 400 m apart, two stations with two cars each, ten weeks of calls with their times."""

from datetime import datetime

import numpy as np
import pytest

from anlan.city.city import City
from anlan.city.roads import Edges, Roads
from anlan.core.time import WEEK_S, zone
from anlan.model import Calls, Sites

SIDE, STEP = 8, 400.0
EAST, NORTH = 500_000.0, 3_400_000.0
BEGIN = datetime(2022, 3, 7, tzinfo=zone("Asia/Shanghai")).timestamp()
WEEKS, A_WEEK = 10, 220


def mill_roads():
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
            road_class=["residential"] * len(u),
            length_m=np.full(len(u), STEP),
        ),
        start=np.arange(len(u) + 1) * 2,
        x=np.stack([x[u], x[v]], 1).ravel(),
        y=np.stack([y[u], y[v]], 1).ravel(),
        node_x=x,
        node_y=y,
    )


def mill_calls(seed=1):
    """Brawls at night (median 20 min at the scene), noise by day (10 min); turnout 45 s, handling 30 s."""
    random = np.random.default_rng(seed)
    n = WEEKS * A_WEEK
    brawl = random.random(n) < 0.4
    day = random.integers(0, WEEKS * 7, n)
    hour = np.where(brawl, random.normal(22, 2, n) % 24, random.normal(14, 4, n) % 24)
    received = BEGIN + day * 86400 + hour * 3600
    order = np.argsort(received)
    brawl, received = brawl[order], received[order]
    dispatched = received + random.lognormal(np.log(30), 0.3, n)
    en_route = dispatched + random.lognormal(np.log(45), 0.3, n)
    arrived = en_route + random.uniform(60, 400, n)
    spent = random.lognormal(np.log(np.where(brawl, 1200, 600)), np.where(brawl, 0.6, 0.4))
    at = np.clip(np.where(brawl[:, None], 5.5, 2.5) + random.normal(0, 1.2, (n, 2)), 0, SIDE - 1) * STEP
    return Calls.make(
        id=[f"c{k}" for k in range(n)],
        category=np.where(brawl, "brawl", "noise"),
        priority=np.where(brawl, 1, 2),
        source=random.choice(["reported", "discovered"], n, p=[0.9, 0.1]),
        received=received,
        dispatched=dispatched,
        en_route=en_route,
        arrived=arrived,
        cleared=arrived + spent,
        x=EAST + at[:, 0],
        y=NORTH + at[:, 1],
    )


@pytest.fixture(scope="session")
def mill_folder(tmp_path_factory):
    sites = Sites.make(
        id=["S1", "S2"],
        kind=["station", "station"],
        lon=[np.nan, np.nan],
        lat=[np.nan, np.nan],
        x=EAST + np.array([1, 6]) * STEP,
        y=NORTH + np.array([1, 6]) * STEP,
        capacity=[2, 2],
    )
    folder = tmp_path_factory.mktemp("mill") / "mill-town"
    City.build(
        mill_roads(),
        name_zh="磨坊镇",
        name_en="Mill Town",
        tz="Asia/Shanghai",
        crs="EPSG:32650",
        sites=sites,
        calls=mill_calls(),
        rings_s=(60, 180, 300),
    ).save(folder)
    return folder


@pytest.fixture(scope="session")
def mill(mill_folder):
    return City.load(mill_folder)


@pytest.fixture(scope="session")
def mill_week():
    """Length of a week, where the calls begin."""
    return BEGIN, WEEK_S
