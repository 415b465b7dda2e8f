"""Building a city: sources in, nouns and an account of what was left out back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from anlan.city.projection import Projection
from anlan.city.readers.line_layer import read_lines
from anlan.city.roads import Roads
from anlan.city.streets import Reading, Streets
from anlan.core.columns import Bools
from anlan.core.errors import AnlanError
from anlan.core.job import Job


@dataclass(frozen=True)
class NetworkReport:
    """How well the streets hang together; the folder keeps all of them, travel uses the core.

    Attributes
    ----------
    edges, nodes : int
    length_km : float
    pieces : int
        Parts of the drivable network that no drivable street joins.
    outside_largest : float
        Share of the drivable length outside the largest part.
    trapped_edges : int
        Drivable edges in the largest part that one-way streets let one enter but not leave, or leave but
        not enter.
    trapped : float
        Their share of the drivable length.
    walk_only_km, speed_known : float
        Length for walking only; share of the drivable length with a posted or measured speed.
    """

    edges: int
    nodes: int
    length_km: float
    pieces: int
    outside_largest: float
    trapped_edges: int
    trapped: float
    walk_only_km: float
    speed_known: float


@dataclass(frozen=True)
class BuildReport:
    """What was read, kept and left out, by layer.

    Attributes
    ----------
    readings : mapping of str to Reading
        By layer.
    network : NetworkReport
    """

    network: NetworkReport
    readings: Mapping[str, Reading] = field(default_factory=dict)


def read_roads(
    source: Path | str | Roads, crs: str | None, job: Job | None = None, **options: Any
) -> tuple[Roads, Projection, Reading]:
    """Streets of a file (its kind is known by its name) or of a noun, in the city's metres.

    Parameters
    ----------
    source : Path, str or Roads
        A noun is taken as it is, in the order it has; ``crs`` must then be given.
    crs : str or None
        Projected coordinate system of the city; by default the UTM zone of the streets' middle.
    **options
        For the reader.

    Raises
    ------
    AnlanError
        If the file cannot be read, or the coordinate system does not hold at the place.
    """
    if isinstance(source, Roads):
        if crs is None:
            raise AnlanError(
                "roads without a coordinate system",
                "their metres mean a place only with it",
                "give crs, for example EPSG:32650",
                code="crs_missing",
            )
        projection = Projection(crs)
        lon, lat = projection.inverse(source.node_x, source.node_y)
        check_bounds(projection, float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))
        return source, projection, Reading("", len(source), len(source))
    streets = read_streets(Path(source), job, **options)
    projection = Projection(crs) if crs is not None else Projection.utm(*streets.centre())
    check_bounds(projection, *streets.bounds)
    return streets.roads(projection), projection, streets.reading


def read_streets(path: Path, job: Job | None = None, **options: Any) -> Streets:
    """Streets of a file, whatever its kind."""
    return read_lines(path, job=job, **options)


def check_bounds(projection: Projection, west: float, south: float, east: float, north: float) -> None:
    """Refuse coordinates that are no place on earth, or where the projection does not hold."""
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise AnlanError(
            f"roads from {west:g}, {south:g} to {east:g}, {north:g}",
            "longitude is -180 to 180 and latitude -90 to 90 degrees",
            "state the layer's coordinate system, and check that longitude and latitude are not swapped",
            code="lonlat_swapped",
        )
    projection.check(west, south, east, north)


def network_report(roads: Roads) -> NetworkReport:
    """Measure how the drivable network hangs together."""
    edges, drivable = roads.edges, roads.drivable
    total = float(edges.length_m[drivable].sum())
    u, v, n = edges.u, edges.v, roads.n_nodes

    def components(forward: Bools, backward: Bools, kind: Literal["weak", "strong"]) -> Any:
        tail = np.concatenate([u[forward], v[backward]])
        head = np.concatenate([v[forward], u[backward]])
        graph = coo_matrix((np.ones(len(tail), np.int8), (tail, head)), shape=(n, n)).tocsr()
        return connected_components(graph, directed=True, connection=kind)[1]

    if not total:
        return NetworkReport(
            len(edges), n, float(edges.length_m.sum()) / 1e3, 0, 0.0, 0, 0.0,
            float(edges.length_m.sum()) / 1e3, 0.0,
        )  # fmt: skip
    weak = components(edges.forward, edges.backward, "weak")
    strong = components(edges.forward, edges.backward, "strong")
    length_in = np.bincount(weak[u[drivable]], edges.length_m[drivable], minlength=weak.max() + 1)
    largest = int(length_in.argmax())
    in_largest = drivable & (weak[u] == largest)
    inner = in_largest & (strong[u] == strong[v])
    core = int(np.bincount(strong[u[inner]], edges.length_m[inner]).argmax()) if inner.any() else -1
    trapped = in_largest & ~((strong[u] == core) & (strong[v] == core))
    known = drivable & np.isfinite(edges.speed_kmh)
    return NetworkReport(
        edges=len(edges),
        nodes=n,
        length_km=float(edges.length_m.sum()) / 1e3,
        pieces=len(np.unique(weak[u[drivable]])),
        outside_largest=1.0 - float(length_in[largest]) / total,
        trapped_edges=int(trapped.sum()),
        trapped=float(edges.length_m[trapped].sum()) / total,
        walk_only_km=float(edges.length_m[~drivable].sum()) / 1e3,
        speed_known=float(edges.length_m[known].sum()) / total,
    )
