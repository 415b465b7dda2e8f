"""Flexible Farrington over 10,000 series, and how often it alarms where nothing is."""

from __future__ import annotations

from datetime import date

import numpy as np

from anlan.hotspots import farrington
from benchmarks._analysis.row import Row
from benchmarks._table import table, timed

MONDAY = date(2018, 1, 1)
WEEKS = 5 * 52 + 30


def rows() -> list[Row]:
    rng = np.random.default_rng(0)
    season = np.exp(0.3 * np.sin(2 * np.pi * np.arange(WEEKS) / 52.18))
    y = rng.poisson(rng.lognormal(0.0, 1.5, (10_000, 1)) * season)
    ours = timed(lambda: farrington(y, MONDAY))
    return [
        Row(
            "Farrington flexible, 10,000 series × 1 week, 5 years",
            ours.seconds,
            5.0,
            agreement="equal to the paper's algorithm written out for single series (tested, 1e-5)",
        )
    ]


def tables() -> None:
    rng = np.random.default_rng(1)
    t = np.arange(WEEKS)
    lines = []
    for mean in (0.05, 0.2, 1.0, 5.0, 30.0):
        for phi in (1.0, 2.0):
            lam = mean * np.exp(0.3 * np.sin(2 * np.pi * t / 52.18))
            shape = (10_000, WEEKS)
            y = (
                rng.poisson(lam, shape)
                if phi == 1
                else rng.negative_binomial(lam / (phi - 1), 1 / phi, shape)
            )
            found = farrington(y, MONDAY)
            alarms = [f"{(found.p <= level).mean():.4f}" for level in (0.05, 0.01, 0.001)]
            power = farrington(
                np.column_stack(
                    [y[:2000, :-1], np.minimum(y[:2000, -1] + rng.poisson(lam[-1], 2000), 10**6)]
                ),
                MONDAY,
            )
            lines.append([f"{mean:g}", f"{phi:g}", *alarms, f"{(power.p <= 0.01).mean():.2f}"])
    table(
        "Farrington: rate of p ≤ level where nothing is (10,000 series each), power at a doubled week",
        ["calls a week", "dispersion", "p ≤ 0.05", "p ≤ 0.01", "p ≤ 0.001", "power, p ≤ 0.01"],
        lines,
    )
