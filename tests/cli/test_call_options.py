import json
import subprocess
import sys


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
