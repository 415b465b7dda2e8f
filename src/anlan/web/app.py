"""The routes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from anlan.core.errors import AnlanError
from anlan.desk import ANYBODY, Accounts, Desk, Live, Person
from anlan.desk.people import ANYWHERE, may_view
from anlan.web import openapi, stream
from anlan.web.answers import HEADERS, answer, body, refusal
from anlan.web.limits import Limit
from anlan.web.shapes import act_of, address, record_shown, table_shown, whole

COOKIE = "anlan"
_log = logging.getLogger("anlan.web")

OTHERS = {
    "/api/sign-in": {"post": "begin a session with account, password and, where asked for, code"},
    "/api/sign-out": {"post": "end it"},
    "/api/password": {"post": "change one's password: old, new"},
    "/api/accounts": {
        "post": "open an account (administrators); the answer holds its first password, shown once"
    },
    "/api/accounts/{account}/reset": {"post": "give an account a new first password (administrators)"},
    "/api/me": {"get": "who one is, and the grants one holds now"},
    "/api/procedures": {"get": "the procedures: states, transitions, forms, deadlines, in both languages"},
    "/api/records/{procedure}": {"get": "records that one may see; ?state=, ?limit="},
    "/api/subjects/{subject}": {"get": "one record, and what one may do with it now"},
    "/api/subjects/{subject}/events": {"get": "its history"},
    "/api/subjects/{subject}/personal": {
        "post": "open its personal fields for a stated purpose; it is logged"
    },
    "/api/calls/{call}/advice": {"get": "whom to send: ranked, with times, reasons and the runner-up"},
    "/api/calls/{call}/assign": {"post": "send the recommended unit, or another with a reason"},
    "/api/move-up": {"get": "where free units should stand by"},
    "/api/units/{unit}/position": {"post": "where a unit is: lon, lat, at; kept five minutes in memory"},
    "/api/stream": {"get": "the live stream (server-sent events), from ?after= or Last-Event-ID"},
    "/api/openapi.json": {"get": "this description"},
    "/api/health": {"get": "the process lives"},
    "/api/ready": {"get": "the log answers"},
    "/api/metrics": {"get": "figures for Prometheus"},
}

NO_SESSION = AnlanError("no session", "this needs signing in", "sign in", code="session")
Handler = Callable[[Request, Person], Awaitable[Response]]


def make_app(
    desk: Desk, accounts: Accounts, live: Live | None = None, *, secure: bool = False, lifespan: Any = None
) -> Starlette:
    """The ASGI application of a desk.

    Parameters
    ----------
    desk : Desk
    accounts : Accounts
    live : Live, optional
        For advice; without it those routes say that there is no plan.
    secure : bool
        Whether it is reached over TLS: cookies then never travel without.
    lifespan : callable, optional
        What the server does at its start and end, as Starlette takes it.
    """
    return _Server(desk, accounts, live, secure, lifespan).app


class _Server:
    def __init__(
        self, desk: Desk, accounts: Accounts, live: Live | None, secure: bool, lifespan: Any = None
    ) -> None:
        self.desk, self.accounts, self.live, self.secure = desk, accounts, live, secure
        self.doors = Limit(20, 60.0, desk.clock)
        self.public = Limit(30, 60.0, desk.clock)
        self.description = openapi.describe(desk.procedures, OTHERS)
        registry = self.registry = CollectorRegistry()
        self.requests = Counter(
            "anlan_requests", "Requests by route and status", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "anlan_request_seconds", "Seconds of a request", ["route"], registry=registry
        )
        self.listening = Gauge("anlan_listeners", "Live listeners", registry=registry)
        Gauge("anlan_log_position", "Events in the log", registry=registry).set_function(
            lambda: desk.store.position
        )
        handlers: dict[tuple[str, str], Handler] = {
            ("/api/sign-out", "POST"): self.sign_out,
            ("/api/password", "POST"): self.password,
            ("/api/accounts", "POST"): self.open_account,
            ("/api/accounts/{account}/reset", "POST"): self.reset,
            ("/api/me", "GET"): self.me,
            ("/api/records/{procedure}", "GET"): self.records,
            ("/api/subjects/{subject}", "GET"): self.subject,
            ("/api/subjects/{subject}/events", "GET"): self.history,
            ("/api/subjects/{subject}/personal", "POST"): self.personal,
            ("/api/calls/{call}/advice", "GET"): self.advice,
            ("/api/calls/{call}/assign", "POST"): self.assign,
            ("/api/move-up", "GET"): self.move_up,
            ("/api/units/{unit}/position", "POST"): self.position,
            ("/api/stream", "GET"): self.stream,
        }
        opened: dict[tuple[str, str], Handler] = {
            ("/api/sign-in", "POST"): self.sign_in,
            ("/api/procedures", "GET"): self.procedures,
            ("/api/openapi.json", "GET"): self.openapi,
            ("/api/health", "GET"): self.health,
            ("/api/ready", "GET"): self.ready,
            ("/api/metrics", "GET"): self.metrics,
            ("/api/act/{procedure}/{transition}", "POST"): self.act,
        }
        routes = [
            Route(path, self._route(path, handler, known), methods=[method])
            for table, known in ((handlers, True), (opened, False))
            for (path, method), handler in table.items()
        ]
        faults: Any = {HTTPException: self._http, Exception: self._fault}
        self.app = Starlette(routes=routes, exception_handlers=faults, lifespan=lifespan)

    def _route(self, path: str, handler: Handler, known: bool) -> Callable[[Request], Awaitable[Response]]:
        async def run(request: Request) -> Response:
            with self.seconds.labels(path).time():
                try:
                    who = None if handler == self.sign_in else await self._who(request)
                    if known and who is None:
                        response = refusal(NO_SESSION)
                    else:
                        response = await handler(request, who or ANYBODY)
                except AnlanError as error:
                    response = refusal(error)
            self.requests.labels(path, response.status_code).inc()
            return response

        return run

    async def _who(self, request: Request) -> Person | None:
        bearer = request.headers.get("authorization", "")
        if bearer.startswith("Bearer "):
            token = bearer.removeprefix("Bearer ")
        else:
            token = request.cookies.get(COOKIE, "")
            # A form on another site can send the cookie but not this header.
            if token and request.method != "GET" and request.headers.get("x-anlan") != "1":
                raise AnlanError(
                    "a request without X-Anlan: 1", "cookies alone change nothing", "send it", code="csrf"
                )
        return await asyncio.to_thread(self.accounts.who, token) if token else None

    async def _http(self, _request: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 500)
        code = {404: "not_found", 405: "method"}.get(status, "http")
        response = refusal(
            AnlanError("this address", "there is nothing here", "see /api/openapi.json", code=code)
        )
        response.headers.update(getattr(error, "headers", None) or {})
        return response

    async def _fault(self, request: Request, error: Exception) -> Response:
        _log.error("fault at %s", request.url.path, exc_info=error)
        return answer(
            {"error": {"code": "fault", "message": "The server made a mistake; it is in its log."}}, 500
        )

    # Doors

    async def sign_in(self, request: Request, _who: Person) -> Response:
        self.doors.take(address(request))
        given = await body(request)
        texts = [given.get(k, "") for k in ("account", "password", "code", "device")]
        if not all(isinstance(t, str) and len(t) <= 200 for t in texts):
            raise AnlanError(
                "signing in", "account, password and code are texts", "correct them", code="body"
            )
        token = await asyncio.to_thread(self.accounts.sign_in, *texts)
        response = answer({"token": token})
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=self.secure, path="/")
        return response

    async def sign_out(self, request: Request, _who: Person) -> Response:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        await asyncio.to_thread(self.accounts.sign_out, bearer or request.cookies.get(COOKIE, ""))
        response = answer({})
        response.delete_cookie(COOKIE)
        return response

    async def password(self, request: Request, who: Person) -> Response:
        self.doors.take(address(request))
        given = await body(request)
        old, new = given.get("old"), given.get("new")
        if not isinstance(old, str) or not isinstance(new, str):
            raise AnlanError("a new password", "it takes old and new, as texts", "send both", code="body")
        await asyncio.to_thread(self.accounts.change_password, who.name, old, new)
        return answer({})

    async def open_account(self, request: Request, who: Person) -> Response:
        account = (await body(request)).get("account", "")
        if not isinstance(account, str):
            raise AnlanError("a new account", "its name is a text", "send account", code="body")
        password = await asyncio.to_thread(self.accounts.open, who, account)
        return answer({"account": account, "password": password})

    async def reset(self, request: Request, who: Person) -> Response:
        account = request.path_params["account"]
        password = await asyncio.to_thread(self.accounts.reset, who, account)
        return answer({"account": account, "password": password})

    async def me(self, _request: Request, who: Person) -> Response:
        grants = [
            {
                "role": g.role,
                "area": self._area(g.area),
                "right": g.right,
                "until": None if g.end == float("inf") else g.end,
            }
            for g in who.grants
        ]
        return answer({"account": who.name, "grants": grants})

    def _area(self, code: str) -> str:
        return self.accounts.root if code == ANYWHERE else code

    # Procedures

    async def procedures(self, _request: Request, _who: Person) -> Response:
        return answer({name: table_shown(p) for name, p in self.desk.procedures.items()})

    async def openapi(self, _request: Request, _who: Person) -> Response:
        return answer(self.description)

    async def act(self, request: Request, who: Person) -> Response:
        if who == ANYBODY:
            self.public.take(address(request))
        given = await body(request)
        act = act_of(request.path_params["procedure"], request.path_params["transition"], given)
        return answer(await asyncio.wrap_future(self.desk.submit(who, act)))

    async def records(self, request: Request, who: Person) -> Response:
        procedure = request.path_params["procedure"]
        if procedure not in self.desk.procedures:
            raise AnlanError(
                f"procedure {procedure!r}", "there is none", "see /api/procedures", code="not_found"
            )
        states = request.query_params.getlist("state") or None
        limit = whole(request, "limit", 500, 1, 5000)
        found = await asyncio.to_thread(lambda: self.desk.listed(who, procedure, states=states, limit=limit))
        return answer({"records": [record_shown(r) for r in found], "position": self.desk.store.position})

    async def subject(self, request: Request, who: Person) -> Response:
        name = request.path_params["subject"]
        record = await asyncio.to_thread(self.desk.look, who, name)
        may = (
            await asyncio.to_thread(self.desk.may, who, name)
            if record.procedure in self.desk.procedures
            else []
        )
        return answer({**record_shown(record), "may": may})

    async def history(self, request: Request, who: Person) -> Response:
        name = request.path_params["subject"]
        await asyncio.to_thread(self.desk.look, who, name)
        found = await asyncio.to_thread(lambda: self.desk.store.events(subject=name))
        return answer({"events": [stream.shown(e) for e in found]})

    async def personal(self, request: Request, who: Person) -> Response:
        name = request.path_params["subject"]
        record = await asyncio.to_thread(self.desk.look, who, name)
        purpose = (await body(request)).get("purpose", "")
        if not isinstance(purpose, str):
            purpose = ""
        now = self.desk.clock()
        held = [g.role for g in who.grants if may_view(Person("", (g,)), record.stream, self.desk.tree, now)]
        opened = await asyncio.to_thread(
            lambda: self.desk.store.open_sealed(name, actor=who.name, role=held[0], purpose=purpose)
        )
        return answer({"personal": opened})

    # Advice

    def _live(self) -> Live:
        if self.live is None:
            raise AnlanError("this desk", "it runs without a plan", "start it with --plan", code="no_plan")
        return self.live

    async def advice(self, request: Request, who: Person) -> Response:
        live, call = self._live(), request.path_params["call"]
        await asyncio.to_thread(self.desk.look, who, call)
        advice = await asyncio.to_thread(live.recommend, call)
        return answer({"call": call, "text": advice.text, "choices": advice.choices})

    async def assign(self, request: Request, who: Person) -> Response:
        live, call = self._live(), request.path_params["call"]
        await asyncio.to_thread(self.desk.look, who, call)
        given = await body(request)
        unit, reason, command = (given.get(k, "") for k in ("unit", "reason", "id"))
        if not all(isinstance(t, str) for t in (unit, reason, command)):
            raise AnlanError("assigning", "unit, reason and id are texts", "correct them", code="body")
        done = await asyncio.to_thread(lambda: live.assign(who, call, unit, reason=reason, command=command))
        return answer(done)

    async def move_up(self, _request: Request, who: Person) -> Response:
        if not any(g.role in ("dispatcher", "commander") for g in who.grants):
            raise AnlanError(
                f"{who.name}: standby advice", "it needs a dispatcher", "ask one", code="forbidden"
            )
        return answer(await asyncio.to_thread(self._live().move_up))

    async def position(self, request: Request, who: Person) -> Response:
        live, unit = self._live(), request.path_params["unit"]
        record = await asyncio.to_thread(self.desk.look, who, unit)
        given = await body(request)
        lon, lat, at = given.get("lon"), given.get("lat"), given.get("at", self.desk.clock())
        numbers = [v for v in (lon, lat, at) if isinstance(v, int | float) and not isinstance(v, bool)]
        right = len(numbers) == 3 and abs(numbers[0]) <= 180 and abs(numbers[1]) <= 90
        if record.procedure != "unit" or not right:
            rule = "it is lon, lat in degrees and at, of a unit"
            raise AnlanError("a position", rule, "correct it", code="position")
        live.seen(unit, numbers[0], numbers[1], min(numbers[2], self.desk.clock()))
        return answer({})

    # Live

    async def stream(self, request: Request, _who: Person) -> Response:
        last = request.headers.get("last-event-id")
        after = int(last) if last and last.isdigit() else whole(request, "after", -1, -1, 1 << 60)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        token = bearer or request.cookies.get(COOKIE, "")

        async def flow() -> Any:
            self.listening.inc()
            try:
                async for part in stream.events(
                    self.desk, lambda: self.accounts.who(token), None if after < 0 else after
                ):
                    yield part
            finally:
                self.listening.dec()

        return StreamingResponse(flow(), 200, HEADERS, "text/event-stream")

    # Health

    async def health(self, _request: Request, _who: Person) -> Response:
        return answer({"alive": True})

    async def ready(self, _request: Request, _who: Person) -> Response:
        try:
            return answer(
                {"ready": True, "position": await asyncio.to_thread(lambda: self.desk.store.position)}
            )
        except Exception as error:
            return answer({"ready": False, "why": type(error).__name__}, 503)

    async def metrics(self, _request: Request, _who: Person) -> Response:
        return Response(generate_latest(self.registry), 200, HEADERS, "text/plain; version=0.0.4")
