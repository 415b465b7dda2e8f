"""Compile the routing kernels before they are needed, and say so."""

from __future__ import annotations

import numpy as np

from anlan.city.travel import Travel
from anlan.core.job import Job
from anlan.kernels.compiled import cold
from anlan.kernels.routing import customise, extent, potential, reach, sweep, topology

NOTE = "compiling the routing kernels, once on this machine, about 15 s"


def warm(job: Job | None = None) -> int:
    """Have every routing kernel ready; free once they are on disk.

    Parameters
    ----------
    job : Job, optional
        Is told `NOTE` if something has to be compiled.

    Returns
    -------
    int
        How many kernels had to be compiled.
    """
    missing = cold(topology, customise, extent, sweep, potential, reach)
    if not missing:
        return 0
    if job is not None:
        job.update(note=NOTE)
    # A ring of so long arcs that the bound on journeys is taken too.
    ring = np.arange(4)
    travel = Travel.from_arcs(4, ring, (ring + 1) % 4, np.full(4, 1e5))
    travel.matrix(ring, ring)
    travel.within(ring, 1e5)
    travel.nearest(0, ring)
    travel.pairs(ring, ring)
    travel.path(0, 2)
    for _ in travel.trees_to(0):
        pass
    line = travel.leaving(ring)
    travel.router.spend(line, travel.arriving(ring), np.zeros(4, np.int64), np.ones(4), 1)
    return len(missing)
