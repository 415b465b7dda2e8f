"""The live stream: server-sent events, resumable from any position, filtered as strictly as lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from anlan.desk import Desk, Person
from anlan.desk.people import may_view
from anlan.store import Entry

BEAT_S = 15.0
WAITING = 10_000
"""Events that may wait for a slow listener; then it is cut off and resumes from where it was."""


def shown(e: Entry) -> dict[str, Any]:
    """An event as it is sent: nothing sealed, nothing of the machinery."""
    event = e.event()
    return {
        "position": e.position,
        "id": e.id,
        "stream": e.stream,
        "subject": e.subject,
        "procedure": e.procedure,
        "transition": e.transition,
        "at": event.at,
        "recorded_at": event.recorded_at,
        "actor": e.actor,
        "role": e.role,
        "unit": e.unit,
        "place": None if e.lon_e7 is None else [event.lon, event.lat],
        "fields": {k: v for k, v in e.fields.items() if not k.startswith("_")},
        "sealed": e.sealed is not None,
    }


async def events(desk: Desk, who: Callable[[], Person | None], after: int | None) -> AsyncIterator[bytes]:
    """Server-sent events for somebody, until they may no longer listen or fall too far behind."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[Sequence[Entry]] = asyncio.Queue()
    count = 0

    def heard(entries: Sequence[Entry]) -> None:
        nonlocal count
        count += len(entries)
        if count <= WAITING:
            loop.call_soon_threadsafe(waiting.put_nowait, entries)

    start = desk.store.position if after is None else after
    stop = await asyncio.to_thread(desk.store.listen, heard, start)
    try:
        yield f"retry: 2000\nid: {start}\n\n".encode()
        while count <= WAITING:
            try:
                entries = await asyncio.wait_for(waiting.get(), BEAT_S)
            except TimeoutError:
                entries = ()
            person = await asyncio.to_thread(who)
            if person is None:
                return
            count -= len(entries)
            now = desk.clock()
            lines = [
                b"id: %d\ndata: %s\n\n" % (e.position, msgspec.json.encode(shown(e)))
                for e in entries
                if may_view(person, e.stream, desk.tree, now)
            ]
            if lines:
                yield b"".join(lines)
            else:
                yield b": still here\n\n"
    finally:
        stop()
