"""Many scenarios through one command: a list in TOML, played piece by piece, resumed where it was stopped."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anlan import __version__
from anlan.core.errors import AnlanError
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.simulation.pool import Pool, Refused, Serial
from anlan.simulation.run import Run
from anlan.simulation.study import Study, play

PIECE = 5
"""Scenarios of one city that are done in a row and kept together: few enough that a stopped job soon ends. A
process keeps the city it has loaded for the next."""

_SETTINGS = tuple(f.name for f in fields(Study))


@dataclass(frozen=True)
class Finished:
    """What became of a list of scenarios.

    Attributes
    ----------
    rows : tuple of dict
        One a scenario, in the order of the list: its settings and figures, or its ``error``.
    missing : int
        Scenarios not played because the job was stopped.
    reused : int
        Scenarios that an earlier run of the same list had finished.
    """

    rows: tuple[dict[str, Any], ...]
    missing: int
    reused: int

    def lines(self) -> list[str]:
        """For people."""
        failed = [r for r in self.rows if r["error"]]
        out = [
            f"{len(self.rows):,} scenarios done ({self.reused:,} of them earlier), {len(failed):,} with errors"
            + (f", {self.missing:,} still to do: run the same command again" if self.missing else "")
        ]
        return out + [f"  {row['name']}: {row['error']}" for row in failed[:10]]


def read_scenarios(path: Path) -> list[Study]:
    """The studies of a scenario file, or of every ``.toml`` of a folder, in order of name.

    Top-level settings hold for every ``[[scenario]]``. A setting given as a list stands for one scenario each,
    and several lists for every combination. ``city`` may be a pattern (``counties/*``); ``plan`` and ``policy``
    may contain ``{city}``, the city's folder. Paths are relative to the file.

    Raises
    ------
    AnlanError
        If the file cannot be read or a setting is unknown.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(path.glob("*.toml"))
        if not files:
            raise AnlanError(
                f"{path}", "it has no .toml file in it", "name a scenario file", code="scenarios_missing"
            )
        return [study for file in files for study in read_scenarios(file)]
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AnlanError(
            f"{path}", "there is no such file", "name a scenario file", code="scenarios_missing"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AnlanError(
            f"{path}", f"it is not TOML ({error})", "correct it", code="scenarios_toml"
        ) from None
    tables = given.pop("scenario", [{}])
    if not isinstance(tables, list):
        raise AnlanError(
            f"{path}, [scenario]", "scenarios are a list", "write [[scenario]]", code="scenarios_toml"
        )
    return [study for table in tables for study in _studies({**given, **table}, path)]


def _studies(table: Mapping[str, Any], path: Path) -> list[Study]:
    unknown = set(table) - set(_SETTINGS)
    if unknown:
        raise AnlanError(
            f"{path}, {sorted(unknown)[0]!r}",
            f"the settings of a scenario are {', '.join(_SETTINGS)}",
            "rename or remove it",
            code="scenario_setting",
        )
    if "city" not in table:
        raise AnlanError(f"{path}", "a scenario is of a city", "write city = …", code="scenario_setting")
    names = [k for k in table if k != "city"]
    choices = [table[k] if isinstance(table[k], list) else [table[k]] for k in names]
    out = []
    for city in _cities(table["city"], path):
        for values in itertools.product(*choices):
            settings = dict(zip(names, values, strict=True))
            if "plan" in settings:
                settings["plan"] = path.parent / str(settings["plan"]).replace("{city}", str(city))
            policy = settings.get("policy")
            if isinstance(policy, str) and policy.endswith(".toml"):
                settings["policy"] = str(path.parent / policy.replace("{city}", str(city)))
            study = Study(city=city, **settings)
            out.append(study)
    return out


def _cities(given: Any, path: Path) -> list[Path]:
    patterns = given if isinstance(given, list) else [given]
    out: list[Path] = []
    for pattern in patterns:
        text = str(pattern)
        if not any(c in text for c in "*?["):
            out.append(path.parent / text)
            continue
        root = Path(path.parent.resolve().anchor) if Path(text).is_absolute() else path.parent
        relative = str(Path(text).relative_to(Path(text).anchor)) if Path(text).is_absolute() else text
        found = sorted(p for p in root.glob(relative) if (p / "city.toml").exists())
        if not found:
            raise AnlanError(
                f"{path}, city = {text!r}", "no city folder is called so", "correct the pattern",
                code="city_missing",
            )  # fmt: skip
        out += found
    return out


def play_scenarios(
    studies: Sequence[Study], out: Path, pool: Pool | None = None, job: Job | None = None
) -> Finished:
    """Play every scenario; what is finished is on disk at once, and a second call goes on from there.

    Writes ``results.csv`` and ``results.parquet`` into ``out``: the same whatever the pool and however often it
    was stopped. The pieces lie in ``out/.parts``.

    Raises
    ------
    AnlanError
        If a worker is lost or the folder cannot be written. A scenario's own mistake is in its row.
    """
    job, pool = job or Job(), pool or Serial()
    pieces = [
        tuple(rows)
        for _, group in itertools.groupby(studies, key=lambda s: s.city)
        for rows in _sliced(list(group))
    ]
    store = out / ".parts"
    files = [store / f"{_key(piece)}.json" for piece in pieces]
    waiting = [k for k, file in enumerate(files) if not file.exists()]
    reused = sum(len(p) for p in pieces) - sum(len(pieces[k]) for k in waiting)
    with job.stage("scenarios", float(len(studies))):
        done = reused
        job.update(float(done))
        for k, rows in pool.run(play_piece, [pieces[k] for k in waiting], job):
            if isinstance(rows, Refused):
                raise rows.error()
            with replacing(files[waiting[k]]) as part:
                part.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
            done += len(rows)
            job.update(float(done))
    found = [row for file in files if file.exists() for row in json.loads(file.read_text(encoding="utf-8"))]
    _write(out, found)
    return Finished(tuple(found), len(studies) - len(found), reused)


def play_piece(studies: tuple[Study, ...]) -> list[dict[str, Any]]:
    """Rows of some scenarios of one city; what a worker is given to do."""
    out = []
    for study in studies:
        row = _settings(study)
        try:
            run = play([study])[0]
        except AnlanError as error:
            out.append({**row, **dict.fromkeys(_FIGURES), "within": None, "error": str(error)})
        else:
            out.append({**row, **_figures(run), "error": ""})
    return out


_FIGURES = (
    "calls", "left_out", "served_share", "mean_s", "mean_low_s", "mean_high_s", "median_s", "p90_s", "queued_s",
    "queued_share", "travel_s", "fleet", "busy_share", "driving_share", "moves_per_hour",
)  # fmt: skip


def _settings(study: Study) -> dict[str, Any]:
    policy = study.policy
    return {
        **asdict(study),
        "name": study.label,
        "city": str(study.city),
        "plan": "" if study.plan is None else str(study.plan),
        "policy": policy if isinstance(policy, str) else json.dumps(policy or {}, sort_keys=True),
    }


def _figures(run: Run) -> dict[str, Any]:
    s = run.summary()
    r = s.response
    return {
        "calls": r.calls,
        "left_out": run.left_out,
        "served_share": r.served_share,
        "mean_s": r.mean_s,
        "mean_low_s": s.interval_s[0],
        "mean_high_s": s.interval_s[1],
        "median_s": r.median_s,
        "p90_s": r.p90_s,
        "queued_s": r.queued_s,
        "queued_share": r.queued_share,
        "travel_s": r.travel_s,
        "fleet": len(run.workload.id),
        "busy_share": s.busy_share,
        "driving_share": s.driving_share,
        "moves_per_hour": s.moves_per_hour,
        "within": {f"{ring:g}": share for ring, share in r.within.items()},
    }


def _sliced(studies: list[Study]) -> list[list[Study]]:
    return [studies[i : i + PIECE] for i in range(0, len(studies), PIECE)]


def _key(piece: Sequence[Study]) -> str:
    """A digest of everything that a piece's result depends on."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(__version__.encode())
    for study in piece:
        digest.update(json.dumps(_settings(study), sort_keys=True).encode())
        policy = study.policy
        paths = [study.city, *([study.plan] if study.plan else [])]
        paths += [Path(policy)] if isinstance(policy, str) and policy.endswith(".toml") else []
        for path in paths:
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            for file in (f for f in files if f.is_file()):
                about = file.stat()
                digest.update(f"{file.name} {about.st_size} {about.st_mtime_ns}".encode())
    return digest.hexdigest()


def _write(out: Path, rows: list[dict[str, Any]]) -> None:
    rings = sorted({ring for row in rows for ring in (row["within"] or {})}, key=float)
    flat = [
        {
            **{k: v for k, v in row.items() if k not in ("within", "error")},
            **{f"within_{ring}_s": (row["within"] or {}).get(ring) for ring in rings},
            "error": row["error"],
        }
        for row in rows
    ]
    if not flat:
        return
    with replacing(out / "results.csv") as path, path.open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, list(flat[0]))
        writer.writeheader()
        writer.writerows(flat)
    with replacing(out / "results.parquet") as path:
        pq.write_table(pa.Table.from_pylist(flat), path, compression="zstd")
