"""The methods section names what was done, and the PRISMA items hold the result's numbers."""

import acuevidence as ae
from acuevidence.report.methods import methods_text, to_prisma


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
