import json
import shutil
import subprocess
import sys
from pathlib import Path


def anlan(*arguments):
    return subprocess.run(
        [sys.executable, "-c", "from anlan.cli.main import run; run()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_swapped_places_and_a_named_source_can_be_told(tmp_path):
    (tmp_path / "roads.csv").write_text(
        'id,wkt,highway\n1,"LINESTRING (114.30 30.55, 114.31 30.55)",primary\n', encoding="utf-8"
    )
    (tmp_path / "calls.csv").write_text(
        "id,received,lon,lat\na,04/07/2022 08:05,30.5501,114.3050\n", encoding="utf-8"
    )
    build = [
        "city",
        "build",
        str(tmp_path / "town"),
        "--roads",
        str(tmp_path / "roads.csv"),
        "--tz",
        "Asia/Shanghai",
    ]
    assert anlan(*build).returncode == 0
    add = ["city", "add-calls", str(tmp_path / "town"), str(tmp_path / "calls.csv"), "--json"]
    refused = anlan(*add)
    assert refused.returncode == 2 or json.loads(refused.stdout)["calls"][0]["added"] == 0
    told = anlan(*add, "--swap", "--date-order", "dmy", "--source", "reported")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["calls"][0]["added"] == 1
    first = json.loads(anlan("city", "info", str(tmp_path / "town"), "--json").stdout)
    assert first["layers"]["calls"]["first_received"] == 1656893100.0


def test_a_missing_file_is_noticed_before_the_roads_are_read(tmp_path):
    roads = tmp_path / "roads.csv"
    roads.write_text("these,are,no,roads\n", encoding="utf-8")
    build = ["city", "build", str(tmp_path / "town"), "--roads", str(roads), "--tz", "Asia/Shanghai"]
    for option in ("--calls", "--sites", "--areas"):
        refused = anlan(*build, option, str(tmp_path / "absent.csv"))
        assert refused.returncode != 0
        assert "absent.csv: the file does not exist" in " ".join(refused.stderr.split())


def test_run_keeps_the_callers_folder(tmp_path):
    # A copy of the door with an environment that only says where it stands.
    home = tmp_path / "home"
    (home / ".venv" / "bin").mkdir(parents=True)
    (home / "requirements").mkdir()
    project = Path(__file__).parents[2]
    shutil.copy(project / "run", home / "run")
    for name in ("pyproject.toml", "requirements/base.txt"):
        shutil.copy(project / name, home / name)
    stamp = "cat requirements/base.txt pyproject.toml | cksum > .venv/.installed-base"
    subprocess.run(stamp, shell=True, cwd=home, check=True)
    for name in ("anlan", "python"):
        script = home / ".venv" / "bin" / name
        script.write_text('#!/bin/sh\necho "$PWD $*"\n', encoding="utf-8")
        script.chmod(0o755)
    data = tmp_path / "data"
    data.mkdir()
    for arguments in (("anlan", "city", "info"), ("python", "x.py"), ("demo",)):
        told = subprocess.run(
            ["sh", "../home/run", *arguments], cwd=data, capture_output=True, text=True, check=True
        )
        asked = arguments[1:] or arguments
        assert told.stdout.split() == [str(data.resolve()), *asked]
