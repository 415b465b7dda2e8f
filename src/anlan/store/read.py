"""Reading the log and the records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine, Row, select

from anlan.store import schema
from anlan.store.entry import Entry
from anlan.store.record import Record


def entry_of(row: Row[Any]) -> Entry:
    """An entry from its row."""
    values = dict(row._mapping)
    for name in ("sealed", "prev_hash", "hash"):
        if values[name] is not None:
            values[name] = bytes(values[name])
    return Entry(**values)


def entries(
    engine: Engine,
    *,
    after: int = 0,
    until: int | None = None,
    streams: Sequence[str] | None = None,
    subject: str | None = None,
    limit: int | None = None,
) -> list[Entry]:
    """Events in order of position, after one position and up to another."""
    table = schema.event
    query = select(table).where(table.c.position > after).order_by(table.c.position)
    if until is not None:
        query = query.where(table.c.position <= until)
    if streams is not None:
        query = query.where(table.c.stream.in_(streams))
    if subject is not None:
        query = query.where(table.c.subject == subject)
    if limit is not None:
        query = query.limit(limit)
    with engine.connect() as connection:
        return [entry_of(row) for row in connection.execute(query)]


def walk(engine: Engine, *, after: int = 0, until: int | None = None, size: int = 5000) -> Iterator[Entry]:
    """All events, read a few thousand at a time."""
    while True:
        some = entries(engine, after=after, until=until, limit=size)
        yield from some
        if len(some) < size:
            return
        after = some[-1].position


def records(
    engine: Engine,
    *,
    procedure: str | None = None,
    states: Sequence[str] | None = None,
    streams: Sequence[str] | None = None,
    due_by_us: int | None = None,
    limit: int | None = None,
) -> list[Record]:
    """Records, oldest first."""
    table = schema.record
    query = select(table).order_by(table.c.opened_us, table.c.subject)
    if procedure is not None:
        query = query.where(table.c.procedure == procedure)
    if states is not None:
        query = query.where(table.c.state.in_(states))
    if streams is not None:
        query = query.where(table.c.stream.in_(streams))
    if due_by_us is not None:
        query = query.where(table.c.due_us <= due_by_us)
    if limit is not None:
        query = query.limit(limit)
    with engine.connect() as connection:
        return [Record(**row._mapping) for row in connection.execute(query)]


def record(engine: Engine, subject: str) -> Record | None:
    """One subject's record."""
    with engine.connect() as connection:
        row = connection.execute(select(schema.record).where(schema.record.c.subject == subject)).first()
    return Record(**row._mapping) if row else None
