"""An answer as rows: one for each chosen site and each station that closes; as GeoJSON and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from anlan.core.files import replacing
from anlan.siting.answer import Loss
from anlan.siting.stations import StationPlan

if TYPE_CHECKING:
    from anlan.city.city import City


@dataclass(frozen=True)
class SiteRow:
    """One site of an answer.

    Attributes
    ----------
    id, name_zh, name_en, street : str
    change : str
        ``stays`` (a present station), ``new`` or ``closes``.
    units : int
    lon, lat : float
        Degrees, WGS-84.
    calls_a_week : float
        For which it is the nearest of the chosen sites.
    mean_s : float or None
        Mean travel to them.
    loss : float or None
        What is lost in the model's objective if this site closes and the others take over; None where it
        was not asked for, infinite where somebody could no longer be served at all.
    loss_share : float or None
        The same as a share of the objective.
    unserved_a_week : float or None
        Calls a week that the model would no longer count as served.
    """

    id: str
    name_zh: str
    name_en: str
    street: str
    change: Literal["stays", "new", "closes"]
    units: int
    lon: float
    lat: float
    calls_a_week: float
    mean_s: float | None
    loss: float | None
    loss_share: float | None
    unserved_a_week: float | None


def site_rows(city: City, found: StationPlan, losses: Sequence[Loss] = ()) -> list[SiteRow]:
    """Chosen sites in order of their rows among the candidates, then the stations that close."""
    sites = found.candidates
    at = dict(zip(found.plan.posts.site.tolist(), found.plan.posts.units.tolist(), strict=True))
    by_site = {loss.site: loss for loss in losses}
    calls = dict(zip(found.sites.tolist(), found.served.tolist(), strict=True))
    seconds: dict[int, float] = {}
    if len(found.sites):
        part = found.cost[:, found.sites]
        nearest = part.argmin(axis=1)
        far = part.min(axis=1)
        far = np.where((found.weight > 0) & np.isfinite(far), far, 0.0)
        sums = np.bincount(nearest, weights=far * found.weight, minlength=len(found.sites))
        seconds = dict(zip(found.sites.tolist(), sums.tolist(), strict=True))
    scale = abs(found.siting.objective) or 1.0
    out = []
    for row in [*found.sites.tolist(), *found.closed.tolist()]:
        chosen, loss = row in calls, by_site.get(row)
        name, edge = str(sites.id[row]), int(sites.edge[row])
        mine = calls.get(row, 0.0)
        out.append(
            SiteRow(
                id=name,
                name_zh=str(sites.name_zh[row]),
                name_en=str(sites.name_en[row]),
                street=str(city.roads.edges.name[edge]) if edge >= 0 else "",
                change=("stays" if row < found.n_present else "new") if chosen else "closes",
                units=int(at.get(name, 0)),
                lon=round(float(sites.lon[row]), 7),
                lat=round(float(sites.lat[row]), 7),
                calls_a_week=mine,
                mean_s=seconds[row] / mine if mine > 0 else None,
                loss=None if loss is None else loss.loss,
                loss_share=None if loss is None else loss.loss / scale,
                unserved_a_week=None if loss is None else float(found.weight[loss.left].sum()),
            )
        )
    return out


def write_csv(path: Path, rows: Sequence[SiteRow]) -> None:
    """One line a site; UTF-8 with a mark, so that spreadsheets show Chinese."""
    names = list(SiteRow.__dataclass_fields__)
    with replacing(path) as part, part.open("w", encoding="utf-8-sig", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(names)
        writer.writerows([_cell(value) for value in asdict(row).values()] for row in rows)


def write_geojson(path: Path, rows: Sequence[SiteRow], facts: dict[str, Any]) -> None:
    """Points with the same properties, RFC 7946; ``facts`` stand at the collection."""
    features = []
    for row in rows:
        properties = {k: _json(v) for k, v in asdict(row).items() if k not in ("lon", "lat")}
        point = {"type": "Point", "coordinates": [row.lon, row.lat]}
        features.append({"type": "Feature", "id": row.id, "geometry": point, "properties": properties})
    whole = {"type": "FeatureCollection", **{k: _json(v) for k, v in facts.items()}, "features": features}
    with replacing(path) as part:
        part.write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return round(value, 7) if isinstance(value, float) else value


def _json(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
