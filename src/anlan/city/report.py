"""The account of a building: what was read, kept and left out, and how the network hangs together."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from anlan.city.roads import Roads
from anlan.city.streets import Reading
from anlan.core.columns import Bools

FILE = "build.json"


@dataclass(frozen=True)
class NetworkReport:
    """How well the streets hang together; the folder keeps all of them, travel uses the core.

    Attributes
    ----------
    edges, nodes : int
    length_km, drivable_km : float
    pieces : int
        Parts of the drivable network that no drivable street joins.
    outside_largest : float
        Share of the drivable length outside the largest part.
    trapped_edges : int
        Drivable edges of the largest part outside its core: one-way streets let one enter but not leave,
        or leave but not enter.
    trapped : float
        Their share of the drivable length.
    speed_known : float
        Share of the drivable length with a posted or measured speed.
    """

    edges: int
    nodes: int
    length_km: float
    drivable_km: float
    pieces: int
    outside_largest: float
    trapped_edges: int
    trapped: float
    speed_known: float

    @classmethod
    def of(cls, roads: Roads) -> NetworkReport:
        """Measure a network."""
        edges, drivable = roads.edges, roads.drivable
        length = edges.length_m
        total = float(length[drivable].sum())
        pieces, trapped_edges = 0, 0
        outside = trapped = known = 0.0
        if total > 0:
            weak = _components(roads, edges.forward, edges.backward, "weak")
            strong = _components(roads, edges.forward, edges.backward, "strong")
            of_piece = np.bincount(weak[edges.u[drivable]], length[drivable])
            largest = drivable & (weak[edges.u] == of_piece.argmax())
            inner = largest & (strong[edges.u] == strong[edges.v])
            core = np.bincount(strong[edges.u[inner]], length[inner]).argmax() if inner.any() else -1
            cut_off = largest & ~(inner & (strong[edges.u] == core))
            pieces = int(np.count_nonzero(np.bincount(weak[edges.u[drivable]])))
            outside = 1.0 - float(of_piece.max()) / total
            trapped_edges, trapped = int(cut_off.sum()), float(length[cut_off].sum()) / total
            known = float(length[drivable & np.isfinite(edges.speed_kmh)].sum()) / total
        return cls(
            edges=len(edges),
            nodes=roads.n_nodes,
            length_km=float(length.sum()) / 1e3,
            drivable_km=total / 1e3,
            pieces=pieces,
            outside_largest=max(outside, 0.0),
            trapped_edges=trapped_edges,
            trapped=trapped,
            speed_known=known,
        )


def _components(
    roads: Roads, forward: Bools, backward: Bools, kind: Literal["weak", "strong"]
) -> NDArray[np.int32]:
    from scipy.sparse import coo_matrix  # here: opening a city should not wait for it
    from scipy.sparse.csgraph import connected_components

    u, v = roads.edges.u, roads.edges.v
    tail, head = np.concatenate([u[forward], v[backward]]), np.concatenate([v[forward], u[backward]])
    shape = (roads.n_nodes, roads.n_nodes)
    graph = coo_matrix((np.ones(len(tail), np.int8), (tail, head)), shape=shape).tocsr()
    return np.asarray(connected_components(graph, directed=True, connection=kind)[1])


@dataclass(frozen=True)
class BuildReport:
    """What building a city read, kept and left out.

    Attributes
    ----------
    network : NetworkReport
    readings : mapping of str to Reading
        By layer.
    """

    network: NetworkReport
    readings: Mapping[str, Reading] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, without the dropped rows themselves."""
        readings = {}
        for layer, reading in self.readings.items():
            readings[layer] = asdict(reading)
            readings[layer]["dropped"] = len(reading.dropped)
        return {"format": 1, "network": asdict(self.network), "readings": readings}

    def save(self, folder: Path) -> None:
        """Write ``build.json``, and ``dropped-LAYER.csv`` for each layer that lost rows."""
        text = json.dumps(self.as_dict(), ensure_ascii=False, indent=2)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")
        for layer, reading in self.readings.items():
            if reading.dropped:
                with (folder / f"dropped-{layer}.csv").open("w", encoding="utf-8", newline="") as out:
                    csv.writer(out).writerows([("id", "reason"), *reading.dropped])

    @classmethod
    def load(cls, folder: Path) -> BuildReport | None:
        """Read ``build.json``; None where there is none or it is of another version."""
        try:
            data = json.loads((folder / FILE).read_text(encoding="utf-8"))
            if data["format"] != 1:
                return None
            readings = {}
            for layer, reading in data["readings"].items():
                readings[layer] = Reading(**{**reading, "dropped": _dropped(folder, layer)})
            return cls(NetworkReport(**data["network"]), readings)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _dropped(folder: Path, layer: str) -> tuple[tuple[str, str], ...]:
    path = folder / f"dropped-{layer}.csv"
    if not path.exists():
        return ()
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    return tuple((row[0], row[1]) for row in rows[1:])
