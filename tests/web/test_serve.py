"""`anlan serve` as a process: first start, an evening over HTTP, Ctrl+C, and the next start."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import numpy as np
import pytest
import shapely

from anlan.city import City
from anlan.city.projection import Projection
from anlan.city.roads import Edges
from anlan.city.streets import roads_of
from anlan.model import Areas, Sites


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Nine by nine crossings, two stations."""
    n, block = 9, 400.0
    cx, cy = (float(v) for v in Projection("EPSG:32650").forward(114.3, 30.6))
    at = (np.arange(n) - (n - 1) / 2) * block
    node = np.arange(n * n).reshape(n, n)
    u = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    v = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    x, y = np.tile(at, n) + cx, np.repeat(at, n) + cy
    edges = Edges.make(
        id=[str(i) for i in range(len(u))],
        u=u,
        v=v,
        road_class=["residential"] * len(u),
        length_m=np.full(len(u), block),
    )
    ends = np.column_stack([u, v]).ravel()
    areas = Areas.make(
        code=["420106"],
        parent=[""],
        level=["precinct"],
        name_zh=["所"],
        name_en=["Precinct"],
        geometry=np.array([shapely.box(114.2, 30.5, 114.4, 30.7)], dtype=object),
    )
    sites = Sites.make(
        id=["W", "E"], kind=["station"] * 2, name_zh=["西", "东"], name_en=["West", "East"],
        lon=[114.285, 114.315], lat=[30.6, 30.6],
    )  # fmt: skip
    roads = roads_of(edges, np.arange(0, 2 * len(u) + 1, 2), x[ends], y[ends])
    city = City.build(
        roads, name_en="Grid", name_zh="格城", tz="Asia/Shanghai", crs="EPSG:32650", areas=areas, sites=sites
    )
    folder = tmp_path_factory.mktemp("serve") / "town"
    city.save(folder)
    return folder


def start(town: Path):
    code = "from anlan.cli.main import run; run()"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, "serve", str(town), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        found = re.search(r"http://127.0.0.1:\d+", line)
        if found:
            return process, found.group(), "".join(said)
    raise AssertionError(process.stderr.read() if process.stderr else "")


def stop(process):
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert "Traceback" not in err, err
    return out


def test_an_evening(town):
    process, url, said = start(town)
    try:
        password = re.search(r"account admin, password (\S+)", said).group(1)
        http = httpx2.Client(base_url=url, trust_env=False, timeout=30)
        token = http.post("/api/sign-in", json={"account": "admin", "password": password}).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"

        def act(procedure, transition, subject="", **fields):
            done = http.post(
                f"/api/act/{procedure}/{transition}",
                json={"subject": subject, "area": "420106", "fields": fields},
            )
            assert done.status_code == 200, done.text
            return done.json()["subject"]

        for role in ("dispatcher", "officer"):
            act("grant", "give", account="admin", role=role)
        units = http.get("/api/records/unit").json()["records"]
        assert sorted(u["fields"]["home"] for u in units) == ["E", "W"]
        assert {u["state"] for u in units} == {"off"}
        for u in units:
            act("unit", "on_duty", u["subject"])
        call = act("call", "receive", category="theft", priority=1, place=[114.31, 30.6])
        advice = http.get(f"/api/calls/{call}/advice").json()
        first, second = advice["choices"][0]["options"]
        assert first["unit"] == next(u["subject"] for u in units if u["fields"]["home"] == "E")
        assert first["eta_s"] < second["eta_s"]
        assert advice["text"]["zh"]
        sent = http.post(f"/api/calls/{call}/assign", json={"unit": second["unit"]})
        assert sent.json()["error"]["code"] == "override"
        task = http.post(f"/api/calls/{call}/assign", json={}).json()["subject"]
        act("task", "set_off", task)
        assert http.get(f"/api/subjects/{call}").json()["state"] == "en_route"
        assert http.get("/api/move-up").status_code == 200
        place = {"lon": 114.29, "lat": 30.6}
        assert http.post(f"/api/units/{units[0]['subject']}/position", json=place).status_code == 200
        assert http.post(f"/api/units/{call}/position", json=place).status_code == 422
        position = http.get("/api/ready").json()["position"]
    finally:
        out = stop(process)
    assert "the log is closed" in out
    process, url, said = start(town)
    try:
        assert "password" not in said
        with httpx2.Client(
            base_url=url, trust_env=False, headers={"Authorization": f"Bearer {token}"}
        ) as again:
            assert again.get(f"/api/subjects/{call}").json()["state"] == "en_route"
            assert again.get("/api/ready").json()["position"] >= position
    finally:
        stop(process)


def test_what_cannot_be_served_is_said(tmp_path):
    code = "from anlan.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code, "serve", str(tmp_path), "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
