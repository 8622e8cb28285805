"""The site, built once for every test that reads its pages; its figures are empty files."""

from html.parser import HTMLParser

import pytest

from acuevidence.report import site

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A page read strictly enough that an element left open shows."""

    def __init__(self, text):
        super().__init__()
        self.open, self.faults, self.ids, self.loads, self.links, self.tags = [], [], [], [], [], []
        self.words, self.text = "", text
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


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    patch = pytest.MonkeyPatch()
    patch.setattr(site.drawing, "build", _blank)
    files = site.build_site(folder)
    patch.undo()
    pages = {path.relative_to(folder).as_posix(): Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    return pages, {path.relative_to(folder).as_posix(): path for path in files}
