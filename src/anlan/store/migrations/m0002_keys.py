"""Keys of personal fields, and signed checkpoints."""

from __future__ import annotations

from anlan.store.migrations.m0001_log import refuse_change


def statements(dialect: str) -> list[str]:
    """SQL of this step."""
    blob = "BYTEA" if dialect == "postgresql" else "BLOB"
    return [
        f"""CREATE TABLE subject_key (
            subject TEXT PRIMARY KEY, wrapped {blob}, created_us BIGINT NOT NULL, erased_us BIGINT)""",
        f"""CREATE TABLE checkpoint (
            number BIGINT PRIMARY KEY, first_position BIGINT NOT NULL, last_position BIGINT NOT NULL,
            statement TEXT NOT NULL, signature {blob} NOT NULL)""",
        *refuse_change("checkpoint", dialect),
    ]
