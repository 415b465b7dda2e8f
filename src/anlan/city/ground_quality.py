"""What the ground of a city is like: its roads, areas and sites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anlan.city.areas import check_tree
from anlan.city.city import City
from anlan.city.finding import Finding
from anlan.city.report import NetworkReport
from anlan.core.errors import AnlanError
from anlan.model.area import Areas

_FAR_M = 250.0
_MOST_UNREACHABLE = 0.05


@dataclass(frozen=True)
class GroundQuality:
    """What a city's roads, areas and sites are like.

    Attributes
    ----------
    edges, junctions : int
    drivable_km : float
    pieces : int
        Parts of the drivable network that no drivable street joins.
    unreachable : float
        Share of the drivable length outside the core, which is not routed on.
    speed_known : float
        Share of the drivable length with a posted or measured speed.
    areas, areas_without_shape : int
        The top of the tree needs no shape.
    area_fault : str
        What is wrong with the tree of areas; empty where it is one.
    sites, sites_off_network, sites_far : int
        Sites; those without a position on the network; those more than 250 m from theirs.
    """

    edges: int
    junctions: int
    drivable_km: float
    pieces: int
    unreachable: float
    speed_known: float
    areas: int
    areas_without_shape: int
    area_fault: str
    sites: int
    sites_off_network: int
    sites_far: int

    def lines(self, language: str = "en") -> list[str]:
        """The figures as lines of plain text."""
        if language.startswith("zh"):
            return [
                f"道路 {self.drivable_km:,.0f} 公里可行车，{self.junctions:,} 个路口；"
                f"不可达 {self.unreachable:.1%}，有限速数据 {self.speed_known:.1%}",
            ]
        return [
            f"{self.drivable_km:,.0f} km of drivable roads, {self.junctions:,} junctions;"
            f" {self.unreachable:.1%} unreachable, {self.speed_known:.1%} with a known speed",
        ]


def measure_ground(city: City) -> GroundQuality:
    """Measure the roads, areas and sites of a city."""
    network = city.report.network if city.report is not None else NetworkReport.of(city.roads)
    areas, sites = city.areas, city.sites
    fault = ""
    try:
        check_tree(areas)
    except AnlanError as error:
        fault = str(error)
    x, y = city.locate(sites.positions)
    with np.errstate(invalid="ignore"):
        far = np.hypot(sites.x - x, sites.y - y) > _FAR_M
    return GroundQuality(
        edges=network.edges,
        junctions=network.nodes,
        drivable_km=network.drivable_km,
        pieces=network.pieces,
        unreachable=city.network.core_report.share_cut,
        speed_known=network.speed_known,
        areas=len(areas),
        areas_without_shape=_without_shape(areas),
        area_fault=fault,
        sites=len(sites),
        sites_off_network=int(np.sum(sites.edge < 0)),
        sites_far=int(np.sum(far)),
    )


def _without_shape(areas: Areas) -> int:
    """Areas without a shape, but for the one on top: those below it have the shapes."""
    parents = set(areas.parent.tolist())
    rows = zip(areas.code.tolist(), areas.parent.tolist(), areas.geometry.tolist(), strict=True)
    return sum(
        1
        for code, parent, shape in rows
        if (shape is None or shape.is_empty) and (parent or code not in parents)
    )


def ground_findings(q: GroundQuality) -> list[Finding]:
    """What there is to say about the ground."""
    out: list[Finding] = []

    def say(severity: str, code: str, n: int, en: str, zh: str) -> None:
        if n:
            out.append(Finding(severity, code, en, zh, n))

    if q.unreachable > 0:
        pieces = f"{q.pieces:,}"
        say(
            "warning" if q.unreachable > _MOST_UNREACHABLE else "note", "unreachable_roads", q.pieces,
            f"{q.unreachable:.2%} of the drivable length cannot be reached or left ({pieces} separate pieces,"
            " one-way traps); it is not routed on.",
            f"{q.unreachable:.2%} 的可行车里程无法到达或驶离（{pieces} 个独立片段及单行死角），"
            "不参与路径计算。",
        )  # fmt: skip
    else:
        say(
            "ok", "roads", q.edges,
            f"All {q.drivable_km:,.0f} km of drivable roads are connected.",
            f"{q.drivable_km:,.0f} 公里可行车道路全部连通。",
        )  # fmt: skip
    if q.speed_known < 0.5:
        out.append(
            Finding(
                "note",
                "speed_coverage",
                f"{q.speed_known:.1%} of the drivable length has a posted speed; elsewhere the default of the"
                " road's class holds, and calls with dispatch and arrival times can calibrate it.",
                f"{q.speed_known:.1%} 的可行车里程有限速数据；其余按道路等级默认值，可用派警与到达时间校准。",
            )
        )
    say(
        "warning", "areas_without_shape", q.areas_without_shape,
        f"Areas without a shape: {q.areas_without_shape} of {q.areas}; no call can be assigned to them.",
        f"{q.areas} 个辖区中有 {q.areas_without_shape} 个没有边界，无法归入警情。",
    )  # fmt: skip
    say(
        "error", "area_tree", 1 if q.area_fault else 0,
        f"The areas form no tree: {q.area_fault}", f"辖区层级有误：{q.area_fault}",
    )  # fmt: skip
    if not q.areas:
        out.append(
            Finding(
                "note",
                "no_areas",
                "The city has no areas; results are for the whole of it only.",
                "城市没有辖区数据，结果只针对全市。",
            )
        )
    if not q.sites:
        out.append(
            Finding(
                "note",
                "no_sites",
                "The city has no sites; stations are needed to compare a present layout with a proposed one.",
                "城市没有点位数据；比较现状与方案需要派出所等点位。",
            )
        )
    say(
        "warning", "sites_off_network", q.sites_off_network,
        f"Sites farther than a kilometre from every road: {q.sites_off_network} of {q.sites}.",
        f"{q.sites} 个点位中有 {q.sites_off_network} 个距所有道路超过一公里。",
    )  # fmt: skip
    say(
        "note", "sites_far", q.sites_far,
        f"Sites more than {_FAR_M:.0f} m from their road: {q.sites_far} of {q.sites}.",
        f"{q.sites} 个点位中有 {q.sites_far} 个距所在道路超过 {_FAR_M:.0f} 米。",
    )  # fmt: skip
    return out
