import re
from pathlib import Path

from anlan.city import Edges, Settings
from anlan.city.nouns import LAYERS
from anlan.city.settings import STATES

DOC = (Path(__file__).parents[2] / "docs" / "city-folder.md").read_text(encoding="utf-8")


def test_the_documented_city_toml_is_one():
    text = re.search(r"```toml\n(.*?)```", DOC, re.DOTALL)
    assert text is not None
    settings = Settings.loads(text[1])
    assert settings.rings_s == (60.0, 180.0, 300.0)
    assert settings.categories["theft"].zh == "盗窃"
    assert settings.extra == {}
    assert all(state in DOC for state in STATES)


def test_every_column_of_every_layer_is_documented():
    for layer, noun in LAYERS.items():
        columns = Edges.DTYPES if layer == "roads" else noun.DTYPES
        row = re.search(rf"^\| `{layer}` \| `([^`]*)`", DOC, re.MULTILINE)
        assert row is not None
        assert row[1].split(", ") == [name for name in columns if name != "geometry"]
