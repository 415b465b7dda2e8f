import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.campaign.report import charts
from anlan.campaign.report.basemap import Frame, street_paths
from anlan.campaign.report.maps import Base
from anlan.city.roads import Edges, Roads
from anlan.core.text import Text

# A cross: a main street west–east of 2 km and a lane south–north of 1 km.
CROSS = Roads(
    edges=Edges.make(
        id=["main", "lane"],
        u=[0, 2],
        v=[1, 3],
        road_class=["primary", "residential"],
        length_m=[2000.0, 1000.0],
    ),
    start=np.array([0, 2, 4]),
    x=np.array([0.0, 2000.0, 1000.0, 1000.0]),
    y=np.array([500.0, 500.0, 0.0, 1000.0]),
    node_x=np.array([0.0, 2000.0, 1000.0, 1000.0]),
    node_y=np.array([500.0, 500.0, 0.0, 1000.0]),
)


def test_streets_are_drawn_by_class_with_the_north_up():
    frame = Frame.around(CROSS.node_x, CROSS.node_y)
    minor, main = street_paths(CROSS, frame)
    ((dx, dy),) = re.findall(r"M\d+ \d+l(-?\d+) (-?\d+)", minor)
    assert int(dx) == 0
    assert int(dy) < 0  # northwards is upwards
    assert re.fullmatch(r"M\d+ \d+l\d+ 0", main)


@given(st.floats(50, 2e5), st.floats(50, 2e5))
def test_a_frame_holds_its_points_and_keeps_proportions(width, height):
    frame = Frame.around(np.array([0.0, width]), np.array([0.0, height]))
    x, y = frame.to_xy(np.array([0.0, width]), np.array([0.0, height]))
    assert (x >= -2).all()
    assert (x <= frame.width + 2).all()
    assert (y >= -2).all()
    assert (y <= frame.height + 2).all()
    assert (x[1] - x[0]) / width == pytest.approx((y[0] - y[1]) / height)


def test_the_scale_bar_is_a_round_distance_of_the_right_length():
    frame = Frame.around(CROSS.node_x, CROSS.node_y)
    metres, length = frame.scale_bar()
    assert metres in (200, 500)
    assert length == pytest.approx(metres * frame.scale)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (3, 3, [3]), (0, 7.3, [0, 2, 4, 6])],
)
def test_ticks_are_round(low, high, expected):
    assert charts.ticks(low, high) == pytest.approx(expected)


def test_every_drawing_is_well_formed_and_says_what_it_is():
    rng = np.random.default_rng(0)
    title = Text("标题 <1>", "title <1>")
    base = Base.of(CROSS, CROSS.node_x, CROSS.node_y)
    hour = rng.random(24)
    drawings = [
        charts.response_curve([(title, rng.exponential(200, 99), "present")], (60, 180, 300), title),
        charts.by_hour([(title, hour, hour * 0.9, hour * 1.1, "present")], title, title),
        charts.week_heat(rng.random(168), title),
        charts.dumbbells([(title, 3.0, 2.0), (title, float("nan"), 1.0)], "", (title, title), title),
        base.map(base.dots(CROSS.node_x, CROSS.node_y, ["<a>"] * 4), title),
        base.map(
            base.density(np.array([0.0, 500.0]), np.array([0.0, 0.0]), 250.0, np.array([1.0, 9.0])), title
        ),
    ]
    for drawing in drawings:
        root = ET.fromstring(drawing)
        assert root.attrib["role"] == "img"
        assert "title <1>" in root.attrib["aria-label"]


def test_the_curve_goes_through_the_shares_it_shows():
    response = np.array([30.0, 90.0, 200.0, 1000.0])
    drawing = charts.response_curve([(Text("a", "a"), response, "present")], (60, 180, 300), Text("t", "t"))
    points = re.search(r'points="([^"]+)"', drawing).group(1).split()
    last_y = float(points[-1].split(",")[1])
    axes = charts.Axes(0, 1, 0, 1)
    assert last_y == pytest.approx(axes.y(0.75), abs=0.1)


def test_darker_cells_are_the_busier_ones():
    base = Base.of(CROSS, CROSS.node_x, CROSS.node_y)
    drawing = base.density(np.array([0.0, 500.0]), np.array([0.0, 0.0]), 250.0, np.array([1.0, 64.0]))
    opacity = [float(v) for v in re.findall(r'fill-opacity="([\d.]+)"', drawing)]
    assert len(opacity) == 2
    assert opacity[0] < opacity[1]
