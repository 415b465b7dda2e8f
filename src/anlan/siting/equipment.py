"""Rescue poles and other equipment along a city's waterways and shores."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from anlan.core.errors import AnlanError
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.core.text import Text
from anlan.model import Plan, Posts, Sites, Units
from anlan.siting.answer import Siting
from anlan.siting.candidates import Candidates, candidates_along
from anlan.siting.lines import cover_lines
from anlan.siting.words import STATUS

if TYPE_CHECKING:
    from anlan.city.city import City

BANK_M = 60.0
"""Equipment that stands so near a line counts as standing on it."""


@dataclass(frozen=True, eq=False)
class EquipmentPlan:
    """Equipment along lines.

    Attributes
    ----------
    plan : Plan
        Its sites are the places, those that exist already among them; it has no units.
    siting : Siting
        The certificate; its ``sites`` are rows of `candidates`.
    candidates : Candidates
    existing : int
        Places that have equipment already.
    towns : int
        Towns that must be served.
    left_out : int
        Towns that no candidate can serve within the reach, and that are therefore not asked for.
    """

    plan: Plan
    siting: Siting
    candidates: Candidates
    existing: int
    towns: int
    left_out: int

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        s, sites = self.siting, self.plan.sites
        told = self.summary()
        return {
            "status": s.status,
            "objective": s.objective,
            "bound": s.bound,
            "gap": s.gap,
            "message": s.message,
            "relaxation": dict(s.relaxation),
            "longest_gap_m": float(s.details["gap_m"].max()) if "gap_m" in s.details else None,
            "candidates": len(self.candidates),
            "existing": self.existing,
            "towns": self.towns,
            "left_out": self.left_out,
            "sites": [
                {"id": i, "lon": lon, "lat": lat, "status": status}
                for i, lon, lat, status in zip(
                    sites.id.tolist(),
                    sites.lon.tolist(),
                    sites.lat.tolist(),
                    sites.status.tolist(),
                    strict=True,
                )
            ],
            "summary": {"zh": [t.zh for t in told], "en": [t.en for t in told]},
        }

    def save(self, out: Path) -> None:
        """Write ``plan/`` and ``sites.geojson``."""
        out.mkdir(parents=True, exist_ok=True)
        self.plan.save(out / "plan")
        features = [
            {
                "type": "Feature",
                "id": site["id"],
                "geometry": {"type": "Point", "coordinates": [site["lon"], site["lat"]]},
                "properties": {"id": site["id"], "status": site["status"]},
            }
            for site in self.as_dict()["sites"]
        ]
        with replacing(out / "sites.geojson") as part:
            document = {"type": "FeatureCollection", "features": features}
            part.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")

    def summary(self) -> list[Text]:
        """The answer, sentence by sentence."""
        s = self.siting
        if s.status == "infeasible" or not len(s.sites):
            return [Text(f"无可行方案。{s.message}", f"No answer. {s.message}")]
        km, lines, n = (
            float(self.candidates.length_m.sum()) / 1000.0,
            len(self.candidates.length_m),
            len(s.sites),
        )
        gaps = s.details["gap_m"]
        out = [
            Text(
                f"沿 {lines} 条、共 {km:.1f} 公里岸线，从 {len(self.candidates):,} 个候选位置选出 {n} 处"
                f"（已有 {self.existing} 处）；服务 {self.towns} 个居民点。",
                f"{n} places ({self.existing} of them equipped already) out of {len(self.candidates):,} along "
                f"{lines} lines of {km:.1f} km; {self.towns} towns are served.",
            ),
            Text(
                f"最长空档 {gaps.max():.0f} 米；目标值 {s.objective:g}，界 {s.bound:g}，最多还差 {s.gap:.2%}"
                f"（{STATUS[s.status].zh}）。",
                f"The longest gap is {gaps.max():.0f} m; objective {s.objective:g}, bound {s.bound:g}, at most "
                f"{s.gap:.2%} is left to gain ({STATUS[s.status].en}).",
            ),
        ]
        if self.left_out:
            out.append(
                Text(
                    f"另有 {self.left_out} 个居民点步行范围内没有岸线，未计入。",
                    f"{self.left_out} towns have no bank within walking reach and are left out.",
                )
            )
        if s.message:
            out.append(Text(s.message, s.message))
        return out


def plan_equipment(
    city: City,
    *,
    line_kind: str = "waterway",
    kind: str = "pole",
    every_m: float = 100.0,
    p: int | None = None,
    longest_gap_m: float | None = None,
    towns: Sites | None = None,
    reach_s: float = 600.0,
    ends: float = 1.0,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> EquipmentPlan:
    """Place equipment along a city's lines so that every town is served and the worst gap is short.

    Parameters
    ----------
    city : City
        Its sites of ``kind`` within 60 m of a line stay and do not count in ``p``.
    line_kind : str
        Which of the city's lines: ``waterway``, ``shore``, or ``all``.
    kind : str
        Kind of the equipment.
    every_m : float
        Candidates stand at most so far apart along the lines.
    p, longest_gap_m, ends, time_limit_s, seed, job
        See `cover_lines`: with ``p`` the shortest worst gap, with ``longest_gap_m`` the fewest places.
    towns : Sites, optional
        Places from which somebody must be able to walk to equipment; none where left out.
    reach_s : float
        Seconds of walking.

    Raises
    ------
    AnlanError
        If the city has no such lines, or neither towns nor a number nor a gap is given.
    """
    picked = np.ones(len(city.lines), bool) if line_kind == "all" else city.lines.kind == line_kind
    if not picked.any():
        kinds = ", ".join(sorted(set(city.lines.kind.tolist()))) or "none"
        raise AnlanError(
            f"{city.name()} without lines of kind {line_kind!r}",
            f"equipment stands along lines, and the city's are of kind: {kinds}",
            "name one of these, or build the city with lines",
            code="lines_missing",
        )
    if p is None and longest_gap_m is None and towns is None:
        raise AnlanError(
            "equipment without a number, a longest gap or towns",
            "one of them says how much equipment is wanted",
            "give one",
            code="number_missing",
        )
    shapes = [
        shapely.transform(line, lambda q: np.column_stack(city.project(q[:, 0], q[:, 1])))
        for line in city.lines.geometry[picked]
    ]
    candidates, _ = candidates_along(shapes, every_m)
    existing = _standing(city, kind, candidates)
    cost: Any = None
    weight, left_out = None, 0
    if towns is not None and len(towns):
        banks, _ = city.snap(x=candidates.xy[:, 0], y=candidates.xy[:, 1], mode="walk")
        doors, _ = city.snap(towns.lon, towns.lat, mode="walk")
        cost = city.travel(mode="walk").within(banks, reach_s, doors)
        served = np.diff(cost.indptr) > 0
        weight, left_out = served.astype(np.float64), int((~served).sum())
        if not served.any():
            cost, weight = None, None
    siting = cover_lines(
        candidates, p, cost=cost, reach=reach_s if cost is not None else math.inf, longest_gap_m=longest_gap_m,
        ends=ends, weight=weight, existing=existing, time_limit_s=time_limit_s, seed=seed, job=job,
    )  # fmt: skip
    sites = _sites(city, candidates, siting, kind, existing)
    origin = {
        "city": city.name("en"),
        "method": "cover_lines",
        "line_kind": line_kind,
        "every_m": every_m,
        "objective": siting.objective,
        "bound": siting.bound,
        "status": siting.status,
        "seed": seed,
    }
    plan = Plan(f"{kind}s", sites, Posts.empty(), Units.empty(), provenance=origin)
    count = 0 if weight is None else int(weight.sum())
    return EquipmentPlan(plan, siting, candidates, len(existing), count, left_out)


def _standing(city: City, kind: str, candidates: Candidates) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The candidate nearest to each piece of equipment that stands already beside a line."""
    there = city.sites.of_kind(kind)
    if not len(there):
        return np.empty(0, np.int64)
    tree = shapely.STRtree(shapely.points(candidates.xy))
    near, far = tree.query_nearest(
        shapely.points(there.x, there.y), max_distance=BANK_M, return_distance=True, all_matches=False
    )
    return np.unique(near[1]).astype(np.int64) if len(far) else np.empty(0, np.int64)


def _sites(
    city: City,
    candidates: Candidates,
    siting: Siting,
    kind: str,
    existing: np.ndarray[Any, np.dtype[np.int64]],
) -> Sites:
    rows = siting.sites
    x, y = candidates.xy[rows, 0], candidates.xy[rows, 1]
    lon, lat = city.unproject(x, y)
    status = ["open" if row in set(existing.tolist()) else "planned" for row in rows.tolist()]
    n = len(rows)
    return Sites.make(
        n, id=[f"{kind}-{k + 1:04d}" for k in range(n)], kind=[kind] * n, lon=lon, lat=lat, x=x, y=y,
        status=status,
    )  # fmt: skip
