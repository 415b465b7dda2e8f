"""The application as an ASGI server finds it: ``anlan.web.serve:app``, told by the environment what to serve."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette

from anlan.campaign.running import Running
from anlan.web.app import make_app

CITY, PLAN, SECURE = "ANLAN_SERVE_CITY", "ANLAN_SERVE_PLAN", "ANLAN_SERVE_SECURE"


def app() -> Starlette:
    """The desk of the city that ANLAN_SERVE_CITY names; it is closed when the server stops.

    ANLAN_SERVE_PLAN names a plan folder, ANLAN_SERVE_SECURE says that it is reached over TLS.
    """
    plan = os.environ.get(PLAN)
    running = Running(Path(os.environ[CITY]), Path(plan) if plan else None)
    if running.first_password:
        sys.stdout.write(f"first start: account admin, password {running.first_password} (shown this once)\n")
        sys.stdout.flush()

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            running.close()

    secure = bool(os.environ.get(SECURE))
    return make_app(running.desk, running.accounts, running.live, secure=secure, lifespan=life)
