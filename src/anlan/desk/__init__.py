"""Live operations: commands carried out as the procedures say, deadlines, who may, whom to tell."""

from anlan.desk.accounts import Accounts
from anlan.desk.act import Act, Notice
from anlan.desk.cascade import Cascade, CascadeRules
from anlan.desk.desk import Desk
from anlan.desk.fold import fold_by
from anlan.desk.ground import Ground
from anlan.desk.live import Live
from anlan.desk.people import ANYBODY, THE_SYSTEM, Grant, Person, Tree

__all__ = [
    "ANYBODY",
    "THE_SYSTEM",
    "Accounts",
    "Act",
    "Cascade",
    "CascadeRules",
    "Desk",
    "Grant",
    "Ground",
    "Live",
    "Notice",
    "Person",
    "Tree",
    "fold_by",
]
