"""Who may: grants of roles over parts of the jurisdiction tree, and nothing without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from anlan.core.errors import AnlanError
from anlan.model.area import Areas
from anlan.model.procedure import SYSTEM
from anlan.model.procedures.account import STAFF

ANYWHERE = "*"
Right = Literal["act", "view"]


@dataclass(frozen=True, slots=True)
class Grant:
    """A role over an area and everything below it.

    Attributes
    ----------
    role : str
    area : str
        Code; ``*`` is everywhere.
    right : str
        ``act``, or ``view`` alone.
    begin, end : float
        Unix seconds, half-open: mutual aid is lent for a time.
    """

    role: str
    area: str
    right: Right = "act"
    begin: float = float("-inf")
    end: float = float("inf")


@dataclass(frozen=True)
class Person:
    """Somebody with an account, or the system itself.

    Attributes
    ----------
    name : str
        Of the account.
    grants : tuple of Grant
    """

    name: str
    grants: tuple[Grant, ...] = field(default=())


THE_SYSTEM = Person(SYSTEM, (Grant(SYSTEM, ANYWHERE),))
ANYBODY = Person("")
"""The public: without an account, may take public transitions alone."""


class Tree:
    """The jurisdiction tree.

    Parameters
    ----------
    parents : mapping of str to str
        Code → code of the level above; empty at the top.

    Raises
    ------
    AnlanError
        If an area is above itself.
    """

    def __init__(self, parents: Mapping[str, str]) -> None:
        self.parents = dict(parents)
        for code in self.parents:
            seen = {code}
            above = self.parents.get(code, "")
            while above:
                if above in seen:
                    raise AnlanError(
                        f"area {code}", "it lies above itself", "correct its parent", code="tree"
                    )
                seen.add(above)
                above = self.parents.get(above, "")

    @classmethod
    def of(cls, areas: Areas) -> Tree:
        """The tree of a city's areas."""
        return cls(dict(zip(areas.code.tolist(), areas.parent.tolist(), strict=True)))

    def __contains__(self, code: object) -> bool:
        return code in self.parents

    def within(self, code: str, root: str) -> bool:
        """Whether an area is another or lies below it."""
        if root == ANYWHERE:
            return True
        while code:
            if code == root:
                return True
            code = self.parents.get(code, "")
        return False

    def below(self, root: str) -> list[str]:
        """An area and everything below it."""
        return [code for code in self.parents if self.within(code, root)]

    def above(self, code: str) -> str:
        """The level above; empty at the top."""
        return self.parents.get(code, "")


def roles_in(person: Person, area: str, tree: Tree, now: float, right: Right = "act") -> set[str]:
    """Roles that somebody holds in an area now; `STAFF` wherever it is, for who holds any anywhere."""
    current = [g for g in person.grants if g.begin <= now < g.end]
    held = {g.role for g in current if (right == "view" or g.right == "act") and tree.within(area, g.area)}
    if right == "act" and any(g.right == "act" and g.role != SYSTEM for g in current):
        held.add(STAFF)
    return held


def may_view(person: Person, area: str, tree: Tree, now: float) -> bool:
    """Whether somebody may see what happens in an area."""
    return bool(roles_in(person, area, tree, now, "view"))


def refuse(person: Person, what: str, roles: Iterable[str], area: str) -> AnlanError:
    """The sentence for what somebody may not do; says who may, not what there is."""
    return AnlanError(
        f"{person.name or 'without an account'}: {what} in {area or 'no area'}",
        f"it needs one of the roles {', '.join(sorted(set(roles) - {SYSTEM})) or 'of the system itself'} there",
        "ask somebody who holds one, or for a grant",
        code="forbidden",
    )
