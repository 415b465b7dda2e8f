import pytest

from anlan.city import Category, Provenance, Settings
from anlan.core.errors import AnlanError

WUHAN = Settings(
    "武汉", "Wuhan", "Asia/Shanghai", "EPSG:32650", "SAMPLED", (60, 180, 300),
    {"class_kmh": {"primary": 55.0}},
    {"theft": Category("盗窃", "theft", 2), "assault": Category("", "assault", 1)},
    {"roads": Provenance("neatnet", "ODbL-1.0", "© OpenStreetMap contributors", "as it is")},
)  # fmt: skip


def test_what_is_written_is_read():
    assert Settings.loads(WUHAN.dumps()) == WUHAN


def test_it_reads_as_a_person_would_write_it():
    text = """
        format = 1
        name_zh = "武汉"
        time_zone = "Asia/Shanghai"
        crs = "EPSG:32650"
        [standard]
        rings_s = [60, 180]
        [categories]
        theft = { zh = "盗窃", en = "theft" }
        [weather]
        source = "a later version"
    """
    settings = Settings.loads(text)
    assert settings.rings_s == (60.0, 180.0)
    assert settings.state == "HISTORY"
    assert settings.name("en") == settings.name("zh") == "武汉"
    assert settings.categories["theft"].priority == 2
    # What this version does not know is kept, not lost.
    assert Settings.loads(settings.dumps()).extra == {"weather": {"source": "a later version"}}


def test_names_fall_back_to_the_other_language():
    assert WUHAN.categories["assault"].label("zh") == "assault"
    assert (WUHAN.name("zh"), WUHAN.name("en")) == ("武汉", "Wuhan")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("Asia/Shanghai", "Asia/Wuhan", "Asia/Wuhan"),
        ('time_zone = "Asia/Shanghai"', "", "time zone"),
        ('crs = "EPSG:32650"', "", "'crs' is missing"),
        ("SAMPLED", "GUESSED", "HISTORY, SAMPLED"),
        ("60,", "600,", "ascending"),
        ("format = 1", "format = 9", "update anlan"),
        ("format = 1", "format = ", "not TOML"),
        ('zh = "盗窃"', 'cn = "盗窃"', "not of the kind expected"),
        ('name_zh = "武汉"\nname_en = "Wuhan"', "", "without a name"),
    ],
)
def test_what_is_wrong_is_named(old, new, sentence):
    text = WUHAN.dumps()
    assert old in text
    with pytest.raises(AnlanError, match=sentence):
        Settings.loads(text.replace(old, new))
