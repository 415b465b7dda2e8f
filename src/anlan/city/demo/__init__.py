"""The demo city: Wuhan's real streets with sampled jurisdictions, sites and calls (docs/demo-city.md)."""

from anlan.city.demo.kinds import KINDS, Kind
from anlan.city.demo.model import DemoModel, Planted
from anlan.city.demo.roads import ATTRIBUTION, demo_roads
from anlan.city.demo.sample import sample
from anlan.city.demo.truth import Effect, Truth
from anlan.city.demo.write import demo_city, write_demo

__all__ = [
    "ATTRIBUTION",
    "KINDS",
    "DemoModel",
    "Effect",
    "Kind",
    "Planted",
    "Truth",
    "demo_city",
    "demo_roads",
    "sample",
    "write_demo",
]
