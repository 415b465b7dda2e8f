"""Signed checkpoints and proofs that a third party checks with nothing of ours."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from anlan.core.errors import AnlanError
from anlan.store import Draft, Store, checkpoint, merkle, verify
from anlan.store.database import connect

SCRIPT = Path(__file__).parents[2] / "docs" / "scripts" / "check_proof.py"


def rfc_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, as it is written there: split at the largest power of two below n."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + rfc_root(leaves[:k]) + rfc_root(leaves[k:])).digest()


@given(st.lists(st.binary(min_size=1, max_size=4), max_size=40))
def test_roots_and_paths_are_those_of_rfc_9162(data: list[bytes]) -> None:
    leaves = [merkle.leaf(d) for d in data]
    assert merkle.root(leaves) == rfc_root(leaves)
    for i, leaf in enumerate(leaves):
        assert merkle.climb(leaf, merkle.path(leaves, i)) == merkle.root(leaves)


def test_known_roots() -> None:
    # The empty tree and a tree of one empty leaf, as certificate logs publish them.
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.leaf(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def fill(store: Store, rounds: int = 3) -> None:
    for r in range(rounds):
        for n in range(7):
            stream = f"42010{n % 3}"
            store.append(
                Draft(stream, f"call-{r}-{n}", "call", "received", float(n), payload={"地点": "解放公园"})
            )
        checkpoint.make(store)


def test_each_event_is_proven_to_a_third_party(store: Store, tmp_path: Path) -> None:
    fill(store)
    assert verify(store).checkpoints == 3
    key = store.keyring.public_key.hex()
    for e in store.events()[::4]:
        file = tmp_path / "proof.json"
        proof = checkpoint.prove(store, e.id)
        file.write_text(json.dumps(proof, ensure_ascii=False), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, SCRIPT, file, key], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert e.id in done.stdout


@pytest.mark.parametrize("what", ["entry", "path", "stream", "statement", "signature", "key"])
def test_a_changed_proof_proves_nothing(what: str, tmp_path: Path) -> None:
    with Store(tmp_path / "log.db", tmp_path / "keys") as store:
        fill(store)
        proof = checkpoint.prove(store, store.events()[8].id)
        key = store.keyring.public_key.hex()
    if what == "entry":
        proof["entry"] = proof["entry"].replace("received", "cleared")
    elif what == "path":
        side, other = proof["path"][0]
        proof["path"][0] = ["right" if side == "left" else "left", other]
    elif what == "stream":
        proof["stream"][0] = "430100"
    elif what == "statement":
        proof["statement"] = proof["statement"].replace('"number":2', '"number":3')
    elif what == "signature":
        proof["signature"] = "00" * 64
    else:
        key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof, ensure_ascii=False), encoding="utf-8")
    done = subprocess.run([sys.executable, SCRIPT, file, key], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "NOT PROVEN" in done.stderr


def test_an_event_without_a_checkpoint_says_so(store: Store) -> None:
    (identity,) = store.append(Draft("420106", "call-1", "call", "received", 0.0))
    with pytest.raises(AnlanError, match="no checkpoint covers it yet"):
        checkpoint.prove(store, identity)
    with pytest.raises(AnlanError, match="not in the log"):
        checkpoint.prove(store, "nothing")
    assert checkpoint.make(store) is not None
    assert checkpoint.make(store) is None
    assert checkpoint.make_if_due(store) is None
    checkpoint.prove(store, identity)


def test_rewriting_a_whole_chain_is_caught_by_the_checkpoint(store: Store) -> None:
    from dataclasses import replace

    from anlan.store.entry import ZERO, entry_hash

    fill(store, 1)
    engine = connect(store.where, may_change_tables=True)
    with engine.begin() as c:
        if c.dialect.name == "postgresql":
            c.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
        else:
            c.execute(text("DROP TRIGGER event_no_update"))
        before = ZERO
        for e in store.events(streams=["420100"]):  # every hash made right again after a change
            new = replace(e, actor="li", prev_hash=before)
            before = entry_hash(new)
            c.execute(
                text("UPDATE event SET actor = 'li', prev_hash = :p, hash = :h WHERE position = :n"),
                {"p": new.prev_hash, "h": before, "n": e.position},
            )
        c.execute(text("UPDATE head SET hash = :h WHERE stream = '420100'"), {"h": before})
    engine.dispose()
    broken = verify(store).broken
    assert broken is not None
    assert "not the ones that were signed" in broken.reason
