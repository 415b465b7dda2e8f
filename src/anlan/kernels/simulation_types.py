"""The arrays of a simulation: what does not change (`World`, tasks, rules) and what does (units, `State`).

Rows are NumPy records, so that one unit's or one task's fields lie together in memory and a kernel's signature
stays short; all integers in them are int64, so that every kernel is compiled once. Nodes are in the rank space of
`anlan.kernels.simulation_labels`; times on the network are ticks (int32), all others seconds (float64).
**Places** are rows of one table: first the posts (stations and standby posts), then the destinations,
together called hubs, then the places of calls. A place is left and reached through up to two nodes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TASK = np.dtype(
    [
        ("at", "f8"),  # received
        ("ready", "f8"),  # may be dispatched; tasks are in this order
        ("on_scene", "f8"),
        ("handover", "f8"),
        ("key", "i8"),  # place in the waiting line: priority, then time received; unique
        ("skills", "i8"),  # bits a unit must have
        ("place", "i8"),
        ("destination", "i8"),  # hub, -1 nearest
        ("area", "i8"),
        ("group", "i8"),  # row of the preference table
        ("priority", "i8"),
        ("transport", "i8"),
    ],
    align=True,
)
"""Requests for one unit each."""

UNIT = np.dtype(
    [
        # What the choice of a unit reads, together in memory.
        ("status", "i8"),
        ("skills", "i8"),
        ("shift_end", "f8"),
        ("place", "i8"),  # where it stands, or stood when it set off
        ("turnout", "f8"),
        ("pause_for", "i8"),  # while paused: only calls at most this priority interrupt
        ("task", "i8"),
        ("leave", "f8"),  # when it sets (or set) off
        ("leg_end", "f8"),  # when it arrives
        ("leg_at", "f8"),  # when it reaches leg_node
        ("leg_node", "i8"),
        ("leg_to", "i8"),
        ("leg_from", "i8"),  # hub it set off from without being diverted since, or -1
        ("leg_mode", "i8"),
        ("row", "i8"),  # its position among the units of its status
        ("next", "f8"),  # when something happens to it: free again, pause or stop over
        ("heap", "i8"),  # its position in the heap of next events, -1 none
        ("post", "i8"),  # post a free unit is at or drives to
        ("home", "i8"),
        ("area", "i8"),
        ("break_until", "f8"),  # a meal break may begin until then; -inf none due
        ("moved", "f8"),  # its last move to another post
        ("since", "f8"),  # of its present spell on duty
        ("driving_s", "f8"),
        ("metres", "f8"),  # of that, at its modes' mean speeds
        ("work_s", "f8"),
        ("duty_s", "f8"),
        ("delivered_to", "i8"),
        ("cleared", "i8"),
        ("moves", "i8"),
        (
            "ending",
            "i8",
        ),  # goes off duty as soon as it is free; 2: on its way home, but its next shift has begun
        ("own_work", "i8"),  # whether a pause is work
    ],
    align=True,
)
"""Units."""

DUTY = np.dtype([("at", "f8"), ("value", "f8"), ("unit", "i8"), ("kind", "i8")], align=True)
"""Roster events in order of time; kinds below."""

ON, OFF, BREAK, OWN_WORK, SLOT, PLACE = 0, 1, 2, 3, 4, 5
"""Comes on duty (value: end of the shift); goes off; a meal break is due (value: until when it may begin); work of
its own (value: seconds); the hour changes (posts are filled anew); a standing free unit is given a place."""

OUTCOME = np.dtype(
    [
        ("dispatched", "f8"),
        ("departed", "f8"),
        ("arrived", "f8"),
        ("left", "f8"),
        ("delivered", "f8"),
        ("cleared", "f8"),
        ("unit", "i8"),
        ("taken", "i8"),  # how often its unit was taken for another
        ("came_from", "i8"),  # status of the unit when it was sent
    ],
    align=True,
)
"""What became of each task; NaN and -1 until it happened."""

LOG = np.dtype([("at", "f8"), ("unit", "i8"), ("task", "i8"), ("place", "i8"), ("kind", "i8")], align=True)
"""What happened, in order of decision."""

QUEUED, DISPATCHED, DIVERTED, DEPARTED, ARRIVED, LEFT_SCENE, DELIVERED, CLEARED = 0, 1, 2, 3, 4, 5, 6, 7
SET_OFF, AT_POST, ON_DUTY, OFF_DUTY, PAUSED, RESUMED = 8, 9, 10, 11, 12, 13

HUB = np.dtype([("indoors", "f8"), ("capacity", "i8")], align=True)
"""Share of the turnout time that applies at a hub, and how many free units it takes."""


class World(NamedTuple):
    """The ground; M modes, N nodes, A arcs, H hubs, P places, E street edges."""

    nodes: Array
    """int32 (N + 1, 4): where the node's arcs and its label begin, its depth, its place in the walk of the tree."""
    arcs: Array
    """int32 (A, 1 + M): head, ticks in each mode."""
    modes: Array
    """float64 (M, 1 + 2 M): seconds per tick; then, for each mode k, at most 1 and at most any way's time in this
    mode over its time in mode k; then at least any way's such ratio."""
    least: Array
    """int32 (levels, N): see `anlan.kernels.simulation_labels.tree`."""
    labels: Array
    """int32 (M, 2, L): ticks from each node to its ancestors, and to it from them."""
    hubs: Array
    """int32 (M, 2, N, H): ticks from each hub to every node, and to each hub from every node."""
    tree: Array
    """int32 (M, 2, H): row of ``trees`` for the ways from each hub and to it, -1 none."""
    trees: Array
    """int32 (T, 4, N): see `anlan.kernels.simulation_paths`."""
    places: Array
    """int32 (M, P, 6): two nodes (-1 unused), ticks from the place to them, ticks to the place from them."""
    edge: Array
    """int32 (P,): street edge the place lies inside of, -1 none."""
    share: Array
    """float64 (P,): how far along it."""
    along: Array
    """int32 (M, 2, E): ticks along each street edge, forwards and backwards."""


class Rules(NamedTuple):
    """A policy in numbers."""

    integers: Array
    """int64: see `anlan.simulation.rules`."""
    numbers: Array
    """float64."""
    mode: Array
    """int64 (1 + P, 168): travel mode out to calls of each priority by hour of the week; row 0 is the mode back."""
    slot: Array
    """int64: hour of the week of each half hour of the run."""
    redispatch: Array
    """bool (1 + P, 1 + P)."""
    reserve: Array
    """int64 (1 + P,)."""
    preference: Array
    """int64 (groups, units): fixed order of units, -1 after the last."""
    hub: Array
    """`HUB` records."""
    cover_start: Array
    cover_set: Array
    reach_start: Array
    reach_post: Array
    """CSR int64: the posts that cover each set, the inverse of ``cover_start`` and ``cover_set``."""
    weight: Array
    """float64 (profiles, sets)."""
    fixed: Array
    """float64 (profiles,): what a weight is multiplied by in fixed point."""
    profile: Array
    """int64 (168,): row of ``weight`` (and of ``ladder``) in each hour of the week."""
    gain: Array
    """float64: worth of covering a place that k others cover."""
    ladder: Array
    """int64 (profiles, 1 + units, units): hubs to hold with so many free units, -1 unused."""
    beat_start: Array
    beat: Array
    """CSR int64: hubs on each unit's round."""
    speed: Array
    """float64 (modes,): see `State`."""


class State(NamedTuple):
    """What changes besides the units."""

    heap: Array
    line: Array
    members: Array
    """int64 (statuses, units): the units of each status, in no order; the first ``size`` of a row."""
    size: Array
    """int64 (statuses,)."""
    stationed: Array
    """int64 (posts,): free units at each post or driving to it."""
    covered: Array
    """int64 (sets,): free units whose post covers each set of demand."""
    worth: Array
    """int64 (posts,): what one more unit would add at each post, in fixed point (DMEXCLP)."""
    visited: Array
    """float64 (hubs,): when a patrol last came."""
    eta: Array
    """float64 (units,): scratch, as are the next five."""
    own: Array
    loss: Array
    open_at: Array
    drive: Array
    hopeful: Array
    moves: Array
    """int64 (3 * units, 3): units to be moved, where to, whether from where they are driving."""
    counters: Array
    """int64: see `anlan.kernels.simulation`."""
    numbers: Array
    """float64 (1,): the time of the last event."""
    speed: Array
    """float64 (modes,): mean metres per second in each mode; zeros where metres are not asked for."""
