"""Backups while the log is in use, and what is made of them again, on either database.

A backup is a zip of one consistent moment: ``manifest.json`` and one JSON line per row of the log, the commands, the
wrapped keys and the checkpoints. It holds no key that opens anything: the folder of keys is kept apart. Restoring
writes into an empty database, brings erasures made since up to date from the keys' journal, folds the records anew
and walks the chains.
"""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from anlan.core.errors import AnlanError
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.store import schema
from anlan.store.database import writing
from anlan.store.keyring import signed_by
from anlan.store.rebuild import folded
from anlan.store.store import Store
from anlan.store.verify import verify

FORMAT = "anlan-backup-1"
TABLES = (schema.event, schema.command, schema.subject_key, schema.checkpoint)
CHUNK = 2000


def backup(store: Store, target: Path, job: Job | None = None) -> dict[str, Any]:
    """Write one consistent moment of a log that goes on being written; gives the manifest."""
    with (
        replacing(target) as draft,
        zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive,
    ):
        options = {"isolation_level": "REPEATABLE READ"} if store.engine.dialect.name == "postgresql" else {}
        with store.engine.connect().execution_options(**options) as connection, connection.begin():
            last = connection.scalar(select(func.max(schema.event.c.position))) or 0
            manifest: dict[str, Any] = {
                "format": FORMAT,
                "made_us": round(store.clock() * 1e6),
                "last_position": last,
                "rows": {},
            }
            for table in TABLES:
                manifest["rows"][table.name] = _dump(connection, table, archive, job)
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))
    return manifest


def restore(
    source: Path, store: Store, *, until: str | None = None, job: Job | None = None
) -> dict[str, Any]:
    """Fill an empty store from a backup, whole or up to one event.

    Parameters
    ----------
    source : Path
    store : Store
        Just made, with the keys that the backed-up log had.
    until : str, optional
        Id of the last event to take.

    Returns
    -------
    dict
        ``events``, ``erasures`` (made after the backup and carried over), ``until``.

    Raises
    ------
    AnlanError
        If the file is no backup, the store is not empty, the event is not in it, or the chains do not verify.
    """
    if store.position:
        raise AnlanError(
            f"{store.where}", "a backup is restored into an empty log", "name a new one", code="not_empty"
        )
    if not Path(source).exists():
        raise AnlanError(f"{source}", "there is no such file", "check the path", code="file_missing")
    try:
        archive = zipfile.ZipFile(source)
        manifest = json.loads(archive.read("manifest.json"))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError):
        raise AnlanError(
            f"{source}", "it is not a backup", "name a file that `anlan backup` wrote", code="backup"
        ) from None
    if manifest.get("format") != FORMAT:
        raise AnlanError(
            f"{source}", f"its format is not {FORMAT}", "use the version that wrote it", code="backup"
        )
    with archive:
        _check_keys(archive, source, store)
        cut = _position_of(archive, until) if until else manifest["last_position"]
        erasures = store.keyring.erasures()
        carried = 0
        with writing(store.engine) as connection, connection.begin():
            heads: dict[str, dict[str, Any]] = {}
            for table in TABLES:
                rows: list[dict[str, Any]] = []
                for row in _load(archive, table):
                    if table is schema.event:
                        if row["position"] > cut:
                            continue
                        heads[row["stream"]] = {k: row[k] for k in ("stream", "seq", "hash")}
                    elif table is schema.checkpoint and row["last_position"] > cut:
                        continue
                    elif table is schema.command and until:
                        continue  # answers of commands after the cut would be wrong, and it is not known which
                    elif (
                        table is schema.subject_key
                        and row["subject"] in erasures
                        and row["wrapped"] is not None
                    ):
                        row = {**row, "wrapped": None, "erased_us": erasures[row["subject"]]}
                        carried += 1
                    rows.append(row)
                    if len(rows) >= CHUNK:
                        connection.execute(insert(table), rows)
                        rows = []
                        if job is not None:
                            job.check()
                if rows:
                    connection.execute(insert(table), rows)
            if heads:
                connection.execute(insert(schema.head), [heads[s] for s in sorted(heads)])
        made = folded(store, job=job)
        with writing(store.engine) as connection, connection.begin():
            values = [asdict(made[s]) for s in sorted(made)]
            for i in range(0, len(values), CHUNK):
                connection.execute(insert(schema.record), values[i : i + CHUNK])
    found = verify(store, job)
    if found.broken is not None:
        raise AnlanError(
            f"{source}, stream {found.broken.stream!r}, number {found.broken.seq}",
            found.broken.reason,
            "use another backup; this one was changed after it was written",
            code="backup_broken",
        )
    return {"events": found.events, "erasures": carried, "until": until}


def _dump(connection: Connection, table: Table, archive: zipfile.ZipFile, job: Job | None) -> int:
    count = 0
    order = list(table.primary_key)
    with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as file:
        result = connection.execution_options(yield_per=CHUNK).execute(select(table).order_by(*order))
        for row in result:
            plain = {k: _text(v) for k, v in row._mapping.items()}
            file.write(json.dumps(plain, ensure_ascii=False).encode() + b"\n")
            count += 1
            if job is not None and count % CHUNK == 0:
                job.check()
                job.update(count)
    return count


def _load(archive: zipfile.ZipFile, table: Table) -> Iterator[dict[str, Any]]:
    back: dict[str, Callable[[Any], Any]] = {
        c.name: base64.b64decode for c in table.columns if c.type.python_type is bytes
    }
    with archive.open(f"{table.name}.jsonl") as file:
        for line in file:
            row = json.loads(line)
            yield {k: back[k](v) if k in back and v is not None else v for k, v in row.items()}


def _check_keys(archive: zipfile.ZipFile, source: Path, store: Store) -> None:
    """Refuse before anything is written if the folder of keys is not the one the log was written with."""
    wrong = AnlanError(
        f"{source}",
        f"it was written with other keys than those in {store.keyring.folder}",
        "put that log's own folder of keys there first, then restore",
        code="key_file",
    )
    for row in _load(archive, schema.checkpoint):
        if not signed_by(store.keyring.public_key, row["signature"], row["statement"].encode()):
            raise wrong
        break
    for row in _load(archive, schema.subject_key):
        if row["wrapped"] is not None:
            try:
                store.keyring.unwrap(row["wrapped"])
            except AnlanError:
                raise wrong from None
            break


def _position_of(archive: zipfile.ZipFile, event_id: str) -> int:
    for row in _load(archive, schema.event):
        if row["id"] == event_id:
            return int(row["position"])
    raise AnlanError(f"event {event_id}", "it is not in the backup", "check the id", code="unknown_event")


def _text(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return value
