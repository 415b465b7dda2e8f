"""The store: one log, its keys, its readers and its one writer."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from anlan.core.errors import AnlanError
from anlan.core.time import Clock
from anlan.store import read, schema
from anlan.store.database import connect, take_turn, unavailable, writing
from anlan.store.entry import Draft, Entry, micros
from anlan.store.feed import CHANNEL, Feed, Listener
from anlan.store.keyring import Keyring, unseal
from anlan.store.migrate import migrate
from anlan.store.record import Fold, Record, last_event
from anlan.store.work import Batch, Command, Work, erased, last_position

BATCH = 512
"""Most commands in one transaction."""


class Store:
    """An append-only log with its read model.

    Commands from any thread are carried out by one writer, as many per transaction as are waiting (group
    commit); a command's future is resolved after the transaction is on the disk.

    Parameters
    ----------
    where : str or Path
        A file (SQLite, made if missing) or a PostgreSQL DSN.
    keys : Path
        Folder of keys; keep it apart from backups.
    fold : callable
        How events make records.
    clock : callable
        Unix seconds.
    """

    def __init__(
        self, where: str | Path, keys: Path, *, fold: Fold = last_event, clock: Clock = time.time
    ) -> None:
        self.where, self.fold, self.clock = where, fold, clock
        if "://" not in str(where):
            Path(where).parent.mkdir(parents=True, exist_ok=True)
        self.keyring = Keyring(keys)
        try:
            maker = connect(where, may_change_tables=True)
            migrate(maker, micros(clock()))
            maker.dispose()
            self.engine = connect(where)
            with self.engine.connect() as connection:
                at = last_position(connection)
        except SQLAlchemyError as error:
            raise unavailable(where, error) from None
        self._queue: queue.SimpleQueue[tuple[Command, Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self.feed = Feed(self.engine, at)
        self._writer = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._writer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Carry out what waits, then stop."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._writer.join()
        self.feed.close()
        self.engine.dispose()

    # Writing

    def submit(self, command: Command) -> Future[Any]:
        """Queue a command; its future is resolved once it is durable.

        The future raises `AnlanError` where the command is refused (nothing is logged of it) or the database
        cannot be written (nothing was recorded; the same id may be sent again).
        """
        if self._closed:
            raise AnlanError("the log", "it is closed", "open it again", code="log_closed")
        future: Future[Any] = Future()
        self._queue.put((command, future))
        return future

    def do(self, work: Callable[[Work], Any], *, id: str = "", subjects: Sequence[str] = ()) -> Any:  # noqa: A002
        """Carry out one command and wait for it."""
        return self.submit(Command(id or str(uuid.uuid4()), work, subjects)).result()

    def append(self, *drafts: Draft, id: str = "") -> Any:  # noqa: A002
        """Log events as one command; gives their ids."""
        return self.do(
            lambda w: [w.append(d).id for d in drafts], id=id, subjects=[d.subject for d in drafts]
        )

    def _write(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            waiting = [first]
            last = False
            while len(waiting) < BATCH:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    last = True
                    break
                waiting.append(item)
            self._commit([(c, f) for c, f in waiting if f.set_running_or_notify_cancel()])
            if last:
                return

    def _commit(self, waiting: list[tuple[Command, Future[Any]]]) -> None:
        answers: list[tuple[Future[Any], Any, BaseException | None]] = []
        erasing = False
        try:
            with writing(self.engine) as connection:
                with connection.begin():
                    take_turn(connection)
                    batch = Batch(connection, self.keyring, self.fold, micros(self.clock()))
                    batch.prefetch(c for c, _ in waiting)
                    for command, future in waiting:
                        try:
                            answers.append((future, batch.run(command), None))
                        except SQLAlchemyError:
                            raise
                        except Exception as error:
                            answers.append((future, None, error))
                    batch.flush()
                    erasing = bool(batch.erased)
                    if batch.entries and connection.dialect.name == "postgresql":
                        connection.execute(text(f"SELECT pg_notify('{CHANNEL}', '{batch.position}')"))
                if erasing and connection.dialect.name == "sqlite":
                    raw = connection.connection.driver_connection
                    assert raw is not None
                    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()  # no old page keeps the key
        except (SQLAlchemyError, OSError) as error:
            broken = unavailable(self.where, error)
            for _, future in waiting:
                future.set_exception(broken)
            return
        for future, value, refusal in answers:
            if refusal is None:
                future.set_result(value)
            else:
                future.set_exception(refusal)
        self.feed.wake()

    # Reading

    def events(
        self,
        *,
        after: int = 0,
        until: int | None = None,
        streams: Sequence[str] | None = None,
        subject: str | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """Events in order of position."""
        return read.entries(
            self.engine, after=after, until=until, streams=streams, subject=subject, limit=limit
        )

    def record(self, subject: str) -> Record | None:
        """A subject's record; None where nothing is known of it."""
        return read.record(self.engine, subject)

    def records(self, **which: Any) -> list[Record]:
        """Records by procedure, states, streams or what falls due; see `anlan.store.read.records`."""
        return read.records(self.engine, **which)

    def listen(self, listener: Listener, after: int | None = None) -> Callable[[], None]:
        """Call a listener with every event after a position (now, where not given); gives what ends it."""
        return self.feed.listen(listener, self.position if after is None else after)

    @property
    def position(self) -> int:
        """Position of the last event."""
        with self.engine.connect() as connection:
            return last_position(connection)

    # Personal fields

    def open_sealed(
        self, subject: str, *, actor: str, role: str, purpose: str, now: float | None = None
    ) -> dict[str, dict[str, Any]]:
        """Personal fields of a subject, by event id; the opening is itself logged, first.

        Raises
        ------
        AnlanError
            If no purpose is given, the subject is unknown, or it was erased.
        """
        if not purpose.strip():
            raise AnlanError(
                f"opening the personal fields of {subject}",
                "personal fields are opened for a stated purpose",
                "state the purpose",
                code="purpose",
            )

        def opened(work: Work) -> str:
            before = work.record(subject)
            if before is None:
                raise AnlanError(
                    subject, "nothing is recorded under it", "check the number", code="unknown_subject"
                )
            at = work.now if now is None else now
            return work.append(
                Draft(before.stream, f"{subject}#reads", "reading", "opened", at, actor, role, purpose)
            ).id

        self.do(opened, subjects=[subject])
        with self.engine.connect() as connection:
            row = connection.execute(
                select(schema.subject_key).where(schema.subject_key.c.subject == subject)
            ).first()
        if row is None:
            return {}
        if row.wrapped is None:
            raise erased(subject)
        key = self.keyring.unwrap(bytes(row.wrapped))
        return {
            e.id: unseal(key, e.sealed, e.id) for e in self.events(subject=subject) if e.sealed is not None
        }

    def erase(self, subject: str, *, actor: str, role: str, purpose: str) -> None:
        """Destroy a subject's key and log that it was done; the chain stays whole."""

        def work(w: Work) -> None:
            before = w.record(subject)
            if before is None:
                raise AnlanError(
                    subject, "nothing is recorded under it", "check the number", code="unknown_subject"
                )
            w.erase(subject)
            w.append(Draft(before.stream, subject, before.procedure, "erased", w.now, actor, role, purpose))

        self.do(work, subjects=[subject])
