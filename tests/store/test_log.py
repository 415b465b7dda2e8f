"""The log: what is acknowledged stays, in order, once, unchanged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from anlan.core.errors import AnlanError
from anlan.store import Draft, Store, Work, verify
from anlan.store.database import connect
from anlan.store.rebuild import differences, rebuild


def call(n, stream="420106", transition="received", **more):
    return Draft(
        stream, f"call-{n}", "call", transition, 1_700_000_000.0 + n, actor="zhang", role="dispatcher", **more
    )


def test_entries_form_one_chain_per_stream(store: Store) -> None:
    store.append(call(1), call(2, "420107"), call(3))
    store.append(call(1, transition="queued"))
    log = store.events()
    assert [(e.position, e.stream, e.seq) for e in log] == [
        (1, "420106", 1),
        (2, "420107", 1),
        (3, "420106", 2),
        (4, "420106", 3),
    ]
    assert log[2].prev_hash == log[0].hash
    assert log[3].prev_hash == log[2].hash
    assert log[1].prev_hash == bytes(32)
    assert sorted(e.id for e in log) == [e.id for e in log]
    found = verify(store)
    assert (found.events, found.streams, found.broken) == (4, 2, None)


def test_a_command_sent_twice_is_carried_out_once_and_answered_alike(store: Store) -> None:
    first = store.append(call(1), id="phone-7:18")
    again = store.append(call(1), id="phone-7:18")
    assert again == first
    assert store.position == 1
    both = [store.submit(_command(2, "same")) for _ in range(2)]
    assert both[0].result() == both[1].result()
    assert store.position == 2


def _command(n, identity):
    from anlan.store import Command

    return Command(identity, lambda w: w.append(call(n)).id)


def test_a_refused_command_leaves_nothing_and_its_neighbours_stand(store: Store) -> None:
    def refused(work: Work) -> None:
        work.append(call(9, transition="received"))
        raise AnlanError("call-9", "it is refused", "leave it", code="no")

    with pytest.raises(AnlanError, match="it is refused"):
        store.do(refused, id="x")
    store.append(call(1))
    assert [e.subject for e in store.events()] == ["call-1"]
    assert store.record("call-9") is None
    assert verify(store).broken is None
    store.do(lambda w: w.append(call(9)).id, id="x")  # a refused id may be sent again
    assert store.record("call-9") is not None


def test_many_threads_lose_and_double_nothing(store: Store) -> None:
    def send(n: int) -> str:
        return store.append(call(n, stream=f"4201{n % 5:02d}"), id=f"c{n}")[0]

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(send, range(400)))
    log = store.events()
    assert {e.id for e in log} == set(ids)
    assert [e.position for e in log] == list(range(1, 401))
    assert verify(store).broken is None
    assert len(store.records()) == 400


def test_a_command_sees_what_the_one_before_it_did_in_the_same_batch(store: Store) -> None:
    def add(work: Work) -> int:
        before = work.record("counter")
        n = (before.values["n"] if before else 0) + 1
        work.append(Draft("420106", "counter", "call", "counted", work.now, payload={"n": n}))
        return n

    from anlan.store import Command

    futures = [store.submit(Command(f"add-{i}", add, ["counter"])) for i in range(100)]
    assert sorted(f.result() for f in futures) == list(range(1, 101))


def test_logged_events_cannot_be_changed(store: Store) -> None:
    store.append(call(1))
    for statement in ("UPDATE event SET actor = 'li'", "DELETE FROM event"):
        with pytest.raises(DBAPIError), store.engine.begin() as connection:
            connection.execute(text(statement))
        # Nor by a connection that may change tables: the trigger refuses.
        with (
            pytest.raises(DBAPIError, match="append-only"),
            connect(store.where, may_change_tables=True).begin() as c,
        ):
            c.execute(text(statement))
    assert verify(store).broken is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE event SET actor = 'li' WHERE position = 5", "its fields are not"),
        ("UPDATE event SET payload = '{}' WHERE position = 5", "its fields are not"),
        ("DELETE FROM event WHERE position = 5", "entries are missing"),
        ("DELETE FROM event WHERE position = 10", "the chain's end is missing"),
        ("UPDATE event SET prev_hash = hash WHERE position = 5", "does not name the entry before"),
    ],
)
def test_verify_names_the_first_broken_link(store: Store, change: str, reason: str) -> None:
    store.append(*(call(n) for n in range(10)))
    engine = connect(store.where, may_change_tables=True)
    with engine.begin() as connection:  # somebody with the file and the will
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER event_no_update"))
            connection.execute(text("DROP TRIGGER event_no_delete"))
        connection.execute(text(change))
    engine.dispose()
    broken = verify(store).broken
    assert broken is not None
    assert reason in broken.reason
    assert broken.stream == "420106"
    assert broken.seq == {"entries are missing": 6, "the chain's end is missing": 10}.get(reason, 5)


def test_records_are_what_the_log_says(store: Store) -> None:
    for n in range(50):
        store.append(call(n % 20, transition="received" if n < 20 else "queued", payload={"n": n}))
    assert differences(store) == []
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE record SET state = 'lost' WHERE subject = 'call-3'"))
        connection.execute(text("DELETE FROM record WHERE subject = 'call-4'"))
    assert [d[0] for d in differences(store)] == ["call-3", "call-4"]
    assert rebuild(store) == 20
    assert differences(store) == []


def test_listeners_get_every_event_once_in_order_past_ones_first(store: Store) -> None:
    store.append(*(call(n) for n in range(5)))
    got: list[int] = []
    enough = threading.Event()

    def listener(entries):
        got.extend(e.position for e in entries)
        if got and got[-1] >= 105:
            enough.set()

    stop = store.listen(listener, after=2)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.append(call(n)), range(100)))
    assert enough.wait(10)
    stop()
    assert got == list(range(3, 106))
    store.append(call(200))
    assert got[-1] == 105


def test_another_process_writing_is_heard(place: Callable[[], str], tmp_path: Path) -> None:
    where = place()
    with Store(where, tmp_path / "keys") as here, Store(where, tmp_path / "keys") as there:
        heard = threading.Event()
        here.listen(lambda entries: heard.set() if entries else None)
        there.append(call(1))
        assert heard.wait(10)
        here.append(call(2))
        assert [e.seq for e in there.events()] == [1, 2]
        assert verify(here).broken is None


def test_two_writers_take_turns(place: Callable[[], str], tmp_path: Path) -> None:
    where = place()
    with (
        Store(where, tmp_path / "keys") as a,
        Store(where, tmp_path / "keys") as b,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda n: (a if n % 2 else b).append(call(n), id=f"c{n}"), range(120)))
        assert a.position == 120
        assert verify(a).broken is None


def test_the_clock_going_back_does_not_turn_the_log_round(place: Callable[[], str], tmp_path: Path) -> None:
    times = iter([100.0, 200.0, 50.0, 60.0, 300.0] + [300.0] * 20)
    with Store(place(), tmp_path / "keys", clock=lambda: next(times)) as store:
        for n in range(4):
            store.append(call(n))
        recorded = [e.recorded_at for e in store.events()]
    assert recorded == sorted(recorded)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"stream": ""}, "without its stream"),
        ({"lon": 114.0}, "a place has both"),
        ({"lon": 30.5, "lat": 114.3}, "within 180 and 90"),
    ],
)
def test_incomplete_events_are_refused_in_a_sentence(bad, sentence):
    values = {"stream": "s", "subject": "x", "procedure": "call", "transition": "received", "at": 0.0} | bad
    with pytest.raises(AnlanError, match=sentence):
        Draft(**values)


def test_a_newer_log_is_left_alone(place: Callable[[], str], tmp_path: Path) -> None:
    where = place()
    Store(where, tmp_path / "keys").close()
    engine = connect(where, may_change_tables=True)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO schema_version VALUES (99, 0)"))
    engine.dispose()
    with pytest.raises(AnlanError, match="format 99"):
        Store(where, tmp_path / "keys")


def test_a_log_that_cannot_be_written_says_that_nothing_was_recorded(tmp_path: Path) -> None:
    with Store(tmp_path / "log.db", tmp_path / "keys") as store:
        store.append(call(1))
        with store.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            pages = raw.execute("PRAGMA page_count").fetchone()[0]
        store.engine.dispose()
        from sqlalchemy import event as on

        @on.listens_for(store.engine, "connect")
        def full(connection, _record):
            connection.execute(f"PRAGMA max_page_count = {pages}").close()

        def fill() -> None:
            for n in range(200):
                store.append(call(n, payload={"text": "x" * 2000}), id=f"n{n}")

        with pytest.raises(AnlanError, match="nothing was recorded"):
            fill()
        on.remove(store.engine, "connect", full)
        store.engine.dispose()
        store.append(call(1000), id="after")  # space again: the same store goes on
        assert verify(store).broken is None
