"""`anlan simulate`: play plans and policies over past or drawn calls, one by one or by the thousand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anlan.cli.output import emit
from anlan.cli.progress import job_on_terminal

if TYPE_CHECKING:
    from anlan.simulation.run import Run
    from anlan.simulation.study import Study


def simulate(
    city: Annotated[
        Path | None, typer.Argument(help="The city folder; not needed with --scenarios.", metavar="CITY")
    ] = None,
    plan: Annotated[
        list[Path] | None,
        typer.Option("--plan", help="A plan folder; repeatable. The present layout where not given."),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", help="A rule (closest, dmexclp…) or a policy.toml; repeatable."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="What to compare with: a plan folder, a rule or a policy.toml. By default the first run.",
        ),
    ] = None,
    weeks: Annotated[int, typer.Option(help="Play the last so many weeks.")] = 4,
    learn_weeks: Annotated[
        int, typer.Option(help="Weeks before them from which durations and demand are learnt.")
    ] = 52,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Draw the calls anew in each replication.")
    ] = False,
    factor: Annotated[float, typer.Option(help="With --synthetic: drawn calls per past call.")] = 1.0,
    replications: Annotated[int, typer.Option(help="How often the weeks are played.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of every draw; all runs meet the same calls and work.")] = 1,
    by: Annotated[str | None, typer.Option(help="Also figures by area, hour, category or priority.")] = None,
    show_fit: Annotated[
        bool, typer.Option("--fit", help="Also what was learnt, and how it held on the weeks played.")
    ] = False,
    events: Annotated[
        Path | None, typer.Option("--events", help="Write the first run's first replication as Parquet.")
    ] = None,
    scenarios: Annotated[
        Path | None, typer.Option("--scenarios", help="A list of scenarios: a TOML file or a folder of them.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="With --scenarios: where the results go.")] = Path(
        "scenarios"
    ),
    workers: Annotated[int, typer.Option(help="Processes to share the work among.")] = 1,
    ray: Annotated[
        str | None, typer.Option("--ray", help="Address of a Ray cluster to do the work instead.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Simulate a city: play plans and policies over the same calls and say which differences are real.

    With --scenarios a list of any length is played into OUT/results.csv and results.parquet; stopped half-way, the
    same command goes on where it was, with the same result on one process, several, or a Ray cluster.
    """
    from anlan.core.errors import AnlanError, Cancelled
    from anlan.simulation.pool import pool_of

    if scenarios is not None:
        from anlan.simulation.scenarios import play_scenarios, read_scenarios

        studies = read_scenarios(scenarios)
        with job_on_terminal(quiet=json) as job:
            done = play_scenarios(studies, out, pool_of(workers, ray), job)
        emit(
            {"results": str(out / "results.csv"), "done": len(done.rows), "missing": done.missing,
             "errors": sum(bool(r["error"]) for r in done.rows)},
            json,
            [*done.lines(), f"results: {out / 'results.csv'}"],
        )  # fmt: skip
        if done.missing:
            raise Cancelled
        return
    if city is None:
        raise AnlanError(
            "no city", "a simulation is of a city folder or a list of scenarios", "name one, or --scenarios"
        )
    if by is not None and by not in ("area", "hour", "category", "priority"):
        raise AnlanError(f"--by {by}", "figures are by area, hour, category or priority", "use one of them")

    from anlan.simulation.compare import compare
    from anlan.simulation.study import materials, play

    studies = _studies(
        city, plan or [], policy or [], against,
        weeks=weeks, learn_weeks=learn_weeks, synthetic=synthetic, factor=factor, replications=replications,
        seed=seed,
    )  # fmt: skip
    with job_on_terminal(quiet=json) as job:
        with job.stage("load"):
            learnt = materials(city, weeks, learn_weeks)
        runs = play(studies, pool_of(workers, ray), job)
        if events is not None:
            with job.stage("events"):
                _write_events(runs[0], events)
    comparisons = [compare(runs[0], run) for run in runs[1:]]
    checks = learnt.fitted.check(learnt.calls, learnt.window) if show_fit else ()
    value = {
        "runs": [_run_dict(run, by) for run in runs],
        "comparisons": [c.as_dict() for c in comparisons],
        **({"fit": learnt.fitted.as_dict(checks)} if show_fit else {}),
    }
    lines = [
        *_summary_lines(runs, learnt.city.settings.state),
        *(line for run in runs if by for line in _by_lines(run, by)),
        *(line for c in comparisons for line in c.lines()),
        *(learnt.fitted.lines(checks) if show_fit else []),
        *(f"  {text.en}" for text in runs[0].assumptions),
    ]
    emit(value, json, lines)


def _studies(
    city: Path, plans: list[Path], policies: list[str], against: str | None, **settings: Any
) -> list[Study]:
    """Every plan with every policy; first what is compared with."""
    from anlan.simulation.study import Study

    layouts: list[Path | None] = [*plans] if plans else [None]
    rules: list[str | None] = [*policies] if policies else [None]
    out = [Study(city, p, q, **settings) for p in layouts for q in rules]
    if against is not None:
        if (Path(against) / "plan.toml").exists():
            first = Study(city, Path(against), policies[0] if policies else None, **settings)
        elif against == "present":
            first = Study(city, None, policies[0] if policies else None, **settings)
        else:
            first = Study(city, plans[0] if plans else None, against, **settings)
        out = [first, *(s for s in out if s != first)]
    return out


def _summary_lines(runs: list[Run], state: str) -> list[str]:
    rings = runs[0].rings_s
    wide = max(24, *(len(run.name) + 1 for run in runs))
    head = (
        f"  {'run':<{wide}}{'calls':>9}{'mean':>8}{'95 % interval':>18}{'median':>8}{'90th':>8}{'queued':>8}"
    )
    head += "".join(f"{f'≤{ring / 60:g} min':>9}" for ring in rings) + f"{'busy':>7}{'moves/h':>9}"
    out = [f"[{state}] response in seconds", head]
    for run in runs:
        s = run.summary()
        r = s.response
        out.append(
            f"  {run.name:<{wide}}{r.calls:>9,}{r.mean_s:>8.1f}"
            f"{f'[{s.interval_s[0]:.1f}, {s.interval_s[1]:.1f}]':>18}{r.median_s:>8.0f}{r.p90_s:>8.0f}"
            f"{r.queued_share:>8.1%}"
            + "".join(f"{r.within[ring]:>9.1%}" for ring in rings)
            + f"{s.busy_share:>7.1%}{s.moves_per_hour:>9.2f}"
        )
    left_out = runs[0].left_out
    return out + ([f"  {left_out:,} calls are not on the network and were left out"] if left_out else [])


def _by_lines(run: Run, by: str) -> list[str]:
    rings = run.rings_s
    figures = run.by(by)
    label = f"{run.name} by {by}"
    wide = max(24, len(label) + 1, *(len(str(key)) + 1 for key in figures))
    head = f"  {label:<{wide}}{'calls':>9}{'mean':>8}{'90th':>8}{'queued':>8}"
    out = [head + "".join(f"{f'≤{ring / 60:g} min':>9}" for ring in rings)]
    for key, r in figures.items():
        out.append(
            f"  {key!s:<{wide}}{r.calls:>9,}{r.mean_s:>8.1f}{r.p90_s:>8.0f}{r.queued_share:>8.1%}"
            + "".join(f"{r.within[ring]:>9.1%}" for ring in rings)
        )
    return out


def _run_dict(run: Run, by: str | None) -> dict[str, Any]:
    from dataclasses import asdict

    s = run.summary()
    out: dict[str, Any] = {
        "name": run.name,
        "replications": run.replications,
        "seed": run.seed,
        "synthetic": run.synthetic,
        "left_out": run.left_out,
        "response": asdict(s.response),
        "mean_interval_s": list(s.interval_s),
        "busy_share": s.busy_share,
        "driving_share": s.driving_share,
        "moves_per_hour": s.moves_per_hour,
        "assumptions": [{"zh": t.zh, "en": t.en} for t in run.assumptions],
    }
    if by:
        out["by"] = {by: {str(key): asdict(r) for key, r in run.by(by).items()}}
    return out


def _write_events(run: Run, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from anlan.core.files import replacing

    events = run.events
    events = events.take(events.stream == "0")
    columns = {}
    for name, values in events.columns().items():
        array = pa.array(values)
        repeats = pa.types.is_string(array.type) and name not in ("id", "subject")
        columns[name] = array.dictionary_encode() if repeats else array
    with replacing(path) as out:
        pq.write_table(pa.table(columns), out, compression="zstd")
