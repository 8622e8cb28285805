"""Sentences agree with the number of trials they speak of."""

import acuevidence as ae
from acuevidence.report.sentences import coverage, meaning


def test_one_trial_prints_and_gives():
    effects = ae.trial_effects("neck_pain", comparator="sham")
    single = effects.iloc[:1].copy()
    single.attrs = effects.attrs
    assert "1 trial prints a figure" in coverage("neck_pain", single)
    one = ae.meta_analysis("yi", "vi", data=single, labels="study")
    assert "participants gives a difference" in meaning("neck_pain", {"sham": one})


def test_several_trials_print_and_give():
    effects = ae.trial_effects("neck_pain", comparator="sham")
    assert f"{len(effects)} trials print a figure" in coverage("neck_pain", effects)
    assert "participants give a pooled difference" in meaning("neck_pain", ae.pooled("neck_pain"))
