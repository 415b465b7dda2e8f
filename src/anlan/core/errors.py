"""The one error shape: a sentence that names the value, the rule and the remedy."""

from __future__ import annotations


class AnlanError(Exception):
    """Something a user can put right, said in one sentence.

    Parameters
    ----------
    value : str
        What was given, named so that the user finds it: ``"p = 30"``, ``"calls.csv, row 17"``.
    rule : str
        The rule it breaks: ``"at most the 20 candidate sites can be chosen"``.
    remedy : str
        What to do: ``"ask for 20 or fewer, or add candidates"``.
    code : str
        A stable, machine-readable name of the kind of error, for programs that read the JSON form.
    """

    def __init__(self, value: str, rule: str, remedy: str, *, code: str = "bad_input") -> None:
        self.value, self.rule, self.remedy, self.code = value, rule, remedy, code
        super().__init__(f"{value}: {rule}; {remedy}.")

    def as_dict(self) -> dict[str, str]:
        """The error as plain data, for ``--json`` and the web."""
        return {
            "code": self.code,
            "value": self.value,
            "rule": self.rule,
            "remedy": self.remedy,
            "message": str(self),
        }


class Cancelled(Exception):  # noqa: N818 - not an error: somebody asked for it
    """Raised by `Job.check` after the job was asked to stop."""
