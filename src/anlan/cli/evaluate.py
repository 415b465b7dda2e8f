"""`anlan evaluate`: what a campaign changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anlan.cli.output import emit
from anlan.cli.plan import language_of
from anlan.cli.progress import job_on_terminal

City = Annotated[Path, typer.Argument(help="The city folder.", metavar="CITY")]
Areas = "Codes or names of areas with commas between them, or a GeoJSON file of shapes."


def evaluate(
    city: City,
    treated: Annotated[str, typer.Option("--treated", help=f"Where something was done. {Areas}")],
    begin: Annotated[
        str, typer.Option("--from", help="First day of the campaign, YYYY-MM-DD.", metavar="DATE")
    ],
    until: Annotated[str, typer.Option("--until", help="Last day, included, YYYY-MM-DD.", metavar="DATE")],
    controls: Annotated[
        list[str] | None,
        typer.Option(
            "--controls",
            help="Areas to compare with, NAME=AREA,AREA or AREA,AREA; sets made by rule stand beside it. Repeatable.",
        ),
    ] = None,
    displacement: Annotated[
        str | None, typer.Option("--displacement", help="Areas to which crime may have moved.")
    ] = None,
    displacement_controls: Annotated[
        str | None,
        typer.Option(
            "--displacement-controls", help="Their own controls; by default every second control area."
        ),
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option("--start", help="An area that began on another day: AREA=DATE. Repeatable."),
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", help="Count only this category. Repeatable.")
    ] = None,
    chosen_for_count: Annotated[
        bool, typer.Option("--chosen-for-count", help="The areas were chosen because they had many calls.")
    ] = False,
    without_controls: Annotated[
        bool, typer.Option("--without-controls", help="Compare with the past alone; weak.")
    ] = False,
    name: Annotated[str, typer.Option(help="Name of the campaign.")] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the report and its tables; CITY-account here by default."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    language: Annotated[str, typer.Option(help="Language the report opens in: zh or en.")] = "zh",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Account for a campaign: what changed where something was done, beside where nothing was.

    Writes OUT/report.html with the map, every comparison that the design allows and its interval, and tables.
    Several control sets stand side by side; areas next to the treated ones are never controls by rule.
    """
    from anlan.campaign.account import AccountOptions
    from anlan.campaign.evaluate import evaluate_city
    from anlan.city.city import City as CityFolder

    options = AccountOptions(
        treated=treated,
        begin=begin,
        until=until,
        controls=_named(controls or []),
        displacement=displacement,
        displacement_controls=displacement_controls,
        starts=_pairs(start or []),
        categories=tuple(category or ()),
        chosen_for_count=chosen_for_count,
        without_controls=without_controls,
        name=name,
        seed=seed,
    )
    with job_on_terminal(quiet=json) as job:
        result = evaluate_city(
            CityFolder.load(city),
            out or Path(f"{city.resolve().name}-account"),
            options,
            language=language_of(language),
            job=job,
        )
    emit(result.as_dict(), json, result.lines())


def _named(given: list[str]) -> dict[str, str]:
    out = {}
    for number, text in enumerate(given, start=1):
        name, mark, areas = text.partition("=")
        out[name.strip() if mark else f"named {number}"] = areas if mark else text
    return out


def _pairs(given: list[str]) -> dict[str, str]:
    from anlan.core.errors import AnlanError

    out = {}
    for text in given:
        area, mark, when = text.rpartition("=")
        if not mark:
            raise AnlanError(
                f"--start {text}", "it is an area and a date", "write AREA=YYYY-MM-DD", code="start"
            )
        out[area.strip()] = when.strip()
    return out
