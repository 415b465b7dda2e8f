"""The loop's log as `Events`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.kernels import simulation_types as kinds
from anlan.model.call import Calls
from anlan.model.event import Events

TRANSITIONS = {
    kinds.QUEUED: "queued",
    kinds.DISPATCHED: "dispatched",
    kinds.DIVERTED: "diverted",
    kinds.DEPARTED: "departed",
    kinds.ARRIVED: "arrived",
    kinds.LEFT_SCENE: "left_scene",
    kinds.DELIVERED: "delivered",
    kinds.CLEARED: "cleared",
    kinds.SET_OFF: "set_off",
    kinds.AT_POST: "at_post",
    kinds.ON_DUTY: "on_duty",
    kinds.OFF_DUTY: "off_duty",
    kinds.PAUSED: "paused",
    kinds.RESUMED: "resumed",
}


def events_of(
    log: NDArray[Any],
    calls: Calls,
    call: NDArray[Any],
    unit_ids: NDArray[Any],
    hubs: tuple[str, ...],
    stream: str,
) -> Events:
    """Events of one replication in order of time.

    Parameters
    ----------
    calls : Calls
    call : ndarray of int64
        Row of the call of each of the log's tasks.
    hubs : tuple of str
        Ids of the posts and destinations.
    """
    n = len(calls)
    at = np.concatenate([calls.received, log["at"]])
    task = np.concatenate([np.arange(n, dtype=np.int64), np.append(call, -1)[log["task"]]])
    unit = np.concatenate([np.full(n, -1), log["unit"]])
    names = np.array([TRANSITIONS[k] for k in range(len(TRANSITIONS))], object)
    transition = np.concatenate([np.full(n, "received", object), names[log["kind"].astype(np.int64)]])
    place = np.concatenate([np.full(n, -1), log["place"]])
    order = np.argsort(at, kind="stable")
    at, task, unit, transition, place = (a[order] for a in (at, task, unit, transition, place))
    of_call = task >= 0
    units = np.append(unit_ids, "")
    lon, lat = np.append(calls.lon, np.nan), np.append(calls.lat, np.nan)
    there = np.where(np.isin(transition, ["received", "arrived", "left_scene"]), task, -1)
    posts = np.array([*hubs, ""], object)
    site = np.where((place >= 0) & (place < len(hubs)) & ~of_call, place, len(hubs))
    payload = np.array([f'{{"site": "{p}"}}' if p else "" for p in posts], object)[site]
    first = transition == "received"
    payload[first] = _kinds(calls)[task[first]]
    return Events(
        id=np.array([f"{stream}-{i}" for i in range(len(at))], object),
        stream=np.full(len(at), stream, object),
        subject=np.where(of_call, np.append(calls.id, "")[task], units[unit]),
        procedure=np.where(of_call, "dispatch", "unit").astype(object),
        transition=transition,
        at=at,
        recorded_at=at,
        actor=np.full(len(at), "", object),
        role=np.full(len(at), "simulation", object),
        unit=units[unit],
        area=np.where(of_call, np.append(calls.area, "")[task], ""),
        lon=lon[there],
        lat=lat[there],
        payload=payload,
    )


def _kinds(calls: Calls) -> NDArray[np.object_]:
    """What a listener has to know of each call: ``{"category": …, "priority": …}``."""
    code = calls.category_code.astype(np.int64) * 256 + calls.priority
    kinds, kind = np.unique(code, return_inverse=True)
    texts = [
        json.dumps(
            {"category": str(calls.categories[c // 256]), "priority": int(max(c % 256, 1))},
            ensure_ascii=False,
        )
        for c in kinds.tolist()
    ]
    return np.array(texts, object)[kind.ravel()]
