"""The server as its clients meet it: one error shape, who may, exactly once, a stream without gaps."""

from __future__ import annotations

import json
import threading

import httpx2
import pytest
import uvicorn
from starlette.testclient import TestClient

from anlan.desk import Accounts, Act, Desk, Tree, fold_by
from anlan.model.procedure import SYSTEM
from anlan.model.procedures import ALL
from anlan.store import Store
from anlan.web import make_app

CITY, EAST, WEST = "420100", "420106", "420107"


class World:
    def __init__(self, folder):
        self.now = [1_700_000_000.0]
        self.store = Store(folder / "log.db", folder / "keys", fold=fold_by(ALL), clock=lambda: self.now[0])
        self.desk = Desk(self.store, ALL, Tree({CITY: "", EAST: CITY, WEST: CITY}), clock=lambda: self.now[0])
        self.accounts = Accounts(self.desk, CITY)
        self.accounts.first_admin()
        self.admin = self.accounts.person("admin")
        self.app = make_app(self.desk, self.accounts)
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def token(self, name, *grants):
        password = self.accounts.open(self.admin, name)
        for role, area in grants:
            self.desk.act(self.admin, Act("grant", "give", "", {"account": name, "role": role}, area))
        return self.accounts.sign_in(name, password)

    def post(self, path, token="", **value):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.post(path, json=value, headers=headers)

    def get(self, path, token=""):
        return self.client.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.store.close()


def ring(world, token, area=EAST, **more):
    fields = {"category": "theft", "priority": 1, "caller": "王女士"}
    return world.post("/api/act/call/receive", token, area=area, fields=fields, **more)


def test_a_call_over_http(world):
    d = world.token("d", ("dispatcher", EAST))
    done = ring(world, d)
    assert done.status_code == 200
    call = done.json()["subject"]
    seen = world.get(f"/api/subjects/{call}", d).json()
    assert (seen["state"], seen["area"], seen["personal"]) == ("received", EAST, True)
    assert {"triage", "clear", "merge"} <= set(seen["may"])
    assert "王女士" not in json.dumps(seen, ensure_ascii=False)
    listed = world.get("/api/records/call?state=received", d).json()
    assert [r["subject"] for r in listed["records"]] == [call]
    history = world.get(f"/api/subjects/{call}/events", d).json()["events"]
    assert [e["transition"] for e in history] == ["receive"]
    assert not any(k.startswith("_") for e in history for k in e["fields"])
    refused = world.post(f"/api/subjects/{call}/personal", d)
    assert refused.status_code == 422
    opened = world.post(f"/api/subjects/{call}/personal", d, purpose="call back").json()["personal"]
    assert next(iter(opened.values()))["caller"] == "王女士"
    assert world.store.events()[-1].actor == "d"


def test_one_error_shape_and_no_fault_for_whatever_is_sent(world):
    d = world.token("d", ("dispatcher", EAST))
    bad = [
        (world.get("/api/nothing", d), 404, "not_found"),
        (world.client.delete("/api/me"), 405, "method"),
        (world.get("/api/me"), 401, "session"),
        (world.get("/api/me", "wrong"), 401, "session"),
        (world.post("/api/act/call/receive", d, area=EAST, fields={}), 422, "field_missing"),
        (world.post("/api/act/call/explode", d, area=EAST), 422, "transition"),
        (world.post("/api/act/dragon/receive", d, area=EAST), 422, "procedure"),
        (world.post("/api/act/call/receive", d, area="999", fields={}), 422, "area"),
        (world.post("/api/act/call/receive", d, area=WEST, fields={}), 403, "forbidden"),
        (world.post("/api/act/call/triage", d, subject="call-none", fields={}), 404, "unknown_subject"),
        (world.post("/api/act/call/receive", d, colour="red"), 422, "body"),
        (world.post("/api/act/call/receive", d, fields=[]), 422, "body"),
        (world.post("/api/act/call/receive", d, version=True), 422, "body"),
        (world.post("/api/act/call/receive", d, at="now"), 422, "body"),
        (world.post("/api/act/call/receive", d, area="x" * 301), 422, "body"),
        (world.get("/api/records/dragon", d), 404, "not_found"),
        (world.get("/api/records/call?limit=many", d), 422, "query"),
        (world.get("/api/subjects/call-none", d), 404, "unknown_subject"),
        (world.get("/api/subjects/..%2f..%2fetc%2fpasswd", d), 404, None),
    ]
    h = {"Authorization": f"Bearer {d}"}

    def sent(content):
        return world.client.post("/api/act/call/receive", content=content, headers=h)

    nonsense = (b"{", b"[]", b"\xff\xfe", b'"x"', b"null", b"1e999", b'{"fields": {"priority": 1e400}}')
    bad += [(sent(content), 422, "body") for content in nonsense]
    bad.append((sent(b" " * 300_000), 413, "too_large"))
    for response, status, code in bad:
        assert response.status_code == status, response.text
        error = response.json()["error"]
        assert set(error) == {"code", "value", "rule", "remedy", "message"}
        assert code is None or error["code"] == code
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in response.headers["content-security-policy"]


def test_a_command_sent_again_is_answered_alike(world):
    d = world.token("d", ("dispatcher", EAST))
    first = ring(world, d, id="phone-1:7")
    assert ring(world, d, id="phone-1:7").json() == first.json()
    assert len(world.get("/api/records/call", d).json()["records"]) == 1


def test_a_cookie_alone_changes_nothing(world):
    password = world.accounts.open(world.admin, "d")
    world.desk.act(world.admin, Act("grant", "give", "", {"account": "d", "role": "dispatcher"}, EAST))
    signed = world.client.post("/api/sign-in", json={"account": "d", "password": password})
    cookie = signed.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert world.client.get("/api/me").json()["account"] == "d"
    value = {"area": EAST, "fields": {"category": "x", "priority": 1}}
    assert world.client.post("/api/act/call/receive", json=value).json()["error"]["code"] == "csrf"
    assert world.client.post("/api/act/call/receive", json=value, headers={"X-Anlan": "1"}).status_code == 200
    world.client.post("/api/sign-out", headers={"X-Anlan": "1"})
    assert world.client.get("/api/me").status_code == 401


def test_doors_that_are_open_to_everybody_are_limited(world):
    codes = [world.post("/api/sign-in", account="x", password="y").status_code for _ in range(25)]
    assert codes[:20] == [401] * 20
    assert set(codes[20:]) == {429}
    report = {"category": "water", "place": [114.3, 30.6], "what": "no rail"}
    codes = [world.post("/api/act/hazard/report", area=EAST, fields=report).status_code for _ in range(35)]
    assert codes == [200] * 30 + [429] * 5
    world.now[0] += 60
    assert world.post("/api/act/hazard/report", area=EAST, fields=report).status_code == 200


ROLES = ["admin", "commander", "dispatcher", "officer", "inspector", "auditor", "volunteer"]


@pytest.mark.parametrize("role", ROLES)
def test_every_role_at_every_door_inside_and_outside(world, role):
    """Each transition answers 403 to a role that the table does not name, and 404 or 403 outside the area."""
    token = world.token("x", (role, EAST))
    outside = world.token("y", (role, WEST))
    d = world.token("d", ("dispatcher", EAST))
    call = ring(world, d).json()["subject"]
    for p in ALL.values():
        for name, step in p.transitions.items():
            value = (
                {"subject": call, "area": EAST, "fields": {}}
                if p.name == "call"
                else {"area": EAST, "fields": {}}
            )
            inside = world.post(f"/api/act/{p.name}/{name}", token, **value)
            allowed = role in step.roles or "staff" in step.roles
            if p.name == "call" or "" in step.paths:
                assert (inside.status_code == 403) == (not allowed), (p.name, name, inside.text)
            else:
                assert inside.status_code == 404
            there = world.post(f"/api/act/{p.name}/{name}", outside, **value)
            if p.name == "call" or "" in step.paths:
                assert (there.status_code == 403) == ("staff" not in step.roles), (p.name, name, there.text)
            if step.roles == (SYSTEM,):
                assert inside.status_code in (403, 404)
    for path in (f"/api/subjects/{call}", f"/api/subjects/{call}/events"):
        assert world.get(path, token).status_code == 200
        assert world.get(path, outside).status_code == 404
        assert world.get(path).status_code == 401
    assert world.post(f"/api/subjects/{call}/personal", outside, purpose="x").status_code == 404
    assert len(world.get("/api/records/call", token).json()["records"]) == 1
    assert world.get("/api/records/call", outside).json()["records"] == []


def test_the_description_names_every_door(world):
    described = world.get("/api/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    paths = set(described["paths"])
    for route in world.app.routes:
        if route.path != "/api/act/{procedure}/{transition}":
            assert route.path in paths
    for p in ALL.values():
        for name, step in p.transitions.items():
            assert (f"/api/act/{p.name}/{name}" in paths) == (step.roles != (SYSTEM,))
    assert world.get("/api/health").json() == {"alive": True}
    assert world.get("/api/ready").json()["ready"]
    assert "anlan_log_position" in world.get("/api/metrics").text
    assert world.get("/api/procedures").json()["call"]["states"]["received"]["label"] == {
        "zh": "已接警",
        "en": "Received",
    }


@pytest.fixture
def server(world):
    config = uvicorn.Config(
        world.app, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        thread.join(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(10)


def read(url, token, count, **headers):
    """Positions and subjects of so many events of the stream."""
    got = []
    with httpx2.stream(
        "GET", url, headers={"Authorization": f"Bearer {token}", **headers}, timeout=20, trust_env=False
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line[6:])
                got.append((event["position"], event["stream"], event["transition"]))
                if len(got) == count:
                    return got
    return got


def test_the_stream_resumes_without_gaps_and_shows_only_what_one_may_see(world, server):
    east, west = world.token("e", ("dispatcher", EAST)), world.token("w", ("dispatcher", WEST))
    for i in range(10):
        ring(world, east if i % 2 else west, EAST if i % 2 else WEST)
    everything = [e for e in world.store.events() if e.procedure == "call"]
    after = everything[0].position - 1
    for token, area in ((east, EAST), (west, WEST)):
        got = read(f"{server}/api/stream?after={after}", token, 5)
        assert [p for p, _, _ in got] == [e.position for e in everything if e.stream == area]
        assert {s for _, s, _ in got} == {area}
        rest = read(f"{server}/api/stream", token, 2, **{"Last-Event-ID": str(got[2][0])})
        assert rest == got[3:]


def test_a_session_that_ends_ends_its_stream(world, server):
    token = world.token("e", ("dispatcher", EAST))
    lines = []

    def listen():
        url, headers = f"{server}/api/stream", {"Authorization": f"Bearer {token}"}
        with httpx2.stream("GET", url, headers=headers, timeout=20, trust_env=False) as r:
            lines.extend(r.iter_lines())

    thread = threading.Thread(target=listen)
    thread.start()
    while world.get("/api/metrics").text.count("anlan_listeners 1.0") == 0:
        thread.join(0.02)
    world.accounts.sign_out(token)
    world.desk.act(world.admin, Act("account", "open", "account:z", {"name": "z"}, CITY))
    thread.join(20)
    assert not thread.is_alive()
    assert not any('"account:z"' in line for line in lines)


def test_an_administrator_opens_accounts_and_nobody_else(world):
    admin = world.accounts.sign_in("admin", world.accounts.reset(world.admin, "admin"))
    assert world.get("/api/me", admin).json()["grants"][0]["area"] == CITY
    first = world.post("/api/accounts", admin, account="li").json()["password"]
    token = world.post("/api/sign-in", account="li", password=first).json()["token"]
    assert world.post("/api/accounts", token, account="wang").status_code == 403
    assert world.post("/api/accounts/admin/reset", token).status_code == 403
    again = world.post("/api/accounts/li/reset", admin).json()["password"]
    assert world.get("/api/me", token).status_code == 401
    assert world.post("/api/sign-in", account="li", password=again).status_code == 200
    assert world.post("/api/accounts/nobody/reset", admin).status_code == 404
    assert world.post("/api/accounts", admin, account="a:b").status_code == 422
