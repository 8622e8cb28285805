"""The methods section names what was done, and the PRISMA items hold the result's numbers."""

import acuevidence as ae
from acuevidence.report.methods_text import methods_text, to_prisma


def test_the_methods_name_model_estimator_intervals_and_version():
    one = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02], method="PM", test="HKSJ")
    said = methods_text(one)
    assert one.methods_text() == said
    for words in ("Random-effects", "τ² by PM", "HKSJ", "prediction interval", ae.__version__):
        assert words in said


def test_prisma_items_hold_each_trial_and_the_pooled_effect():
    one = ae.meta_analysis([0.1, 0.4, 0.2], [0.01, 0.04, 0.02], labels=list("ABC"))
    items = to_prisma(one)
    assert items["19"] == "A 0.10 (SE 0.10); B 0.40 (SE 0.20); C 0.20 (SE 0.14)"
    assert f"{one.estimate:.3f} (95% CI {one.ci_low:.3f} to {one.ci_high:.3f}" in items["20b"]
    assert items["20a"].startswith("3 trials")


def test_a_synthesis_of_trials_answers_every_item_that_is_its_own():
    one = ae.pooled("low_back_pain")["sham"]
    items = to_prisma(one)
    wanted = [
        "13a",
        "13b",
        "13c",
        "13d",
        "13f",
        "14",
        "15",
        "16b",
        "17",
        "18",
        "19",
        "20a",
        "20b",
        "20d",
        "21",
        "22",
        "27",
    ]
    assert list(items) == wanted
    assert one.to_prisma() == items
    left = one.data.attrs["excluded"]
    for study in left.loc[left["arm"].isna() & (left["comparator"] == "sham"), "study"]:
        assert study in items["16b"]
    assert ae.certainty(one).level.capitalize() in items["22"]
    assert "Leibing 2002 21 (22) v 32 (22): 0.49" in items["19"]


def test_the_range_without_each_trial_is_that_of_pooling_the_others():
    yi, vi = [0.1, 0.4, 0.2], [0.01, 0.04, 0.02]
    pairs = [ae.meta_analysis([yi[i] for i in keep], [vi[i] for i in keep]).estimate for keep in ((1, 2), (0, 2), (0, 1))]
    assert f"between {min(pairs):.3f} and {max(pairs):.3f}" in to_prisma(ae.meta_analysis(yi, vi))["20d"]


def test_a_meta_regression_reports_its_moderators():
    data = ae.trial_effects("low_back_pain", comparator="sham")
    items = to_prisma(ae.meta_analysis("yi", "vi", data=data, moderators="~ year"))
    assert items["13e"] == "Meta-regression on year."
    assert "year" in items["20c"]
    assert not {"13f", "20d", "22"} & set(items)


def test_the_version_of_the_evidence_stands_in_the_methods_and_the_citation():
    import json
    from pathlib import Path

    import yaml

    root = Path(__file__).resolve().parents[2]
    version = json.loads((root / "data" / "datapackage.json").read_text(encoding="utf-8"))["version"]
    (data,) = [
        one for one in yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))["references"] if one["type"] == "data"
    ]
    assert str(data["version"]) == ae.load_evidence().version == version
    assert f"on evidence version {version}." in ae.pooled("neck_pain")["sham"].methods_text()
    assert "evidence version" not in ae.meta_analysis([0.1, 0.4], [0.01, 0.04]).methods_text()


def test_the_methods_say_what_is_printed_of_few_trials():
    pools = ae.pooled("pelvic_pain")
    assert "Printed: both trials, not pooled." in pools["sham, women"].methods_text()
    assert "Bayesian normal-normal model, flat mu, prior of τ rhodes-pain" in pools["sham, men"].methods_text()
    assert "Printed:" not in ae.pooled("neck_pain")["sham"].methods_text()
