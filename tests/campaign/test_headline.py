"""The plan's headline claims no more than its intervals support."""

from anlan.campaign.sentences import headline
from anlan.evaluation.paired import Change

FASTER = Change(300.0, 270.0, -30.0, (-36.0, -24.0))
SLOWER = Change(300.0, 330.0, 30.0, (24.0, 36.0))
SAME = Change(300.0, 299.0, -1.0, (-9.0, 7.0))
MORE = Change(0.16, 0.20, 0.04, (0.02, 0.06))
UNCLEAR = Change(0.163, 0.168, 0.005, (-0.004, 0.014))


def test_a_share_that_cannot_be_told_apart_is_not_claimed():
    told = headline(FASTER, UNCLEAR, 180.0, 12)
    assert "falls from 5.00 to 4.50 minutes (95 % interval of the difference −0.60 … −0.40)" in told.en
    assert "no difference that can be told (16.3% and 16.8%" in told.en
    assert "−0.4 … +1.4 points" in told.en
    assert "instead of" not in told.en
    assert "看不出差别" in told.zh


def test_a_share_that_changed_is_told_with_its_interval():
    told = headline(FASTER, MORE, 180.0, 12)
    assert "20.0% of calls are reached within 3 minutes instead of 16.0%" in told.en
    assert "+2.0 … +6.0 points" in told.en


def test_no_gain_is_not_called_one():
    assert "do not shorten" in headline(SLOWER, UNCLEAR, 180.0, 12).en
    told = headline(SAME, UNCLEAR, 180.0, 12).en
    assert "cannot be told apart" in told
    assert "falls" not in told
