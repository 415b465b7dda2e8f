import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from anlan.cli import main

RUNNER = CliRunner()


def anlan(*arguments, expect=0):
    """Run the installed command as a user would."""
    done = subprocess.run(
        [sys.executable, "-c", "from anlan.cli.main import run; run()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return done


def commands(app=main.app, prefix=()):
    for command in app.registered_commands:
        yield (*prefix, command.name or command.callback.__name__)
    for group in app.registered_groups:
        yield from commands(group.typer_instance, (*prefix, group.name))


@pytest.mark.parametrize("command", sorted(commands()), ids=" ".join)
def test_every_command_teaches_itself(command):
    result = RUNNER.invoke(main.app, [*command, "--help"])
    assert result.exit_code == 0
    assert len(result.output) > 200


def test_without_arguments_it_says_how_to_begin():
    done = RUNNER.invoke(main.app, [])
    assert "city demo" in done.output
    assert "plan" in done.output


def test_a_mistake_is_one_sentence_and_no_traceback():
    done = anlan("city", "info", "no-such-city", expect=2)
    assert "no-such-city" in done.stderr
    assert "anlan city build" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_mistake_as_json_is_json():
    done = anlan("city", "info", "no-such-city", "--json", expect=2)
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "city_missing"
    assert set(error) == {"code", "value", "rule", "remedy", "message"}


def test_an_unknown_option_is_a_usage_error():
    done = anlan("city", "info", "x", "--colour", expect=2)
    assert "--colour" in done.stderr
    assert "Traceback" not in done.stderr


def test_starting_loads_none_of_the_heavy_libraries():
    heavy = "('numpy', 'scipy', 'numba', 'pyarrow', 'shapely')"
    script = f"import sys, anlan.cli.main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


ROADS = """id,wkt,highway,oneway
1,"LINESTRING (114.30 30.55, 114.31 30.55)",primary,no
2,"LINESTRING (114.31 30.55, 114.31 30.56)",residential,no
3,"LINESTRING (114.31 30.56, 114.30 30.55)",residential,yes
"""
CALLS = """警情编号,接警时间,类别,经度,纬度
a1,2022-07-04 08:05:00,盗窃,114.3050,30.5501
a2,2022-07-05 21:40:00,噪声,114.3099,30.5550
a3,2022-07-05 21:45:00,噪声,0,0
"""


@pytest.fixture
def built(tmp_path):
    (tmp_path / "roads.csv").write_text(ROADS, encoding="utf-8")
    (tmp_path / "calls.csv").write_text(CALLS, encoding="gb18030")
    done = anlan(
        "city", "build", str(tmp_path / "town"), "--roads", str(tmp_path / "roads.csv"), "--calls",
        str(tmp_path / "calls.csv"), "--tz", "Asia/Shanghai", "--name-en", "Three Streets", "--json",
    )  # fmt: skip
    return tmp_path, json.loads(done.stdout)


def test_build_add_check_and_info(built):
    folder, result = built
    assert result["city"]["layers"]["roads"]["rows"] == 3
    assert result["calls"][0]["added"] == 2
    assert sum(result["calls"][0]["dropped"].values()) == 1
    again = json.loads(
        anlan("city", "add-calls", str(folder / "town"), str(folder / "calls.csv"), "--json").stdout
    )
    assert again["calls"][0]["added"] == 0
    told = anlan("city", "info", str(folder / "town")).stdout
    assert "Three Streets" in told
    assert "2022-07-04 to 2022-07-05" in told
    check = json.loads(anlan("city", "check", str(folder / "town"), "--json").stdout)
    assert check["layers"]["calls"]["rows"] == 2


def test_build_without_a_time_zone_names_the_remedy(tmp_path):
    (tmp_path / "roads.csv").write_text(ROADS, encoding="utf-8")
    done = anlan(
        "city", "build", str(tmp_path / "town"), "--roads", str(tmp_path / "roads.csv"), expect=2
    )  # fmt: skip
    assert "Asia/Shanghai" in done.stderr
    assert not (tmp_path / "town").exists()


def test_ctrl_c_stops_with_130_and_keeps_the_city_whole(tmp_path):
    script = (
        "import signal, threading, os, time\n"
        "threading.Timer(6.0, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "import sys; sys.argv = ['anlan', 'city', 'demo', sys.argv[1]]\n"
        "from anlan.cli.main import run; run()\n"
    )
    target = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-c", script, str(target)], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 130), done.stderr
    if done.returncode == 130:
        assert not target.exists()
        assert "stopped" in done.stderr
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
