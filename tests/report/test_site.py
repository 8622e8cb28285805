"""Does the site hold every answer, do its links lead somewhere, and does it load nothing from elsewhere?"""

import json
import posixpath
import re
from urllib.parse import urlsplit

import pytest

import acuevidence as ae
from acuevidence.report import site
from acuevidence.report.site_forest import strips
from acuevidence.verdicts.answer import Estimate


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
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), parts.path)) if parts.path else name
            assert target in files
            assert not parts.fragment or parts.fragment in pages[target].ids


def test_pages_load_only_their_own_files(built):
    pages, files = built
    loads = {
        posixpath.normpath(posixpath.join(posixpath.dirname(name), load))
        for name, page in pages.items()
        for load in page.loads
        if load != "data:,"
    }
    assert loads
    assert loads <= set(files)


def test_every_claim_is_there_with_its_verdict(built):
    page = built[0]["index.html"]
    shown = {given["id"]: given["data-verdict"] for tag, given in page.tags if tag == "article"}
    assert shown == ae.evaluate_claims().set_index("id")["verdict"].to_dict()


def test_every_trial_has_a_page_with_every_printed_figure_and_its_publication(built):
    evidence = ae.load_evidence()
    pages = {key: built[0][f"trials/{key}.html"] for key in evidence.trials["trial_id"]}
    for table in (evidence.results, evidence.contrasts):
        for key, printed in table[["trial_id", "figures_as_printed"]].itertuples(index=False):
            assert printed in pages[key].words
    for row in evidence.trials[evidence.trials["doi"].notna()].itertuples():
        links = [link["href"] for link in pages[row.trial_id].links if link["href"].startswith("https://")]
        assert links[0] == f"https://doi.org/{row.doi}"


def test_no_page_holds_the_notes_of_those_who_read_the_figures(built):
    evidence = ae.load_evidence()
    notes = {note for table in (evidence.trials, evidence.safety) for note in table["notes"].dropna() if len(note) > 25}
    whole = "\n".join(page.words for page in built[0].values())
    assert len(notes) > 100
    assert [note for note in notes if note in whole] == []


def test_the_table_of_verdicts_opens_the_claims(built):
    text = built[0]["index.html"].text
    first = text[text.index("<table") : text.index("</table>")]
    answers = ae.evaluate_claims()
    assert re.findall(r'href="#([a-z-]+)"', first) == answers["id"].tolist()
    assert re.findall(r'<span class="verdict [a-z-]+">([a-z ]+)</span>', first) == answers["verdict"].tolist()


def test_the_filter_of_a_condition_names_its_claims_only(built):
    shown = {given["id"]: given["data-conditions"] for tag, given in built[0]["index.html"].tags if tag == "article"}
    asked = ae.claims().set_index("id")["population"]
    assert shown == {name: "|".join(of) for name, of in asked.items()}


def test_conditions_stand_by_the_certainty_of_their_strictest_comparison(built):
    text = built[0]["index.html"].text
    table = text[text.index('<table class="stack conditions"') :]
    order = [name for name in re.findall(r'<th scope="row"><a href="([a-z_]+)\.html"', table) if name != "safety"]
    steps = []
    for name in order:
        pools = ae.pooled(name)
        sham = [ae.certainty(pools[key]).steps for key in pools if key.startswith("sham")]
        steps.append(min(sham, default=0))
    assert sorted(order) == sorted(ae.conditions())
    assert steps == sorted(steps, reverse=True)


def test_a_rule_stands_once_and_without_code_names(built):
    words = built[0]["methods.html"].words
    for rule in dict.fromkeys(ae.claims()["rule"]):
        start = rule.split("`")[0][:60]
        assert words.count(start) == 1
    assert "`" not in words + built[0]["index.html"].words


def test_every_page_names_the_version_of_the_evidence(built):
    said = f"Evidence version {ae.load_evidence().version}"
    assert said != "Evidence version "
    assert all(said in page.words for page in built[0].values())


def test_pages_offer_csv_svg_and_json_that_can_be_read(built):
    pages, files = built
    links = {link["href"] for link in pages["neck_pain.html"].links}
    assert {link.rsplit(".", 1)[-1] for link in links} >= {"csv", "svg", "json"}
    found = json.loads(files["tables/neck_pain.json"].read_text(encoding="utf-8"))
    assert [one["group"] for one in found["pooled"]] == ["sham", "usual_care"]
    assert found["pooled"][0]["headline"][0]["estimate"] == ae.pooled("neck_pain")["sham"].headline().estimate


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
    template = site.environment().from_string('{% from "parts.html" import source %}{{ source(url, "a page") }}')
    assert "<a" not in template.render(url="javascript:alert(1)")


def test_a_run_that_fails_leaves_the_older_site_as_it_was(tmp_path, monkeypatch):
    def broken(folder, *, evidence, only, progress):
        raise RuntimeError("no room")

    monkeypatch.setattr(site.drawing, "build", broken)
    monkeypatch.setattr(site, "environment", dict)
    monkeypatch.setattr(site, "answered", dict)
    for name in ("pools_of", "tables"):
        monkeypatch.setattr(site.pages, name, lambda *given: {})
    for name in ("_pages", "_downloads"):
        monkeypatch.setattr(site, name, lambda *given: {"index.html": b""})
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text("older")
    with pytest.raises(RuntimeError):
        site.build_site(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("index.html", "older")]


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
