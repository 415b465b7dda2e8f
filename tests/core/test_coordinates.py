import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.core.coordinates import (
    SYSTEMS,
    convert,
    distance_m,
    from_wgs84,
    in_china,
    system,
    to_wgs84,
)
from anlan.core.errors import AnlanError

# The rectangle that holds all of China's territory, well inside the one of GCJ-02.
LON = st.floats(73.4, 135.1)
LAT = st.floats(3.8, 53.6)


# eviltransform's test vectors (github.com/googollee/eviltransform): latitude, longitude.
@pytest.mark.parametrize(
    ("wgs", "gcj"),
    [
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),  # Shanghai
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),  # Shenzhen
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),  # Beijing
    ],
)
def test_gcj02_equals_the_published_pairs(wgs, gcj):
    lon, lat = from_wgs84(wgs[1], wgs[0], "gcj02")
    # Their semi-major axis is WGS-84's, coordtransform's Krasovsky's: 1e-8 of a 700 m shift's share.
    assert distance_m(lon, lat, gcj[1], gcj[0]) < 0.02
    lon, lat = to_wgs84(gcj[1], gcj[0], "gcj02")
    assert distance_m(lon, lat, wgs[1], wgs[0]) < 0.02


def test_forward_steps_equal_coordtransform_to_the_last_digit():
    # The example of its README (github.com/wandergis/coordtransform).
    assert np.allclose(
        from_wgs84(116.404, 39.915, "gcj02"), (116.41024449916938, 39.91640428150164), atol=1e-12
    )
    assert np.allclose(
        convert(116.404, 39.915, "gcj02", "bd09"), (116.41036949371029, 39.92133699351021), atol=1e-12
    )
    assert np.allclose(
        convert(116.404, 39.915, "wgs84", "bd09"), (116.41662724378733, 39.922699552216216), atol=1e-12
    )


def test_inverse_steps_undo_the_forward_ones_where_the_usual_one_pass_inverse_misses():
    # coordtransform's README gives its own one-pass inverses of the same point.
    for source, target, one_pass in (
        ("gcj02", "wgs84", (116.39775550083061, 39.91359571849836)),
        ("bd09", "gcj02", (116.39762729119315, 39.90865673957631)),
    ):
        found = convert(116.404, 39.915, source, target)
        assert distance_m(*found, *one_pass) < 1.0
        assert distance_m(*convert(*found, target, source), 116.404, 39.915) < 1e-4
        assert distance_m(*convert(*one_pass, target, source), 116.404, 39.915) > 0.04


@given(LON, LAT, st.sampled_from(SYSTEMS), st.sampled_from(SYSTEMS))
def test_every_round_trip_returns_within_a_millimetre(lon, lat, source, target):
    back = convert(*convert(lon, lat, source, target), target, source)
    assert distance_m(lon, lat, *back) < 1e-3


def test_the_shift_over_china_is_of_the_size_a_reader_expects():
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(98, 122, 20_000), rng.uniform(22, 42, 20_000)
    gcj = distance_m(lon, lat, *from_wgs84(lon, lat, "gcj02"))
    assert np.quantile(gcj, 0.01) > 100
    assert gcj.max() < 800
    bd = distance_m(lon, lat, *convert(lon, lat, "gcj02", "bd09"))
    assert bd.min() > 400
    assert bd.max() < 1200


def test_large_arrays_keep_shape_and_agree_with_single_points():
    lon = np.linspace(100, 120, 6).reshape(2, 3)
    lat = np.linspace(20, 50, 6).reshape(2, 3)
    x, y = from_wgs84(lon, lat, "bd09")
    assert x.shape == (2, 3)
    one = from_wgs84(lon[1, 2], lat[1, 2], "bd09")
    assert (x[1, 2], y[1, 2]) == (one[0], one[1])


# Denver, Brisbane, Rio de Janeiro, Tokyo, Reykjavik, San Francisco.
@pytest.mark.parametrize(
    "place",
    [(-104.99, 39.74), (153.03, -27.47), (-43.17, -22.91), (139.77, 35.68), (-21.9, 64.1), (-122.42, 37.77)],
)
def test_outside_china_gcj02_is_the_identity(place):
    lon, lat = place
    assert not in_china(lon, lat)
    assert np.array_equal(from_wgs84(lon, lat, "gcj02"), place)
    assert np.array_equal(to_wgs84(lon, lat, "gcj02"), place)


def test_cgcs2000_is_wgs84():
    assert np.array_equal(convert(114.3, 30.6, "cgcs2000", "wgs84"), (114.3, 30.6))
    assert convert(114.3, 30.6, "CGCS2000", "gcj02") == from_wgs84(114.3, 30.6, "gcj02")


def test_unknown_positions_stay_unknown_without_a_warning():
    for target in SYSTEMS:
        lon, lat = convert([np.nan, 114.3], [30.6, np.nan], "wgs84", target)
        back = convert(lon, lat, target, "wgs84")
        assert np.isnan(back[0][0])
        assert np.isnan(back[1][1])


def test_what_is_no_place_on_earth_is_not_shifted_somewhere():
    for target in ("gcj02", "bd09"):
        lon, lat = convert([np.inf, 1e300, 114.3], [30.6, 30.6, 91.0], target, "wgs84")
        assert np.isnan(lon).all()
        assert np.isnan(lat).all()


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        ("GCJ-02", "gcj02"),
        ("bd_09", "bd09"),
        ("WGS 84", "wgs84"),
        ("EPSG:4490", "cgcs2000"),
        ("BD09LL", "bd09"),
    ],
)
def test_names_are_understood_as_people_spell_them(spelt, meant):
    assert system(spelt) == meant


def test_an_unknown_system_says_which_there_are():
    with pytest.raises(AnlanError, match=r"'utm'.*wgs84, cgcs2000, gcj02, bd09"):
        system("utm")


def test_distance_is_the_known_one():
    # eviltransform's own: Shanghai to Beijing is 1,078,164 m on its sphere of 6,378,137 m.
    apart = distance_m(121.531541859215, 31.17530398364597, 116.38404722455657, 39.91334545536069)
    assert apart * 6_378_137 / 6_371_008.8 == pytest.approx(1_078_164, abs=1)
