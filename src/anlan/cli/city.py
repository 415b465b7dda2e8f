"""`anlan city`: make a city folder, add calls to it, check it, describe it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anlan.cli.output import emit
from anlan.cli.progress import job_on_terminal

if TYPE_CHECKING:
    from anlan.city.add_calls import AddReport

app = typer.Typer(
    no_args_is_help=True,
    help="A city is a folder: city.toml and GeoParquet layers (roads, areas, sites, lines, calls).",
)

Folder = Annotated[Path, typer.Argument(help="The city folder.", metavar="CITY")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Calls = Annotated[
    list[Path] | None,
    typer.Option("--calls", help="Table of calls: CSV, Excel or Parquet; may be given several times."),
]
Mapping = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="A call column that is not recognised: FIELD=COLUMN, such as received=接警时刻. Repeatable.",
    ),
]
System = Annotated[
    str | None,
    typer.Option("--coordinates", help="Coordinate system of the calls: wgs84, cgcs2000, gcj02 or bd09."),
]
CallsCrs = Annotated[str | None, typer.Option("--calls-crs", help="Projected system of the calls' x and y.")]
Sheet = Annotated[str | None, typer.Option("--sheet", help="Sheet of an Excel file.")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of a text table, if detection errs: gb18030…")]
Delimiter = Annotated[str | None, typer.Option(help="Delimiter of a text table, if detection errs.")]
Header = Annotated[int | None, typer.Option(help="Line (from 1) that holds the column names.")]
DateOrder = Annotated[str | None, typer.Option(help="Order of the parts of a date: ymd, dmy or mdy.")]
Swap = Annotated[bool, typer.Option("--swap", help="Longitude and latitude are swapped in the table.")]
Source = Annotated[
    str | None, typer.Option(help="Who noticed all these calls: reported, discovered, device, unknown.")
]


@app.command("build")
def build(
    folder: Folder,
    roads: Annotated[
        list[Path],
        typer.Option(
            "--roads",
            help=".osm.pbf, GeoParquet, GeoPackage, GeoJSON, shapefile, CSV with WKT; or two CSVs: nodes, arcs.",
        ),
    ],
    tz: Annotated[str, typer.Option("--tz", help="IANA time zone of the place, such as Asia/Shanghai.")] = "",
    name_zh: Annotated[str, typer.Option("--name-zh", help="Name in Chinese.")] = "",
    name_en: Annotated[str, typer.Option("--name-en", help="Name in English.")] = "",
    areas: Annotated[Path | None, typer.Option("--areas", help="Areas: GeoJSON or GeoPackage.")] = None,
    sites: Annotated[Path | None, typer.Option("--sites", help="Stations: CSV, GeoJSON, GeoPackage.")] = None,
    crs: Annotated[
        str | None, typer.Option("--crs", help="Projected system in metres; by default UTM.")
    ] = None,
    calls: Calls = None,
    mapping: Mapping = None,
    coordinates: System = None,
    calls_crs: CallsCrs = None,
    sheet: Sheet = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    date_order: DateOrder = None,
    swap: Swap = False,
    source: Source = None,
    json: Json = False,
) -> None:
    """Build a city folder from files; an existing city is replaced only when the new one is whole."""
    from anlan.city.build import refuse_missing
    from anlan.city.city import City

    refuse_missing(roads, areas, sites, calls)
    with job_on_terminal(quiet=json) as job:
        city = City.build(
            roads[0] if len(roads) == 1 else (roads[0], roads[1]),
            name_zh=name_zh,
            name_en=name_en or ("" if name_zh else folder.name),
            tz=tz,
            crs=crs,
            areas=areas,
            sites=sites,
            job=job,
        ).save(folder)
        added = _add(
            city,
            calls or [],
            mapping or [],
            job,
            coordinate_system=coordinates,
            crs=calls_crs,
            sheet=sheet,
            encoding=encoding,
            delimiter=delimiter,
            header=header,
            date_order=date_order,
            swap=swap,
            source=source,
        )
    city = City.load(folder)
    emit(
        {"city": city.info(), "calls": [report.to_dict() for report in added]},
        json,
        [*_describe(city.info()), *_added_lines(added)],
    )


@app.command("add-calls")
def add_calls(
    folder: Folder,
    calls: Annotated[list[Path], typer.Argument(help="Tables of calls: CSV, Excel or Parquet.")],
    mapping: Mapping = None,
    coordinates: System = None,
    calls_crs: CallsCrs = None,
    sheet: Sheet = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    date_order: DateOrder = None,
    swap: Swap = False,
    source: Source = None,
    json: Json = False,
) -> None:
    """Add calls to a city; a file that overlaps an earlier one doubles nothing."""
    from anlan.city.build import refuse_missing
    from anlan.city.city import City

    refuse_missing(calls)
    with job_on_terminal(quiet=json) as job:
        added = _add(
            City.load(folder),
            calls,
            mapping or [],
            job,
            coordinate_system=coordinates,
            crs=calls_crs,
            sheet=sheet,
            encoding=encoding,
            delimiter=delimiter,
            header=header,
            date_order=date_order,
            swap=swap,
            source=source,
        )
    emit({"calls": [report.to_dict() for report in added]}, json, _added_lines(added))


@app.command("check")
def check(
    folder: Folder,
    language: Annotated[str, typer.Option(help="zh or en.")] = "en",
    json: Json = False,
) -> None:
    """Report what was read, kept and dropped, and what is wrong with the data; exit code 1 on errors."""
    from anlan.city.check import check as check_city
    from anlan.city.city import City

    with job_on_terminal(quiet=json) as job:
        report = check_city(City.load(folder), job=job)
    emit(report.to_dict(), json, report.text(language).splitlines())
    if any(f.severity == "error" for f in report.findings):
        raise typer.Exit(1)


@app.command("demo")
def demo(
    folder: Folder,
    seed: Annotated[int, typer.Option(help="Seed of the sampled calls.")] = 2022,
    json: Json = False,
) -> None:
    """Write the demo city: Wuhan's real streets with SAMPLED calls, stations and precincts."""
    from anlan.city.demo import write_demo

    with job_on_terminal(quiet=json) as job:
        city = write_demo(folder, seed=seed, job=job)
    emit(city.info(), json, _describe(city.info()))


@app.command("info")
def info(folder: Folder, json: Json = False) -> None:
    """Describe a city folder: layers, rows, span of the calls, where it all came from."""
    from anlan.city.city import City

    city = City.load(folder)
    emit(city.info(), json, _describe(city.info()))


def _add(
    city: Any,
    paths: list[Path],
    mapping: list[str],
    job: Any,
    **options: Any,
) -> list[AddReport]:
    from anlan.city.add_calls import add_calls_file

    columns = dict(_pair(text) for text in mapping)
    out: list[AddReport] = []
    for path in paths:
        with job.stage(f"calls: {path.name}"):
            city, report = add_calls_file(city, path, mapping=columns, job=job, **options)
        out.append(report)
    return out


def _pair(text: str) -> tuple[str, str]:
    field, sign, column = text.partition("=")
    if not sign:
        from anlan.core.errors import AnlanError

        raise AnlanError(f"--map {text}", "a mapping is FIELD=COLUMN", "write for example received=接警时刻")
    return field.strip(), column.strip()


def _added_lines(added: list[AddReport]) -> list[str]:
    return [line for report in added for line in report.lines()]


def _describe(about: dict[str, Any]) -> list[str]:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    names = " / ".join(n for n in (about["name_zh"], about["name_en"]) if n)
    out = [f"{names} [{about['state']}], {about['time_zone']}, {about['crs']}"]
    for layer, facts in about["layers"].items():
        line = f"  {layer:<6} {facts['rows']:>10,} rows"
        if "first_received" in facts:
            tz = ZoneInfo(about["time_zone"])
            days = [datetime.fromtimestamp(facts[k], tz).date() for k in ("first_received", "last_received")]
            line += f", {days[0]} to {days[1]}"
        if facts["source"]:
            line += f"  ({facts['source']}{', ' + facts['licence'] if facts['licence'] else ''})"
        out.append(line)
    if about["folder"]:
        out.append(f"in {about['folder']}")
    return out
