"""Secrets of accounts and their sessions: the only things that are not events, because they must be forgotten."""

from __future__ import annotations


def statements(dialect: str) -> list[str]:
    """SQL of this step."""
    blob = "BYTEA" if dialect == "postgresql" else "BLOB"
    return [
        f"""CREATE TABLE secret (
            account TEXT PRIMARY KEY, password TEXT NOT NULL, totp {blob}, totp_step BIGINT NOT NULL,
            failures BIGINT NOT NULL, locked_until_us BIGINT NOT NULL)""",
        f"""CREATE TABLE session (
            token_hash {blob} PRIMARY KEY, account TEXT NOT NULL, created_us BIGINT NOT NULL,
            seen_us BIGINT NOT NULL, device TEXT NOT NULL)""",
        "CREATE INDEX session_account ON session (account)",
    ]
