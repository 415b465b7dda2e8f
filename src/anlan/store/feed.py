"""The live stream: every logged event, once, in order, to everybody who listens; resumable from a position."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import psycopg
from sqlalchemy import Engine

from anlan.store.entry import Entry
from anlan.store.read import entries

CHANNEL = "anlan_log"
POLL_S = 0.5
"""How often other processes' writing is looked for where the database does not announce it."""

Listener = Callable[[Sequence[Entry]], None]


class Feed:
    """Hands new events to listeners from a thread of its own.

    Parameters
    ----------
    engine : Engine
    after : int
        Position up to which nothing is handed out.
    """

    def __init__(self, engine: Engine, after: int) -> None:
        self._engine = engine
        self._listeners: dict[int, tuple[Listener, int]] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._closed = threading.Event()
        self._at = after
        self._threads = [threading.Thread(target=self._hand_out, name="log-feed", daemon=True)]
        if engine.dialect.name == "postgresql":
            self._threads.append(threading.Thread(target=self._hear, name="log-notify", daemon=True))
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something was written."""
        self._news.set()

    def listen(self, listener: Listener, after: int) -> Callable[[], None]:
        """Call a listener with every event after a position; gives what ends it.

        The listener gets past events first, without a gap or a double at the seam. It must return quickly.
        """
        with self._lock:
            while True:
                missed = entries(self._engine, after=after, until=self._at, limit=1000)
                if not missed:
                    break
                listener(missed)
                after = missed[-1].position
            self._number += 1
            number = self._number
            self._listeners[number] = (listener, after)

        def stop() -> None:
            with self._lock:
                self._listeners.pop(number, None)

        return stop

    def close(self) -> None:
        """Stop handing out."""
        self._closed.set()
        self._news.set()
        for thread in self._threads:
            thread.join(5)

    def _hand_out(self) -> None:
        while not self._closed.is_set():
            self._news.wait(POLL_S)
            self._news.clear()
            while not self._closed.is_set():
                try:
                    new = entries(self._engine, after=self._at, limit=1000)
                except Exception:
                    break
                if not new:
                    break
                with self._lock:
                    for number, (listener, after) in list(self._listeners.items()):
                        try:
                            listener([e for e in new if e.position > after])
                        except Exception:
                            self._listeners.pop(number, None)
                    self._at = new[-1].position

    def _hear(self) -> None:
        dsn = self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not self._closed.is_set():
            try:
                with psycopg.connect(dsn, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    while not self._closed.is_set():
                        for _ in connection.notifies(timeout=POLL_S, stop_after=1):
                            self._news.set()
            except psycopg.Error:
                self._closed.wait(POLL_S)
