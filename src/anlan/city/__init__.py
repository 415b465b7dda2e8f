"""The ground: roads, areas, sites, lines and calls; their readers; travel times."""

from anlan.city.city import City
from anlan.city.roads import Edges, Roads
from anlan.city.settings import Category, Provenance, Settings

__all__ = ["Category", "City", "Edges", "Provenance", "Roads", "Settings"]
