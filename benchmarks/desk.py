"""The desk under load: `./run bench desk [--commands 20000] [--dsn postgresql://…]`.

Durable commands a second through group commit, and how long each waited for its acknowledgement; beside one
transaction per command on the same disk, which is what a desk without group commit does. Then the time from an alarm
to its first alerts, with 5,000 members on the streets of the demo city.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from anlan.city import City
from anlan.city.demo import write_demo
from anlan.desk import THE_SYSTEM, Act, Cascade, Desk, Grant, Ground, Person, Tree, fold_by
from anlan.model.procedures import ALL
from anlan.store import Draft, Store
from benchmarks._table import human, table

AREA = "420100"
WHO = Person("d", (Grant("dispatcher", AREA),))


def commands(store: Store, count: int, waiting: int) -> tuple[float, list[float]]:
    """Calls received, so many of them on their way at once; seconds in all and of each."""
    desk = Desk(store, ALL, Tree({AREA: ""}))
    seconds: list[float] = []
    room = threading.Semaphore(waiting)
    done: list[Future[Any]] = []
    began = time.perf_counter()
    for i in range(count):
        room.acquire()
        at = time.perf_counter()

        def finished(_: Future[Any], at: float = at) -> None:
            seconds.append(time.perf_counter() - at)
            room.release()

        act = Act(
            "call", "receive", "", {"category": "theft", "priority": 1 + i % 3, "place": [114.3, 30.6]}, AREA
        )
        future = desk.submit(WHO, act)
        future.add_done_callback(finished)
        done.append(future)
    for future in done:
        future.result()
    return time.perf_counter() - began, seconds


def alone(folder: Path, count: int) -> float:
    """Seconds of one durable transaction for each of so many rows, plain SQLite."""
    connection = sqlite3.connect(folder / "alone.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, payload TEXT)")
    began = time.perf_counter()
    for _ in range(count):
        connection.execute("INSERT INTO event (payload) VALUES (?)", ("x" * 300,))
    taken = time.perf_counter() - began
    connection.close()
    return taken


def alarms(folder: Path, members: int, count: int) -> list[float]:
    """Seconds from an alarm's raising to its first alerts on the disk."""
    write_demo(folder / "city", years=1, n_calls=1000)
    city = City.load(folder / "city")
    store = Store(folder / "alarm.db", folder / "keys", fold=fold_by(ALL))
    desk = Desk(store, ALL, Tree({AREA: ""}))
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(city.roads.x), members + count)
    lon, lat = city.unproject(city.roads.x[rows], city.roads.y[rows])
    places = np.column_stack([lon, lat]).tolist()
    shop = {"kind": "merchant", "premises": "x"}
    store.append(
        *(
            Draft(AREA, f"member-{i}", "member", "join", 0.0, payload={**shop, "place": p})
            for i, p in enumerate(places[:members])
        )
    )
    cascade = Cascade(desk, Ground(city), city.tz).start()
    out = []
    for place in places[members:]:
        began = time.perf_counter()
        alarm = desk.act(THE_SYSTEM, Act("alarm", "raise", "", {"place": place, "channel": "button"}, AREA))[
            "subject"
        ]
        cascade.consider(alarm)
        out.append(time.perf_counter() - began)
    cascade.close()
    store.close()
    return out


def main(argv: list[str]) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="bench desk", description=__doc__)
    parser.add_argument("--commands", type=int, default=20_000)
    parser.add_argument("--waiting", type=int, default=64, help="commands on their way at once")
    parser.add_argument("--members", type=int, default=5_000)
    parser.add_argument("--alarms", type=int, default=60)
    parser.add_argument("--dsn", default="", help="measure a PostgreSQL log too")
    given = parser.parse_args(argv)
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        single = 500 / alone(folder, 500)
        rows.append(["SQLite, a transaction each, bare insert", f"{single:,.0f} /s", "1", ""])
        for where in filter(None, (str(folder / "log.db"), given.dsn)):
            with Store(where, folder / "keys", fold=fold_by(ALL)) as store:
                commands(store, 200, given.waiting)
                taken, seconds = commands(store, given.commands, given.waiting)
            rate = given.commands / taken
            p50, p99 = np.quantile(seconds, (0.5, 0.99))
            what = "PostgreSQL" if "://" in where else "SQLite"
            note = f"p50 {human(float(p50))}, p99 {human(float(p99))}"
            rows.append(
                [f"{what}, the desk's commands, durable", f"{rate:,.0f} /s", f"{rate / single:.2f}", note]
            )
        waits = alarms(folder, given.members, given.alarms)
    first, rest = waits[0], waits[1:]
    note = f"p99 {human(float(np.quantile(rest, 0.99)))}; the first {human(first)}"
    rows.append(
        [f"alarm to first alerts, {given.members:,} members", human(statistics.median(rest)), "", note]
    )
    table("Desk", ["what", "figure", "× a transaction each", "note"], rows)
