"""The use cases behind `anlan site` and `anlan site-beats`: from a city folder to files."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from anlan import __version__
from anlan.campaign.naming import days
from anlan.city.city import City
from anlan.city.present import present_plan
from anlan.core.errors import AnlanError
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.core.plain import plain
from anlan.core.text import Text
from anlan.core.time import WEEK_S
from anlan.hotspots import demand as learn_demand
from anlan.hotspots.profiles import whole_days
from anlan.model import Calls, Demand, Plan, Sites
from anlan.siting.answer import Alternative, Loss
from anlan.siting.beats import Beats, plan_beats
from anlan.siting.busy import Workload
from anlan.siting.demand_table import read_demand
from anlan.siting.stations import StationPlan, plan_stations, workload
from anlan.siting.table import SiteRow, site_rows, write_csv, write_geojson
from anlan.siting.words import summary


@dataclass(frozen=True)
class SiteOptions:
    """What `anlan site` can be told.

    Attributes
    ----------
    model : str
        See `anlan.siting.plan_stations`.
    count : int, optional
        Sites in all (units, where the model places units); as many as at present where left out.
    next_k : int, optional
        Instead: all present stations stay, and so many come on top.
    rings_s : tuple of float, optional
        Seconds; the city's standard where left out.
    keep, forbid : tuple of str
        Ids of sites that must, and must not, be used.
    candidates : Path, optional
        The user's own candidates: a layer of points; beside the stations, instead of made ones.
    limit : int
        Most candidates that are made where no layer is given.
    budget : float, optional
        Most that the sites may cost together.
    prices : Path, optional
        Table ``id, price``; sites that are not in it cost 1.
    demand : Path, optional
        A table of counts instead of the city's calls; see `anlan.siting.read_demand`.
    weeks : float
        Over how many weeks that table was counted.
    train_weeks : int
        Last weeks of the calls from which demand is learnt.
    busy : float, optional
        Busy share of units; worked out from the calls by the hypercube where left out.
    service_s : float, optional
        Seconds a call keeps a unit besides the way there, where the calls do not say.
    alternatives : int
        How many other choices to look for.
    gap, time_limit_s, seed
        As in `anlan.siting.mclp`.
    """

    model: str = "mclp"
    count: int | None = None
    next_k: int | None = None
    rings_s: tuple[float, ...] | None = None
    keep: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    candidates: Path | None = None
    limit: int = 1000
    budget: float | None = None
    prices: Path | None = None
    demand: Path | None = None
    weeks: float = 1.0
    train_weeks: int = 52
    busy: float | None = None
    service_s: float | None = None
    alternatives: int = 2
    gap: float = 0.005
    time_limit_s: float = 60.0
    seed: int = 1

    def as_dict(self) -> dict[str, Any]:
        """For provenance: what was set, as plain values."""
        plain = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(self).items()}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items() if v not in (None, ())}


@dataclass(frozen=True, eq=False)
class SiteResult:
    """What `anlan site` found.

    Attributes
    ----------
    found : StationPlan
    losses : sequence of Loss
        One for each chosen site, in their order; empty where the model is infeasible.
    alternatives : sequence of Alternative
    rows : sequence of SiteRow
    sentences : sequence of Text
    out : Path or None
        Where it was written.
    """

    found: StationPlan
    losses: Sequence[Loss]
    alternatives: Sequence[Alternative]
    rows: Sequence[SiteRow]
    sentences: Sequence[Text]
    out: Path | None = None

    @property
    def answered(self) -> bool:
        """Whether there are sites."""
        return bool(len(self.found.siting.sites))

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        f, s = self.found, self.found.siting
        ids = f.candidates.id
        return {
            "model": f.model,
            "status": s.status,
            "objective": s.objective,
            "bound": s.bound,
            "gap": s.gap,
            "seconds": s.seconds,
            "message": s.message,
            "relaxation": dict(s.relaxation),
            "unreachable": [str(f.demand.place[k]) for k in s.unreachable[:100]],
            "present_objective": f.present_objective,
            "rings_s": list(f.rings_s),
            "present": asdict(f.present),
            "proposed": asdict(f.proposed),
            "candidates": len(f.candidates),
            "left_out_a_week": f.left_out,
            "sites": [asdict(row) for row in self.rows],
            "alternatives": [
                {
                    "price": other.price,
                    "objective": other.objective,
                    "status": other.siting.status,
                    "sites": [str(i) for i in ids[other.sites]],
                    "closed": [str(i) for i in ids[other.closed]],
                    "opened": [str(i) for i in ids[other.opened]],
                }
                for other in self.alternatives
            ],
            "summary": {"zh": [t.zh for t in self.sentences], "en": [t.en for t in self.sentences]},
            "history": [list(moment) for moment in s.history],
            "out": None if self.out is None else str(self.out),
        }

    def lines(self, language: str = "en") -> list[str]:
        """For people."""
        out = [t.zh if language == "zh" else t.en for t in self.sentences]
        if self.out is not None and self.answered:
            out += [f"plan:    {self.out / 'plan'}", f"sites:   {self.out / 'sites.csv'}, sites.geojson"]
        return out


def site_city(
    city: City, options: SiteOptions | None = None, out: Path | None = None, *, job: Job | None = None
) -> SiteResult:
    """Choose stations for a city and write the answer.

    Parameters
    ----------
    city : City
    options : SiteOptions, optional
    out : Path, optional
        Gets ``plan/``, ``sites.csv``, ``sites.geojson`` and ``answer.json``; nothing is written where the
        model is infeasible.
    job : Job, optional
        When it is cancelled during the search, the best answer so far is written all the same.

    Raises
    ------
    AnlanError
        If an input is wrong or there is no demand.
    Cancelled
        If the job is stopped before there is any answer.
    """
    options, job = options or SiteOptions(), job or Job()
    if out is not None and out.exists() and not out.is_dir():
        raise AnlanError(f"{out}", "the output is a folder", "name another with --out", code="not_a_folder")
    with job.stage("demand"):
        present = _present(city)
        demand, lost, learnt = _demand(city, options)
    with job.stage("travel times"):
        layer, prices = _candidates(options), _prices(options.prices)
        busy: Workload | float | None = options.busy
        if options.model == "mexclp" and busy is None:
            busy = workload(city, demand, options.service_s)
        job.check()
    with job.stage(f"siting, {options.model}"):
        found = plan_stations(
            city,
            demand,
            model=options.model,
            p=options.count,
            next_k=options.next_k,
            present=present,
            candidates=layer,
            limit=options.limit,
            rings_s=options.rings_s,
            keep=options.keep,
            forbid=options.forbid,
            site_cost=prices,
            budget=options.budget,
            busy=busy,
            gap=options.gap,
            time_limit_s=options.time_limit_s,
            seed=options.seed,
            job=job,
        )
    found = replace(found, left_out=found.left_out + lost, plan=_signed(city, found, options))
    losses, others = questioned(found, options.alternatives, options.time_limit_s, options.gap, job)
    rows = site_rows(city, found, losses)
    result = SiteResult(found, losses, others, rows, [*summary(found, losses, others), learnt], out)
    if out is not None and result.answered:
        _write(result, out)
    return result


def beats_city(
    city: City,
    plan: Plan | None,
    out: Path | None,
    options: SiteOptions,
    *,
    balance: float = 1.05,
    patrol_share: float = 0.2,
    job: Job | None = None,
) -> Beats:
    """Divide a city's streets into beats around the manned posts of a plan, or around today's stations.

    Parameters
    ----------
    city : City
    plan : Plan, optional
        The present layout where left out.
    out : Path, optional
        Gets ``beats.geojson`` and ``beats.csv``.
    options : SiteOptions
        Its demand, time limit and seed.
    balance, patrol_share, job
        See `anlan.siting.plan_beats`.

    Raises
    ------
    AnlanError
        If there is neither a plan nor a station, or no demand.
    """
    job = job or Job()
    with job.stage("demand"):
        base = plan if plan is not None else present_plan(city)
        posts = base.sites.take(np.isin(base.sites.id.astype(str), base.posts.site.astype(str)))
        demand, _, _ = _demand(city, options)
        posts = city.placed(posts)
    with job.stage("beats"):
        found = plan_beats(
            city,
            demand,
            posts.take(posts.edge >= 0),
            patrol_share=patrol_share,
            balance=balance,
            time_limit_s=options.time_limit_s,
            seed=options.seed,
            job=job,
        )
    if out is not None and len(found.siting.sites):
        found.save(city, out)
    return found


def questioned(
    found: StationPlan, k: int, time_limit_s: float, gap: float, job: Job
) -> tuple[list[Loss], list[Alternative]]:
    """What is lost if each site closes, and other choices; nothing where there is no answer.

    After a cancelled search only the first is worked out: it takes no search.
    """
    siting = found.siting
    if not len(siting.sites) or siting.behind is None:
        return [], []
    losses = [siting.without(int(site)) for site in siting.sites]
    if job.cancelled or k < 1 or len(siting.sites) < 2:
        return losses, []
    with job.stage("alternatives"):
        # An alternative is worth no more searching than the answer itself took.
        seconds = min(time_limit_s, max(1.0, 2.0 * siting.seconds))
        apart = max(1, len(found.new) // 10)
        return losses, list(siting.alternatives(k, swaps=apart, time_limit_s=seconds, gap=gap))


def _present(city: City) -> Plan | None:
    """Today's layout, where the city has stations."""
    if not len(city.sites) or not len(city.sites.of_kind("station")):
        return None
    return present_plan(city)


def _demand(city: City, options: SiteOptions) -> tuple[Demand, float, Text]:
    """Demand, the calls a week that could not be placed, and what it was learnt from in words."""
    if options.demand is not None:
        table = options.demand.name
        told = Text(
            f"需求取自表 {table}，按 {options.weeks:g} 周的合计计算。",
            f"Demand is that of the table {table}, taken as counted over {options.weeks:g} weeks.",
        )
        return *read_demand(city, options.demand, weeks=options.weeks), told
    if not len(city.calls):
        raise AnlanError(
            f"{city.name()} without calls",
            "sites are chosen for a demand",
            "add calls with `anlan city add-calls`, or give a table of counts with --demand",
            code="no_calls",
        )
    calls = city.calls
    timed = calls.take((calls.edge >= 0) & (calls.received == calls.received))
    last = float(timed.received.max()) if len(timed) else 0.0
    recent = timed.take(timed.received >= last - options.train_weeks * WEEK_S)
    demand = learn_demand(recent, tz=city.tz)
    return demand, 0.0, _learnt(city, recent, demand)


def _learnt(city: City, recent: Calls, demand: Demand) -> Text:
    """From how many calls of which weeks and sources the demand was learnt."""
    begin, end = days(whole_days(recent.take(recent.source == "reported").received, city.tz), city.tz)
    used, left = round(float(demand.count.sum())), int((recent.source != "reported").sum())
    zh = f"未用其间 {left:,} 起其他来源的警情（如巡逻发现的）。" if left else ""
    en = (
        f" {left:,} calls of other sources in that time, such as what patrols found, are not used."
        if left
        else ""
    )
    return Text(
        f"需求学自 {begin} 至 {end}（{demand.weeks:.0f} 周）群众报警的 {used:,} 起警情。{zh}",
        f"Demand was learnt from {used:,} calls reported by the public from {begin} to {end} "
        f"({demand.weeks:.0f} weeks).{en}",
    )


def _candidates(options: SiteOptions) -> Sites | None:
    """The user's layer of candidates."""
    if options.candidates is None:
        return None
    from anlan.city.readers.site_layer import read_sites

    return read_sites(options.candidates, kind="candidate")[0]


def _prices(path: Path | None) -> dict[str, float] | None:
    """Price of sites by id, from a table ``id, price``."""
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            return {str(row["id"]).strip(): float(row["price"]) for row in csv.DictReader(source)}
    except FileNotFoundError:
        raise AnlanError(
            f"{path}", "a table of prices is a CSV file", "check the path", code="file_missing"
        ) from None
    except (KeyError, TypeError, ValueError) as error:
        raise AnlanError(
            f"{path}, {error}",
            "a table of prices has the columns id and price, a number for each site",
            "correct it; sites that are not in it cost 1",
            code="prices",
        ) from None


def _signed(city: City, found: StationPlan, options: SiteOptions) -> Plan:
    """The plan with where it came from."""
    s = found.siting
    origin = {
        "anlan": __version__,
        "city": city.name("en"),
        "state": city.settings.state,
        "method": found.model,
        "options": options.as_dict(),
        "objective": s.objective,
        "bound": s.bound,
        "gap": s.gap,
        "status": s.status,
    }
    return replace(found.plan, provenance=origin)


def _write(result: SiteResult, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    result.found.plan.save(out / "plan")
    write_csv(out / "sites.csv", result.rows)
    s = result.found.siting
    facts = {"model": result.found.model, "objective": s.objective, "bound": s.bound, "status": s.status}
    write_geojson(out / "sites.geojson", result.rows, facts)
    with replacing(out / "answer.json") as path:
        path.write_text(json.dumps(plain(result.as_dict()), ensure_ascii=False, indent=1), encoding="utf-8")
