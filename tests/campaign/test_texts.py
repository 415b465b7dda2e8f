import re
from pathlib import Path

import pytest

from anlan.campaign.report import render
from anlan.campaign.report.render import both, texts
from anlan.core.text import Text

FOLDER = Path(render.__file__).parent
TEMPLATE = "".join(p.read_text(encoding="utf-8") for p in sorted(FOLDER.glob("*.j2")))


def test_every_text_is_there_in_both_languages():
    for key, text in texts().items():
        assert text.zh.strip(), key
        assert text.en.strip(), key
        assert set(re.findall(r"{(\w+)}", text.zh)) == set(re.findall(r"{(\w+)}", text.en)), key
        assert not re.search(r"[\u4e00-\u9fff]", text.en), key
        assert re.search(r"[\u4e00-\u9fff]", text.zh), key


def test_no_key_is_missing_and_none_is_unused():
    used = set(re.findall(r't\("(\w+)"', TEMPLATE))
    for prefix in re.findall(r't\("(\w+_)" ~', TEMPLATE):
        used.discard(prefix)
        used |= {key for key in texts() if key.startswith(prefix)}
    assert used == set(texts())


def test_the_page_asks_for_nothing_from_outside():
    css = (FOLDER / "report.css").read_text(encoding="utf-8")
    assert not re.search(r"<script|src=|href=\"http|url\(|@import", TEMPLATE + css)


def test_both_languages_are_marked_and_escaped():
    html = str(both(Text("<巡逻>", "<patrol>")))
    assert html == '<span lang="zh">&lt;巡逻&gt;</span><span lang="en">&lt;patrol&gt;</span>'
    assert str(both(Text("A & B", "A & B"))) == "A &amp; B"


def test_format_fills_each_language_with_its_own_word():
    text = Text("与{w}相比", "compared with {w}").format(w=Text("去年", "last year"))
    assert text == Text("与去年相比", "compared with last year")


def test_a_missing_key_is_an_error():
    with pytest.raises(KeyError):
        texts()["no_such_key"]
