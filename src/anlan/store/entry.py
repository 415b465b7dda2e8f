"""One entry of the log: what a command drafts, what is written, and the bytes its hash commits to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from anlan.core.errors import AnlanError
from anlan.model.event import Event

FORMAT = "anlan-1"
ZERO = bytes(32)
"""The predecessor of a stream's first entry."""
MICRO = 1_000_000
E7 = 10_000_000
_encode = msgspec.json.Encoder(order="deterministic").encode


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return _encode(value).decode()


def micros(unix_s: float) -> int:
    """Whole microseconds of Unix seconds: integers are equal on every machine, floats need not print so."""
    return round(unix_s * MICRO)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it is logged.

    Attributes
    ----------
    stream : str
        Code of the jurisdiction whose chain it joins.
    subject, procedure, transition : str
    at : float
        When it happened, Unix seconds; recording has its own time.
    actor, role, purpose : str
        Who, as what, and for what.
    device, unit, area : str
    lon, lat : float or None
        Degrees, WGS-84; kept to 1e-7.
    payload : mapping
        Open fields, JSON values.
    personal : mapping
        Fields about a person; sealed under the subject's own key before they reach the disk.
    """

    stream: str
    subject: str
    procedure: str
    transition: str
    at: float
    actor: str = ""
    role: str = ""
    purpose: str = ""
    device: str = ""
    unit: str = ""
    area: str = ""
    lon: float | None = None
    lat: float | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("stream", "subject", "procedure", "transition"):
            if not getattr(self, name):
                raise AnlanError(
                    f"an event without its {name}",
                    "every event belongs to a stream, a subject, a procedure and a transition",
                    f"give the {name}",
                    code="event_incomplete",
                )
        if (self.lon is None) != (self.lat is None):
            raise AnlanError(
                f"lon {self.lon}, lat {self.lat}",
                "a place has both",
                "give both or neither",
                code="event_place",
            )
        if (
            self.lon is not None
            and self.lat is not None
            and not (abs(self.lon) <= 180 and abs(self.lat) <= 90)
        ):
            raise AnlanError(
                f"lon {self.lon}, lat {self.lat}",
                "degrees lie within 180 and 90",
                "check whether the two are swapped",
                code="event_place",
            )


@dataclass(frozen=True, slots=True)
class Entry:
    """A logged event, as its row in the log."""

    position: int
    id: str
    stream: str
    seq: int
    subject: str
    procedure: str
    transition: str
    occurred_us: int
    recorded_us: int
    actor: str
    role: str
    purpose: str
    device: str
    unit: str
    area: str
    lon_e7: int | None
    lat_e7: int | None
    payload: str
    sealed: bytes | None
    prev_hash: bytes
    hash: bytes

    @property
    def at(self) -> float:
        """When it happened, Unix seconds."""
        return self.occurred_us / MICRO

    @property
    def recorded_at(self) -> float:
        """When it was recorded, Unix seconds."""
        return self.recorded_us / MICRO

    @property
    def fields(self) -> dict[str, Any]:
        """The open fields."""
        return dict(json.loads(self.payload)) if self.payload else {}

    def event(self) -> Event:
        """The event as `evaluation` and the simulator know it."""
        nan = float("nan")
        return Event(
            id=self.id,
            stream=self.stream,
            subject=self.subject,
            procedure=self.procedure,
            transition=self.transition,
            at=self.at,
            recorded_at=self.recorded_at,
            actor=self.actor,
            role=self.role,
            unit=self.unit,
            area=self.area,
            lon=nan if self.lon_e7 is None else self.lon_e7 / E7,
            lat=nan if self.lat_e7 is None else self.lat_e7 / E7,
            payload=self.payload,
        )


def canonical(e: Entry) -> bytes:
    """The bytes that an entry's hash commits to: a JSON array, sealed fields by the hash of their ciphertext."""
    sealed = "" if e.sealed is None else hashlib.sha256(e.sealed).hexdigest()
    line = [
        FORMAT, e.id, e.stream, e.seq, e.subject, e.procedure, e.transition, e.occurred_us, e.recorded_us,
        e.actor, e.role, e.purpose, e.device, e.unit, e.area, e.lon_e7, e.lat_e7, e.payload, sealed,
        e.prev_hash.hex(),
    ]  # fmt: skip
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()


def entry_hash(e: Entry) -> bytes:
    """SHA-256 of an entry as a Merkle leaf (RFC 9162 prefixes leaves with a zero byte)."""
    return hashlib.sha256(b"\x00" + canonical(e)).digest()
