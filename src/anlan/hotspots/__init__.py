"""What is prominent and where disorder is: pure functions over places, times and categories."""

from anlan.hotspots.cells import Cells
from anlan.hotspots.demand import demand
from anlan.hotspots.discipline import Admitted, admit
from anlan.hotspots.kde import kde
from anlan.hotspots.network_kde import StreetDensity, network_kde
from anlan.hotspots.places import Districts, Places, Streets
from anlan.hotspots.profiles import Profiles, hour_profiles
from anlan.hotspots.surface import Surface, TopCells, top_cells

__all__ = [
    "Admitted",
    "Cells",
    "Districts",
    "Places",
    "Profiles",
    "StreetDensity",
    "Streets",
    "Surface",
    "TopCells",
    "admit",
    "demand",
    "hour_profiles",
    "kde",
    "network_kde",
    "top_cells",
]
