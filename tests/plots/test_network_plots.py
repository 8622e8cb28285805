"""What the figures of a network show, read off their artists."""

import numpy as np
import pytest
from matplotlib.patches import Ellipse

import acuevidence as ae
from acuevidence.errors import InputError


@pytest.fixture(scope="module")
def net():
    return ae.questions.treatment_network("neck_pain")


def test_the_area_of_a_node_is_its_participants(net):
    nodes = [p for p in ae.plots.network(net).patches if isinstance(p, Ellipse)]
    area = np.array([p.width * p.height for p in nodes])
    patients = np.array([net.data.attrs["participants"][name] for name in net.treatments])
    np.testing.assert_allclose(area / area.max(), patients / patients.max())


def test_every_pair_that_trials_compare_is_an_edge(net):
    pairs = {frozenset(pair) for pair in net.data[["treat1", "treat2"]].itertuples(index=False, name=None)}
    ax = ae.plots.network(net)
    assert len(ax.lines) == len(pairs)
    wide = sorted(line.get_linewidth() for line in ax.lines)
    assert wide[0] < wide[-1]


def test_participants_given_must_cover_all_treatments(net):
    with pytest.raises(InputError, match="participants lacks active care"):
        ae.plots.network(net, participants={"usual care": 10})


def test_the_darkest_cells_of_the_league_are_the_surest(net):
    ax = ae.plots.league(net)
    order = list(net.p_scores.sort_values(ascending=False).index)
    n = len(order)
    shade = np.full((n, n), np.nan)
    for patch in ax.patches:
        j, i = (round(v + half) for v, half in zip(patch.get_xy(), (0.48, 0.47), strict=True))
        red, green, *_ = patch.get_facecolor()
        shade[i, j] = green - red
    z = (net.estimates / net.se.where(net.se > 0)).loc[order, order].to_numpy()
    below = np.tril_indices(n, -1)
    assert np.all((shade[below] > 0.05) <= (z[below] > 0))
    assert np.all((shade[below] < -0.05) <= (z[below] < 0))


def test_the_bars_of_the_ranking_are_the_p_scores(net):
    ax = ae.plots.ranks(net)
    bars = [bar.get_width() for bar in ax.patches]
    np.testing.assert_allclose(bars, net.p_scores.sort_values(ascending=False))
    said = [text.get_text() for text in ax.texts]
    best = net.to_frame().loc[net.p_scores.idxmax()]
    assert f"{best.estimate:.2f} ({best.ci_low:.2f} to {best.ci_high:.2f})" in said
    assert said.count("reference") == 1


@pytest.mark.parametrize("name", ["league", "network", "ranks"])
def test_a_network_figure_keeps_to_the_axes_it_is_given(name, net):
    import matplotlib.pyplot as plt

    figure, given = plt.subplots()
    assert getattr(ae.plots, name)(net, ax=given) is given
    plt.close(figure)
