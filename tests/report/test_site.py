"""Does the site hold every answer, do its links lead somewhere, and does it load nothing from elsewhere?"""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

import acuevidence as ae
from acuevidence.report import site
from acuevidence.report.site_forest import strips
from acuevidence.verdicts.answer import Estimate

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A page read strictly enough that an element left open shows."""

    def __init__(self, text):
        super().__init__()
        self.open, self.faults, self.ids, self.loads, self.links, self.tags = [], [], [], [], [], []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given)
        else:
            self.loads += [given[name] for name in ("src", "href") if name in given]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        self.words += data


def _blank(folder, *, evidence, only, progress):
    folder.mkdir()
    for name in only:
        for kind in ("svg", "png"):
            (folder / f"{name}.{kind}").write_text("")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    patch = pytest.MonkeyPatch()
    patch.setattr(site.drawing, "build", _blank)
    files = site.build_site(folder)
    patch.undo()
    pages = {path.name: Page(path.read_text(encoding="utf-8")) for path in folder.glob("*.html")}
    return pages, {str(path.relative_to(folder)) for path in files}


def test_every_element_is_closed_and_every_id_is_used_once(built):
    for page in built[0].values():
        assert (page.faults, page.open) == ([], [])
        assert len(page.ids) == len(set(page.ids))


def test_every_link_leads_to_a_page_a_place_or_a_source(built):
    pages, files = built
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link["href"])
            if parts.scheme:
                assert parts.scheme in ("http", "https")
                assert link["rel"] == "noopener noreferrer"
                continue
            target = parts.path or name
            assert target in files
            assert not parts.fragment or parts.fragment in pages[target].ids


def test_pages_load_only_their_own_files(built):
    pages, files = built
    loads = {load for page in pages.values() for load in page.loads} - {"data:,"}
    assert loads
    assert loads <= files


def test_every_claim_is_there_with_its_verdict(built):
    page = built[0]["index.html"]
    shown = {given["id"]: given["data-verdict"] for tag, given in page.tags if tag == "article"}
    assert shown == ae.evaluate_claims().set_index("id")["verdict"].to_dict()


@pytest.mark.parametrize("condition", ae.conditions())
def test_every_printed_figure_of_a_condition_is_there_as_printed(built, condition):
    evidence = ae.load_evidence()
    words = built[0][f"{condition}.html"].words
    for table in (evidence.results, evidence.contrasts):
        for printed in table.loc[table["condition"] == condition, "figures_as_printed"]:
            assert printed in words


def test_pages_have_landmarks_a_skip_link_and_captions(built):
    for page in built[0].values():
        tags = [tag for tag, _ in page.tags]
        assert {"header", "nav", "main", "footer"} <= set(tags)
        assert tags.count("h1") == 1
        assert page.links[0]["href"] == "#main"
        assert tags.count("table") == tags.count("caption")
        assert all(given.get("alt") for tag, given in page.tags if tag == "img")


def test_text_from_data_cannot_become_markup():
    template = site.environment().from_string("{{ text }}{{ text | prose }}")
    written = template.render(text='<script>alert("x")</script> **bold**')
    assert "<script" not in written
    assert "<strong>bold</strong>" in written


def test_an_address_that_is_no_web_page_does_not_become_a_link():
    template = site.environment().from_string('{% from "parts.html" import source %}{{ source(url) }}')
    assert "<a" not in template.render(url="javascript:alert(1)")


def test_a_run_that_fails_leaves_the_older_site_as_it_was(tmp_path, monkeypatch):
    def broken(folder, *, evidence, only, progress):
        raise RuntimeError("no room")

    monkeypatch.setattr(site.drawing, "build", broken)
    monkeypatch.setattr(site, "_tables", lambda *given: {})
    monkeypatch.setattr(site, "environment", lambda: _Templates())
    for name in ("_index", "_condition", "_safety", "_methods"):
        monkeypatch.setattr(site, name, lambda *given: {})
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text("older")
    with pytest.raises(RuntimeError):
        site.build_site(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("index.html", "older")]


class _Templates:
    def get_template(self, name):
        return self

    def render(self, **content):
        return ""


def test_every_claim_with_an_interval_is_drawn_and_the_marks_stand_where_the_numbers_say(built):
    band = ae.mid("pain", "SMD")
    own = Estimate("v sham", 0.25, -0.5, 9.0, note="6 trials, SMD {estimate} ({interval})")
    plot = strips([own, Estimate("A review", 1.5, 1.0, 1.5, aside=True)], band)
    assert [row.spans for row in plot.rows] == [[(50.0, 20.0, 100.0)], [(100.0, 80.0, 100.0)]]
    assert plot.rows[0].text == "6 trials, SMD 0.25 (-0.50 to 9.00)"
    assert plot.band == (
        pytest.approx(100 * (1 + band.low) / 2.5, abs=1e-3),
        pytest.approx(100 * (1 + band.high) / 2.5, abs=1e-3),
    )
    rates = strips([Estimate("Any per 10,000 patients", 1.0, 0.0, 100.0, "rate"), own], band)
    assert rates.rows[0].spans == [(pytest.approx(100 / 3, abs=1e-3), 0.0, pytest.approx(200 / 3, abs=1e-3))]
    assert rates.rows[1].spans == []
    assert strips([Estimate("v sham", note="no trial with a usable figure")], band) is None
    slope = Estimate("v sham, sessions", 0.1, -0.2, 0.5, "slope", "slope {estimate} SD per 10 ({interval})")
    assert strips([slope], band).rows[0].spans == [(55.0, 40.0, 75.0)]
    words = built[0]["index.html"].words
    for line in "\n".join(ae.evaluate_claims()["estimates"]).split("\n"):
        assert line.partition(": ")[2] in words
