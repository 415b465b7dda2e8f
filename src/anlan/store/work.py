"""A batch of commands within one transaction: each sees the ones before it, a failed one leaves nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from anlan.core.errors import AnlanError
from anlan.store import schema
from anlan.store.entry import E7, ZERO, Draft, Entry, canonical_json, entry_hash, micros
from anlan.store.keyring import Keyring, seal
from anlan.store.record import Fold, Record

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Command:
    """Something to be done to the log.

    Attributes
    ----------
    id : str
        Given by the client; the second sending of an id is answered with the first one's result.
    work : callable
        Gets a `Work`; reads records, appends events, returns a JSON value. Called once per carrying out, on
        the writer's thread: quick, and without effects elsewhere.
    subjects : sequence of str
        Subjects it will read, fetched for the whole batch at once.
    """

    id: str
    work: Callable[[Work], Any]
    subjects: Sequence[str] = ()


class Batch:
    """What a transaction has read and will write.

    Parameters
    ----------
    connection : Connection
        In a transaction that holds the write lock.
    keyring : Keyring
    fold : callable
    now_us : int
        The clock's time; recording never goes back behind the last event's.
    """

    def __init__(self, connection: Connection, keyring: Keyring, fold: Fold, now_us: int) -> None:
        self.connection, self.keyring, self.fold = connection, keyring, fold
        last = connection.execute(
            select(schema.event.c.position, schema.event.c.recorded_us)
            .order_by(schema.event.c.position.desc())
            .limit(1)
        ).first()
        self.position = last.position if last else 0
        self.now_us = max(now_us, last.recorded_us if last else 0)
        self.heads: dict[str, tuple[int, bytes]] = {}
        self.records: dict[str, Record | None] = {}
        self.keys: dict[str, bytes | None] = {}
        self.results: dict[str, str] = {}
        self.entries: list[Entry] = []
        self.new_keys: dict[str, bytes] = {}
        self.erased: dict[str, int] = {}
        self._changed: set[str] = set()
        self._done: list[dict[str, Any]] = []

    def prefetch(self, commands: Iterable[Command]) -> None:
        """Fetch in a few queries what the commands will look at."""
        listed = list(commands)
        for row in self._rows(schema.command, schema.command.c.id, [c.id for c in listed if c.id]):
            self.results[row.id] = row.result
        subjects = list(dict.fromkeys(s for c in listed for s in c.subjects))
        self.records.update(dict.fromkeys(subjects))
        for row in self._rows(schema.record, schema.record.c.subject, subjects):
            self.records[row.subject] = Record(**row._mapping)

    def _rows(self, table: Table, column: Any, values: Sequence[str]) -> Iterable[Any]:
        for i in range(0, len(values), CHUNK):
            yield from self.connection.execute(select(table).where(column.in_(values[i : i + CHUNK])))

    def run(self, command: Command) -> Any:
        """Carry a command out, or give the answer of its first carrying out."""
        if command.id in self.results:
            return json.loads(self.results[command.id])
        work = Work(self)
        result = work_result(command.work(work))
        work.merge()
        if command.id:
            self.results[command.id] = result
            self._done.append({"id": command.id, "recorded_us": self.now_us, "result": result})
        return json.loads(result)

    def record(self, subject: str) -> Record | None:
        """A record as this transaction sees it."""
        if subject not in self.records:
            row = self.connection.execute(
                select(schema.record).where(schema.record.c.subject == subject)
            ).first()
            self.records[subject] = Record(**row._mapping) if row else None
        return self.records[subject]

    def head(self, stream: str) -> tuple[int, bytes]:
        """Number and hash of a chain's last entry."""
        if stream not in self.heads:
            row = self.connection.execute(select(schema.head).where(schema.head.c.stream == stream)).first()
            self.heads[stream] = (row.seq, bytes(row.hash)) if row else (0, ZERO)
        return self.heads[stream]

    def key(self, subject: str) -> bytes | None:
        """A subject's wrapped key; None where it never had one.

        Raises
        ------
        AnlanError
            If the subject was erased: nothing personal is ever written about it again.
        """
        if subject in self.erased:
            raise erased(subject)
        if subject not in self.keys:
            row = self.connection.execute(
                select(schema.subject_key).where(schema.subject_key.c.subject == subject)
            ).first()
            if row is not None and row.erased_us is not None:
                raise erased(subject)
            self.keys[subject] = bytes(row.wrapped) if row else None
        return self.keys[subject]

    def accept(
        self, entries: list[Entry], records: dict[str, Record], heads: dict[str, tuple[int, bytes]]
    ) -> None:
        """Take over what a command did."""
        self.entries += entries
        self.position += len(entries)
        self.records.update(records)
        self._changed.update(records)
        self.heads.update(heads)

    def flush(self) -> None:
        """Write everything."""
        c = self.connection
        if self.new_keys:
            rows = [
                {"subject": s, "wrapped": k, "created_us": self.now_us, "erased_us": None}
                for s, k in self.new_keys.items()
            ]
            c.execute(insert(schema.subject_key), rows)
        if self.entries:
            c.execute(insert(schema.event), [_row(e) for e in self.entries])
            streams = {e.stream for e in self.entries}
            heads = [
                {"stream": s, "seq": self.heads[s][0], "hash": self.heads[s][1]} for s in sorted(streams)
            ]
            upsert(c, schema.head, heads)
        if self._changed:
            upsert(c, schema.record, [asdict(r) for s in sorted(self._changed) if (r := self.records[s])])
        if self._done:
            c.execute(insert(schema.command), self._done)
        for subject, at_us in self.erased.items():
            c.execute(
                update(schema.subject_key)
                .where(schema.subject_key.c.subject == subject)
                .values(wrapped=None, erased_us=at_us)
            )


class Work:
    """What one command sees and does; nothing of it counts until the command returns.

    Parameters
    ----------
    batch : Batch
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._entries: list[Entry] = []
        self._records: dict[str, Record] = {}
        self._heads: dict[str, tuple[int, bytes]] = {}
        self._keys: dict[str, bytes] = {}
        self._plain: dict[str, bytes] = {}
        self._erased: dict[str, int] = {}

    @property
    def now(self) -> float:
        """The time of recording, Unix seconds."""
        return self._batch.now_us / 1_000_000

    @property
    def connection(self) -> Connection:
        """The transaction's connection, for reading what `record` does not give (without this batch's changes)."""
        return self._batch.connection

    def record(self, subject: str) -> Record | None:
        """A subject's record, this command's own events included."""
        return self._records.get(subject) or self._batch.record(subject)

    def append(self, draft: Draft) -> Entry:
        """Log an event; gives it as logged."""
        batch = self._batch
        seq, before = self._heads.get(draft.stream) or batch.head(draft.stream)
        position = batch.position + len(self._entries) + 1
        identity = uuid7(batch.now_us, position)
        entry = Entry(
            position=position,
            id=identity,
            stream=draft.stream,
            seq=seq + 1,
            subject=draft.subject,
            procedure=draft.procedure,
            transition=draft.transition,
            occurred_us=micros(draft.at),
            recorded_us=batch.now_us,
            actor=draft.actor,
            role=draft.role,
            purpose=draft.purpose,
            device=draft.device,
            unit=draft.unit,
            area=draft.area,
            lon_e7=None if draft.lon is None else round(draft.lon * E7),
            lat_e7=None if draft.lat is None else round(draft.lat * E7),
            payload=canonical_json(dict(draft.payload)) if draft.payload else "",
            sealed=self._seal(draft, identity) if draft.personal else None,
            prev_hash=before,
            hash=b"",
        )
        entry = replace(entry, hash=entry_hash(entry))
        self._entries.append(entry)
        self._heads[draft.stream] = (entry.seq, entry.hash)
        self._records[draft.subject] = batch.fold(self.record(draft.subject), entry)
        return entry

    def _seal(self, draft: Draft, identity: str) -> bytes:
        subject = draft.subject
        if subject in self._erased:
            raise erased(subject)
        if subject not in self._plain:
            wrapped = self._keys.get(subject) or self._batch.key(subject)
            if wrapped is None:
                self._plain[subject], self._keys[subject] = self._batch.keyring.new_key()
            else:
                self._plain[subject] = self._batch.keyring.unwrap(wrapped)
        return seal(self._plain[subject], draft.personal, identity)

    def erase(self, subject: str) -> None:
        """Destroy a subject's key; a subject without personal fields has nothing to erase."""
        if self._batch.key(subject) is not None or subject in self._keys:
            self._erased[subject] = self._batch.now_us

    def merge(self) -> None:
        """Hand everything to the batch."""
        batch = self._batch
        for subject, at_us in self._erased.items():
            batch.keyring.erased(subject, at_us)
        batch.erased.update(self._erased)
        batch.new_keys.update(self._keys)
        batch.keys.update(self._keys)
        batch.accept(self._entries, self._records, self._heads)


def work_result(value: Any) -> str:
    """A command's answer as it is kept."""
    return canonical_json(value)


def upsert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, or replace those that are there."""
    if not rows:
        return
    keys = [c.name for c in table.primary_key]
    others = [c.name for c in table.columns if c.name not in keys]
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(table)
    new = {name: statement.excluded[name] for name in others}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=new), rows)


def last_position(connection: Connection) -> int:
    """Position of the last event; 0 in an empty log."""
    return connection.scalar(select(func.max(schema.event.c.position))) or 0


def erased(subject: str) -> AnlanError:
    """The sentence for an erased subject."""
    return AnlanError(
        f"the personal fields of {subject}",
        "they were erased, and the key with them",
        "open a new record if the person asks for help again",
        code="erased",
    )


def uuid7(now_us: int, number: int) -> str:
    """A time-ordered UUID (RFC 9562, version 7); the log's position keeps the order within a millisecond."""
    value = (now_us // 1000) << 80 | 7 << 76 | (number & 0xFFF) << 64 | 2 << 62
    value |= int.from_bytes(os.urandom(8)) >> 2
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _row(e: Entry) -> dict[str, Any]:
    return {name: getattr(e, name) for name in Entry.__slots__}
