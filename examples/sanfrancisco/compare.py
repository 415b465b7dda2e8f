"""The stations of San Francisco beside the best so many, and the next five.

    ./run python examples/sanfrancisco/compare.py CITY

CITY is the folder that build.py wrote. Demand is the responses of 2019 by cell, spread over each cell's streets;
travel is at posted speeds from the nearest station. Prints the table of README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from anlan.city import City
from anlan.city.present import present_plan
from anlan.siting import Measures, StationPlan, plan_stations, read_demand

WEEKS_2019 = 365 / 7
RINGS_S = (60.0, 120.0, 180.0, 240.0)
"""Minutes up to the four of NFPA 1710; that one alone is met almost everywhere and tells layouts apart badly."""


def compare(
    city: City, folder: Path, *, gap: float = 0.002, time_limit_s: float = 120.0
) -> dict[str, StationPlan]:
    """The best layouts by mean travel, by rings and by worst travel, and the next five by the first two."""
    demand, _ = read_demand(city, folder / "demand.csv", weeks=WEEKS_2019)
    present = present_plan(city)
    n = int((present.sites.edge >= 0).sum())
    common: dict[str, Any] = {"present": present, "rings_s": RINGS_S, "time_limit_s": time_limit_s}
    return {
        f"best {n}, mean travel": plan_stations(city, demand, model="p_median", p=n, gap=gap, **common),
        "next 5, mean travel": plan_stations(city, demand, model="p_median", next_k=5, gap=gap, **common),
        f"best {n}, rings": plan_stations(city, demand, model="mclp", p=n, gap=max(gap, 0.03), **common),
        "next 5, rings": plan_stations(city, demand, model="mclp", next_k=5, gap=gap, **common),
        f"best {n}, worst travel": plan_stations(
            city, demand, model="p_center", p=n, gap=max(gap, 0.01), **common
        ),
    }


def row(name: str, m: Measures, rest: str) -> str:
    """One line of the table."""
    within = " | ".join(f"{100 * share:.1f} %" for share in m.within)
    return f"| {name} | {m.mean_s:.1f} | {within} | {m.worst_s:.0f} | {rest} |"


def main(argv: list[str]) -> None:
    """Print the table of README.md."""
    folder = Path(argv[0])
    found = compare(City.load(folder), folder)
    first = next(iter(found.values()))
    print("| layout | mean, s | 1 min | 2 min | 3 min | 4 min | worst, s | stations kept | proven gap |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    print(row(f"the {first.n_present} stations", first.present, f"{first.n_present} | "))
    for name, plan in found.items():
        s = plan.siting
        print(row(name, plan.proposed, f"{len(plan.kept)} | {100 * s.gap:.2f} % ({s.status})"))
    for name, plan in found.items():
        if name.startswith("next"):
            at = zip(plan.candidates.lon[plan.new], plan.candidates.lat[plan.new], strict=True)
            print(f"{name}: " + ", ".join(f"{lon:.4f} {lat:.4f}" for lon, lat in at))


if __name__ == "__main__":
    main(sys.argv[1:])
