"""Bringing a database up to today's tables."""

from __future__ import annotations

from types import ModuleType

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from anlan.core.errors import AnlanError
from anlan.store import schema
from anlan.store.migrations import STEPS

FIRST = "CREATE TABLE IF NOT EXISTS schema_version (number BIGINT PRIMARY KEY, applied_us BIGINT NOT NULL)"


def version(connection: Connection) -> int:
    """The last step that a database has; 0 for an empty one."""
    if not inspect(connection).has_table(schema.schema_version.name):
        return 0
    numbers = connection.scalars(select(schema.schema_version.c.number)).all()
    return max(numbers, default=0)


def migrate(engine: Engine, now_us: int, upto: int | None = None) -> int:
    """Apply the steps a database lacks, all or none.

    Parameters
    ----------
    engine : Engine
        Of a connection that may create tables.
    now_us : int
    upto : int, optional
        Last step to apply; all where not given.

    Returns
    -------
    int
        The version reached.

    Raises
    ------
    AnlanError
        If the database was made by a newer version.
    """
    last = len(STEPS) if upto is None else upto
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(78212001)"))
        has = version(connection)
        if has > len(STEPS):
            raise AnlanError(
                f"a log of format {has}",
                f"this version knows formats up to {len(STEPS)}",
                "use the version of Anlan that wrote it, or a newer one",
                code="log_newer",
            )
        if has == 0:
            connection.execute(text(FIRST))
        for number, step in enumerate(STEPS[has:last], start=has + 1):
            _apply(connection, step)
            connection.execute(insert(schema.schema_version).values(number=number, applied_us=now_us))
    return max(has, last)


def _apply(connection: Connection, step: ModuleType) -> None:
    for statement in step.statements(connection.dialect.name):
        connection.execute(text(statement))
