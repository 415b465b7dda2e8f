import numpy as np
import pytest

from anlan.city.speed import CLASS_KMH, ORDINARY, SpeedProfile
from anlan.core.errors import AnlanError


def text(*values: str):
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def test_an_edge_without_a_posted_speed_takes_its_class():
    profile = SpeedProfile()
    classes = text("primary", "residential", "bridleway", "primary")
    posted = np.array([np.nan, 40.0, np.nan, 0.0])
    assert profile.base_kmh(classes, posted).tolist() == [
        CLASS_KMH["primary"],
        40.0,
        profile.other_kmh,
        CLASS_KMH["primary"],
    ]


def test_factors_multiply_mode_calibration_and_hour():
    week = [1.0] * 168
    week[8] = 0.5
    profile = SpeedProfile(class_factor={"primary": 0.8, "*": 0.9}, week={"primary": week})
    names = ["primary", "service"]
    assert profile.factors(names, None, "lights") == (0.8, 0.9)
    assert profile.factors(names, 8, "lights") == (0.4, 0.9)
    assert profile.factors(names, 9, "ordinary") == (0.8 * ORDINARY, 0.9 * ORDINARY)
    assert profile.factors(names, 8, "walk") == (1.0, 1.0)


def test_the_table_of_city_toml_round_trips():
    profile = SpeedProfile(
        class_kmh={**CLASS_KMH, "street": 33.0}, week={"*": tuple([0.9] * 168)}, junction_s=2.0, delay_s=61.0
    )
    assert SpeedProfile.from_table(profile.to_table()) == profile
    assert SpeedProfile.from_table({}) == SpeedProfile()


def test_a_partial_table_keeps_the_other_defaults_and_says_so():
    profile = SpeedProfile.from_table({"class_kmh": {"primary": 50}})
    assert profile.class_kmh["primary"] == 50.0
    assert profile.class_kmh["tertiary"] == CLASS_KMH["tertiary"]
    assert profile.source.startswith("the city's speed table")


@pytest.mark.parametrize(
    "table",
    [
        {"speeds": {}},
        {"class_kmh": {"primary": 0}},
        {"class_kmh": 50},
        {"mode": {"lights": float("nan")}},
        {"week": {"*": [1.0] * 24}},
        {"walk_kmh": "fast"},
        {"junction_s": -1},
        {"other_kmh": True},
    ],
)
def test_an_impossible_table_is_refused_with_its_place(table):
    with pytest.raises(AnlanError, match=r"speed\."):
        SpeedProfile.from_table(table)


def test_an_unknown_mode_or_hour_is_refused():
    with pytest.raises(AnlanError, match="mode 'flying'"):
        SpeedProfile().factors(["primary"], None, "flying")
    with pytest.raises(AnlanError, match="slot 168"):
        SpeedProfile().factors(["primary"], 168, "lights")
