"""What comes in and what goes out: a command, a notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Act:
    """A command.

    Attributes
    ----------
    procedure, transition : str
    subject : str
        Empty to open a new one.
    fields : mapping
    area : str
        Code of the jurisdiction; taken from the subject where there is one.
    at : float or None
        When it happened, Unix seconds; now where not given. Recording has its own time.
    id : str
        Given by the client: sending it twice does it once.
    version : int or None
        The version of the subject that the actor saw.
    device, purpose : str
    """

    procedure: str
    transition: str
    subject: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    area: str = ""
    at: float | None = None
    id: str = ""
    version: int | None = None
    device: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody to be told: the event is on the disk when this goes out.

    Attributes
    ----------
    to : str
        ``role@area``, ``actor:name``, ``unit:id``, ``owner:name`` or ``member:id``.
    subject, procedure, transition, area : str
    at : float
    """

    to: str
    subject: str
    procedure: str
    transition: str
    area: str
    at: float
