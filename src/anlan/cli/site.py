"""`anlan site`: where stations should stand, with the proof of how good the answer is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from anlan.cli.output import emit
from anlan.cli.progress import job_on_terminal

City = Annotated[Path, typer.Argument(help="The city folder.", metavar="CITY")]
Out = Annotated[
    Path | None, typer.Option("--out", help="Folder for plan/, sites.csv, sites.geojson and answer.json.")
]
Gap = Annotated[float, typer.Option(help="Relative gap to the bound at which the search may stop.")]
TimeLimit = Annotated[float, typer.Option("--time-limit", help="Seconds after which it stops anyway.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random; the same seed gives the same answer.")]
Language = Annotated[str, typer.Option(help="Language of the summary: zh or en.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def site(
    city: City,
    out: Out = None,
    model: Annotated[
        str,
        typer.Option(
            help="mclp: most calls within the rings. p_median: shortest mean travel. p_center: shortest worst "
            "travel. lscp: fewest sites that have everybody within the last ring. mexclp: units that are "
            "sometimes busy. dsm: two units within the middle ring, one within the last for everybody."
        ),
    ] = "mclp",
    count: Annotated[
        int | None, typer.Option("--count", help="Sites (mexclp, dsm: units) in all; by default as now.")
    ] = None,
    next_k: Annotated[
        int | None, typer.Option("--next", help="Keep every present station and add so many.")
    ] = None,
    reach: Annotated[
        str | None,
        typer.Option(help="Response rings in minutes, such as 1,3,5; by default the city's standard."),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="Id of a site that must be used. Repeatable.")
    ] = None,
    forbid: Annotated[
        list[str] | None, typer.Option("--forbid", help="Id of a site that must not be used. Repeatable.")
    ] = None,
    candidates: Annotated[
        Path | None,
        typer.Option("--candidates", help="Your own candidate sites (CSV, GeoJSON…) beside the stations."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", help="Otherwise at most so many busy places and junctions.")
    ] = 1000,
    budget: Annotated[float | None, typer.Option(help="Most that all sites may cost together.")] = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="Table with id and price of sites; 1 for the others.")
    ] = None,
    demand: Annotated[
        Path | None,
        typer.Option("--demand", help="Table area,calls or lon,lat,calls instead of the city's calls."),
    ] = None,
    weeks: Annotated[float, typer.Option(help="Over how many weeks that table was counted.")] = 1.0,
    train_weeks: Annotated[int, typer.Option(help="Last weeks of calls to learn demand from.")] = 52,
    busy: Annotated[
        float | None, typer.Option(help="mexclp: busy share of units; by default from the calls.")
    ] = None,
    service_min: Annotated[
        float | None,
        typer.Option("--service", help="mexclp: minutes a call keeps a unit, if the calls do not say."),
    ] = None,
    alternatives: Annotated[int, typer.Option(help="How many other good choices to look for.")] = 2,
    gap: Gap = 0.005,
    time_limit: TimeLimit = 60.0,
    seed: Seed = 1,
    language: Language = "en",
    json: Json = False,
) -> None:
    """Choose stations: the best so many, or the next so many, with a proven bound.

    Says what was chosen, how good it is, how much better any choice could be at most, what is lost if a
    site closes, and which other choices are nearly as good. Ctrl+C ends the search with the best answer so
    far, which is written all the same (exit code 130). Exit code 1: no choice meets what was asked.
    """
    from anlan.campaign.site import SiteOptions, site_city
    from anlan.city.city import City as CityFolder

    options = SiteOptions(
        model=model.replace("-", "_"),
        count=count,
        next_k=next_k,
        rings_s=_rings(reach),
        keep=tuple(keep or ()),
        forbid=tuple(forbid or ()),
        candidates=candidates,
        limit=limit,
        budget=budget,
        prices=prices,
        demand=demand,
        weeks=weeks,
        train_weeks=train_weeks,
        busy=busy,
        service_s=None if service_min is None else 60.0 * service_min,
        alternatives=alternatives,
        gap=gap,
        time_limit_s=time_limit,
        seed=seed,
    )
    counted = "--next" if count is None and next_k is not None else "--count"
    with job_on_terminal(quiet=json) as job, _as_options(counted):
        result = site_city(CityFolder.load(city), options, out, job=job)
    emit(result.as_dict(), json, result.lines(language))
    if job.cancelled:
        raise typer.Exit(130)
    if not result.answered:
        raise typer.Exit(1)


def site_lines(
    city: City,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for plan/ and sites.geojson.")] = None,
    lines: Annotated[str, typer.Option(help="Which lines: waterway, shore or all.")] = "waterway",
    kind: Annotated[
        str, typer.Option(help="Kind of the equipment; sites of it beside a line stay.")
    ] = "pole",
    every: Annotated[float, typer.Option(help="A candidate at least every so many metres.")] = 100.0,
    count: Annotated[
        int | None, typer.Option("--count", help="So many new places: as short a worst gap as can be.")
    ] = None,
    longest_gap: Annotated[
        float | None, typer.Option("--gap-m", help="Instead: as few as keep every gap to so many metres.")
    ] = None,
    towns: Annotated[
        Path | None, typer.Option("--towns", help="Points (CSV, GeoJSON…) that must have one in reach.")
    ] = None,
    walk: Annotated[float, typer.Option(help="Minutes to walk from a town to equipment.")] = 10.0,
    time_limit: TimeLimit = 60.0,
    seed: Seed = 1,
    language: Language = "en",
    json: Json = False,
) -> None:
    """Place rescue poles and other equipment along waterways and shores, with a proven bound.

    With --towns alone: as few as serve every town, and with so many the shortest worst gap. Exit code 1:
    nothing meets what was asked, and the message says what would.
    """
    from anlan.city.city import City as CityFolder
    from anlan.siting.equipment import plan_equipment

    sites = None
    if towns is not None:
        from anlan.city.readers.site_layer import read_sites

        sites, _ = read_sites(towns, kind="town")
    with job_on_terminal(quiet=json) as job, job.stage("siting along lines"), _as_options("--count"):
        found = plan_equipment(
            CityFolder.load(city),
            line_kind=lines,
            kind=kind,
            every_m=every,
            p=count,
            longest_gap_m=longest_gap,
            towns=sites,
            reach_s=60.0 * walk,
            time_limit_s=time_limit,
            seed=seed,
            job=job,
        )
    if out is not None and len(found.plan.sites):
        found.save(out)
    emit(found.as_dict(), json, [t.zh if language == "zh" else t.en for t in found.summary()])
    if job.cancelled:
        raise typer.Exit(130)
    if not len(found.plan.sites):
        raise typer.Exit(1)


def site_beats(
    city: City,
    plan: Annotated[
        Path | None, typer.Option("--plan", help="Plan folder whose posts get a beat; by default stations.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for beats.geojson and beats.csv.")] = None,
    demand: Annotated[
        Path | None,
        typer.Option("--demand", help="Table area,calls or lon,lat,calls instead of the city's calls."),
    ] = None,
    weeks: Annotated[float, typer.Option(help="Over how many weeks that table was counted.")] = 1.0,
    balance: Annotated[
        float, typer.Option(help="Heaviest beat over the mean that is good enough; then travel is shortened.")
    ] = 1.05,
    patrol_share: Annotated[
        float, typer.Option("--patrol-share", help="Share of work that is streets to be seen, by length.")
    ] = 0.2,
    time_limit: TimeLimit = 60.0,
    seed: Seed = 1,
    language: Language = "en",
    json: Json = False,
) -> None:
    """Divide the streets into beats around posts: each in one piece, all with about the same work."""
    from anlan.campaign.site import SiteOptions, beats_city
    from anlan.city.city import City as CityFolder
    from anlan.model.plan import Plan

    options = SiteOptions(demand=demand, weeks=weeks, time_limit_s=time_limit, seed=seed)
    with job_on_terminal(quiet=json) as job:
        found = beats_city(
            CityFolder.load(city),
            None if plan is None else Plan.load(plan),
            out,
            options,
            balance=balance,
            patrol_share=patrol_share,
            job=job,
        )
    emit(found.as_dict(), json, [t.zh if language == "zh" else t.en for t in found.summary()])
    if job.cancelled:
        raise typer.Exit(130)


@contextmanager
def _as_options(count: str) -> Iterator[None]:
    """Errors speak of the options that were typed, not of the model's own letters."""
    from anlan.core.errors import AnlanError

    typed = {"p": count, "next_k": "--next", "budget": "--budget", "gap": "--gap"}
    try:
        yield
    except AnlanError as error:

        def named(text: str) -> str:
            text = re.sub(r"\b(p|next_k|budget|gap) = (?=\S)", lambda m: f"{typed[m[1]]} ", text)
            return re.sub(r"\b(raise|in|give) p\b", lambda m: f"{m[1]} {count}", text)

        raise AnlanError(
            named(error.value), named(error.rule), named(error.remedy), code=error.code
        ) from error


def _rings(text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        rings = tuple(60.0 * float(part) for part in text.split(","))
    except ValueError:
        rings = ()
    if not rings or rings[0] <= 0 or any(a >= b for a, b in pairwise(rings)):
        from anlan.core.errors import AnlanError

        raise AnlanError(
            f"--reach {text}", "it is minutes in ascending order", "write for example 1,3,5", code="rings"
        )
    return rings
