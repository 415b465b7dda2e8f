"""Where stations, standby posts, patrol posts and equipment should stand; every answer carries a bound."""

from anlan.siting.answer import Alternative, Explanation, Loss, Moment, Siting
from anlan.siting.backup import backup
from anlan.siting.beats import Beats, plan_beats
from anlan.siting.busy import Workload
from anlan.siting.candidates import Candidates, candidates_along
from anlan.siting.demand_table import read_demand
from anlan.siting.districts import Score, districts, rescore
from anlan.siting.dsm import dsm
from anlan.siting.equipment import EquipmentPlan, plan_equipment
from anlan.siting.erlang import erlang_b, erlang_c
from anlan.siting.hypercube import Hypercube, correction_factors, hypercube
from anlan.siting.lines import cover_lines
from anlan.siting.lscp import lscp
from anlan.siting.mclp import mclp
from anlan.siting.measures import Measures, measure
from anlan.siting.mexclp import mexclp
from anlan.siting.p_center import p_center
from anlan.siting.p_median import p_median
from anlan.siting.periods import PeriodSiting, periods
from anlan.siting.places import candidate_sites
from anlan.siting.shifts import Shifts, shifts
from anlan.siting.staffing import Staffing, staffing
from anlan.siting.stations import StationPlan, plan_stations, workload

__all__ = [
    "Alternative",
    "Beats",
    "Candidates",
    "EquipmentPlan",
    "Explanation",
    "Hypercube",
    "Loss",
    "Measures",
    "Moment",
    "PeriodSiting",
    "Score",
    "Shifts",
    "Siting",
    "Staffing",
    "StationPlan",
    "Workload",
    "backup",
    "candidate_sites",
    "candidates_along",
    "correction_factors",
    "cover_lines",
    "districts",
    "dsm",
    "erlang_b",
    "erlang_c",
    "hypercube",
    "lscp",
    "mclp",
    "measure",
    "mexclp",
    "p_center",
    "p_median",
    "periods",
    "plan_beats",
    "plan_equipment",
    "plan_stations",
    "read_demand",
    "rescore",
    "shifts",
    "staffing",
    "workload",
]
