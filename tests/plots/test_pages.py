"""What a figure is as a page: its size in millimetres, its colours and fonts, its file, and whose settings it leaves alone."""

import re
import struct

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.font_manager import findfont, get_font
from matplotlib.text import Text

import acuevidence as ae
from acuevidence.errors import InputError
from acuevidence.plots.parts.style import families


def result(**options):
    return ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02], labels=["Aa 2001", "Bb 2002", "Cc 2003"], **options)


def words(ax):
    return " ".join(t.get_text() for t in ax.texts)


@pytest.mark.parametrize(("width", "mm"), [("single", 89), ("double", 183), (89, 89), (120.5, 120.5)])
@pytest.mark.parametrize("plot", ["forest", "funnel", "radial"])
def test_a_file_has_the_width_asked_for(plot, width, mm, tmp_path):
    svg = ae.plots.save(getattr(ae.plots, plot)(result(), width=width), tmp_path / "a.svg").read_text(encoding="utf-8")
    assert float(re.search(r'width="([0-9.]+)pt"', svg)[1]) * 25.4 / 72 == pytest.approx(mm, abs=0.001)


def test_text_of_a_drawing_is_text_with_title_and_description(tmp_path):
    svg = ae.plots.save(result().forest(title="Three trials"), tmp_path / "a.svg").read_text(encoding="utf-8")
    assert ">Aa 2001</text>" in svg
    assert "<title>Three trials</title>" in svg
    assert "<desc>Forest plot. Three trials." in svg
    assert "Aa 2001 0.10 (−0.10 to 0.30)." in svg
    assert svg == ae.plots.save(result().forest(title="Three trials"), tmp_path / "b.svg").read_text(encoding="utf-8")


def test_fonts_of_a_pdf_are_embedded_as_truetype(tmp_path):
    pdf = ae.plots.save(result().forest(), tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf


def test_a_png_has_the_pixels_asked_for_whatever_the_settings(tmp_path):
    with mpl.rc_context({"savefig.dpi": 30, "savefig.bbox": "tight"}):
        png = ae.plots.save(result().forest(width=89), tmp_path / "a.png", dpi=600).read_bytes()
    assert struct.unpack(">I", png[16:20])[0] == int(89 / 25.4 * 600)


@pytest.mark.parametrize("file", ["a.docx", "a", "no/folder/a.png"])
def test_what_cannot_be_written_is_refused(file, tmp_path):
    with pytest.raises(InputError):
        ae.plots.save(result().forest(), tmp_path / file)


def test_dark_paper_has_light_ink():
    with plt.style.context("dark_background"):
        figure = result().forest(mid=(0.2, 0.3)).figure
    assert to_rgb(figure.get_facecolor()) == (0, 0, 0)
    ink = [to_rgb(t.get_color()) for t in figure.findobj(Text) if t.get_text()]
    assert min(min(colour) for colour in ink) > 0.6


def test_the_font_of_the_user_is_the_font_of_the_figure():
    with mpl.rc_context({"font.family": "STIXGeneral"}):
        assert {t.get_fontname() for t in result().forest().texts} == {"STIXGeneral"}


def test_letters_that_the_font_lacks_come_from_one_that_has_them():
    assert families("Smith", ("cmr10",)) == ["cmr10", "sans-serif"]
    found = families("Иванов", ("cmr10",))
    assert found[0] == "cmr10"
    assert set(map(ord, "Иванов")) <= set(get_font(findfont(found[1])).get_charmap())


def test_a_dollar_is_no_mathematics():
    ax = ae.meta_analysis([0.1, 0.2], [0.1, 0.1], labels=["Cost $5$ a day", "Smith"]).forest()
    assert not next(t for t in ax.texts if "$" in t.get_text()).get_parse_math()


def test_given_axes_keep_their_ticks():
    _, axes = plt.subplots(2, 2)
    result().funnel(ax=axes[0, 1])
    assert axes[0, 1].xaxis.get_tick_params()["labelbottom"]
    assert axes[0, 1].yaxis.get_tick_params()["labelleft"]


def test_axes_that_are_too_small_are_told_the_height_they_need():
    _, ax = plt.subplots(figsize=(8, 1.5))
    with pytest.warns(UserWarning, match="needs a height of"):
        result().forest(ax=ax)


def test_the_size_foretold_is_the_size_drawn():
    before = plt.get_fignums()
    foretold = ae.plots.forest_size(result(), width=150)
    assert plt.get_fignums() == before
    assert foretold == pytest.approx(tuple(25.4 * result().forest(width=150).figure.get_size_inches()))


@pytest.mark.parametrize(
    "options",
    [
        {"favours": "X"},
        {"favours": ("a", "b", "c")},
        {"limits": (1, -1)},
        {"limits": 3},
        {"mid": (0.5, 0.2)},
        {"mid": "pain"},
        {"width": "Single"},
        {"width": 7},
        {"width": True},
        {"ax": "x"},
        {"size": 0},
        {"size": "big"},
        {"digits": -1},
    ],
)
def test_what_no_figure_can_be_is_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        result().forest(**options)


@pytest.mark.parametrize("k", [1, 2])
def test_the_axis_of_a_small_pool_holds_every_interval(k):
    ax = ae.meta_analysis([0.5, 0.1][:k], [0.4, 0.02][:k]).forest()
    low, high = ax.get_xlim()
    assert low < 0.5 - 1.96 * 0.4**0.5
    assert high > 0.5 + 1.96 * 0.4**0.5
    assert not {line.get_marker() for line in ax.lines} & {"<", ">"}


def test_one_trial_that_would_squeeze_the_others_is_cut():
    ax = ae.meta_analysis([0.1, 0.2, 0.15, 0.3, 0.1], [0.01, 0.01, 0.02, 0.02, 25.0]).forest(prediction=False)
    assert np.diff(ax.get_xlim()) < 4
    assert {"<", ">"} <= {line.get_marker() for line in ax.lines}


def test_decimals_follow_the_scale():
    small = pd.DataFrame({"yi": [0.004, 0.003], "vi": [4e-6, 4e-6], "effect": "RD"})
    large = pd.DataFrame({"yi": [-12.0, -9.0], "vi": [6.0, 7.0], "effect": "MD"})
    assert "0.004 (0.000 to 0.008)" in words(ae.meta_analysis("yi", "vi", data=small).forest())
    assert "−12.0 (−16.8 to −7.2)" in words(ae.meta_analysis("yi", "vi", data=large).forest())
    assert "−12 (−17 to −7)" in words(ae.meta_analysis("yi", "vi", data=large).forest(digits=0))


def test_years_and_p_values_of_columns_read_as_such():
    data = pd.DataFrame({"yi": [0.1, 0.2], "vi": 0.1, "year": [2000, 2010], "p": [0.00001, 0.04], "n": [1200, 12000]})
    said = words(ae.meta_analysis("yi", "vi", data=data).forest(columns=["year", "p", "n"])).split()
    assert {"2000", "2010", "<0.001", "0.040", "1,200", "12,000"} <= set(said)


def test_a_result_of_unknown_direction_says_lower_and_higher():
    for layout in ae.plots.LAYOUTS:
        said = words(result().forest(layout=layout))
        assert "← Lower" in said
        assert "Higher →" in said
        assert "acupuncture" not in said.casefold()


def test_published_figures_do_not_depend_on_the_settings_of_the_user():
    from acuevidence.report.drawing import _render
    from acuevidence.report.figures import figures

    plain = _render(figures()["safety"])
    with plt.style.context("dark_background"), mpl.rc_context({"font.size": 20, "font.family": "STIXGeneral"}):
        assert _render(figures()["safety"]) == plain
    assert not plt.get_fignums()
