import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.model import Hours

NIGHT_SHOP = "Mo-Fr 08:00-18:00; Sa 22:00-06:00"


def test_a_span_over_midnight_runs_into_the_next_day():
    hours = Hours.parse(NIGHT_SHOP)
    sunday_five = 6 * 1440 + 5 * 60
    assert hours.is_open(sunday_five)
    assert not hours.is_open(sunday_five + 60)
    assert hours.slots()[8] == 1.0
    assert hours.slots()[18] == 0.0


def test_sunday_night_runs_into_monday():
    assert Hours.parse("Su 23:00-01:00").is_open(30)


def test_always():
    assert Hours.parse("").always
    assert Hours.parse("00:00-24:00").always
    assert str(Hours.parse("24/7")) == "24/7"


@pytest.mark.parametrize("text", ["daily", "Mo 25:00-26:00", "Xx 08:00-09:00", "08:00", "08:70-09:00"])
def test_what_cannot_be_read_says_how_to_write_it(text):
    with pytest.raises(AnlanError, match="24/7"):
        Hours.parse(text)


@given(st.lists(st.tuples(st.integers(0, 10079), st.integers(1, 600)), max_size=6))
def test_text_and_spans_round_trip(spans):
    import numpy as np

    mask = np.zeros(10080, bool)
    for begin, length in spans:
        mask[begin : begin + length] = True
    hours = Hours.of_mask(mask)
    if spans:
        assert Hours.parse(str(hours)) == hours
