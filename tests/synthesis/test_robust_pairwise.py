"""Cluster-robust tests of pairwise results against clubSandwich 0.6."""

import json
from pathlib import Path

import pandas as pd
import pytest

import acuevidence as ae

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR2"])
@pytest.mark.parametrize(
    ("name", "moderators", "cluster"),
    [("hackshaw1998", "~ year", "country"), ("bcg__ablat_year", "~ ablat + year", "study")],
)
def test_robust_meta_regression_agrees_with_clubsandwich(kind, name, moderators, cluster):
    read = json.loads((REFERENCE / f"robust__dat.{name}.json").read_text())
    fitted = ae.meta_analysis("yi", "vi", data=pd.DataFrame(read["data"]), moderators=moderators)
    found, want = fitted.robust(cluster, kind), read["expected"][kind]
    assert found.coefficients["se"].tolist() == pytest.approx(want["Satterthwaite"]["SE"], rel=1e-7)
    assert found.coefficients["df"].tolist() == pytest.approx(want["Satterthwaite"]["df_Satt"], rel=1e-7)
    wald = found.wald()
    assert wald.statistic == pytest.approx(want["Wald_HTZ"]["Fstat"], rel=1e-7)
    assert wald.df2 == pytest.approx(want["Wald_HTZ"]["df_denom"], rel=1e-7)


def test_the_test_asked_of_the_model_does_not_change_its_robust_tests():
    y, v = [0.2, 0.5, -0.1, 0.4], [0.02, 0.04, 0.03, 0.05]
    first, second = (ae.meta_analysis(y, v, test=test).robust(list("aabc")) for test in ("z", "HKSJ"))
    assert first.se == pytest.approx(second.se, rel=1e-12)
    assert first.df == pytest.approx(second.df, rel=1e-12)


def test_robust_needs_two_clusters():
    with pytest.raises(ae.InputError, match="at least two clusters"):
        ae.meta_analysis([0.2, 0.5], [0.02, 0.04]).robust(["a", "a"])
