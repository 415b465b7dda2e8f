"""Planted truth: power and realised false-discovery rate of prominence over relative risks."""

from __future__ import annotations

from datetime import date

import numpy as np

from anlan.hotspots import adjusted, farrington
from benchmarks._table import table

MONDAY = date(2018, 1, 1)
SEEDS = 100


def tables() -> None:
    """Cities of 4 categories × 5 areas and their totals; three series are raised in the tested week."""
    lines = []
    group = np.concatenate([np.arange(4), np.repeat(np.arange(4), 5)])
    planted = [(0, 0), (1, 2), (2, 4)]
    true = np.zeros(24, bool)
    true[[0, 1, 2, *(4 + 5 * c + a for c, a in planted)]] = True
    for years in (3, 5):
        weeks = years * 52 + 30
        season = np.exp(0.4 * np.sin(2 * np.pi * np.arange(weeks) / 52.18))
        for risk in (1.25, 1.5, 2.0, 2.5, 3.0):
            found, false = [], []
            for seed in range(SEEDS):
                rng = np.random.default_rng([seed, years])
                mean = rng.uniform(5, 20, (4, 5, 1)) * season
                mean[:, :, -1] *= [[risk if (c, a) in planted else 1 for a in range(5)] for c in range(4)]
                y = rng.negative_binomial(mean / 0.3, 1 / 1.3)
                p = farrington(np.concatenate([y.sum(axis=1), y.reshape(20, -1)]), MONDAY, group=group).p
                stands = adjusted(p) <= 0.10
                found.append(stands[4:][true[4:]].mean())
                false.append((stands & ~true).sum() / max(stands.sum(), 1))
            lines.append([str(years), f"{risk:g}", f"{np.mean(found):.2f}", f"{np.mean(false):.3f}"])
    table(
        f"Prominence, planted truth: {SEEDS} cities, 5-20 calls a week per series, dispersion 1.3, q = 0.10",
        ["earlier years", "relative risk", "found", "false findings"],
        lines,
    )
