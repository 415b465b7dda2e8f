"""Signed checkpoints over all streams, and proofs that one event is under one.

A checkpoint covers the events since the one before. For each stream that grew, the hashes of its new entries are
the leaves of a Merkle tree (RFC 9162); ``stream|first seq|last seq|head hash|that tree's root`` is a leaf of the
tree over streams, in order of their codes. The statement names the top root and the checkpoint before it and is
signed with Ed25519. docs/log-format.md shows how a third party checks a proof.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, insert, select

from anlan.core.errors import AnlanError
from anlan.store import merkle, schema
from anlan.store.database import take_turn, writing
from anlan.store.entry import ZERO, Entry, canonical, canonical_json
from anlan.store.keyring import signed_by
from anlan.store.read import entries
from anlan.store.store import Store

HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement about the log."""

    number: int
    first_position: int
    last_position: int
    statement: str
    signature: bytes

    @property
    def said(self) -> dict[str, Any]:
        """The statement's fields."""
        return dict(json.loads(self.statement))


def make(store: Store) -> Checkpoint | None:
    """Sign what has been logged since the last checkpoint; None where nothing has."""
    with writing(store.engine) as connection, connection.begin():
        take_turn(connection)
        before = _last(connection)
        after = before.last_position if before else 0
        rows = connection.execute(
            select(schema.event.c.position, schema.event.c.stream, schema.event.c.seq, schema.event.c.hash)
            .where(schema.event.c.position > after)
            .order_by(schema.event.c.stream, schema.event.c.seq)
        ).all()
        if not rows:
            return None
        last = max(row.position for row in rows)
        leaves = [
            _stream_leaf(stream, [(r.seq, bytes(r.hash)) for r in some])
            for stream, some in groupby(rows, key=lambda r: str(r.stream))
        ]
        number = before.number + 1 if before else 1
        statement = canonical_json(
            {
                "format": "anlan-checkpoint-1",
                "number": number,
                "first_position": after + 1,
                "last_position": last,
                "made_us": round(store.clock() * 1e6),
                "previous": hashlib.sha256(before.statement.encode()).hexdigest() if before else ZERO.hex(),
                "root": merkle.root(leaves).hex(),
            }
        )
        made = Checkpoint(number, after + 1, last, statement, store.keyring.sign(statement.encode()))
        connection.execute(
            insert(schema.checkpoint).values(**{name: getattr(made, name) for name in Checkpoint.__slots__})
        )
    return made


def make_if_due(store: Store) -> Checkpoint | None:
    """A checkpoint if the last one is an hour old, or if there is none yet."""
    with store.engine.connect() as connection:
        before = _last(connection)
    if before is not None and store.clock() * 1e6 - before.said["made_us"] < HOUR_US:
        return None
    return make(store)


def all_of(store: Store) -> list[Checkpoint]:
    """Every checkpoint, oldest first."""
    with store.engine.connect() as connection:
        rows = connection.execute(select(schema.checkpoint).order_by(schema.checkpoint.c.number))
        return [_of(row) for row in rows]


def prove(store: Store, event_id: str) -> dict[str, Any]:
    """Proof that an event stands under a signed checkpoint.

    Returns
    -------
    dict
        JSON values: the entry's bytes, the path in its stream's tree, the stream's leaf, the path in the tree
        over streams, the statement, its signature and the public key.

    Raises
    ------
    AnlanError
        If the event is unknown or no checkpoint covers it yet.
    """
    with store.engine.connect() as connection:
        row = connection.execute(select(schema.event.c.position).where(schema.event.c.id == event_id)).first()
    if row is None:
        raise AnlanError(f"event {event_id}", "it is not in the log", "check the id", code="unknown_event")
    covering = next((c for c in all_of(store) if c.first_position <= row.position <= c.last_position), None)
    if covering is None:
        raise AnlanError(
            f"event {event_id}",
            "no checkpoint covers it yet",
            "wait for the hour's checkpoint or make one with `anlan log checkpoint`",
            code="no_checkpoint",
        )
    covered = _covered(store, covering)
    entry = next(e for some in covered.values() for e in some if e.id == event_id)
    mine = covered[entry.stream]
    streams = sorted(covered)
    leaves = [_stream_leaf(s, [(e.seq, e.hash) for e in covered[s]]) for s in streams]
    return {
        "format": "anlan-proof-1",
        "entry": canonical(entry).decode(),
        "path": _plain(merkle.path([e.hash for e in mine], mine.index(entry))),
        "stream": [entry.stream, mine[0].seq, mine[-1].seq, mine[-1].hash.hex()],
        "stream_path": _plain(merkle.path(leaves, streams.index(entry.stream))),
        "statement": covering.statement,
        "signature": covering.signature.hex(),
        "public_key": store.keyring.public_key.hex(),
    }


def check(store: Store, one: Checkpoint, before: Checkpoint | None) -> str | None:
    """What is wrong with a checkpoint; None if nothing."""
    said = one.said
    expected = hashlib.sha256(before.statement.encode()).hexdigest() if before else ZERO.hex()
    if said["previous"] != expected:
        return "it does not follow the checkpoint before it"
    if not signed_by(store.keyring.public_key, one.signature, one.statement.encode()):
        return "its signature is not by this log's signing key"
    covered = _covered(store, one)
    leaves = [_stream_leaf(s, [(e.seq, e.hash) for e in covered[s]]) for s in sorted(covered)]
    if merkle.root(leaves).hex() != said["root"]:
        return "the entries it covers are not the ones that were signed"
    return None


def _covered(store: Store, one: Checkpoint) -> dict[str, list[Entry]]:
    out: dict[str, list[Entry]] = {}
    for e in entries(store.engine, after=one.first_position - 1, until=one.last_position):
        out.setdefault(e.stream, []).append(e)
    return out


def _stream_leaf(stream: str, links: Sequence[tuple[int, bytes]]) -> bytes:
    inner = merkle.root([h for _, h in links])
    return merkle.leaf(
        canonical_json([stream, links[0][0], links[-1][0], links[-1][1].hex(), inner.hex()]).encode()
    )


def _last(connection: Connection) -> Checkpoint | None:
    row = connection.execute(
        select(schema.checkpoint).order_by(schema.checkpoint.c.number.desc()).limit(1)
    ).first()
    return _of(row) if row else None


def _of(row: Any) -> Checkpoint:
    return Checkpoint(row.number, row.first_position, row.last_position, row.statement, bytes(row.signature))


def _plain(steps: Sequence[tuple[str, bytes]]) -> list[list[str]]:
    return [[side, other.hex()] for side, other in steps]
