"""The site in a real browser: run by ``make browser-test``, which needs Chromium (CHROMIUM names it)."""

import os

import pytest
from playwright.sync_api import expect, sync_playwright

import acuevidence as ae
from acuevidence.report.site import build_site

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PAGES = ["index", *ae.conditions(), "safety", "methods"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("site")
    build_site(found)
    return found


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture
def page(browser):
    found = browser.new_page(viewport={"width": 1200, "height": 900})
    found.faults = []
    found.on("console", lambda message: message.type == "error" and found.faults.append(message.text))
    found.on("pageerror", lambda error: found.faults.append(str(error)))
    found.on("request", lambda asked: asked.url.startswith(("file://", "data:")) or found.faults.append(asked.url))
    yield found
    assert found.faults == []
    found.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [360, 1200])
def test_a_page_loads_without_errors_and_fits_the_screen(page, folder, name, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((folder / f"{name}.html").as_uri())
    assert page.evaluate("getComputedStyle(document.querySelector('.skip')).position") == "absolute"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if shots := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{shots}/{name}_{width}.png")


def test_filters_show_the_claims_they_name_and_reset_shows_all(page, folder):
    page.goto((folder / "index.html").as_uri())
    page.select_option("[name=verdict]", "supported")
    shown = page.eval_on_selector_all(".claim:not([hidden])", "all => all.map(one => one.dataset.verdict)")
    assert set(shown) == {"supported"}
    assert page.inner_text("#count") == f"{len(shown)} claims"
    page.click("button[type=reset]")
    expect(page.locator(".claim[hidden]")).to_have_count(0)


def test_a_card_opens_by_keyboard_and_pointer_and_escape_closes_it(page, folder):
    page.goto((folder / "knee_osteoarthritis.html").as_uri())
    page.focus(".trial a")
    assert page.locator(".card:visible").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".card:visible").count() == 0
    page.hover(".trial >> nth=1")
    assert page.locator(".card:visible").count() == 1


def test_enter_on_a_trial_opens_its_printed_figures(page, folder):
    page.goto((folder / "knee_osteoarthritis.html").as_uri())
    page.focus(".trial a")
    page.keyboard.press("Enter")
    page.wait_for_selector("details.printed[open] table")


def test_the_skip_link_comes_first_and_leads_to_the_content(page, folder):
    page.goto((folder / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_links_between_pages_work(page, folder):
    page.goto((folder / "index.html").as_uri())
    page.click("nav >> text=Safety")
    assert page.inner_text("h1") == "Safety"
