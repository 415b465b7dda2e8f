"""`anlan analyse`: what stands out and where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anlan.cli.output import emit
from anlan.cli.plan import language_of
from anlan.cli.progress import job_on_terminal

City = Annotated[Path, typer.Argument(help="The city folder.", metavar="CITY")]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for the report and its tables; CITY-analysis here by default."),
]


def analyse(
    city: City,
    out: Out = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="First day, YYYY-MM-DD.", metavar="DATE")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Last day, included, YYYY-MM-DD.", metavar="DATE")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", help="Only this category. Repeatable.")
    ] = None,
    cell_m: Annotated[float, typer.Option(help="Side of the cells, metres.")] = 250.0,
    budget: Annotated[float, typer.Option(help="Share of the ground that targets may take.")] = 0.02,
    held_out: Annotated[
        int, typer.Option("--held-out", help="Last weeks, held out to prove the targets on.")
    ] = 8,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    language: Annotated[str, typer.Option(help="Language the report opens in: zh or en.")] = "zh",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say what stands out and where: prominent categories, hot and emerging places, targets.

    Writes OUT/report.html (opens offline, both languages), CSV tables and GeoJSON of hot places and streets.
    Only calls that the public reported are used. Ctrl+C writes the parts that are finished.
    """
    from anlan.campaign.analyse import analyse_city
    from anlan.campaign.period import window
    from anlan.campaign.surveyed import SurveyOptions
    from anlan.city.city import City as CityFolder

    place = CityFolder.load(city)
    with job_on_terminal(quiet=json) as job:
        result = analyse_city(
            place,
            out or Path(f"{city.resolve().name}-analysis"),
            SurveyOptions(seed=seed, cell_m=cell_m, budget_share=budget, held_out_weeks=held_out),
            window=window(begin, until, place.tz),
            categories=category or [],
            language=language_of(language),
            job=job,
        )
    emit(result.as_dict(), json, result.lines())
    job.check()
