"""Password hashes, one-time-code keys and sessions, as rows; what they mean is `anlan.desk.accounts`'s business."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import delete, select, update

from anlan.store import schema
from anlan.store.database import writing
from anlan.store.store import Store
from anlan.store.work import upsert


@dataclass(frozen=True, slots=True)
class Secret:
    """What an account signs in with.

    Attributes
    ----------
    account : str
    password : str
        An Argon2id hash.
    totp : bytes or None
        Key of one-time codes, wrapped by the master key.
    totp_step : int
        Step of the last code that was used: none is taken twice.
    failures : int
        Wrong tries since the last right one.
    locked_until_us : int
    """

    account: str
    password: str
    totp: bytes | None = None
    totp_step: int = 0
    failures: int = 0
    locked_until_us: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in device; the token itself is kept nowhere."""

    token_hash: bytes
    account: str
    created_us: int
    seen_us: int
    device: str


class Secrets:
    """The two tables.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def of(self, account: str) -> Secret | None:
        """An account's secret."""
        with self._engine.connect() as c:
            row = c.execute(select(schema.secret).where(schema.secret.c.account == account)).first()
        if row is None:
            return None
        return Secret(**{**row._mapping, "totp": None if row.totp is None else bytes(row.totp)})

    def any(self) -> bool:
        """Whether there is any account."""
        with self._engine.connect() as c:
            return c.execute(select(schema.secret.c.account).limit(1)).first() is not None

    def put(self, secret: Secret) -> None:
        """Keep a secret in place of the one before."""
        with writing(self._engine) as c, c.begin():
            upsert(c, schema.secret, [asdict(secret)])

    def begin(self, session: Session) -> None:
        """Keep a session."""
        with writing(self._engine) as c, c.begin():
            upsert(c, schema.session, [asdict(session)])

    def session(self, token_hash: bytes) -> Session | None:
        """A session by its token's hash."""
        with self._engine.connect() as c:
            row = c.execute(select(schema.session).where(schema.session.c.token_hash == token_hash)).first()
        return Session(**{**row._mapping, "token_hash": bytes(row.token_hash)}) if row else None

    def touch(self, token_hash: bytes, now_us: int) -> None:
        """A session was used."""
        with writing(self._engine) as c, c.begin():
            table = schema.session
            c.execute(update(table).where(table.c.token_hash == token_hash).values(seen_us=now_us))

    def end(
        self, *, token_hash: bytes | None = None, account: str | None = None, before_us: int | None = None
    ) -> None:
        """Forget sessions: one, all of an account, or all not used since."""
        table = schema.session
        with writing(self._engine) as c, c.begin():
            if token_hash is not None:
                c.execute(delete(table).where(table.c.token_hash == token_hash))
            if account is not None:
                c.execute(delete(table).where(table.c.account == account))
            if before_us is not None:
                c.execute(delete(table).where(table.c.seen_us < before_us))
