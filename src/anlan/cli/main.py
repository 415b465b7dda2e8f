"""The command line's one place of wiring: sub-commands, errors, exit codes.

Exit codes: 0 done; 1 done, but the check found errors; 2 the input or the call was wrong; 130 stopped by
Ctrl+C.
"""

from __future__ import annotations

import json
import sys

import typer

import anlan.cli.analyse as analyse
import anlan.cli.city as city
import anlan.cli.evaluate as evaluate
import anlan.cli.log as log
import anlan.cli.plan as plan
import anlan.cli.serve as serve
import anlan.cli.simulate as simulate
import anlan.cli.site as site
from anlan.core.errors import AnlanError, Cancelled

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "Anlan (安澜) finds where disorder is, places people and equipment, "
        "and proves the plan on past calls.\n\n"
        "Start with a city folder: `anlan city demo my-city` writes a demo one, "
        "`anlan city build my-city --roads roads.osm.pbf …` makes your own. "
        "Then `anlan plan my-city --out my-plan` does the whole job and writes my-plan/report.html."
    ),
)
app.add_typer(city.app, name="city")
app.command("analyse")(analyse.analyse)
app.command("evaluate")(evaluate.evaluate)
app.command("plan")(plan.plan)
app.command("demo")(plan.demo)
app.command("simulate")(simulate.simulate)
app.command("site")(site.site)
app.command("site-lines")(site.site_lines)
app.command("site-beats")(site.site_beats)
app.command("serve")(serve.serve)
app.add_typer(log.app, name="log")
app.command("backup")(log.backup)
app.command("restore")(log.restore)


def run() -> None:
    """Run the command line; one sentence for a mistake, never a traceback for the user's input."""
    try:
        app(standalone_mode=False)
    except AnlanError as error:
        if "--json" in sys.argv:
            typer.echo(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
        else:
            typer.echo(f"anlan: {error}", err=True)
        sys.exit(2)
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        typer.echo("anlan: stopped; what was finished is kept.", err=True)
        sys.exit(130)
    except Exception as error:
        # Typer's own usage errors know how to show themselves and which exit code they have.
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        sys.exit(getattr(error, "exit_code", 2))
