"""The ground: roads, areas, sites, lines and calls; their readers; travel times."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from anlan.city.city import City
from anlan.city.roads import Edges, Roads
from anlan.city.settings import Category, Provenance, Settings

if TYPE_CHECKING:
    from anlan.city.network import Network
    from anlan.city.speed import SpeedProfile
    from anlan.city.travel import Travel

__all__ = [
    "Category",
    "City",
    "Edges",
    "Network",
    "Provenance",
    "Roads",
    "Settings",
    "SpeedProfile",
    "Travel",
]

# Routing brings the compiler along: opening a city should not wait for it.
_LATER = {"Network": "network", "SpeedProfile": "speed", "Travel": "travel"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"anlan.city.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
