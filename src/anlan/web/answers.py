"""One way to answer: JSON, one error shape, headers that keep a browser safe."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from anlan.core.errors import AnlanError
from anlan.core.plain import plain

STATUS = {
    "sign_in": 401,
    "session": 401,
    "forbidden": 403,
    "csrf": 403,
    "locked": 403,
    "unknown_subject": 404,
    "unknown_event": 404,
    "not_found": 404,
    "method": 405,
    "changed": 409,
    "state": 409,
    "active": 409,
    "own_work": 409,
    "has_units": 409,
    "nobody": 409,
    "erased": 410,
    "too_large": 413,
    "too_many": 429,
    "log_unavailable": 503,
    "log_closed": 503,
}
"""HTTP status by kind of error; everything else that a client can put right is 422."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LARGEST = 256 * 1024
"""Bytes of a request's body."""


def answer(value: Any, status: int = 200) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(plain(value)), status, HEADERS, "application/json")


def refusal(error: AnlanError) -> Response:
    """The one error shape: ``{"error": {code, value, rule, remedy, message}}``."""
    status = STATUS.get(error.code, 422)
    response = answer({"error": error.as_dict()}, status)
    if status == 429:
        response.headers["Retry-After"] = "60"
    return response


async def body(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries.

    Raises
    ------
    AnlanError
        If it is too large or no JSON object.
    """
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > LARGEST:
            raise AnlanError(
                "the request's body",
                f"it has at most {LARGEST // 1024} KB",
                "send less at once",
                code="too_large",
            )
    if not data:
        return {}
    try:
        value = msgspec.json.decode(bytes(data))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _no_object() from None
    if not isinstance(value, dict):
        raise _no_object()
    return value


def _no_object() -> AnlanError:
    return AnlanError("the request's body", "it is a JSON object in UTF-8", "correct it", code="body")
