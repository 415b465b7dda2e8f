"""What is prominent and where disorder is: pure functions over places, times and categories."""

from anlan.hotspots.accuracy import Accuracy, accuracy
from anlan.hotspots.cells import Cells
from anlan.hotspots.choose import ReportingBand, choose, reporting_band
from anlan.hotspots.demand import demand
from anlan.hotspots.discipline import Admitted, admit, counts
from anlan.hotspots.kde import kde
from anlan.hotspots.network_kde import StreetDensity, network_kde
from anlan.hotspots.places import Districts, Places, Streets
from anlan.hotspots.profiles import Profiles, hour_profiles
from anlan.hotspots.surface import Surface, TopCells, top_cells
from anlan.hotspots.targets import Targets, patrol_shares, targets

__all__ = [
    "Accuracy",
    "Admitted",
    "Cells",
    "Districts",
    "Places",
    "Profiles",
    "ReportingBand",
    "StreetDensity",
    "Streets",
    "Surface",
    "Targets",
    "TopCells",
    "accuracy",
    "admit",
    "choose",
    "counts",
    "demand",
    "hour_profiles",
    "kde",
    "network_kde",
    "patrol_shares",
    "reporting_band",
    "targets",
    "top_cells",
]
