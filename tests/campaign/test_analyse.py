"""The analysis alone, as a use case and as a command."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import geopandas as gpd
import pytest

from anlan.campaign.analyse import analyse_city
from anlan.campaign.period import window
from anlan.campaign.surveyed import SurveyOptions
from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.time import zone

QUICK = SurveyOptions(replications=49, scan_calls=20)
FILES = {
    "report.html",
    "prominence.csv",
    "clusters.csv",
    "targets.csv",
    "hours.csv",
    "concentration.csv",
    "hot_places.geojson",
    "hot_streets.geojson",
}


def anlan(*arguments, expect=0):
    done = subprocess.run(
        [sys.executable, "-c", "from anlan.cli.main import run; run()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return done


@pytest.fixture(scope="module")
def analysed(town_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("analysis")
    return analyse_city(City.load(town_folder), out, QUICK, language="en")


def test_it_writes_a_report_and_its_tables(analysed):
    assert set(analysed.files) == FILES
    assert "report.html" not in next(t for t in analysed.lines() if t.startswith("tables: "))
    assert {p.name for p in analysed.out.iterdir()} == FILES
    html = (analysed.out / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "Grid Town" in html
    assert "方格镇" in html


def rows(path):
    with path.open(encoding="utf-8-sig") as table:
        return list(csv.DictReader(table))


def test_the_tables_say_what_the_report_says(analysed):
    hours = rows(analysed.out / "hours.csv")
    assert len(hours) == 168
    found = analysed.survey
    assert sum(float(r["calls_a_week"]) for r in hours) == pytest.approx(
        len(found.recent) / found.weeks, abs=0.01
    )
    targets = rows(analysed.out / "targets.csv")
    assert len(targets) == len(found.aim.chosen)
    assert targets[0]["place_en"] == analysed.findings.survey.targets[0].place.en
    prominent = rows(analysed.out / "prominence.csv")
    assert len(prominent) == len(found.standing.found)
    assert {r["area"] for r in prominent} <= {"", "4201", "4202"}
    assert all(float(r["low"]) <= float(r["high"]) for r in prominent)


def test_hot_places_open_as_layers(analysed, town_folder):
    cells = gpd.read_file(analysed.out / "hot_places.geojson")
    streets = gpd.read_file(analysed.out / "hot_streets.geojson")
    assert set(cells.geom_type) == {"Polygon"}
    assert set(streets.geom_type) == {"LineString"}
    west, south, east, north = City.load(town_folder).bounds
    for layer in (cells, streets):
        box = layer.total_bounds
        assert west - 0.01 < box[0] < box[2] < east + 0.01
        assert south - 0.01 < box[1] < box[3] < north + 0.01
        assert set(layer["group"]) <= {"rising", "lasting", "passing", "fading", ""}
    area = cells.to_crs("EPSG:32650").area
    assert area.to_numpy() == pytest.approx(250.0**2, rel=1e-3)


def test_one_seed_gives_the_same_bytes(analysed, town_folder, tmp_path):
    analyse_city(City.load(town_folder), tmp_path, QUICK, language="en")
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (analysed.out / name).read_bytes(), name


def test_a_stopped_analysis_writes_what_is_finished(town_folder, tmp_path):
    def stop_at_targets(progress):
        if progress.note == "targets":
            job.cancel()

    job = Job(stop_at_targets)
    result = analyse_city(City.load(town_folder), tmp_path, QUICK, job=job)
    assert "prominence.csv" in result.files
    assert "clusters.csv" not in result.files
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "分析被中止" in html


def test_the_command_prints_the_answer_as_json(town_folder, tmp_path):
    done = anlan(
        "analyse", str(town_folder), "--out", str(tmp_path / "a"), "--category", "theft", "--until",
        "2022-05-31", "--json",
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["from"] == "2022-03-07"
    assert told["until"] == "2022-05-31"
    assert told["targets"]["random"]["pai"] == pytest.approx(1.0, abs=0.2)
    assert all(line["zh"] and line["en"] for line in told["answer"])
    assert (tmp_path / "a" / "report.html").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--category", "burglery"), "burglery"),
        (("--from", "2031-01-01"), "window"),
        (("--from", "1 May"), "YYYY-MM-DD"),
        (("--from", "2022-05-01", "--until", "2022-04-01"), "swap"),
        (("--language", "fr"), "zh and en"),
    ],
    ids=["a category", "dates outside", "no date", "swapped", "a language"],
)
def test_a_mistake_is_one_sentence(town_folder, tmp_path, options, named):
    done = anlan("analyse", str(town_folder), "--out", str(tmp_path / "a"), *options, expect=2)
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "a" / "report.html").exists()


def test_ctrl_c_ends_with_130(town_folder, tmp_path):
    out = tmp_path / "a"
    process = subprocess.Popen(
        [
            sys.executable, "-c", "from anlan.cli.main import run; run()", "analyse", str(town_folder), "--out",
            str(out),
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    time.sleep(2.5)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode in (0, 130, -signal.SIGINT), said
    assert "Traceback" not in said or process.returncode == -signal.SIGINT
    if process.returncode == 130 and out.exists():
        assert not [p for p in out.iterdir() if p.name.endswith(".part")]


def test_a_window_takes_its_last_day_in():
    shanghai = zone("Asia/Shanghai")
    begin, end = window("2022-06-25", "2022-09-30", shanghai)
    assert (end - begin) / 86400 == 98
    assert window(None, None, shanghai) is None
    with pytest.raises(AnlanError, match="YYYY-MM-DD"):
        window("25/06/2022", None, shanghai)
