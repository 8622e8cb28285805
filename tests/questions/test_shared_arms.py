"""How effects of one trial covary, by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.questions.shared_arms import shared_arm_covariance, shared_patients_covariance

_ROWS = {"trial_id": "A", "arms": "needles", "comparator_arms": ["sham", "usual"], "effect": "SMD", "kind": "final"}


def _rows(**more: object) -> pd.DataFrame:
    known = {"yi": [0.2, 0.6], "vi": [0.0202, 0.0312], "n1": 100, "n2": [100, 50], "spread1": 1.0, "spread2": 1.0}
    return pd.DataFrame({**_ROWS, **known, **more})


def test_standardised_means_by_hand() -> None:
    # 1 / 100 + 0.2 x 0.6 / (2 x 250)
    assert shared_arm_covariance(_rows()).iloc[0, 1] == pytest.approx(0.01024, rel=1e-12)


def test_adjusted_differences_covary_by_less() -> None:
    # 0.8 x 0.9 / 100 + 0.2 x 0.6 / (2 x 250)
    found = shared_arm_covariance(_rows(spread1=[0.8, 0.9], spread2=[0.8, 0.9])).iloc[0, 1]
    assert found == pytest.approx(0.0072 + 0.00024, rel=1e-12)


def test_points_covary_by_the_variance_over_n() -> None:
    # 20^2 / 100, and nothing for the effects themselves
    found = shared_arm_covariance(_rows(effect="MD", yi=[5.0, 9.0], vi=[8.0, 12.0], spread1=20.0, spread2=20.0))
    assert found.iloc[0, 1] == pytest.approx(4.0, rel=1e-12)


def test_weeks_of_an_adjusted_difference() -> None:
    # 0.6 x 0.8^2 x (1 / 100 + 1 / 100) + 0.36 x 0.3 x 0.4 / (2 x 200)
    rows = _rows(comparator_arms="sham", week=[4.0, 8.0], yi=[0.3, 0.4], n2=100, vi=[0.013, 0.0132], spread1=0.8, spread2=0.8)
    assert shared_patients_covariance(rows, "week", 0.6).iloc[0, 1] == pytest.approx(0.00768 + 0.000108, rel=1e-12)


def test_spreads_add_up_to_the_variance() -> None:
    effects = ae.trial_effects()
    counts = effects[(effects["kind"] == "count") & effects["events1"].notna()].astype({"n1": float, "n2": float})
    assert len(counts) > 5
    variance = counts["spread1"] ** 2 / counts["n1"] + counts["spread2"] ** 2 / counts["n2"]
    whole = counts["derivation"].str.contains("logistic")
    assert variance[whole].to_numpy() == pytest.approx(counts.loc[whole, "vi"].to_numpy(), rel=1e-9)


def test_responders_by_hand() -> None:
    # Lee 2008: 32 of 44 and 21 of 45 respond
    one = ae.trial_effects("pelvic_pain", comparator="sham").set_index("study").loc["Lee 2008"]
    assert one["spread1"] == pytest.approx(math.sqrt(3 * 44 * (1 / 32 + 1 / 12)) / math.pi, rel=1e-12)
    assert one["spread2"] == pytest.approx(math.sqrt(3 * 45 * (1 / 21 + 1 / 24)) / math.pi, rel=1e-12)


def test_a_shared_arm_of_unknown_size_covaries_by_half_the_variance():
    # two arms of one size n with one spread: vi = 2 spread^2 / n, and the arm in common has spread^2 / n
    frame = pd.DataFrame({"trial_id": ["a", "a"], "yi": [1.0, 2.0], "vi": [0.04, 0.04], "effect": "MD", "kind": "final"})
    frame = frame.assign(arms="one", comparator_arms=["two", "three"], n1=np.nan, n2=np.nan, spread1=np.nan, spread2=np.nan)
    V = shared_arm_covariance(frame).to_numpy()
    np.testing.assert_allclose(V, [[0.04, 0.02], [0.02, 0.04]])
