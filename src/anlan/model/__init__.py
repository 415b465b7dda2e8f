"""The nouns that more than one package uses, and the procedures: one file each."""

from anlan.model.area import LEVELS, Areas
from anlan.model.board import Board, BoardPosts, BoardUnits, OpenCall, OpenCalls
from anlan.model.call import SOURCES, Call, Calls
from anlan.model.campaign import Campaign
from anlan.model.demand import Demand
from anlan.model.event import Event, Events
from anlan.model.hours import Hours
from anlan.model.line import Lines
from anlan.model.plan import Plan
from anlan.model.position import Positions
from anlan.model.post import Posts
from anlan.model.site import Sites
from anlan.model.unit import Units

__all__ = [
    "LEVELS",
    "SOURCES",
    "Areas",
    "Board",
    "BoardPosts",
    "BoardUnits",
    "Call",
    "Calls",
    "Campaign",
    "Demand",
    "Event",
    "Events",
    "Hours",
    "Lines",
    "OpenCall",
    "OpenCalls",
    "Plan",
    "Positions",
    "Posts",
    "Sites",
    "Units",
]
