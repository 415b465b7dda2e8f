"""Keys: the master key, the signing key, a key per subject; and the journal of erasures.

Envelope encryption: personal fields are sealed with AES-256-GCM under the subject's key, which is stored wrapped
under the master key (AES key wrap, RFC 3394). Erasing a subject removes its wrapped key, so what it sealed can
never be opened again while its hash still proves that it existed. Erasures are also written to a journal beside
the keys, so that a restored backup, older than an erasure, is brought up to it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from anlan.core.errors import AnlanError
from anlan.store.entry import canonical_json

NONCE = 12
_MASTER, _SIGNING, _PUBLIC, _ERASURES = "master.key", "signing.key", "signing.pub", "erasures.jsonl"


class Keyring:
    """A folder of keys, made on first use; only its owner may read it.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._master = self._secret(_MASTER, lambda: os.urandom(32))
        if len(self._master) != 32:
            raise _bad(self.folder / _MASTER, "the master key has 32 bytes")
        seed = self._secret(_SIGNING, lambda: os.urandom(32))
        if len(seed) != 32:
            raise _bad(self.folder / _SIGNING, "the signing key has 32 bytes")
        self._signing = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._signing.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        public = self.folder / _PUBLIC
        if not public.exists():
            public.write_text(self.public_key.hex() + "\n")

    def _secret(self, name: str, make: Any) -> bytes:
        path = self.folder / name
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        return path.read_bytes()

    def new_key(self) -> tuple[bytes, bytes]:
        """A subject's key, and the same wrapped for storing."""
        key = os.urandom(32)
        return key, aes_key_wrap(self._master, key)

    def wrap(self, key: bytes) -> bytes:
        """A key as it may be stored; its length is a multiple of eight."""
        return aes_key_wrap(self._master, key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """A key from its stored form."""
        try:
            return aes_key_unwrap(self._master, wrapped)
        except InvalidUnwrap:
            raise _bad(
                self.folder / _MASTER, "it is not the master key that this log was written with"
            ) from None

    def sign(self, statement: bytes) -> bytes:
        """Ed25519 signature (RFC 8032)."""
        return self._signing.sign(statement)

    def erased(self, subject: str, at_us: int) -> None:
        """Write an erasure down, on the disk when this returns, before the key itself is removed."""
        line = json.dumps({"subject": subject, "at_us": at_us}) + "\n"
        with (self.folder / _ERASURES).open("a") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def erasures(self) -> dict[str, int]:
        """Every subject erased so far and when, microseconds."""
        path = self.folder / _ERASURES
        if not path.exists():
            return {}
        lines = (json.loads(line) for line in path.read_text().splitlines() if line.endswith("}"))
        return {line["subject"]: int(line["at_us"]) for line in lines}


def seal(key: bytes, values: Mapping[str, Any], bound_to: str) -> bytes:
    """Encrypt personal fields; ``bound_to`` (the event's id) must be given again to open them."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, canonical_json(dict(values)).encode(), bound_to.encode())


def unseal(key: bytes, sealed: bytes, bound_to: str) -> dict[str, Any]:
    """Decrypt what `seal` made.

    Raises
    ------
    AnlanError
        If the bytes were changed or belong to another event.
    """
    try:
        plain = AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], bound_to.encode())
    except InvalidTag:
        raise AnlanError(
            f"the sealed fields of {bound_to}",
            "they do not open with their subject's key, so they were changed",
            "run `anlan log verify`",
            code="seal_broken",
        ) from None
    return dict(json.loads(plain))


def signed_by(public_key: bytes, signature: bytes, statement: bytes) -> bool:
    """Whether a signature is right."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except InvalidSignature:
        return False
    return True


def _bad(path: Path, rule: str) -> AnlanError:
    return AnlanError(
        str(path), rule, "put the right key file back from where the keys are kept", code="key_file"
    )
