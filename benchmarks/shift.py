"""How surely an undeclared GCJ-02 or BD-09 is found on the streets of Wuhan, and how often wrongly."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from anlan.city import City
from anlan.city.shift import find_shift
from anlan.core.columns import Floats
from anlan.core.coordinates import from_wgs84
from anlan.core.seed import stream
from anlan.model import Positions
from benchmarks._table import table

NOISE_M = (5.0, 30.0, 60.0, 100.0)
PLACES = (50, 200, 1000)


def on_streets(city: City, n: int, noise_m: float, draw: int) -> tuple[Floats, Floats]:
    """Places on the streets, chosen by length, each moved by normal noise in both directions."""
    rng = stream(draw, "shift", n, int(noise_m))
    length = city.roads.edges.length_m
    edge = rng.choice(len(length), n, p=length / length.sum()).astype(np.int32)
    x, y = city.locate(Positions(edge, rng.random(n) * length[edge]))
    return city.unproject(x + rng.normal(0, noise_m, n), y + rng.normal(0, noise_m, n))


def main(argv: list[str]) -> None:
    draws = int(argv[0]) if argv else 100
    data = Path(os.environ["ANLAN_DATA"]) / "wuhan" / "roads_original.parquet"
    city = City.build(data, name_en="Wuhan", tz="Asia/Shanghai", crs="EPSG:32650")

    def snap(lon: Floats, lat: Floats) -> Floats:
        return city.snap(lon, lat, max_distance_m=np.inf)[1]

    rows = []
    for noise_m in NOISE_M:
        for n in PLACES:
            found = dict.fromkeys(("wgs84", "gcj02", "bd09"), 0)
            false = 0
            for draw in range(draws):
                lon, lat = on_streets(city, n, noise_m, draw)
                for system in found:
                    shift = find_shift(*from_wgs84(lon, lat, system), snap)
                    likely = "wgs84" if shift is None else shift.likely
                    found[system] += likely == system
                    false += system == "wgs84" and likely != "wgs84"
            rows.append(
                [
                    f"{noise_m:g} m",
                    str(n),
                    f"{false / draws:.0%}",
                    f"{found['gcj02'] / draws:.0%}",
                    f"{found['bd09'] / draws:.0%}",
                ]
            )
    table(
        f"Undeclared coordinate systems on Wuhan's streets, {draws} draws",
        ["noise", "places", "false alarms", "GCJ-02 found", "BD-09 found"],
        rows,
    )
