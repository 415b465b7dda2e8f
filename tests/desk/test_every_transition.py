"""Every transition of every procedure, allowed and forbidden, walked from the tables."""

from __future__ import annotations

from collections import deque

import pytest

from anlan.core.errors import AnlanError
from anlan.desk import ANYBODY, THE_SYSTEM, Act
from anlan.desk.fold import take
from anlan.model.procedure import START, SYSTEM
from anlan.model.procedures import ALL
from anlan.store import last_event

SAMPLE = {
    "text": "x",
    "number": 300,
    "whole": 1,
    "flag": True,
    "moment": 1_700_000_000,
    "place": [114.3, 30.6],
    "subject": "other-1",
    "photo": "sha256:00",
}


def filled(step, **also):
    """Values for every required field."""
    return {
        name: also.get(name) or (next(iter(asked.choices)) if asked.kind == "choice" else SAMPLE[asked.kind])
        for name, asked in step.fields.items()
        if asked.required or name in also
    }


def ways(procedure):
    """A shortest list of transitions into each state, by breadth-first search over the table."""
    found = {START: []}
    line = deque([START])
    while line:
        at = line.popleft()
        for name, step in procedure.transitions.items():
            if at in step.paths and not step.drops and step.paths[at] not in found:
                found[step.paths[at]] = [*found[at], name]
                line.append(step.paths[at])
    return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One desk for the whole walk, with the tables' consequences cut off."""
    from dataclasses import replace

    from anlan.desk import Desk, Tree, fold_by
    from anlan.store import Store

    alone = {
        name: replace(p, transitions={n: replace(t, then=()) for n, t in p.transitions.items()})
        for name, p in ALL.items()
    }
    folder = tmp_path_factory.mktemp("walk")
    now = [1_700_000_000.0]
    with Store(folder / "log.db", folder / "keys", fold=fold_by(alone), clock=lambda: now[0]) as store:
        yield Desk(
            store, alone, Tree({"420100": "", "420106": "420100", "420107": "420100"}), clock=lambda: now[0]
        )


@pytest.mark.parametrize("name", list(ALL))
def test_each_transition_leads_where_the_table_says_and_nowhere_else(shared, name):
    from anlan.desk import Grant, Person
    from anlan.store import Draft

    procedure = shared.procedures[name]
    reach = ways(procedure)
    count = 0
    for state in [START, *procedure.states]:
        if state not in reach:
            continue  # only a dropped task leads there: walked in test_calls.py
        for transition, step in procedure.transitions.items():
            count += 1
            subject = f"{name}-{count}"
            for before in reach[state]:
                given = filled(procedure.transitions[before])
                shared.store.append(
                    Draft("420106", subject, name, before, 1_700_000_000.0, "before", payload=given)
                )
            role = step.roles[0] if step.roles else ""
            actor = THE_SYSTEM if role == SYSTEM else Person("after", (Grant(role, "420100"),))
            act = Act(name, transition, subject if state else "", filled(step), "420106")
            idle = shared.store.record(subject)
            active = set(idle.values["active"]) if idle else set()
            if state not in step.paths:
                with pytest.raises(AnlanError) as refused:
                    shared.act(actor, act)
                assert refused.value.code in ("state", "unknown_subject"), (state, transition)
            elif step.needs_idle and active:
                with pytest.raises(AnlanError, match="waits until none"):
                    shared.act(actor, act)
            else:
                done = shared.act(actor, act)
                after = step.paths[state]
                if step.drops and state in step.idle_paths and not active - {act.fields[step.drops]}:
                    after = step.idle_paths[state]
                assert done["state"] == after, (state, transition)
            # Nobody else may: neither another role here, nor this role elsewhere.
            strangers = (Person("s", (Grant("stranger", "420100"),)), Person("t", (Grant(role, "420107"),)))
            if "staff" in step.roles:  # everybody with a grant; so only who has none may not
                strangers = (Person("s", ()), ANYBODY)
            for stranger in strangers:
                with pytest.raises(AnlanError) as refused:
                    shared.act(
                        stranger, Act(name, transition, subject if state else "", filled(step), "420106")
                    )
                assert refused.value.code in ("forbidden", "unknown_subject", "state"), refused.value
    assert count == len(procedure.transitions) * sum(s in reach for s in [START, *procedure.states])


@pytest.mark.parametrize("name", list(ALL))
def test_labels_are_in_both_languages_and_differ(name):
    p = ALL[name]
    texts = [p.label, *(s.label for s in p.states.values()), *(t.label for t in p.transitions.values())]
    texts += [f.label for t in p.transitions.values() for f in t.fields.values()]
    texts += [c for t in p.transitions.values() for f in t.fields.values() for c in f.choices.values()]
    for text in texts:
        assert text.zh
        assert text.en
        assert text.zh != text.en
        assert any("一" <= c <= "鿿" for c in text.zh), text
        assert text.en.isascii(), text


def test_required_fields_are_required_and_unknown_ones_refused(world):
    with pytest.raises(AnlanError, match=r"call receive: category.*required"):
        world.do("dispatcher", "call", "receive", priority=1)
    with pytest.raises(AnlanError, match=r"field 'colour'.*not asked for"):
        world.do("dispatcher", "call", "receive", priority=1, category="theft", colour="red")
    for bad, rule in [
        ({"priority": 0}, "from 1 to 9"),
        ({"priority": 1.5}, "whole number"),
        ({"priority": True}, "a number"),
        ({"priority": float("nan")}, "a number"),
        ({"place": [30.6, 114.3, 1]}, "longitude, latitude"),
        ({"place": [30.6, 114.3]}, "longitude, latitude"),
        ({"source": "gossip"}, "one of reported"),
        ({"category": "x" * 61}, "at most 60"),
        ({"category": "a\x00b"}, "control characters"),
        ({"category": 7}, "it is a text"),
    ]:
        with pytest.raises(AnlanError, match=rule):
            world.do("dispatcher", "call", "receive", **({"priority": 1, "category": "theft"} | bad))
    assert world.desk.store.position == 0


def test_take_is_what_the_log_says_again(world):
    """The fold is pure: the same events give the same step, whoever asks."""
    done = world.do("dispatcher", "call", "receive", priority=1, category="theft", place=[114.3, 30.6])
    (entry,) = world.desk.store.events()
    step = take(ALL["call"], entry.transition, None, entry.fields, entry.actor, entry.occurred_us)
    assert step.state == done["state"] == "received"
    assert last_event(None, entry).state == "receive"
