import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.hotspots import adjusted, rejected

# Benjamini and Hochberg (1995), section 4: fifteen comparisons of the thrombolysis trial.
TRIAL = np.array(
    [.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1.0]
)  # fmt: skip


@pytest.mark.parametrize(("method", "stand"), [("bh", 4), ("by", 3), ("holm", 3)])
def test_the_papers_trial(method, stand):
    assert rejected(TRIAL, 0.05, method).sum() == stand


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.001, 0.5))
def test_against_the_step_up_rule_by_hand(values, level):
    p = np.array(values)
    n = len(p)
    ordered = np.sort(p)
    passing = [k for k in range(1, n + 1) if ordered[k - 1] <= k * level / n]
    cut = ordered[passing[-1] - 1] if passing else -1
    found = rejected(p, level)
    near = np.abs(adjusted(p) - level) < 1e-12
    assert ((found == (p <= cut)) | near).all()


def test_tests_that_were_not_made_do_not_count():
    with_gaps = np.insert(TRIAL, [0, 7], np.nan)
    assert rejected(with_gaps, 0.05).sum() == 4
    assert np.isnan(adjusted(with_gaps)).sum() == 2


def test_z_scores_are_refused():
    with pytest.raises(AnlanError, match="between 0 and 1"):
        adjusted(np.array([0.5, 3.2]))
