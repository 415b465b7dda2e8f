"""Acknowledged means on the disk: after a kill nothing acknowledged is missing, and the sync comes first."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from anlan.store import Draft, Store, verify
from anlan.store.rebuild import differences

WRITER = Path(__file__).with_name("write_until_killed.py")


def test_after_kills_under_load_nothing_acknowledged_is_missing_or_doubled(
    place: Callable[[], str], tmp_path: Path
) -> None:
    where, keys = place(), tmp_path / "keys"
    dice = random.Random(5)
    acknowledged: list[str] = []
    for night in range(3):
        process = subprocess.Popen(
            [sys.executable, str(WRITER), where, str(keys), str(night * 1_000_000), "6"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0.1, 0.6))
        process.kill()
        said = process.stdout.read().splitlines()
        process.stdout.close()
        process.wait()
        # The kill may have cut the last line.
        acknowledged += [
            line for line in said if re.fullmatch(rf"\d-{night or ''}\d+", line) and len(line) >= 3
        ][:-1]
    assert len(acknowledged) > 50
    with Store(where, keys) as store:
        log = store.events()
        subjects = [e.subject for e in log]
        assert len(subjects) == len(set(subjects))
        assert {f"call-{a}" for a in acknowledged} <= set(subjects)
        assert verify(store).broken is None
        assert differences(store) == []
        for identity in acknowledged[-20:]:  # the client that never heard the answer sends again
            again = store.append(Draft("420100", f"call-{identity}", "call", "received", 0.0), id=identity)
            assert again == [next(e.id for e in log if e.subject == f"call-{identity}")]
        assert store.position == len(log)


def test_the_sync_to_disk_precedes_the_acknowledgement(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    code = (
        "import os, sys; from pathlib import Path; from anlan.store import Draft, Store\n"
        "store = Store(sys.argv[1], Path(sys.argv[2]))\n"
        "for n in range(20):\n"
        "    os.write(1, b'SEND %d\\n' % n)\n"
        "    store.append(Draft('420106', f'call-{n}', 'call', 'received', float(n)))\n"
        "    os.write(1, b'ACK %d\\n' % n)\n"
        "store.close()\n"
    )
    trace = tmp_path / "trace"
    tracing = [strace, "-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", str(trace)]
    done = subprocess.run(
        [*tracing, sys.executable, "-c", code, str(tmp_path / "log.db"), str(tmp_path / "keys")],
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"tracing is not allowed here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    wrote = synced = False
    acknowledged = 0
    for line in trace.read_text(errors="replace").splitlines():
        if '"SEND ' in line:
            wrote = synced = False
        elif "log.db-wal" in line and "pwrite64(" in line:
            wrote, synced = True, False
        elif "log.db-wal" in line and ("fdatasync(" in line or "fsync(" in line):
            synced = True
        elif '"ACK ' in line:
            acknowledged += 1
            assert wrote, line
            assert synced, line
    assert acknowledged == 20
