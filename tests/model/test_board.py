import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.kernels.policies import eligible
from anlan.model import Board, BoardPosts, BoardUnits, OpenCall, OpenCalls
from anlan.model.board import STATUSES

POSTS = BoardPosts.make(id=["A", "B"], node=[0, 1])
CALLS = OpenCalls.make(id=["c1", "c2"], priority=[1, 3], node=[2, 3])


def units(**columns):
    given = {
        "id": ["u1", "u2", "u3"],
        "node": [0, 1, 2],
        "status": ["idle", "en_route", "off"],
        "task": ["", "c1", ""],
        "home": ["A", "B", "B"],
    }
    return BoardUnits.make(**{**given, **columns})


def board(now=0.0, slot=0, calls=CALLS, posts=POSTS, **columns):
    return Board(now, slot, units(**columns), calls, posts)


def test_statuses_are_the_kernels_numbers():
    assert [STATUSES[getattr(eligible, name.upper())] for name in STATUSES] == list(STATUSES)


def test_what_a_board_knows():
    b = board(task=["", "c1", ""])
    assert b.assigned("c1") == ("u2",)
    assert b.assigned("c2") == ()
    assert b.call("c2").priority == 3
    assert b.unit("u3") == 2
    assert b.post_rows(np.array(["B", "", "?"], object)).tolist() == [1, -2, -1]
    assert Board(0.0, 0, BoardUnits.empty()).calls.placed.tolist() == []


def test_a_board_once_a_unit_has_been_sent():
    before = board(at=["A", "", ""], post=["A", "", ""], turnout_s=[45.0, 45.0, 45.0])
    after = before.sent("u1", "c2").units
    assert (after.status[0], after.task[0], after.at[0], after.post[0]) == ("en_route", "c2", "", "")
    assert after.ahead_s.tolist() == [45.0, 0.0, 0.0]
    assert before.units.status[0] == "idle"
    with pytest.raises(AnlanError, match="call 'c9'"):
        before.sent("u1", "c9")


def test_nothing_on_a_board_can_be_changed():
    b = board()
    with pytest.raises(AttributeError):
        b.now = 1.0
    with pytest.raises(ValueError, match="read-only"):
        b.units.ahead_s[0] = 5.0


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": ["u1", "u1", "u3"]}, "unit 'u1': each has an id of its own"),
        ({"id": ["u1", "", "u3"]}, "give it an id"),
        ({"status": ["idle", "en_route", "asleep"]}, "unit 'u3': 'asleep': a status is one of off, idle"),
        ({"task": ["", "c9", ""]}, "unit 'u2': 'c9': its task is an open call"),
        ({"task": ["", "", ""]}, "unit 'u2': 'en_route': a unit is on its way to an open call"),
        ({"task": ["c2", "c1", ""]}, "unit 'u1': 'idle': only a unit that was sent has a task"),
        ({"home": ["A", "Z", "B"]}, "unit 'u2': 'Z': its home is a post"),
        ({"at": ["A", "", "Q"]}, "unit 'u3': 'Q': its at is a post"),
        ({"edge": [7, -1, -1]}, "a place is a junction or a position on a street, not both"),
        ({"ahead_s": [0.0, -1.0, 0.0]}, "unit 'u2': -1.0: ahead_s is zero or more"),
        ({"turnout_s": [0.0, 0.0, np.nan]}, "unit 'u3': nan: turnout_s is zero or more"),
        ({"now": np.nan}, "now = nan: a board is of an instant"),
        ({"slot": 168}, "slot = 168: hours of the week are 0 to 167"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(columns, said):
    with pytest.raises(AnlanError) as error:
        board(**columns)
    assert said in str(error.value)


def test_a_call_is_checked_too():
    with pytest.raises(AnlanError, match=r"call 'x': 0: priorities are 1 \(most urgent\) to 100"):
        OpenCall("x", 0)
    with pytest.raises(AnlanError, match="call 'c9': it is not open on this board"):
        board().call("c9")
    with pytest.raises(AnlanError, match="unit 'u9': it is not on this board"):
        board().unit("u9")
