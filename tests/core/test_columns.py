import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.model import Calls, Positions, Units

THREE = Calls.make(id=["a", "b", "c"], category=["theft", "noise", "theft"], received=[3.0, 1.0, 2.0])


def test_absent_columns_take_their_defaults():
    assert THREE.source.tolist() == ["unknown"] * 3
    assert np.isnan(THREE.arrived).all()
    assert THREE.edge.tolist() == [-1] * 3


def test_rows_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        THREE.received[0] = 0.0


def test_the_given_array_stays_writable_and_is_not_copied():
    mine = np.zeros(3)
    calls = THREE.replaced(received=mine)
    mine[0] = 5.0
    assert calls.received[0] == 5.0


def test_take_concat_and_index_of():
    later = THREE.take(THREE.received > 1.5)
    assert later.id.tolist() == ["a", "c"]
    assert len(Calls.concat([THREE, later])) == 5
    assert THREE.index_of(["c", "x", "a"]).tolist() == [2, -1, 0]


def test_categories_are_coded_in_sorted_order():
    assert THREE.categories == ("noise", "theft")
    assert THREE.category_code.tolist() == [1, 0, 1]
    assert Calls.empty().categories == ()


def test_a_row_is_the_frozen_twin():
    assert THREE.row(1).category == "noise"
    assert THREE.row(1).received == 1.0


def test_a_missing_column_names_itself():
    with pytest.raises(AnlanError, match="'home'"):
        Units.make(id=["u1"])


def test_an_unknown_column_is_refused():
    with pytest.raises(AnlanError, match="'mood'"):
        Calls.make(id=["a"], mood=["x"])


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="rows"):
        Positions(np.zeros(2, np.int32), np.zeros(3))
