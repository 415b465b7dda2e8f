"""Random streams that are named, so that adding one does not shift another."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A random generator of its own for each purpose.

    Parameters
    ----------
    seed : int
        The user's seed.
    *names : str or int
        What the numbers are for: ``stream(7, "calls", 3)``. The same seed and names always give the same
        stream, and different names independent ones.
    """
    keys = [n if isinstance(n, int) else zlib.crc32(n.encode()) for n in names]
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(keys)))
