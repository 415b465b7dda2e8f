"""The log: events, chain heads, commands carried out, the read model; triggers that refuse change."""

from __future__ import annotations


def statements(dialect: str) -> list[str]:
    """SQL of this step."""
    blob = "BYTEA" if dialect == "postgresql" else "BLOB"
    tables = [
        f"""CREATE TABLE event (
            position BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, stream TEXT NOT NULL, seq BIGINT NOT NULL,
            subject TEXT NOT NULL, procedure TEXT NOT NULL, transition TEXT NOT NULL,
            occurred_us BIGINT NOT NULL, recorded_us BIGINT NOT NULL,
            actor TEXT NOT NULL, role TEXT NOT NULL, purpose TEXT NOT NULL, device TEXT NOT NULL,
            unit TEXT NOT NULL, area TEXT NOT NULL, lon_e7 BIGINT, lat_e7 BIGINT,
            payload TEXT NOT NULL, sealed {blob}, prev_hash {blob} NOT NULL, hash {blob} NOT NULL,
            CONSTRAINT event_chain UNIQUE (stream, seq))""",
        "CREATE INDEX event_subject ON event (subject, position)",
        f"CREATE TABLE head (stream TEXT PRIMARY KEY, seq BIGINT NOT NULL, hash {blob} NOT NULL)",
        "CREATE TABLE command (id TEXT PRIMARY KEY, recorded_us BIGINT NOT NULL, result TEXT NOT NULL)",
        """CREATE TABLE record (
            subject TEXT PRIMARY KEY, procedure TEXT NOT NULL, state TEXT NOT NULL, stream TEXT NOT NULL,
            area TEXT NOT NULL, opened_us BIGINT NOT NULL, updated_us BIGINT NOT NULL, due_us BIGINT,
            version BIGINT NOT NULL, data TEXT NOT NULL)""",
        "CREATE INDEX record_state ON record (procedure, state, stream)",
        "CREATE INDEX record_due ON record (due_us)",
    ]
    return tables + refuse_change("event", dialect)


def refuse_change(table: str, dialect: str) -> list[str]:
    """Triggers under which a table only grows."""
    words = f"the table {table} is append-only"
    if dialect == "postgresql":
        return [
            f"""CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION '{words}'; END $$""",
            f"""CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
                FOR EACH ROW EXECUTE FUNCTION {table}_only_grows()""",
            f"""CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()""",
            f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC",
        ]
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{words}'); END"
        for verb in ("UPDATE", "DELETE")
    ]
