"""What a decision rule declares about itself."""

from __future__ import annotations

from dataclasses import dataclass

from anlan.core.text import Text


@dataclass(frozen=True)
class Rule:
    """A rule of dispatch or standby: its declaration; the kernel of the same name decides.

    Attributes
    ----------
    name : str
        As the configuration writes it.
    number : int
        By which the kernels know it (`anlan.kernels.policies.select`).
    text : Text
        What it does, in a sentence.
    source : str
        The paper or practice it comes from.
    settings : tuple of str
        Settings of its table that only it (and others that name them) reads; one given to a rule that does
        not read it is an error.
    aliases : tuple of str
        Other names that configurations use.
    demand : bool
        Whether it weighs demand that posts cover.
    """

    name: str
    number: int
    text: Text
    source: str
    settings: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    demand: bool = False
