"""`anlan log`, `backup` and `restore`, as their user sees them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from anlan.desk.place import open_log
from anlan.store import Draft
from anlan.store.database import connect


def anlan(*args):
    code = "from anlan.cli.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "city.toml").write_text("")
    return folder


def fill(city):
    with open_log(city, new=True) as store:
        return store.append(
            *(
                Draft(
                    "420106",
                    f"call-{n}",
                    "call",
                    "receive",
                    1.7e9 + n,
                    payload={"category": "x", "priority": 1},
                )
                for n in range(5)
            )
        )


def test_from_logging_to_proof(city, tmp_path):
    ids = fill(city)
    done = anlan("log", "verify", city)
    assert done.returncode == 0
    assert "5 events in 1 streams under 0 checkpoints\nevery link holds" in done.stdout
    assert "nothing covers" not in anlan("log", "prove", city, ids[2]).stderr
    assert "no checkpoint covers it yet" in anlan("log", "prove", city, ids[2]).stderr
    assert "events 1 to 5" in anlan("log", "checkpoint", city).stdout
    assert "nothing was logged since" in anlan("log", "checkpoint", city).stdout
    proof = anlan("log", "prove", city, ids[2])
    file = tmp_path / "proof.json"
    file.write_text(proof.stdout, encoding="utf-8")
    script = Path(__file__).parents[2] / "docs" / "scripts" / "check_proof.py"
    checked = subprocess.run([sys.executable, script, file], capture_output=True, text=True, check=False)
    assert "PROVEN" in checked.stdout
    public = city / "desk" / "keys" / "signing.pub"
    checked = subprocess.run(
        [sys.executable, script, file, public], capture_output=True, text=True, check=False
    )
    assert "PROVEN" in checked.stdout
    checked = subprocess.run(
        [sys.executable, script, file, "wrong"], capture_output=True, text=True, check=False
    )
    assert "NO KEY" in checked.stderr
    assert json.loads(anlan("log", "verify", city, "--json").stdout)["checkpoints"] == 1


def test_a_broken_link_is_named_and_ends_with_one(city):
    fill(city)
    engine = connect(city / "desk" / "log.db", may_change_tables=True)
    with engine.begin() as c:
        c.execute(text("DROP TRIGGER event_no_update"))
        c.execute(text("UPDATE event SET actor = 'li' WHERE position = 4"))
    engine.dispose()
    done = anlan("log", "verify", city)
    assert done.returncode == 1
    assert "BROKEN at stream 420106, number 4" in done.stdout


def test_backup_and_restore(city, tmp_path):
    ids = fill(city)
    assert "5 events" in anlan("backup", city, tmp_path / "b.zip").stdout
    other = tmp_path / "other"
    other.mkdir()
    (other / "city.toml").write_text("")
    assert "events 1 to 5" in anlan("log", "checkpoint", city).stdout
    assert "5 events" in anlan("backup", city, tmp_path / "b.zip").stdout
    refused = anlan("restore", tmp_path / "b.zip", other)  # without the log's own keys
    assert refused.returncode == 2
    assert "put that log's own folder of keys there first" in refused.stderr
    shutil.rmtree(other / "desk" / "keys")
    shutil.copytree(city / "desk" / "keys", other / "desk" / "keys")
    done = anlan("restore", tmp_path / "b.zip", other, "--until", ids[2])
    assert done.returncode == 0, done.stderr
    assert "3 events restored, every link holds" in done.stdout
    assert "0 were different" in anlan("log", "rebuild", other).stdout


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("log", "verify", "nowhere"), "it is not a city folder"),
        (("backup", "CITY", "x.zip"), "its desk has no log yet"),
        (("restore", "missing.zip", "CITY"), "there is no such file"),
    ],
)
def test_what_is_not_there_is_said(args, sentence, city):
    done = anlan(*(city if a == "CITY" else a for a in args))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
