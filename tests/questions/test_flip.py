"""The smallest trial that moves a state: by the rules of the headline itself, and by hand where two trials are told apart."""

from __future__ import annotations

import numpy as np
import pytest

import acuevidence as ae
from acuevidence.appraisal.headline import headline, headlines
from acuevidence.questions.flip import EFFECTS, SMALLEST, flips_of, states_with
from acuevidence.synthesis.bayes import posterior_of
from acuevidence.synthesis.posteriors import posteriors_of


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 9, 10])
def test_many_headlines_are_those_of_one_at_a_time(k: int) -> None:
    rng = np.random.default_rng(k)
    rows = ae.trial_effects("headache", comparator="sham").head(1)
    rows = rows.iloc[np.zeros(k, dtype=int)].assign(yi=rng.normal(0.35, 0.25, k), vi=rng.uniform(0.02, 0.08, k))
    sets = [rows, *(rows.assign(yi=rows["yi"] + by) for by in (-0.6, -0.3, -0.2, -0.1, 0.3))]
    y, v = (np.array([one[name] for one in sets]) for name in ("yi", "vi"))
    found = headlines(
        ae.meta_analysis("yi", "vi", data=rows), np.hstack([y, y * np.nan]), np.hstack([v, v * np.nan]), threshold=0.3
    )
    for got, one in zip(found.itertuples(), sets, strict=True):
        shown = headline(ae.meta_analysis("yi", "vi", data=one), threshold=0.3)
        assert (got.k, got.state) == (k, shown.state)
        numbers = [np.nan if x is None else x for x in (shown.estimate, shown.ci_low, shown.ci_high)]
        assert [got.estimate, got.ci_low, got.ci_high] == pytest.approx(numbers, abs=2e-3, nan_ok=True)


def test_a_second_trial_is_told_by_both_intervals() -> None:
    # One trial of 0.5 (0.304 to 0.696) is important where 0.1 matters. A second one that finds 0.2 has a lower limit above zero from N
    # on where 0.2 > 1.96 sqrt(4.02 / N), that is 386.1 participants; smaller ones leave the effect open.
    one = ae.meta_analysis([0.5], [0.01])
    assert list(states_with(one, np.array([0.2, 0.2]), np.array([386.0, 387.0]), threshold=0.1)) == [
        "cannot tell",
        "benefit, importance uncertain",
    ]


def test_a_pool_names_the_first_size_of_its_own_rule() -> None:
    result = ae.pooled("fibromyalgia")["sham"]
    now = headline(result)
    found = flips_of(result, now)
    assert list(found["effect"]) == list(EFFECTS)
    for row in found.dropna().itertuples():
        sizes = np.array([row.participants, 20.0, 0.85 * row.participants])
        there, least, smaller = states_with(result, np.full(3, row.effect), sizes)
        assert there == row.to != now.state
        assert {least, smaller} == {now.state} or row.participants == SMALLEST


def test_many_posteriors_are_those_of_one_at_a_time() -> None:
    rng = np.random.default_rng(3)
    y, v = rng.normal(0.3, 0.3, (4, 6)), rng.uniform(0.02, 0.1, (4, 6))
    y[1, 3:], v[1, 3:] = np.nan, np.nan
    many = np.column_stack(posteriors_of(y, v, "rhodes-pain"))
    for i, k in enumerate((6, 3, 6, 6)):
        one = posterior_of(y[i, :k], v[i, :k], "rhodes-pain").loc["mu", ["median", "ci_low", "ci_high"]].to_numpy()
        assert np.abs(many[i] - one).max() < 2e-3 * (one[2] - one[1])


def test_answers_name_the_trial_that_would_move_them() -> None:
    (row,) = ae.evaluate_claims("fibro-mixed").itertuples()
    result = ae.pooled("fibromyalgia")["sham"]
    found = flips_of(result, headline(result))
    (line,) = [one for one in row.flip.splitlines() if one.startswith("v sham, now cannot tell")]
    for one in found.itertuples():
        told = f"{one.participants:,.0f} participants that finds {one.effect:g}"
        assert (told in line and one.to in line) if one.participants == one.participants else line.endswith(f"{one.effect:g}")


def test_every_pool_has_a_row_for_every_effect() -> None:
    found = ae.questions.flip("low_back_pain", effects=(0.0, 1.0))
    assert found.rows[["group", "effect"]].to_numpy().tolist() == [["sham", 0], ["sham", 1], ["usual_care", 0], ["usual_care", 1]]
    with pytest.raises(ae.InputError, match="effects must be a list of which each is a number"):
        ae.questions.flip("low_back_pain", effects=(float("nan"),))
