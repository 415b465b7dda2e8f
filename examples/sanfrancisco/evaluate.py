"""Hold predicted response against observed response in San Francisco, before and after calibration.

    ./run python examples/sanfrancisco/evaluate.py CITY

CITY is the folder that build.py wrote. The prediction for a grid cell is the travel time from the nearest
station to the middle of each street piece in the cell, averaged with the pieces' lengths.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from scipy.stats import spearmanr

from anlan.city import City
from anlan.city.areas import assign
from anlan.city.calibrate import Calibration, fit_nearest
from anlan.core.seed import stream
from anlan.model import Positions

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells with an observation and with streets.

    Attributes
    ----------
    code : ndarray of str, shape (n_cells,)
    observed_s : ndarray of float64
        Mean over weekdays, day and night of the observed mean response.
    calls : ndarray of float64
        Responses of the year.
    places : Positions
        Middles of street pieces.
    cell : ndarray of int64
        Cell of each place.
    length_m : ndarray of float64
        Weight of each place.
    """

    code: np.ndarray
    observed_s: np.ndarray
    calls: np.ndarray
    places: Positions
    cell: np.ndarray
    length_m: np.ndarray

    def mean(self, value: np.ndarray) -> np.ndarray:
        """Length-weighted mean of a value per place, by cell."""
        n = len(self.code)
        return np.bincount(self.cell, value * self.length_m, n) / np.bincount(self.cell, self.length_m, n)


def cells_of(city: City, folder: Path) -> Cells:
    """The cells of the city that have an observed response and at least one routable street piece."""
    minutes: dict[str, list[float]] = defaultdict(list)
    for row in table(folder / "response.csv"):
        minutes[row["area"]].append(float(row["minutes"]))
    calls = {row["area"]: float(row["calls"]) for row in table(folder / "demand.csv")}
    edges = city.roads.edges
    places = Positions(np.arange(len(edges)), edges.length_m / 2)
    lon, lat = city.unproject(*city.locate(places))
    code = assign(city.areas, lon, lat, level="precinct")
    reached = np.isfinite(nearest_s(city, places))
    usable = reached & np.isin(code, list(minutes))
    codes, cell = np.unique(code[usable].astype(str), return_inverse=True)
    return Cells(
        code=codes,
        observed_s=np.array([np.mean(minutes[c]) * 60 for c in codes]),
        calls=np.array([calls.get(c, 0.0) for c in codes]),
        places=places.take(usable),
        cell=cell,
        length_m=edges.length_m[usable],
    )


def nearest_s(city: City, places: Positions) -> np.ndarray:
    """Seconds from the nearest station to each place, at posted speeds."""
    return city.travel(mode="lights").cost(places, city.sites.of_kind("station").positions).min(axis=1)


def middle_s(city: City, cells: Cells) -> np.ndarray:
    """Seconds from the nearest station to the street nearest to each cell's middle, at posted speeds."""
    row = city.areas.index_of(cells.code.tolist())
    middle = shapely.centroid(city.areas.geometry[row])
    positions, _ = city.snap(shapely.get_x(middle), shapely.get_y(middle), max_distance_m=np.inf)
    return nearest_s(city, positions)


def table(path: Path) -> list[dict[str, str]]:
    """All rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Figures:
    """How well predicted and observed response agree.

    Attributes
    ----------
    cells : int
    rank : float
        Spearman's rank correlation over cells.
    mae_min : float
        Mean absolute error over cells, minutes.
    bias_min : float
        Mean of predicted minus observed.
    """

    cells: int
    rank: float
    mae_min: float
    bias_min: float

    @classmethod
    def of(cls, predicted_s: np.ndarray, observed_s: np.ndarray) -> Figures:
        """Compare by cell, where there is a prediction."""
        known = np.isfinite(predicted_s)
        predicted_s, observed_s = predicted_s[known], observed_s[known]
        error = (predicted_s - observed_s) / 60
        rank = float(spearmanr(predicted_s, observed_s).statistic)
        return cls(len(error), rank, float(np.abs(error).mean()), float(error.mean()))

    def __str__(self) -> str:
        return f"{self.cells} | {self.rank:.2f} | {self.mae_min:.2f} | {self.bias_min:+.2f}"


def evaluate(city: City, folder: Path) -> tuple[dict[str, Figures], Calibration]:
    """Figures before calibration, after it and on held-out cells; see README.md."""
    cells = cells_of(city, folder)
    seen = cells.observed_s
    free = cells.mean(nearest_s(city, cells.places))
    calibration = fit_nearest(
        city.network,
        city.sites.of_kind("station").positions,
        cells.places,
        seen,
        weights=np.maximum(cells.calls, 1.0),
        group=cells.cell,
        share=cells.length_m,
        folds=FOLDS,
    )
    # What two free numbers, a delay and one factor on all speeds, would do on their own.
    rng = stream(0, "folds")
    fold = rng.permutation(len(seen)) % FOLDS
    line = np.empty(len(seen))
    constant = np.empty(len(seen))
    for k in range(FOLDS):
        learn = fold != k
        w = np.sqrt(np.maximum(cells.calls[learn], 1.0))
        slope, delay = np.polyfit(free[learn], seen[learn], 1, w=w)
        line[~learn] = delay + slope * free[~learn]
        constant[~learn] = np.average(seen[learn], weights=w**2)
    return {
        "free flow, to the cell's middle": Figures.of(middle_s(city, cells), seen),
        "free flow, to all its streets": Figures.of(free, seen),
        "held out: the mean of the other cells": Figures.of(constant, seen),
        "held out: delay and one factor": Figures.of(line, seen),
        "held out: calibrated": Figures.of(calibration.predicted_s, seen),
    }, calibration


def main(argv: list[str]) -> None:
    """Print the figures of README.md."""
    folder = Path(argv[0])
    figures, calibration = evaluate(City.load(folder), folder)
    print("| prediction | cells | Spearman | mean absolute error, min | bias, min |")
    print("| --- | --- | --- | --- | --- |")
    for name, figure in figures.items():
        print(f"| {name} | {figure} |")
    print(f"\n{calibration}")
    for name, (before, after) in calibration.kmh.items():
        print(f"  {name}: {before:.0f} -> {after:.0f} km/h")


if __name__ == "__main__":
    main(sys.argv[1:])
