"""Accounts: signing in with a password (Argon2id) and a one-time code (TOTP), sessions, lockout, grants.

Who may what is in the log, as `grant`s; secrets and sessions are rows that are forgotten.
"""

from __future__ import annotations

import hashlib
import os
import secrets as random
from collections.abc import Sequence
from dataclasses import replace

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from anlan.core.errors import AnlanError
from anlan.desk.act import Act
from anlan.desk.carry import unknown
from anlan.desk.desk import Desk
from anlan.desk.people import ANYWHERE, THE_SYSTEM, Grant, Person, refuse, roles_in
from anlan.store import Record
from anlan.store.secrets import Secret, Secrets, Session

IDLE_S = 2 * 3600.0
LONGEST_S = 12 * 3600.0
TRIES = 5
LOCK_S = 900.0
GLASS_S = 3600.0
"""How long a broken glass stays open."""
SHORTEST = 10
"""Characters of a password (NIST SP 800-63B asks for at least 8, and for no rules of composition)."""
STEP_S = 30
MICRO = 1_000_000


class Accounts:
    """Who is who at a desk.

    Parameters
    ----------
    desk : Desk
    root : str
        Area under which accounts are recorded: the top of the tree.
    """

    def __init__(self, desk: Desk, root: str) -> None:
        self.desk, self.root = desk, root
        self.secrets = Secrets(desk.store)
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(random.token_urlsafe(16))

    # Opening

    def first_admin(self) -> str:
        """On a fresh install, the account ``admin``; gives its one-time password, or the empty text later."""
        if self.secrets.any():
            return ""
        password = self.open(THE_SYSTEM, "admin")
        act = Act("grant", "give", "", {"account": "admin", "role": "admin"}, self.root)
        self.desk.act(THE_SYSTEM, act)
        return password

    def open(self, who: Person, account: str) -> str:
        """Open an account; gives its first password, shown this once."""
        if not account or not account.isprintable() or ":" in account or len(account) > 80:
            raise AnlanError(
                f"account {account!r}", "a name is 1 to 80 characters without a colon", "choose another"
            )
        self.desk.act(who, Act("account", "open", subject(account), {"name": account}, self.root))
        password = random.token_urlsafe(12)
        self.secrets.put(Secret(account, self._hasher.hash(password)))
        return password

    # Signing in

    def sign_in(self, account: str, password: str, code: str = "", device: str = "") -> str:
        """Begin a session; gives its token.

        Raises
        ------
        AnlanError
            With one and the same sentence for an unknown name, a wrong password and a wrong code; another one
            for an account that is locked or disabled, to somebody who knows its password.
        """
        now_us = self._now_us()
        secret = self.secrets.of(account)
        record = self.desk.store.record(subject(account))
        if secret is None or record is None:
            self._right(self._nobody, password)  # the same time is spent
            raise _wrong()
        locked = now_us < secret.locked_until_us
        right = self._right(secret.password, password)
        step = self._code_step(secret, code) if right else None
        if not right or step is None:
            if not locked:
                self._failed(secret, record)
            raise _wrong()
        if locked or record.state == "disabled":
            raise AnlanError(
                f"account {account}",
                "it is disabled" if record.state == "disabled" else "it is locked after too many wrong tries",
                "ask an administrator, or wait a quarter of an hour",
                code="locked",
            )
        if record.state == "locked":
            self._system(account, "unlock")
        self.secrets.put(replace(secret, failures=0, locked_until_us=0, totp_step=step))
        token = random.token_urlsafe(32)
        self.secrets.begin(Session(_hash(token), account, now_us, now_us, device[:200]))
        self._system(account, "sign_in")
        return token

    def _failed(self, secret: Secret, record: Record) -> None:
        failures = secret.failures + 1
        self._system(secret.account, "fail")
        if failures < TRIES:
            self.secrets.put(replace(secret, failures=failures))
            return
        until_us = self._now_us() + round(LOCK_S * MICRO)
        self.secrets.put(replace(secret, failures=0, locked_until_us=until_us))
        if record.state != "disabled":
            self._system(secret.account, "lock", until=until_us / MICRO)

    def sign_out(self, token: str) -> None:
        """End a session."""
        self.secrets.end(token_hash=_hash(token))

    def who(self, token: str) -> Person | None:
        """The person of a session; None where it has ended."""
        session = self.secrets.session(_hash(token))
        now_us = self._now_us()
        if session is None:
            return None
        if now_us - session.seen_us > IDLE_S * MICRO or now_us - session.created_us > LONGEST_S * MICRO:
            self.secrets.end(token_hash=session.token_hash)
            return None
        record = self.desk.store.record(subject(session.account))
        if record is None or record.state == "disabled":
            return None
        if now_us - session.seen_us > 60 * MICRO:
            self.secrets.touch(session.token_hash, now_us)
        return self.person(session.account)

    def person(self, account: str) -> Person:
        """Somebody with the grants that the log gives them now."""
        return Person(account, tuple(self._grants(account)))

    def _grants(self, account: str) -> Sequence[Grant]:
        out = []
        for r in self.desk.store.records(procedure="grant", states=["active"]):
            data = r.values
            fields = data["fields"]
            broke = data["actors"].get("break_glass")
            if (broke or fields.get("account")) != account:
                continue
            begin = r.opened_us / MICRO
            if broke:
                out.append(Grant("glass", r.stream, "view", begin, begin + GLASS_S))
                continue
            end = float(fields.get("until") or float("inf"))
            area = ANYWHERE if r.stream == self.root else r.stream
            out.append(Grant(fields["role"], area, fields.get("right", "act"), begin, end))
        return out

    # Secrets

    def change_password(self, account: str, old: str, new: str) -> None:
        """A new password; every session of the account ends."""
        secret = self.secrets.of(account)
        if secret is None or not self._right(secret.password, old):
            raise _wrong()
        if len(new) < SHORTEST:
            raise AnlanError(
                f"a password of {len(new)} characters",
                f"it has at least {SHORTEST}",
                "take a longer one, a sentence for example",
                code="password",
            )
        self.secrets.put(replace(secret, password=self._hasher.hash(new)))
        self.secrets.end(account=account)
        self._system(account, "secret_changed")

    def reset(self, who: Person, account: str) -> str:
        """A new first password, by an administrator; gives it, shown this once."""
        if self.desk.store.record(subject(account)) is None:
            raise unknown(f"account {account}")
        admins = roles_in(who, self.root, self.desk.tree, self.desk.clock())
        if "admin" not in admins:
            raise refuse(who, "resetting a password", ["admin"], self.root)
        if self._locked(account):
            self.desk.act(who, Act("account", "unlock", subject(account)))
        password = random.token_urlsafe(12)
        self.secrets.put(Secret(account, self._hasher.hash(password)))
        self.secrets.end(account=account)
        self._system(account, "secret_changed")
        return password

    def new_code_key(self, account: str, password: str) -> str:
        """A key for one-time codes, as the URI that apps read; from now on signing in asks for a code."""
        secret = self.secrets.of(account)
        if secret is None or not self._right(secret.password, password):
            raise _wrong()
        key = os.urandom(32)
        self.secrets.put(replace(secret, totp=self.desk.store.keyring.wrap(key), totp_step=0))
        self._system(account, "secret_changed")
        return _totp(key).get_provisioning_uri(account, "Anlan")

    def _code_step(self, secret: Secret, code: str) -> int | None:
        """The step of a right code, 0 where none is asked for, None where it is wrong or was used before."""
        if secret.totp is None:
            return 0
        totp = _totp(self.desk.store.keyring.unwrap(secret.totp))
        now = int(self.desk.clock())
        for step in (now // STEP_S, now // STEP_S - 1, now // STEP_S + 1):
            if step <= secret.totp_step:
                continue
            try:
                totp.verify(code.encode(), step * STEP_S)
            except InvalidToken:
                continue
            return step
        return None

    def _right(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerificationError:
            return False

    def _locked(self, account: str) -> bool:
        record = self.desk.store.record(subject(account))
        return record is not None and record.state == "locked"

    def _system(self, account: str, transition: str, **fields: object) -> None:
        self.desk.act(THE_SYSTEM, Act("account", transition, subject(account), fields))

    def _now_us(self) -> int:
        return round(self.desk.clock() * MICRO)


def subject(account: str) -> str:
    """Id of an account in the log."""
    return f"account:{account}"


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _totp(key: bytes) -> TOTP:
    return TOTP(key, 6, SHA1(), STEP_S)


def _wrong() -> AnlanError:
    return AnlanError(
        "signing in", "name, password and code do not belong together", "try again", code="sign_in"
    )
