"""Beats of a city: its street pieces divided among posts."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from anlan.core.errors import AnlanError
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.core.text import Text
from anlan.model import Demand, Positions, Sites
from anlan.siting.answer import Floats, Ints, Siting
from anlan.siting.districts import Ground, Score, districts, score

if TYPE_CHECKING:
    from anlan.city.city import City


@dataclass(frozen=True, eq=False)
class Beats:
    """Street pieces with their work, and the beat of each.

    Attributes
    ----------
    posts : Sites
        One beat around each.
    edges : ndarray of int64, shape (n_cell,)
        Rows of the city's roads: the cells.
    work : ndarray of float64, shape (n_cell,)
        Calls a week, and a share for streets to be patrolled.
    assignment : ndarray of int64, shape (n_cell,)
        Row of `posts` for each cell.
    siting : Siting
        The certificate of the balance.
    ground : Ground
    """

    posts: Sites
    edges: Ints
    work: Floats
    assignment: Ints
    siting: Siting
    ground: Ground

    def rescore(self, assignment: ArrayLike) -> Score:
        """Score beats that were edited by hand; see `anlan.siting.rescore`."""
        return score(self.ground, np.asarray(assignment, np.int64))

    def summary(self) -> list[Text]:
        """The answer, sentence by sentence."""
        s, now = self.siting, score(self.ground, self.assignment)
        ids = [str(i) for i in self.posts.id]
        out = [
            Text(
                f"{len(self.posts)} 个责任区，{len(self.edges):,} 段街道；每个责任区连成一片。"
                f"最重的是 {ids[int(now.work.argmax())]}，工作量为平均的 {s.objective:.3f} 倍"
                f"（已证明不可能低于 {s.bound:.3f}）；到责任区内工作的平均行程 {now.travel_s:.0f} 秒。",
                f"{len(self.posts)} beats over {len(self.edges):,} street pieces, each in one piece. The heaviest, "
                f"{ids[int(now.work.argmax())]}, has {s.objective:.3f} times the mean work (proven: not below "
                f"{s.bound:.3f}); mean travel to the work of a beat is {now.travel_s:.0f} s.",
            )
        ]
        return out if not s.message else [*out, Text(s.message, s.message)]

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        now, s, told = score(self.ground, self.assignment), self.siting, self.summary()
        return {
            "status": s.status,
            "balance": s.objective,
            "bound": s.bound,
            "contiguous": now.contiguous,
            "travel_s": now.travel_s,
            "beats": [
                {
                    "post": str(self.posts.id[d]),
                    "work": float(w),
                    "streets": int((self.assignment == d).sum()),
                }
                for d, w in enumerate(now.work)
            ],
            "summary": {"zh": [t.zh for t in told], "en": [t.en for t in told]},
        }

    def save(self, city: City, out: Path) -> None:
        """Write ``beats.geojson`` (outlines and streets of each beat) and ``beats.csv`` (street → post)."""
        out.mkdir(parents=True, exist_ok=True)
        with replacing(out / "beats.geojson") as part:
            part.write_text(json.dumps(self.geojson(city), ensure_ascii=False), encoding="utf-8")
        with replacing(out / "beats.csv") as part, part.open("w", encoding="utf-8-sig", newline="") as table:
            writer = csv.writer(table)
            writer.writerow(["street", "name", "post", "work"])
            e = city.roads.edges
            writer.writerows(
                [str(e.id[k]), str(e.name[k]), str(self.posts.id[d]), round(float(w), 6)]
                for k, d, w in zip(
                    self.edges.tolist(), self.assignment.tolist(), self.work.tolist(), strict=True
                )
            )

    def geojson(self, city: City) -> dict[str, Any]:
        """A feature for each beat: the ground nearer to its streets than to those of others.

        The outlines are those of the Voronoi cells of the middles of street pieces, dissolved by beat, so that
        they tile the ground; a beat is in one piece over its streets, which does not keep an outline from
        having an island where streets cross over each other.
        """
        e, length = city.roads.edges, city.roads.edges.length_m[self.edges]
        x, y = city.locate(Positions(self.edges.astype(np.int32), length / 2))
        points = shapely.multipoints(np.column_stack([x, y]))
        hull = shapely.buffer(shapely.convex_hull(points), 200.0)
        cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=hull))
        tree = shapely.STRtree(cells)
        point, cell = tree.query(shapely.points(x, y), predicate="intersects")
        owner = np.full(len(cells), -1)
        owner[cell] = self.assignment[point]
        now = score(self.ground, self.assignment)
        features = []
        for d in range(len(self.posts)):
            shape = shapely.intersection(shapely.union_all(cells[owner == d]), hull)
            shape = shapely.transform(
                shape, lambda q: np.round(np.column_stack(city.unproject(q[:, 0], q[:, 1])), 6)
            )
            mine = self.edges[self.assignment == d]
            features.append(
                {
                    "type": "Feature",
                    "id": str(self.posts.id[d]),
                    "geometry": json.loads(shapely.to_geojson(shape)),
                    "properties": {
                        "post": str(self.posts.id[d]),
                        "work": float(now.work[d]),
                        "share_of_mean": float(now.work[d] / self.ground.mean),
                        "streets": len(mine),
                        "km": float(e.length_m[mine].sum()) / 1000.0,
                    },
                }
            )
        return {"type": "FeatureCollection", "balance": now.balance, "features": features}


def plan_beats(
    city: City,
    demand: Demand,
    posts: Sites,
    *,
    patrol_share: float = 0.2,
    balance: float = 1.05,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> Beats:
    """Divide a city's streets into beats, one around each post.

    Parameters
    ----------
    city : City
    demand : Demand
        Calls count where they come from.
    posts : Sites
        On the network.
    patrol_share : float
        Share of all work that is not calls but streets to be seen, by length; keeps quiet quarters from being
        hung on to a beat for nothing.
    balance, time_limit_s, seed, job
        See `anlan.siting.districts`.

    Raises
    ------
    AnlanError
        If a post is off the network, or more posts stand in one street than can be told apart.
    """
    if not 0 <= patrol_share <= 1:
        raise AnlanError(
            f"patrol_share = {patrol_share}", "it is a share between 0 and 1", "give for example 0.2"
        )
    e = city.roads.edges
    edges = np.flatnonzero(city.network.core_edges)
    place = np.full(len(e), -1)
    place[edges] = np.arange(len(edges))
    off = np.flatnonzero((posts.edge < 0) | (place[np.maximum(posts.edge, 0)] < 0))
    if len(off):
        raise AnlanError(
            f"post {posts.id[off[0]]}",
            "a beat is grown from the street that its post stands in",
            "put it on the connected street network, or leave it out",
            code="post_off_network",
        )
    at = place[np.maximum(demand.positions.edge, 0)]
    good = (demand.positions.edge >= 0) & (at >= 0)
    calls = np.bincount(at[good], demand.weight()[good], len(edges)).astype(np.float64)
    length = e.length_m[edges]
    total = float(calls.sum()) or 1.0
    work = (1.0 - patrol_share) * calls + patrol_share * total * length / length.sum()
    pairs = _touching(e.u[edges], e.v[edges])
    seats = _seats(place[posts.edge], pairs, posts)
    middle = Positions(edges.astype(np.int32), length / 2)
    cost = city.travel(mode="ordinary").cost(middle, posts.positions).astype(np.float64)
    siting = districts(
        pairs, work, seats, cost, balance=balance, time_limit_s=time_limit_s, seed=seed, job=job
    )
    return Beats(posts, edges, work, siting.assignment, siting, Ground.make(pairs, work, seats, cost))


def _touching(u: NDArray[Any], v: NDArray[Any]) -> Ints:
    """Pairs of street pieces that meet at a junction: each with the next around it, shape (n, 2)."""
    row = np.concatenate([np.arange(len(u)), np.arange(len(u))])
    node = np.concatenate([u, v])
    order = np.lexsort((row, node))
    row, node = row[order], node[order]
    out = []
    # All pairs at a junction: few streets meet in one, so neighbours up to so many places apart are enough.
    for step in range(1, int(np.bincount(node).max()) if len(node) else 1):
        same = node[step:] == node[:-step]
        if not same.any():
            break
        out.append(np.stack([row[:-step][same], row[step:][same]], axis=1))
    return np.concatenate(out) if out else np.empty((0, 2), np.int64)


def _seats(cells: Ints, pairs: Ints, posts: Sites) -> Ints:
    """A street piece of its own for each post: where two stand in one, the second takes one that touches it."""
    taken: set[int] = set()
    out = []
    for k, cell in enumerate(cells.tolist()):
        if cell in taken:
            touching = np.concatenate([pairs[pairs[:, 0] == cell, 1], pairs[pairs[:, 1] == cell, 0]])
            free = [c for c in np.unique(touching).tolist() if c not in taken]
            if not free:
                raise AnlanError(
                    f"post {posts.id[k]}",
                    "each beat begins in a street of its own, and all around here are taken",
                    "join posts that stand together",
                    code="posts",
                )
            cell = free[0]
        taken.add(cell)
        out.append(cell)
    return np.array(out, np.int64)
