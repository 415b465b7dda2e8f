"""`anlan log …`, `anlan backup`, `anlan restore`: the desk's event log."""

from __future__ import annotations

import json as json_text
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from anlan.cli.output import emit
from anlan.cli.progress import job_on_terminal

app = typer.Typer(no_args_is_help=True, help="The desk's event log: verify it, sign it, prove one event.")

City = Annotated[Path, typer.Argument(help="The city folder.", metavar="CITY")]
Dsn = Annotated[str, typer.Option(help="PostgreSQL instead of CITY/desk/log.db; or set ANLAN_DSN.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command("verify")
def verify(city: City, dsn: Dsn = "", json: Json = False) -> None:
    """Walk every chain and checkpoint; names the first broken link and ends with exit code 1 if there is one."""
    from anlan.desk.place import open_log
    from anlan.store import verify as walk

    with open_log(city, dsn=dsn) as store, job_on_terminal(quiet=json) as job, job.stage("verify the log"):
        found = walk(store, job)
    lines = [f"{found.events:,} events in {found.streams} streams under {found.checkpoints} checkpoints"]
    if found.broken is None:
        lines.append("every link holds")
    else:
        b = found.broken
        where = (
            f"stream {b.stream}, number {b.seq}, event {b.id or '-'}" if b.stream else f"checkpoint {b.seq}"
        )
        lines.append(f"BROKEN at {where}: {b.reason}")
    emit(asdict(found), json, lines)
    if found.broken is not None:
        sys.exit(1)


@app.command("checkpoint")
def checkpoint(city: City, dsn: Dsn = "", json: Json = False) -> None:
    """Sign what was logged since the last checkpoint."""
    from anlan.desk.place import open_log
    from anlan.store.checkpoint import make

    with open_log(city, dsn=dsn) as store:
        made = make(store)
    if made is None:
        emit({"checkpoint": None}, json, ["nothing was logged since the last checkpoint"])
    else:
        line = f"checkpoint {made.number}: events {made.first_position:,} to {made.last_position:,}"
        emit({"checkpoint": made.said}, json, [f"{line}, root {made.said['root']}"])


@app.command("prove")
def prove(
    city: City, event: Annotated[str, typer.Argument(help="Id of the event.", metavar="EVENT")], dsn: Dsn = ""
) -> None:
    """Print a proof that an event stands under a signed checkpoint; docs/log-format.md says how to check it."""
    from anlan.desk.place import open_log
    from anlan.store.checkpoint import prove as proof

    with open_log(city, dsn=dsn) as store:
        typer.echo(json_text.dumps(proof(store, event), ensure_ascii=False, indent=1))


@app.command("rebuild")
def rebuild(city: City, dsn: Dsn = "", json: Json = False) -> None:
    """Make the records anew from the events alone; says which were not what the log says."""
    from anlan.desk.place import open_log
    from anlan.store import rebuild as again

    with (
        open_log(city, dsn=dsn) as store,
        job_on_terminal(quiet=json) as job,
        job.stage("rebuild the records"),
    ):
        wrong = [subject for subject, _, _ in again.differences(store)]
        count = again.rebuild(store, job)
    lines = [f"{count:,} records made from the log; {len(wrong)} were different before"]
    emit({"records": count, "different": wrong}, json, lines + [f"  {s}" for s in wrong[:20]])


def backup(
    city: City,
    file: Annotated[Path, typer.Argument(help="File to write, .zip.", metavar="FILE")],
    dsn: Dsn = "",
    json: Json = False,
) -> None:
    """Back the desk's log up while it is in use. It opens nothing by itself: keep the folder of keys apart."""
    from anlan.desk.place import open_log
    from anlan.store import backup as write

    with open_log(city, dsn=dsn) as store, job_on_terminal(quiet=json) as job, job.stage("back the log up"):
        manifest = write(store, file, job)
    emit(manifest, json, [f"{manifest['rows']['event']:,} events in {file}"])


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.", metavar="FILE")],
    city: City,
    until: Annotated[str, typer.Option(help="Id of the last event to take; all where not given.")] = "",
    dsn: Dsn = "",
    json: Json = False,
) -> None:
    """Fill a city's empty log from a backup, whole or up to one event; erasures made since are carried over."""
    from anlan.desk.place import open_log
    from anlan.store import restore as read

    with (
        open_log(city, dsn=dsn, new=True) as store,
        job_on_terminal(quiet=json) as job,
        job.stage("restore the log"),
    ):
        told = read(file, store, until=until or None, job=job)
    lines = [
        f"{told['events']:,} events restored, every link holds; {told['erasures']} erasures carried over"
    ]
    emit(told, json, lines)
