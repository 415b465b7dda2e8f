"""Personal fields: sealed, opened for a purpose, erased for good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from anlan.core.errors import AnlanError
from anlan.store import Draft, Store, backup, restore, verify

NAME = "王小明的电话 13900001111"


def report(subject: str = "call-1") -> Draft:
    return Draft(
        "420106",
        subject,
        "call",
        "received",
        1_700_000_000.0,
        "zhang",
        "dispatcher",
        personal={"caller": NAME},
    )


def files_hold(where: str, words: str) -> bool:
    return any(words.encode() in p.read_bytes() for p in Path(where).parent.glob(f"{Path(where).name}*"))


def test_personal_fields_never_reach_the_disk_in_plain(store: Store) -> None:
    store.append(report())
    (entry,) = store.events()
    assert entry.sealed is not None
    assert NAME.encode() not in entry.sealed
    assert NAME not in entry.payload
    record = store.record("call-1")
    assert record is not None
    assert NAME not in record.data
    if store.engine.dialect.name == "sqlite":
        assert not files_hold(str(store.where), NAME)


def test_opening_needs_a_purpose_and_is_logged_first(store: Store) -> None:
    store.append(report())
    with pytest.raises(AnlanError, match="state the purpose"):
        store.open_sealed("call-1", actor="li", role="inspector", purpose=" ")
    opened = store.open_sealed("call-1", actor="li", role="inspector", purpose="call back")
    assert [v["caller"] for v in opened.values()] == [NAME]
    last = store.events()[-1]
    assert (last.transition, last.actor, last.role, last.purpose) == (
        "opened",
        "li",
        "inspector",
        "call back",
    )


def test_erasing_destroys_the_key_and_the_chain_still_verifies(store: Store) -> None:
    store.append(report(), report("call-2"))
    with store.engine.connect() as connection:
        wrapped = bytes(connection.scalar(text("SELECT wrapped FROM subject_key WHERE subject = 'call-1'")))
    store.erase("call-1", actor="system", role="system", purpose="retention date")
    with pytest.raises(AnlanError, match="erased"):
        store.open_sealed("call-1", actor="li", role="inspector", purpose="call back")
    with pytest.raises(AnlanError, match="erased"):
        store.append(report())
    assert verify(store).broken is None
    assert list(store.open_sealed("call-2", actor="li", role="inspector", purpose="x").values()) == [
        {"caller": NAME}
    ]
    if store.engine.dialect.name == "sqlite":
        for p in Path(store.where).parent.glob(f"{Path(store.where).name}*"):
            assert wrapped not in p.read_bytes(), p


def test_a_changed_ciphertext_is_found_by_its_hash(store: Store) -> None:
    from anlan.store.database import connect

    store.append(report())
    engine = connect(store.where, may_change_tables=True)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
            connection.execute(text("UPDATE event SET sealed = '\\x0011'::bytea"))
        else:
            connection.execute(text("DROP TRIGGER event_no_update"))
            connection.execute(text("UPDATE event SET sealed = x'0011'"))
    engine.dispose()
    broken = verify(store).broken
    assert broken is not None
    assert "its fields are not" in broken.reason


def test_restoring_a_backup_replays_erasures_made_since(
    store: Store, place: Callable[[], str], tmp_path: Path
) -> None:
    store.append(report(), report("call-2"))
    backup(store, tmp_path / "night.zip")
    store.erase("call-1", actor="system", role="system", purpose="retention date")
    with Store(place(), tmp_path / "keys") as again:
        told = restore(tmp_path / "night.zip", again)
        assert told == {"events": 2, "erasures": 1, "until": None}
        with pytest.raises(AnlanError, match="erased"):
            again.open_sealed("call-1", actor="li", role="inspector", purpose="call back")
        assert again.open_sealed("call-2", actor="li", role="inspector", purpose="call back")


def test_a_backup_is_whole_while_writing_goes_on_and_stops_at_an_event(
    store: Store, place: Callable[[], str], tmp_path: Path
) -> None:
    for n in range(30):
        store.append(Draft("420106", f"call-{n}", "call", "received", float(n), payload={"n": n}), id=f"c{n}")
    backup(store, tmp_path / "b.zip")
    store.append(Draft("420106", "call-1", "call", "queued", 99.0))
    log = store.events()
    with Store(place(), tmp_path / "keys") as whole:
        restore(tmp_path / "b.zip", whole)
        assert whole.events() == log[:30]
        assert [r for r in whole.records() if r.subject != "call-1"] == [
            r for r in store.records() if r.subject != "call-1"
        ]
        first = whole.record("call-1")
        assert first is not None
        assert first.state == "received"
        assert whole.append(Draft("420106", "call-3", "call", "received", 3.0), id="c3") == [log[3].id]
        with pytest.raises(AnlanError, match="empty log"):
            restore(tmp_path / "b.zip", whole)
    with Store(place(), tmp_path / "keys") as early:
        assert restore(tmp_path / "b.zip", early, until=log[11].id)["events"] == 12
        assert early.record("call-11") is not None
        assert early.record("call-12") is None
        early.append(Draft("420106", "call-12", "call", "received", 12.0))
        assert verify(early).broken is None


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_backup_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with (
        Store(tmp_path / "log.db", tmp_path / "keys") as store,
        pytest.raises(AnlanError, match="it is not a backup"),
    ):
        restore(tmp_path / "x.zip", store)


def test_the_wrong_master_key_says_so(tmp_path: Path) -> None:
    with Store(tmp_path / "log.db", tmp_path / "keys") as store:
        store.append(report())
    with (
        Store(tmp_path / "log.db", tmp_path / "other") as store,
        pytest.raises(AnlanError, match="not the master key"),
    ):
        store.open_sealed("call-1", actor="li", role="inspector", purpose="x")


def test_keys_are_only_their_owners(tmp_path: Path) -> None:
    Store(tmp_path / "log.db", tmp_path / "keys").close()
    assert (tmp_path / "keys" / "master.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys" / "signing.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
