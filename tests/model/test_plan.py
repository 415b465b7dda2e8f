import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.model import Plan, Posts, Sites, Units

TWO_POSTS = Plan(
    name="two posts",
    sites=Sites.make(
        id=["p1", "p2"], kind=["post", "post"], name_zh=["江滩", ""], lon=[114.3, 114.4], lat=[30.5, 30.6]
    ),
    posts=Posts.make(site=["p1", "p2"], slot_from=[0, 18], slot_to=[168, 30], units=[1, 2]),
    units=Units.make(id=["u1", "u2", "u3"], home=["p1", "p2", "p2"]),
    provenance={"seed": 7, "gap": 0.004},
)


def test_a_plan_folder_round_trips(tmp_path):
    TWO_POSTS.save(tmp_path / "plan")
    again = Plan.load(tmp_path / "plan")
    assert again.name == "two posts"
    assert again.provenance == {"seed": 7, "gap": 0.004}
    assert again.policy == TWO_POSTS.policy
    for mine, theirs in zip((TWO_POSTS.sites, TWO_POSTS.posts), (again.sites, again.posts), strict=True):
        for name, column in mine.columns().items():
            np.testing.assert_array_equal(column, theirs.columns()[name])
    assert sorted(p.name for p in (tmp_path / "plan").iterdir()) == [
        "plan.toml",
        "policy.toml",
        "posts.csv",
        "sites.csv",
        "units.csv",
    ]


def test_a_folder_that_is_no_plan_says_so(tmp_path):
    with pytest.raises(AnlanError, match=r"plan\.toml"):
        Plan.load(tmp_path)


def test_a_newer_format_asks_for_an_update(tmp_path):
    TWO_POSTS.save(tmp_path / "plan")
    head = tmp_path / "plan" / "plan.toml"
    head.write_text(head.read_text().replace("format = 1", "format = 99"))
    with pytest.raises(AnlanError, match="update anlan"):
        Plan.load(tmp_path / "plan")
