"""A real kernel: every plot call shows its picture once, and the user's matplotlib stays the user's.

Each notebook is run once; its cells are numbered by their place, and the tests read their outputs.
"""

import base64
import io

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

START = "import acuevidence as ae\nr = ae.meta_analysis([0.1, 0.2, 0.4], [0.1, 0.1, 0.05])"
STATE = (
    "import json, matplotlib as mpl\n"
    "def state():\n"
    "    import matplotlib.pyplot as plt\n"
    "    return {'rc': {k: repr(v) for k, v in mpl.rcParams.items()}, 'interactive': plt.isinteractive(),\n"
    "            'backend': mpl.get_backend(), 'open': plt.get_fignums()}\n"
)

# Name of a cell: its code, and how many pictures it shows.
FRESH = {
    "last expression": (f"{START}\nr.forest()", 1),
    "assigned": ("ax = r.forest()", 1),
    "pyplot after": ("import matplotlib.pyplot as plt\nfig = plt.figure()\nplt.plot([1, 2])", 1),
    "interactive": ("plt.isinteractive()", 0),
    "its figure": ("r.forest().figure", 1),
    "several": ("r.forest()\nax = r.funnel()\nr.plot.baujat();", 3),
    "given axes": ("fig, axes = plt.subplots(1, 2, figsize=(14, 4))\nr.forest(ax=axes[0])\nr.funnel(ax=axes[1])", 1),
    "constrained": (
        "fig, axes = plt.subplots(2, 2, figsize=(16, 9), layout='constrained')\nr.funnel(ax=axes[0, 0])\nr.forest(ax=axes[1, 1])",
        1,
    ),
    "shown": ("r.forest()\nplt.show()", 1),
    "off": ("plt.ioff()\nr.forest()\nplt.close('all')\nplt.ion();", 0),
    "no call": ("1 + 1", 0),
    "saved": (
        "import tempfile, pathlib\nfolder = pathlib.Path(tempfile.mkdtemp())\n"
        "for end in ('svg', 'pdf', 'png', 'tiff'):\n    ae.plots.save(ax, folder / f'forest.{end}')\n"
        "sorted(p.name for p in folder.iterdir())",
        0,
    ),
    "saved and shown": ("ax = r.forest()\nae.plots.save(ax, folder / 'shown.svg');", 1),
    "dark": ("with plt.style.context('dark_background'):\n    r.forest()", 1),
    "left as it was": (
        f"{STATE}before = state()\nunseen = ae.plots.forest_size(r)\nwith plt.style.context('ggplot'):\n"
        "    inside = state(); ax = r.forest(); again = state()\nplt.close(ax.figure)\n"
        "before == state(), {k: v for k, v in inside.items() if k != 'open'} == {k: v for k, v in again.items() if k != 'open'}",
        0,
    ),
    "refused": ("try:\n    r.forest(columns=['nothing'])\nexcept ae.InputError as error:\n    print(type(error).__name__)", 0),
    "of a question": ("ae.plots.safety()", 1),
}
INLINE = {
    "magic": (f"%matplotlib inline\n{START}", 0),
    "last expression": ("r.forest()", 1),
    "pyplot before": ("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nr.funnel()", 2),
    "pyplot": ("plt.plot([3, 4]);", 1),
}


def _run(cells):
    cells = [nbformat.v4.new_code_cell(code) for code, _ in cells.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute(env=_environment())
    return notebook.cells


def _environment():
    import os

    return {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}


@pytest.fixture(scope="module")
def fresh():
    return dict(zip(FRESH, _run(FRESH), strict=True))


@pytest.fixture(scope="module")
def inline():
    return dict(zip(INLINE, _run(INLINE), strict=True))


def _pictures(cell):
    return [o for o in cell.outputs if "image/png" in o.get("data", {})]


def _said(cell):
    texts = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return "".join(text for text in texts if not text.startswith("<Figure"))


def _picture(cell):
    (one,) = _pictures(cell)
    return Image.open(io.BytesIO(base64.b64decode(one["data"]["image/png"]))).convert("L")


@pytest.mark.parametrize("name", FRESH)
def test_a_cell_shows_each_picture_once(name, fresh):
    assert len(_pictures(fresh[name])) == FRESH[name][1]


@pytest.mark.parametrize("name", INLINE)
def test_the_same_with_the_magic_given(name, inline):
    assert len(_pictures(inline[name])) == INLINE[name][1]


@pytest.mark.parametrize("name", FRESH)
def test_no_cell_warns(name, fresh):
    assert not [o for o in fresh[name].outputs if o.get("name") == "stderr"]


def test_pyplot_stays_interactive(fresh):
    assert _said(fresh["interactive"]) == "True"


def test_settings_backend_and_figures_are_as_before(fresh):
    assert _said(fresh["left as it was"]) == "(True, True)"


def test_every_format_is_written(fresh):
    assert _said(fresh["saved"]) == "['forest.pdf', 'forest.png', 'forest.svg', 'forest.tiff']"


def test_what_is_refused_leaves_no_half_picture(fresh):
    assert _said(fresh["refused"]).strip() == "InputError"


def test_a_picture_holds_ink_on_its_paper(fresh):
    light, dark = _picture(fresh["assigned"]), _picture(fresh["dark"])
    assert light.getextrema()[0] < 30
    assert light.getpixel((0, 0)) == 255
    assert dark.getextrema()[1] > 225
    assert dark.getpixel((0, 0)) == 0


def test_a_picture_has_words_for_those_who_do_not_see_it(fresh):
    (one,) = _pictures(fresh["assigned"])
    assert one["metadata"]["image/png"]["alt"].startswith("Forest plot.")
    assert "0.10 (−0.52 to 0.72)" in one["metadata"]["image/png"]["alt"]
