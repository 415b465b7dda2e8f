"""Writes commands and prints each id only after it was acknowledged; killed by the test that runs it."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from anlan.store import Draft, Store

where, keys, start, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
lock = threading.Lock()
store = Store(where, keys)
sys.stdout.write("ready\n")
sys.stdout.flush()


def send(worker: int) -> None:
    n = start
    while n < start + 100_000:
        identity = f"{worker}-{n}"
        store.append(
            Draft(f"42010{worker % 3}", f"call-{identity}", "call", "received", float(n), personal={"n": n}),
            id=identity,
        )
        with lock:
            sys.stdout.write(identity + "\n")
            sys.stdout.flush()
        n += 1


for k in range(threads):
    threading.Thread(target=send, args=(k,), daemon=True).start()
threading.Event().wait()
