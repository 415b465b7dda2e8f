"""Walking the chains: is every event as it was written, is none missing?"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from anlan.core.job import Job
from anlan.store import checkpoint, schema
from anlan.store.entry import ZERO, Entry, entry_hash
from anlan.store.read import walk
from anlan.store.store import Store


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where the log is not what it was.

    Attributes
    ----------
    stream : str
        Empty for a checkpoint.
    seq : int
        Number in the stream, or of the checkpoint.
    id : str
    reason : str
    """

    stream: str
    seq: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk found."""

    events: int
    streams: int
    checkpoints: int
    broken: Broken | None


def verify(store: Store, job: Job | None = None) -> Verified:
    """Walk every chain and every checkpoint; stops at the first broken link."""
    heads: dict[str, tuple[int, bytes]] = {}
    count = 0
    at = 0
    for e in walk(store.engine):
        if job is not None and count % 10_000 == 0:
            job.check()
            job.update(count)
        wrong = _link(e, heads.get(e.stream, (0, ZERO)), at)
        if wrong:
            return Verified(count, len(heads), 0, Broken(e.stream, e.seq, e.id, wrong))
        heads[e.stream] = (e.seq, e.hash)
        at = e.position
        count += 1
    with store.engine.connect() as connection:
        stored = {row.stream: (row.seq, bytes(row.hash)) for row in connection.execute(select(schema.head))}
    for stream in sorted(heads.keys() | stored.keys()):
        if heads.get(stream) != stored.get(stream):
            seq = stored.get(stream, heads.get(stream, (0, ZERO)))[0]
            return Verified(count, len(heads), 0, Broken(stream, seq, "", "the chain's end is missing"))
    before = None
    listed = checkpoint.all_of(store)
    for one in listed:
        reason = checkpoint.check(store, one, before)
        if reason:
            return Verified(count, len(heads), one.number - 1, Broken("", one.number, "", reason))
        before = one
    return Verified(count, len(heads), len(listed), None)


def _link(e: Entry, before: tuple[int, bytes], at: int) -> str | None:
    if e.seq != before[0] + 1:
        return f"number {e.seq} follows number {before[0]}: entries are missing"
    if e.prev_hash != before[1]:
        return "it does not name the entry before it"
    if entry_hash(e) != e.hash:
        return "its fields are not the ones that its hash was made from"
    if e.position <= at:
        return "its position is not after the one before"
    return None
