"""Robust, regularised least squares for travel times."""

from __future__ import annotations

import numpy as np
from scipy.optimize import lsq_linear

from anlan.city.speed import SpeedProfile
from anlan.core.columns import Floats

CLASS_SD, LEVEL_SD, DELAY_SD_S, JUNCTION_SD_S = 0.25, 1.0, 120.0, 2.0
"""Standard deviations of what is known before, see `anlan.city.calibrate`."""

FASTEST, SLOWEST = 1 / 4, 4.0
"""Bounds on x_c: a class is not driven more than four times faster or slower than its default."""

HUBER = 1.345
"""95 % efficient where errors are normal (Huber 1964)."""


class Known:
    """What is known before: the present profile."""

    def __init__(self, profile: SpeedProfile, junctions: bool) -> None:
        self.profile, self.junctions = profile, junctions

    def start(self, columns: int) -> Floats:
        """x_c = 1 for every class, the present junction penalty and delay."""
        beta = np.ones(columns + 1)
        beta[-2:] = self.profile.junction_s, self.profile.delay_s
        return beta


def huber(design: Floats, y: Floats, weight: Floats, known: Known) -> Floats:
    """Robust, regularised least squares, see `anlan.city.calibrate`; gives x_c, junction and delay."""
    n, classes = len(y), design.shape[1] - 2
    start = known.start(design.shape[1] - 1)
    # Unknowns: g, x_c - g, junction, delay; each with a prior row of its own.
    seconds = design[:, :classes]
    X = np.column_stack([seconds.sum(axis=1), seconds, design[:, -2], design[:, -1]])
    sd = np.concatenate([[LEVEL_SD], np.full(classes, CLASS_SD), [JUNCTION_SD_S, DELAY_SD_S]])
    prior = np.concatenate([[1.0], np.zeros(classes), start[-2:]])
    low = np.concatenate([[FASTEST], np.full(classes, -SLOWEST), [0.0, 0.0]])
    high = np.concatenate([[SLOWEST], np.full(classes, SLOWEST), [np.inf, np.inf]])
    if not known.junctions:
        low[-2], high[-2] = start[-2] - 1e-9, start[-2] + 1e-9
    w = weight / weight.mean()
    theta = prior
    robust = np.ones(n)
    for _ in range(50):
        residual = y - X @ theta
        scale = max(1.4826 * float(np.median(np.abs(residual - np.median(residual)))), 1.0)
        robust = np.minimum(1.0, HUBER * scale / np.maximum(np.abs(residual), 1e-9))
        root = np.sqrt(w * robust) / scale
        A = np.vstack([X * root[:, None], np.diag(1.0 / sd)])
        b = np.concatenate([y * root, prior / sd])
        # Columns are scaled to like size: seconds of a rare class are few.
        size = np.sqrt((A * A).sum(axis=0))
        found = lsq_linear(A / size, b, bounds=(low * size, high * size), method="bvls")
        change = np.abs(found.x / size - theta).max()
        theta = found.x / size
        if change < 1e-6:
            break
    x = np.clip(theta[0] + theta[1 : 1 + classes], FASTEST, SLOWEST)
    if not known.junctions:
        theta[-2] = start[-2]
    return np.concatenate([x, theta[-2:]])
