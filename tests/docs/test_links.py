"""Links inside the project lead somewhere: to a file, and to a heading in it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(p for p in ROOT.glob("docs/**/*.md") if "_build" not in p.parts)])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`[^`\n]+`(?!\])")


def anchors(page):
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken(page):
    text = QUOTED.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            yield target


def test_there_are_pages_and_links_to_check():
    assert any(LINK.search(page.read_text(encoding="utf-8")) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(page):
    assert list(broken(page)) == []


def test_every_page_of_the_site_is_in_a_table_of_contents():
    site = ROOT / "docs"
    pages = {page for page in PAGES if site in page.parents} - {site / "index.md", site / "release.md"}
    listed = {
        page.parent / f"{line.strip()}.md"
        for page in site.glob("**/index.md")
        for tree in re.findall(r"```\{toctree\}(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for line in tree.splitlines()
    }
    assert sorted(str(page) for page in pages - listed) == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_files_named_in_code_quotes_exist(page):
    named = re.findall(
        r"`((?:docs|data|tests|notebooks|acuevidence|benchmarks)/[\w./-]*)`", (ROOT / page).read_text(encoding="utf-8")
    )
    assert [path for path in named if not (ROOT / path).exists()] == []
