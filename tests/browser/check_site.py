"""The site in a real browser: run by ``make browser-test``, which needs Chromium (CHROMIUM names it)."""

import os
import re
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import expect, sync_playwright

import acuevidence as ae
from acuevidence.report.site import build_site

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
PAGES = ["index", *ae.conditions(), "safety", "methods", "trials/vas2006", "trials/cherkin2009"]
WIDTHS = [390, 1280]
PRINTED_PAGES = 12  # of A4, which the claims stay below
TALLEST = 33_000  # pixels of a page on a telephone


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
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_loads_without_errors_and_fits_the_screen(page, folder, name, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((folder / f"{name}.html").as_uri())
    assert page.evaluate("getComputedStyle(document.querySelector('.skip')).position") == "absolute"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.scrollHeight") < TALLEST
    bare = "!one.textContent.trim() && !one.querySelector('svg') && one.clientHeight > 60 && one.clientWidth > 200"
    empty = page.eval_on_selector_all("td, th", f"all => all.filter(one => {bare}).length")
    assert empty == 0
    captions = page.eval_on_selector_all(
        "caption, figcaption", "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
    )
    assert captions == 0
    if shots := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{shots}/{name.replace('/', '_')}_{width}.png", full_page=True)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_breaks_no_rule_of_accessibility(page, folder, name, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((folder / f"{name}.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((item, i) => (item.open = i < 5))")
    page.evaluate(AXE)
    found = page.evaluate(
        "axe.run(document, {preload: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})"
    )
    assert len(found["passes"]) > 15
    assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found["violations"]] == []


@pytest.mark.parametrize("name", PAGES)
def test_printing_leaves_out_the_controls_and_cuts_nothing(page, folder, name):
    page.set_viewport_size({"width": 718, "height": 1000})  # the text width of A4 in CSS pixels
    page.goto((folder / f"{name}.html").as_uri())
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for selector in ("nav", ".filters", ".skip"):
        for one in page.query_selector_all(selector):
            assert not one.is_visible()
    assert page.evaluate("document.querySelectorAll('details.numbers:not([open])').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    wide = page.eval_on_selector_all(".wide", "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length")
    assert wide == 0
    made = page.pdf(format="A4", print_background=True)
    assert made.startswith(b"%PDF")
    if name == "index":
        assert len(re.findall(rb"/Type\s*/Page\b", made)) < PRINTED_PAGES
    if shots := os.environ.get("SCREENSHOTS"):
        Path(shots, f"{name.replace('/', '_')}.pdf").write_bytes(made)


def test_a_claim_is_found_by_its_words_and_drawn_with_its_estimates(page, folder):
    page.goto((folder / "index.html").as_uri())
    page.fill("[name=words]", "bruises")
    expect(page.locator("#soreness-bruise")).to_be_visible()
    assert 1 <= page.locator(".claim:visible").count() <= 3
    assert page.locator("#soreness-bruise .estimates circle").count() >= 2
    page.fill("[name=words]", "nothing says this")
    assert page.inner_text(".count") == "0 claims"
    expect(page.locator(".none")).to_be_visible()


@pytest.mark.parametrize("word", ["safe", "safety"])
def test_a_search_finds_other_forms_of_a_word_and_the_page_about_it(page, folder, word):
    page.goto((folder / "index.html").as_uri())
    page.fill("[name=words]", word)
    expect(page.locator("#safe")).to_be_visible()
    assert page.locator(".hits a:visible").all_inner_texts() == ["Safety"]


def test_a_filter_stands_in_the_address_and_survives_a_step_back(page, folder):
    page.goto((folder / "index.html").as_uri())
    page.select_option("[name=conditions]", "knee_osteoarthritis")
    page.fill("[name=words]", "function")
    page.wait_for_function("location.hash.includes('conditions=knee_osteoarthritis') && location.hash.includes('words=function')")
    address, shown = page.evaluate("location.href"), page.locator(".claim:visible").count()
    page.click("nav >> text=Safety")
    page.go_back()
    page.wait_for_function("document.querySelector('[name=conditions]').value === 'knee_osteoarthritis'")
    assert page.evaluate("location.href") == address
    assert page.input_value("[name=words]") == "function"
    assert page.locator(".claim:visible").count() == shown
    page.goto("about:blank")
    page.goto(address)
    assert page.locator(".claim:visible").count() == shown
    page.click("button[type=reset]")
    page.wait_for_function("!location.hash")


def test_a_condition_shows_its_claims_only(page, folder):
    page.goto((folder / "index.html").as_uri())
    page.select_option("[name=conditions]", "neck_pain")
    shown = page.eval_on_selector_all(".claim:not([hidden])", "all => all.map(one => one.id)")
    asked = ae.claims()
    assert shown == [row.id for row in asked.itertuples() if "neck_pain" in row.population]


@pytest.mark.parametrize("usable", ["yes", "no"])
def test_trials_are_filtered_by_use_comparator_and_words(page, folder, usable):
    page.goto((folder / "neck_pain.html").as_uri())
    page.select_option("[name=usable]", usable)
    page.select_option("[name=comparators]", "sham")
    effects = ae.trial_effects("neck_pain")
    used, left = set(effects["trial_id"]), effects.attrs["excluded"]
    against = {
        *effects.loc[effects["comparator"] == "sham", "trial_id"],
        *left.loc[left["comparator"] == "sham", "trial_id"],
    }
    shown = page.eval_on_selector_all(".row:not([hidden])", "all => all.map(one => one.id.replace('trial-', ''))")
    assert set(shown) == (against & used if usable == "yes" else against - used)
    page.fill(".filters [name=words]", "nothing says this")
    assert page.inner_text(".count") == "0 trials"


def test_every_stop_of_the_keyboard_is_seen(page, folder):
    page.goto((folder / "neck_pain.html").as_uri())
    for _ in range(40):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML.slice(0, 200)")


def test_filters_show_the_claims_they_name_and_reset_shows_all(page, folder):
    page.goto((folder / "index.html").as_uri())
    page.select_option("[name=verdict]", "supported")
    shown = page.eval_on_selector_all(".claim:not([hidden])", "all => all.map(one => one.dataset.verdict)")
    assert set(shown) == {"supported"}
    assert page.inner_text(".count") == f"{len(shown)} claims"
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


def test_enter_on_a_trial_leads_to_its_printed_figures(page, folder):
    page.goto((folder / "knee_osteoarthritis.html").as_uri())
    page.focus(".trial a")
    page.keyboard.press("Enter")
    page.wait_for_selector("#figures")
    assert "/trials/" in page.url
    page.click("nav >> text=Claims")
    assert page.url.endswith("/index.html")


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
