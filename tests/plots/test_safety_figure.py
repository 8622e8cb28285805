"""The safety figure shows every class with its rate and interval, and says where a log axis cannot."""

import pytest

import acuevidence as ae


@pytest.fixture(scope="module")
def found():
    return ae.questions.safety()


def test_every_class_and_denominator_has_a_row_with_its_counts(found):
    labels = [text.get_text() for text in ae.plots.safety(found).get_yticklabels()]
    assert labels == [
        f"{row.label}, per {row.denominator.removesuffix('s')}, {row.reported_by} report" for row in found.rates.itertuples()
    ]


def test_marks_stand_at_the_rates_and_lines_end_at_the_limits(found):
    ax = ae.plots.safety(found)
    low, high = ax.get_xlim()
    marks = [line for line in ax.lines if line.get_marker() in ("o", "s")]
    spans = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linewidth() > 1]
    for mark, span, row in zip(marks, spans, found.rates.itertuples(), strict=True):
        assert list(span.get_xdata()) == [max(row.ci_low, low), min(row.ci_high, high)]
        assert mark.get_xdata()[0] == (row.rate if row.events else row.ci_high)


def test_no_event_is_an_open_mark_at_the_upper_limit_with_an_arrow(found):
    ax = ae.plots.safety(found)
    none = (found.rates["events"] == 0).to_numpy()
    marks = [line for line in ax.lines if line.get_marker() in ("o", "s")]
    assert [line.get_markerfacecolor() == "white" for line in marks] == list(none)
    arrows = sum(line.get_marker() == "<" for line in ax.lines)
    assert arrows == (found.rates["ci_low"] < ax.get_xlim()[0]).sum()


@pytest.mark.parametrize("size", [5, 9])
def test_a_narrow_figure_writes_every_rate_above_its_row(found, size):
    ax = ae.plots.safety(found, width="single", size=size)
    assert len(ax.texts) == len(found.rates)
    assert len({text.get_fontsize() for text in ax.texts}) == 1
