"""The report in a real browser: both languages, print, no request to anywhere."""

import shutil

import pytest

from anlan.campaign.options import PlanOptions
from anlan.campaign.plan import plan_city
from anlan.city.city import City

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs a Chromium on the PATH (Debian: apt install chromium)"
)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def report(town_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("browser")
    plan_city(City.load(town_folder), out, PlanOptions(test_weeks=3, replications=2, candidates=60))
    return out / "report.html"


@pytest.fixture(scope="module")
def page(report):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(90_000)
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(report.as_uri())
        page.asked, page.said = asked, said
        yield page
        browser.close()


def shown(page):
    return page.evaluate("document.body.innerText")


def test_it_opens_in_chinese_and_switches_without_reload(page):
    assert "结论" in shown(page)
    assert "The answer" not in shown(page)
    page.click("label[for=show-en]")
    text = shown(page)
    assert "The answer" in text
    assert "结论" not in text
    page.click("label[for=show-zh]")
    assert "结论" in shown(page)


def test_it_asks_for_nothing_and_complains_of_nothing(page):
    assert [url for url in page.asked if not url.startswith("file:")] == []
    assert page.said == []


@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_is_wider_than_the_page(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1200, "height": 900})


def test_the_maps_have_streets_and_sites(page):
    assert page.locator("svg.map").count() == 4
    assert page.locator("svg .site.proposed").count() == 3
    box = page.locator("svg.map").first.bounding_box()
    assert box["height"] > 200


def test_the_language_switch_works_from_the_keyboard(page):
    page.focus("#show-zh")
    page.keyboard.press("ArrowRight")
    assert "The answer" in shown(page)
    page.keyboard.press("ArrowLeft")
    assert "结论" in shown(page)


def test_it_prints(page):
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 20_000
