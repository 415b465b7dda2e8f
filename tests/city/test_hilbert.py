import numpy as np

from anlan.city.hilbert import hilbert


def test_the_curve_visits_every_cell_and_steps_to_a_neighbour():
    x, y = (a.ravel().astype(float) for a in np.meshgrid(np.arange(64), np.arange(64)))
    order = np.argsort(hilbert(x, y))
    assert len(set(hilbert(x, y).tolist())) == 64 * 64
    steps = np.abs(np.diff(x[order])) + np.abs(np.diff(y[order]))
    assert (steps == 1).all()


def test_odd_inputs_have_a_number():
    assert hilbert(np.empty(0), np.empty(0)).tolist() == []
    assert len(hilbert(np.array([1.0, 1.0]), np.array([5.0, np.nan]))) == 2
