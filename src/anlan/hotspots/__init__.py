"""What is prominent and where disorder is: pure functions over places, times and categories."""

from anlan.hotspots.accuracy import Accuracy, accuracy
from anlan.hotspots.aoristic import Aoristic, aoristic, interval_weights
from anlan.hotspots.cells import Cells
from anlan.hotspots.choose import ReportingBand, choose, reporting_band
from anlan.hotspots.circles import Circles
from anlan.hotspots.clock import clock_caveat
from anlan.hotspots.concentration import Concentration, Stability, concentration, stability
from anlan.hotspots.demand import demand
from anlan.hotspots.discipline import Admitted, admit, counts
from anlan.hotspots.ears import Ears, ears, recent
from anlan.hotspots.emerging import Emerging, emerging, time_steps
from anlan.hotspots.farrington import Detection, farrington
from anlan.hotspots.fdr import adjusted, rejected, simes
from anlan.hotspots.gi_star import GiStar, gi_star
from anlan.hotspots.kde import kde
from anlan.hotspots.knox import Knox, knox
from anlan.hotspots.mann_kendall import MannKendall, mann_kendall
from anlan.hotspots.moran import LocalMoran, local_moran
from anlan.hotspots.naus import naus
from anlan.hotspots.neighbours import Box, Disk, Rook, grid_weights, street_weights
from anlan.hotspots.network_kde import StreetDensity, network_kde
from anlan.hotspots.places import Districts, Places, Streets
from anlan.hotspots.profiles import Profiles, hour_profiles
from anlan.hotspots.prominence import Prominence, prominence
from anlan.hotspots.recoding import Recoding, recodings
from anlan.hotspots.scan import Cluster, Scan, scan
from anlan.hotspots.scan_models import bernoulli_llr, poisson_llr
from anlan.hotspots.scan_streams import StreamCluster, StreamScan, scan_categories
from anlan.hotspots.st_dbscan import DensityClusters, st_dbscan
from anlan.hotspots.surface import Surface, TopCells, top_cells
from anlan.hotspots.targets import Targets, patrol_shares, targets
from anlan.hotspots.weekly import Weekly, weekly_series

__all__ = [
    "Accuracy",
    "Admitted",
    "Aoristic",
    "Box",
    "Cells",
    "Circles",
    "Cluster",
    "Concentration",
    "DensityClusters",
    "Detection",
    "Disk",
    "Districts",
    "Ears",
    "Emerging",
    "GiStar",
    "Knox",
    "LocalMoran",
    "MannKendall",
    "Places",
    "Profiles",
    "Prominence",
    "Recoding",
    "ReportingBand",
    "Rook",
    "Scan",
    "Stability",
    "StreamCluster",
    "StreamScan",
    "StreetDensity",
    "Streets",
    "Surface",
    "Targets",
    "TopCells",
    "Weekly",
    "accuracy",
    "adjusted",
    "admit",
    "aoristic",
    "bernoulli_llr",
    "choose",
    "clock_caveat",
    "concentration",
    "counts",
    "demand",
    "ears",
    "emerging",
    "farrington",
    "gi_star",
    "grid_weights",
    "hour_profiles",
    "interval_weights",
    "kde",
    "knox",
    "local_moran",
    "mann_kendall",
    "naus",
    "network_kde",
    "patrol_shares",
    "poisson_llr",
    "prominence",
    "recent",
    "recodings",
    "rejected",
    "reporting_band",
    "scan",
    "scan_categories",
    "simes",
    "st_dbscan",
    "stability",
    "street_weights",
    "targets",
    "time_steps",
    "top_cells",
    "weekly_series",
]
