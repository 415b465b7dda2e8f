"""The tables as the code sees them; how they came about is in `anlan.store.migrations`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint

metadata = MetaData()

event = Table(
    "event",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("stream", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("procedure", Text, nullable=False),
    Column("transition", Text, nullable=False),
    Column("occurred_us", BigInteger, nullable=False),
    Column("recorded_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("lon_e7", BigInteger),
    Column("lat_e7", BigInteger),
    Column("payload", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("stream", "seq", name="event_chain"),
    Index("event_subject", "subject", "position"),
)
"""The log. Nothing is ever changed or deleted here."""

head = Table(
    "head",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""The last link of each chain."""

command = Table(
    "command",
    metadata,
    Column("id", Text, primary_key=True),
    Column("recorded_us", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
)
"""Commands carried out, by the id that the client gave: a second sending gets the first one's answer."""

subject_key = Table(
    "subject_key",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("wrapped", LargeBinary),
    Column("created_us", BigInteger, nullable=False),
    Column("erased_us", BigInteger),
)
"""Keys of personal fields, one per subject, wrapped by the master key; erasing removes the key alone."""

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("first_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("statement", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""Signed Merkle roots over all streams."""

record = Table(
    "record",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("procedure", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("due_us", BigInteger),
    Column("version", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Index("record_state", "procedure", "state", "stream"),
    Index("record_due", "due_us"),
)
"""The read model: each subject as its events have made it. Can be rebuilt from the log at any time."""

schema_version = Table(
    "schema_version",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("applied_us", BigInteger, nullable=False),
)

secret = Table(
    "secret",
    metadata,
    Column("account", Text, primary_key=True),
    Column("password", Text, nullable=False),
    Column("totp", LargeBinary),
    Column("totp_step", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("locked_until_us", BigInteger, nullable=False),
)
"""What accounts sign in with."""

session = Table(
    "session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("account", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("device", Text, nullable=False),
    Index("session_account", "account"),
)
"""Signed-in devices."""
