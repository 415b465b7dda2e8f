"""Both databases: SQLite in a folder, and a PostgreSQL cluster of the tests' own on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from anlan.store import Store


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """DSN of a server: the one that ANLAN_TEST_DSN names, or a cluster made for the tests."""
    given = os.environ.get("ANLAN_TEST_DSN")
    if given:
        yield given
        return
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's initdb is not installed and ANLAN_TEST_DSN is not set")
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses root
        for name in ("postgres", "nobody"):
            try:
                user = pwd.getpwnam(name)
                break
            except KeyError:
                continue
        if user is None:
            pytest.skip("PostgreSQL refuses root and there is no other user to run it as")
    folder = Path(tempfile.mkdtemp(prefix="anlan-pg-"))
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    who = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*command):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **who)
        assert done.returncode == 0, done.stderr + done.stdout

    data = f"{folder}/data"
    run(str(binaries / "initdb"), "-D", data, "-U", "anlan", "--auth=trust", "--encoding=UTF8", "--locale=C")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    run(str(binaries / "pg_ctl"), "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
    try:
        yield f"postgresql://anlan@127.0.0.1:{port}/postgres"
    finally:
        run(str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives a new, empty place for a log at each call."""
    if request.param == "sqlite":
        return lambda: str(tmp_path / f"{uuid.uuid4().hex}.db")
    dsn = request.getfixturevalue("postgres")

    def made() -> str:
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{dsn.rsplit('/', 1)[0]}/{name}"

    return made


@pytest.fixture
def store(place: Callable[[], str], tmp_path: Path) -> Iterator[Store]:
    """An empty store on each database."""
    with Store(place(), tmp_path / "keys") as opened:
        yield opened
