"""`anlan site` as a user runs it, on Grid Town: its calls lie far from both of its stations."""

import csv
import importlib.util
import json
import os
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anlan.cli import main
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.model import Plan


def grid_town():
    path = Path(__file__).parents[1] / "campaign/conftest.py"
    spec = importlib.util.spec_from_file_location("grid_town", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "town"
    grid_town().town().save(folder)
    return folder


def anlan(*arguments, expect=0):
    """Run the command in this process: starting one for each question takes longer than the answers."""
    result = CliRunner().invoke(main.app, [str(a) for a in arguments])
    assert result.exit_code == expect, result.output
    return result


def test_the_next_two_stations(town, tmp_path):
    told = anlan("site", town, "--next", 2, "--gap", 0, "--out", tmp_path / "out").stdout
    assert "2 present stations stay, 2 sites are new" in told
    assert "proven optimal" in told
    assert "Closing" in told
    assert "turnout is not included" in told
    assert "calls reported by the public from 20" in told
    plan = Plan.load(tmp_path / "out/plan")
    assert {"S1", "S2"} < set(plan.sites.id)
    assert plan.provenance["status"] == "optimal"
    with (tmp_path / "out/sites.csv").open(encoding="utf-8-sig") as table:
        rows = list(csv.DictReader(table))
    assert [r["change"] for r in rows] == ["stays", "stays", "new", "new"]
    assert sum(int(r["units"]) for r in rows) == 5
    assert all(float(r["loss"]) >= 0 for r in rows)
    shape = json.loads((tmp_path / "out/sites.geojson").read_text(encoding="utf-8"))
    assert len(shape["features"]) == 4
    assert shape["status"] == "optimal"
    answer = json.loads((tmp_path / "out/answer.json").read_text(encoding="utf-8"))
    assert answer["alternatives"][0]["price"] >= 0
    assert answer["summary"]["zh"]


def test_as_json_with_rings_kept_and_forbidden_sites(town):
    first = json.loads(anlan("site", town, "--count", 3, "--reach", "0.5,2", "--json").stdout)
    assert first["rings_s"] == [30.0, 120.0]
    out = next(r["id"] for r in first["sites"] if r["change"] == "new")
    second = json.loads(
        anlan(
            "site", town, "--count", 3, "--reach", "0.5,2", "--keep", "S2", "--forbid", out, "--json"
        ).stdout
    )
    ids = {r["id"] for r in second["sites"] if r["change"] != "closes"}
    assert "S2" in ids
    assert out not in ids
    assert second["bound"] >= second["objective"]
    assert {r["change"] for r in second["sites"]} >= {"stays", "closes"}


@pytest.mark.parametrize("model", ["p_median", "p-center", "mexclp"])
def test_other_models_speak_chinese(town, model):
    told = anlan("site", town, "--count", 2, "--model", model, "--busy", 0.3, "--language", "zh").stdout
    assert "目标值" in told
    assert "候选地点" in told


def test_a_budget_with_prices(town, tmp_path):
    (tmp_path / "prices.csv").write_text("id,price\nS1,0\nS2,0\n", encoding="utf-8")
    result = json.loads(
        anlan("site", town, "--budget", 2, "--prices", tmp_path / "prices.csv", "--json").stdout
    )
    assert len([r for r in result["sites"] if r["change"] == "new"]) <= 2


def test_what_cannot_be_met_is_exit_code_1_and_says_what_would_do(town, tmp_path):
    done = anlan("site", town, "--model", "lscp", "--reach", "0.01,0.02", "--out", tmp_path / "out", expect=1)
    assert "no answer" in done.stdout
    assert "reach = " in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--count", 2, "--next", 1), "leave one out"),
        (("--reach", "5,1"), "ascending order"),
        (("--model", "magic"), "choose one"),
        (("--keep", "nowhere"), "keep nowhere"),
        (("--count", 5000), "--count 5000: only"),
        (("--count", 0), "--count 0: it is"),
        (("--count", 3, "--next", 1), "--count 3 together with --next 1"),
        (("--demand", "missing.csv"), "missing.csv"),
        (("--model", "mexclp"), "how busy"),
    ],
)
def test_a_mistake_is_one_sentence(town, options, says):
    result = CliRunner().invoke(main.app, ["site", str(town), *map(str, options)])
    assert isinstance(result.exception, AnlanError)
    assert says in str(result.exception)


def test_ctrl_c_writes_the_best_answer_so_far(town, tmp_path, monkeypatch):
    plain = Job.update

    def update(self, done=None, note=None):
        plain(self, done, note)
        if note and note.startswith("gap") and not self.cancelled:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Job, "update", update)
    told = anlan(
        "site", town, "--count", 4, "--gap", 0, "--model", "p_median", "--out", tmp_path / "out", expect=130
    )
    assert "Stopped on request" in told.output
    assert len(Plan.load(tmp_path / "out/plan").sites) == 4
    answer = json.loads((tmp_path / "out/answer.json").read_text(encoding="utf-8"))
    assert answer["bound"] <= answer["objective"]
    assert answer["alternatives"] == []
