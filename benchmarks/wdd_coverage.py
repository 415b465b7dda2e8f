"""`./run bench wdd_coverage [--draws N]`: how often three intervals of the WDD hold the truth; docs/wdd-coverage.md.

Cities of 60 places, 52 weeks before and 13 after; three places are treated, three are their controls. Weekly
counts scatter more than Poisson ones, either independently from week to week or because the level of each
place wanders for weeks. The interval claims 95 %.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from anlan import evaluation
from benchmarks._table import table

PLACES, BEFORE, AFTER = 60, 52, 13
TREATED, CONTROL = (0, 1, 2), (3, 4, 5)
MEAN = 6.0
WANDER = 0.9


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench wdd_coverage")
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--placebos", type=int, default=399)
    asked = parser.parse_args(argv)
    rows = []
    for wander, how in ((0.0, "week by week"), (WANDER, "for weeks on end")):
        for phi in (1.0, 1.5, 2.0, 3.0, 5.0, 10.0):
            if phi == 1.0 and wander:
                continue
            for effect in (0.0, 0.3):
                held = coverage(phi, wander, effect, asked.draws, asked.placebos)
                rows.append([how, f"{phi:g}", f"{effect:.0%}", *(f"{h:.0%}" for h in held)])
    error = 100 * np.sqrt(0.95 * 0.05 / asked.draws)
    table(
        f"Share of {asked.draws} cities whose 95 % interval holds the truth (± {error:.1f} points at 95 %)",
        ["counts wander", "variance / mean", "real fall", "plain", "with dispersion", "placebo-calibrated"],
        rows,
    )


def coverage(phi: float, wander: float, effect: float, draws: int, placebos: int) -> NDArray[np.float64]:
    """Coverage of the plain, the dispersion-widened and the placebo-calibrated interval, shape (3,)."""
    held = np.zeros(3)
    for draw in range(draws):
        rng = np.random.default_rng([draw, round(10 * phi), round(100 * wander), round(100 * effect)])
        level = rng.gamma(4.0, MEAN / 4.0, PLACES)[:, None]
        series = counts(rng, level, phi, wander)
        fall = rng.binomial(series[list(TREATED), BEFORE:], 1.0 - effect)
        truth = -effect * float(level[list(TREATED)].sum())
        series[list(TREATED), BEFORE:] = fall
        control, treated = (
            (float(series[list(which), :BEFORE].sum()), float(series[list(which), BEFORE:].sum()))
            for which in (CONTROL, TREATED)
        )
        untouched = series[len(TREATED) :, :BEFORE]
        plain = evaluation.wdd(control, treated, time_weights=(BEFORE, AFTER))
        wide = evaluation.wdd(
            control, treated, time_weights=(BEFORE, AFTER), dispersion=evaluation.dispersion(untouched)
        )
        judged = evaluation.placebo(series, TREATED, CONTROL, BEFORE, n_placebo=placebos, seed=draw)
        for k, result in enumerate((plain, wide, judged.difference)):
            held[k] += result.interval[0] <= truth <= result.interval[1]
    return held / draws


def counts(
    rng: np.random.Generator, level: NDArray[np.float64], phi: float, wander: float
) -> NDArray[np.int64]:
    """Weekly counts with a variance of φ means: gamma-mixed, or log-normal with lasting deviations."""
    shape = (PLACES, BEFORE + AFTER)
    if phi == 1.0:
        return rng.poisson(np.broadcast_to(level, shape)).astype(np.int64)
    if wander == 0.0:
        return rng.negative_binomial(np.broadcast_to(level / (phi - 1.0), shape), 1.0 / phi).astype(np.int64)
    variance = np.log1p((phi - 1.0) / level)
    state = rng.standard_normal(shape)
    for t in range(1, shape[1]):
        state[:, t] = wander * state[:, t - 1] + np.sqrt(1.0 - wander**2) * state[:, t]
    return rng.poisson(level * np.exp(np.sqrt(variance) * state - variance / 2.0)).astype(np.int64)
