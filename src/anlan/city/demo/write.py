"""The demo city as a `City`, and as a folder with the truth beside it."""

from __future__ import annotations

from pathlib import Path

from anlan.city.city import City
from anlan.city.demo.kinds import KINDS
from anlan.city.demo.model import TIME_ZONE, DemoModel
from anlan.city.demo.precincts import precincts
from anlan.city.demo.roads import ATTRIBUTION, CRS, SOURCE, demo_roads
from anlan.city.demo.sample import sample
from anlan.city.demo.service import PEDESTRIAN_KMH
from anlan.city.demo.stations import sites
from anlan.city.demo.truth import FILE, Truth
from anlan.city.settings import Category, Provenance
from anlan.core.files import replacing
from anlan.core.job import Job

RINGS_S = (60.0, 180.0, 300.0)
"""Rings of 1, 3 and 5 minutes, as Wuhan's public-security bureau publishes for its city."""

_RULE = "rules of this project, see docs/demo-city.md"
_OWN = "Apache-2.0"
PROVENANCE = {
    "roads": Provenance(
        source=SOURCE,
        licence="ODbL-1.0",
        attribution=ATTRIBUTION,
        note="Real streets. The source has no directions, speeds or names: all streets run both ways."
        " / 真实道路；来源无单行、限速与路名，全部按双向处理。",
    ),
    "areas": Provenance(
        source=_RULE,
        licence=_OWN,
        note="SAMPLED: hexagonal precincts and sectors made by rule, not the real jurisdictions."
        " / 抽样：按规则生成的六边形辖区与片区，并非真实辖区。",
    ),
    "sites": Provenance(
        source=_RULE,
        licence=_OWN,
        note="SAMPLED: stations placed by rule, other sites at random; none stands there in reality."
        " / 抽样：派出所按规则布设，其他点位随机生成，均非真实点位。",
    ),
    "calls": Provenance(
        source=_RULE,
        licence=_OWN,
        note="SAMPLED: drawn from a documented, seeded model with planted effects (truth.json); no real call"
        " and no real place is described."
        " / 抽样：由公开的随机模型按种子生成，含已知的植入效应（truth.json），不描述任何真实警情或地点。",
    ),
}


def demo_city(model: DemoModel | None = None, job: Job | None = None) -> tuple[City, Truth]:
    """The demo city and the truth about its sampled calls; nothing is written."""
    model, job = model or DemoModel(), job or Job()
    city = City.build(
        demo_roads(),
        name_zh="武汉（演示）",
        name_en="Wuhan (demo)",
        tz=TIME_ZONE,
        crs=CRS,
        areas=precincts().areas(),
        sites=sites(),
        state="SAMPLED",
        categories={k.key: Category(k.zh, k.en, k.priority) for k in KINDS},
        rings_s=RINGS_S,
        speed={"class_kmh": {"pedestrian": PEDESTRIAN_KMH}},
        provenance=PROVENANCE,
        job=job,
    )
    with job.stage("sampling calls"):
        calls, truth = sample(model, job)
    # They are on the network and in order already.
    return city.replaced(calls=calls), truth


def write_demo(
    folder: Path | str,
    *,
    seed: int = 2022,
    n_calls: int = 300_000,
    years: int = 3,
    model: DemoModel | None = None,
    job: Job | None = None,
) -> City:
    """Write the demo city into a folder, with ``truth.json`` beside its layers.

    Parameters
    ----------
    folder : path
        New, empty, or an earlier city.
    seed, n_calls, years
        Of the calls; ``n_calls`` is the expected number of background calls a year.
    model : DemoModel, optional
        All parameters of the calls, in place of the three.
    job : Job, optional

    Raises
    ------
    AnlanError
        If a parameter is impossible or the folder cannot be written.
    """
    job = job or Job()
    city, truth = demo_city(model or DemoModel(seed=seed, n_calls=n_calls, years=years), job)
    with job.stage("writing"):
        saved = city.save(Path(folder))
        with replacing(Path(folder) / FILE) as out:
            out.write_text(truth.dumps(), encoding="utf-8")
    return saved
