"""`anlan plan` and `anlan demo`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from anlan.cli.output import emit
from anlan.cli.progress import job_on_terminal

City = Annotated[Path, typer.Argument(help="The city folder.", metavar="CITY")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the plan and its report; made if missing.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random; the same seed gives the same plan.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def plan(
    city: City,
    out: Out,
    seed: Seed = 1,
    test_weeks: Annotated[int, typer.Option(help="Last weeks, held out to prove the plan on.")] = 4,
    train_weeks: Annotated[int, typer.Option(help="Weeks before them to learn demand from.")] = 52,
    replications: Annotated[int, typer.Option(help="Replications of the simulation.")] = 5,
    cell_m: Annotated[float, typer.Option(help="Side of the demand cells, metres.")] = 250.0,
    candidates: Annotated[int, typer.Option(help="At most so many places are considered for posts.")] = 1000,
    gap: Annotated[float, typer.Option(help="Optimality gap at which siting may stop.")] = 0.015,
    language: Annotated[str, typer.Option(help="Language the report opens in: zh or en.")] = "zh",
    fresh: Annotated[bool, typer.Option("--fresh", help="Do every stage again, even finished ones.")] = False,
    json: Json = False,
) -> None:
    """Plan a city: load, analyse, site, simulate, report.

    Writes OUT/report.html (opens offline, both languages), OUT/plan (the plan folder that --plan reads),
    OUT/sites.csv and OUT/outcomes.parquet. Stopped half-way, it goes on from the last finished stage.
    """
    from anlan.campaign.options import PlanOptions
    from anlan.campaign.plan import plan_city
    from anlan.city.city import City as CityFolder

    options = PlanOptions(
        seed=seed,
        test_weeks=test_weeks,
        train_weeks=train_weeks,
        replications=replications,
        cell_m=cell_m,
        candidates=candidates,
        gap=gap,
    )
    with job_on_terminal(quiet=json) as job:
        result = plan_city(
            CityFolder.load(city), out, options, language=language_of(language), fresh=fresh, job=job
        )
    emit(result.as_dict(), json, result.lines())


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo city goes; kept if it is there.")] = Path(
        "demo-city"
    ),
    out: Annotated[Path, typer.Option("--out", help="Where the plan goes.")] = Path("demo-plan"),
    seed: Seed = 1,
    language: Annotated[str, typer.Option(help="Language the report opens in: zh or en.")] = "zh",
    json: Json = False,
) -> None:
    """Run the main job on the embedded demo city: Wuhan's real streets, SAMPLED calls."""
    from anlan.campaign.options import PlanOptions
    from anlan.campaign.plan import plan_city
    from anlan.city.city import City as CityFolder
    from anlan.city.demo import write_demo

    with job_on_terminal(quiet=json) as job:
        if not (folder / "city.toml").exists():
            write_demo(folder, job=job)
        result = plan_city(
            CityFolder.load(folder), out, PlanOptions(seed=seed), language=language_of(language), job=job
        )
    emit(result.as_dict(), json, result.lines())


def language_of(text: str) -> Literal["zh", "en"]:
    """The language that the report opens in."""
    if text in ("zh", "en"):
        return text  # type: ignore[return-value]
    from anlan.core.errors import AnlanError

    raise AnlanError(f"--language {text}", "the report speaks zh and en", "use one of them")
