"""`anlan serve`: the desk as a server."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from anlan.core.errors import AnlanError


def serve(
    city: Annotated[Path, typer.Argument(help="The city folder.", metavar="CITY")],
    plan: Annotated[
        Path | None, typer.Option(help="A plan folder; the present layout where not given.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8600,
    dsn: Annotated[str, typer.Option(help="PostgreSQL instead of CITY/desk/log.db; or set ANLAN_DSN.")] = "",
    tls_certificate: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
) -> None:
    """Run the desk of a city: log, calls, dispatch, alarms, hazards, as a JSON API with a live stream.

    Needs nothing else installed. The first start makes the keys in CITY/desk/keys and prints the
    administrator's password once. Ctrl+C lets running requests finish and closes the log.
    """
    import os

    import uvicorn

    listening = _listen(host, port)
    # The server finds the application by its name, as any ASGI server does, and the environment tells it the rest.
    told = {
        "ANLAN_SERVE_CITY": str(city),
        "ANLAN_SERVE_PLAN": str(plan or ""),
        "ANLAN_SERVE_SECURE": "1" if tls_certificate else "",
    }
    os.environ.update(told | ({"ANLAN_DSN": dsn} if dsn else {}))
    config = uvicorn.Config(
        "anlan.web.serve:app",
        factory=True,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
        ssl_certfile=tls_certificate,
        ssl_keyfile=tls_key,
    )
    config.load()
    where = f"{'https' if tls_certificate else 'http'}://{host}:{listening.getsockname()[1]}"
    typer.echo(f"{city.resolve().name}: {where}/api/openapi.json describes the interface (Ctrl+C stops)")
    with suppress(KeyboardInterrupt):  # raised again once everything is answered
        uvicorn.Server(config).run(sockets=[listening])
    typer.echo("stopped; the log is closed")


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=2048)
    except (OSError, OverflowError) as error:
        raise AnlanError(
            f"{host}:{port}",
            f"it cannot be listened on ({error})",
            "choose another --port or --host",
            code="port",
        ) from None
