"""Connections: SQLite as one file with a write-ahead log, or PostgreSQL by its DSN."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from anlan.core.errors import AnlanError

WRITER_LOCK = 78212002
"""Key of the advisory lock under which PostgreSQL's writers take turns."""
_FIXED = ("event", "checkpoint")


def connect(where: str | Path, *, may_change_tables: bool = False) -> Engine:
    """An engine for a log.

    Parameters
    ----------
    where : str or Path
        A path (SQLite) or ``postgresql://user@host:port/database``.
    may_change_tables : bool
        For migrations. Other connections to SQLite are refused every change of logged events by the
        driver itself, before the triggers are asked.
    """
    name = str(where)
    if name.startswith(("postgresql:", "postgres:", "postgresql+psycopg:")):
        url = "postgresql+psycopg:" + name.split(":", 1)[1]
        return create_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True)
    engine = create_engine(f"sqlite:///{name}", pool_size=8, max_overflow=8)

    @event.listens_for(engine, "connect")
    def opened(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        run = connection.execute
        run("PRAGMA journal_mode = WAL").close()
        run("PRAGMA synchronous = FULL").close()  # a commit returns when it is on the disk
        run("PRAGMA secure_delete = ON").close()  # an erased key leaves no bytes in the file
        run("PRAGMA busy_timeout = 10000").close()
        if not may_change_tables:
            connection.set_authorizer(_authorise)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes or may_change_tables else "BEGIN")

    return engine


def _authorise(
    action: int, first: str | None, second: str | None, _db: str | None, _trigger: str | None
) -> int:
    if action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE) and first in _FIXED:
        return sqlite3.SQLITE_DENY
    if action in (sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_DROP_TRIGGER, sqlite3.SQLITE_ALTER_TABLE):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def writing(engine: Engine) -> Connection:
    """A connection whose transactions take the write lock at their start."""
    return engine.connect().execution_options(writes=True)


def take_turn(connection: Connection) -> None:
    """Wait for the other writers of a PostgreSQL log; their commits then come in order of position."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})"))


def grant_writer(engine: Engine, role: str) -> None:
    """Let a PostgreSQL role work with the log without being able to change what is in it."""
    quoted = engine.dialect.identifier_preparer.quote(role)
    with engine.begin() as connection:
        for table in ("event", "checkpoint"):
            connection.execute(text(f"GRANT SELECT, INSERT ON {table} TO {quoted}"))
        for table in ("head", "command", "subject_key", "record", "secret", "session"):
            connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {quoted}"))
        connection.execute(text(f"GRANT SELECT ON schema_version TO {quoted}"))


def unavailable(where: str | Path, error: SQLAlchemyError | OSError) -> AnlanError:
    """The sentence for a log that cannot be read or written now."""
    cause = str(getattr(error, "orig", None) or error).splitlines()[0]
    return AnlanError(
        f"the log {_without_password(str(where))} ({cause})",
        "nothing was recorded",
        "free the disk or bring the database back, then send it again",
        code="log_unavailable",
    )


def _without_password(where: str) -> str:
    if "://" not in where or "@" not in where:
        return where
    scheme, rest = where.split("://", 1)
    who, host = rest.rsplit("@", 1)
    return f"{scheme}://{who.split(':', 1)[0]}@{host}"
