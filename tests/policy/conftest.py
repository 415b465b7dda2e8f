import sys

import pytest

from anlan.simulation.replay import replay


class CaptureError(Exception):
    """The arguments of a run, instead of the run."""


@pytest.fixture
def prepared(monkeypatch):
    """``prepared(…)`` is `replay`, but gives the arguments with which it would have run the loop."""

    def capture(*arguments, **_options):
        raise CaptureError(arguments)

    def call(*arguments, **options):
        monkeypatch.setattr(sys.modules["anlan.simulation.replay"], "play", capture)
        with pytest.raises(CaptureError) as caught:
            replay(*arguments, **options)
        return caught.value.args[0]

    return call
