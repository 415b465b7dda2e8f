import csv
import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest

from anlan.campaign.options import PlanOptions
from anlan.campaign.plan import plan_city
from anlan.city.city import City
from anlan.core.errors import AnlanError, Cancelled
from anlan.core.job import Job
from anlan.model import Calls, Plan

QUICK = PlanOptions(test_weeks=3, replications=2, candidates=60)


@pytest.fixture(scope="module")
def planned(town_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("plan")
    return plan_city(City.load(town_folder), out, QUICK)


def test_units_move_to_where_the_calls_are(planned):
    first = planned.findings.measures[0]
    assert float(first.proposed) < float(first.present)
    assert first.verdict == "better"
    sites = Plan.load(planned.out / "plan").sites
    assert sites.x.mean() > Plan.load(planned.out / "present").sites.x.mean()


def test_the_siting_carries_its_certificate(planned):
    siting = planned.proposal.siting
    assert siting.objective <= siting.bound * (1 + 1e-9)
    assert siting.status != "infeasible"
    assert (siting.bound - siting.objective) / siting.objective == pytest.approx(siting.gap, abs=1e-9)
    assert planned.proposal.present_objective <= siting.objective


def test_figures_in_the_report_trace_to_the_outcomes(planned):
    table = pq.read_table(planned.out / "outcomes.parquet").to_pydict()
    layout = np.array(table["layout"])
    response = np.array(table["response_s"])
    for row, name in (
        (planned.findings.measures[0].present, "present"),
        (planned.findings.measures[0].proposed, "proposed"),
    ):
        assert float(row) == pytest.approx(np.nanmean(response[layout == name]) / 60, abs=0.006)
    in_areas = sum(a.calls for a in planned.findings.areas)
    assert in_areas == len(set(table["id"]))
    assert sum(h.calls for h in planned.findings.hours) == in_areas


def test_the_test_weeks_were_not_learnt_from(planned, town_folder):
    city = City.load(town_folder)
    replayed = set(pq.read_table(planned.out / "outcomes.parquet")["id"].to_pylist())
    late = city.calls.received[np.isin(city.calls.id.astype(str), list(replayed))]
    begin, end = planned.findings.train
    assert np.datetime64(end) < np.datetime64(int(late.min() + 8 * 3600), "s").astype("datetime64[D]")
    assert begin < end


def test_the_files_that_others_read(planned):
    with (planned.out / "sites.csv").open(encoding="utf-8-sig") as table:
        rows = list(csv.DictReader(table))
    assert sum(int(r["units"]) for r in rows) == 3
    assert all(r["street"].startswith("Row") for r in rows)
    html = (planned.out / "report.html").read_text(encoding="utf-8")
    assert "方格镇" in html
    assert "Grid Town" in html
    assert not re.search(r"""(src|href)=["']https?:|<script""", html)
    plan = Plan.load(planned.out / "plan")
    assert len(plan.units) == 3
    assert plan.provenance["seed"] == QUICK.seed
    json.dumps(planned.as_dict())


def test_the_same_seed_gives_the_same_report(planned, town_folder, tmp_path):
    again = plan_city(City.load(town_folder), tmp_path / "again", QUICK)
    first = (planned.out / "report.html").read_text(encoding="utf-8")
    assert (again.out / "report.html").read_text(encoding="utf-8") == first


def test_a_stopped_job_keeps_its_stages_and_goes_on(town_folder, tmp_path):
    out = tmp_path / "stopped"

    def stop_at_simulation(progress):
        if progress.stage == "simulate":
            job.cancel()

    job = Job(stop_at_simulation)
    with pytest.raises(Cancelled):
        plan_city(City.load(town_folder), out, QUICK, job=job)
    assert (out / "plan" / "plan.toml").exists()
    assert not (out / "report.html").exists()
    before = (out / "plan" / "plan.toml").stat().st_mtime_ns
    plan_city(City.load(town_folder), out, QUICK)
    assert (out / "report.html").exists()
    assert (out / "plan" / "plan.toml").stat().st_mtime_ns == before


def test_other_options_do_the_work_again(planned, town_folder, tmp_path):
    out = tmp_path / "two"
    plan_city(City.load(town_folder), out, QUICK)
    before = (out / "plan" / "plan.toml").stat().st_mtime_ns
    plan_city(City.load(town_folder), out, PlanOptions(seed=9, test_weeks=3, replications=2, candidates=60))
    assert (out / "plan" / "plan.toml").stat().st_mtime_ns > before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c.replaced(calls=Calls.empty()), "0 calls"),
        (lambda c: c.replaced(calls=c.calls.take(slice(0, 400))), "weeks"),
        (lambda c: c.replaced(sites=c.sites.take(slice(0, 0))), "station"),
    ],
    ids=["no calls", "a short history", "no stations"],
)
def test_what_cannot_be_planned_says_why(town_folder, tmp_path, change, named):
    change(City.load(town_folder)).save(tmp_path / "city")
    with pytest.raises(AnlanError, match=named):
        plan_city(City.load(tmp_path / "city"), tmp_path / "out", QUICK)


def test_standing_by_in_motion_is_set_beside_the_layouts_with_its_burden(planned):
    found = planned.findings.alternatives
    names = [row.name.en for row in found.rows]
    assert len(names) == 4
    assert "present stations" in names[0]
    assert found.rows[0].mean == planned.findings.measures[0].present
    assert found.rows[-1].mean == planned.findings.measures[0].proposed
    still, moving = found.rows[0], next(r for r in found.rows if "DMEXCLP" in r.name.en)
    assert (float(still.moves), float(moving.moves) > 0) == (0.0, True)
    assert sum(g.calls for g in found.hours) == sum(g.calls for g in found.areas)
    assert all(len(g.changes) == len(found.columns) == 3 for g in (*found.hours, *found.areas))
    table = pq.read_table(planned.out / "outcomes.parquet").to_pydict()
    layout, response = np.array(table["layout"]), np.array(table["response_s"])
    late = np.mean(~(response[layout == "dmexclp"] <= 240))
    assert moving.late == f"{late:.1%}"


def test_the_report_says_what_closing_costs_and_what_else_is_nearly_as_good(planned):
    proposal = planned.proposal
    assert len(proposal.closing) == len(proposal.plan.sites)
    assert all(c.loss_share >= 0 for c in proposal.closing)
    assert len(proposal.others) == 2
    assert all(set(o.closed) <= set(proposal.plan.sites.id) for o in proposal.others)
    assert not any(set(o.opened) & set(proposal.plan.sites.id) for o in proposal.others)
    html = (planned.out / "report.html").read_text(encoding="utf-8")
    for said in ("最不可缺的是", "Closing post-", "备选 1", "Alternative 1", "left to gain"):
        assert said in html
    again = type(proposal).of_plan(Plan.load(planned.out / "plan"))
    assert again.others == proposal.others
    assert again.siting == proposal.siting
