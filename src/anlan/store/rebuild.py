"""Records made anew from the log alone."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import delete, insert

from anlan.core.job import Job
from anlan.store import schema
from anlan.store.database import take_turn, writing
from anlan.store.read import walk
from anlan.store.record import Record
from anlan.store.store import Store


def folded(store: Store, until: int | None = None, job: Job | None = None) -> dict[str, Record]:
    """Every subject's record as the events up to a position make it."""
    out: dict[str, Record] = {}
    for i, e in enumerate(walk(store.engine, until=until)):
        out[e.subject] = store.fold(out.get(e.subject), e)
        if job is not None and i % 10_000 == 0:
            job.check()
            job.update(i)
    return out


def differences(store: Store) -> list[tuple[str, Record | None, Record | None]]:
    """Subjects whose kept record is not what the log says: subject, kept, rebuilt."""
    kept = {r.subject: r for r in store.records()}
    made = folded(store)
    return [
        (s, kept.get(s), made.get(s)) for s in sorted(kept.keys() | made.keys()) if kept.get(s) != made.get(s)
    ]


def rebuild(store: Store, job: Job | None = None) -> int:
    """Replace all records by what the log says; gives how many there are.

    Call it with no writer running: it holds the write lock while it works.
    """
    with writing(store.engine) as connection, connection.begin():
        take_turn(connection)
        made = folded(store, job=job)
        connection.execute(delete(schema.record))
        rows = [asdict(made[s]) for s in sorted(made)]
        for i in range(0, len(rows), 5000):
            connection.execute(insert(schema.record), rows[i : i + 5000])
    return len(made)
