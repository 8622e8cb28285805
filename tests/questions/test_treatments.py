"""Does the network of treatments hold what the trials print? By hand on invented trials, by identities on the real ones."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import acuevidence as ae
from acuevidence.errors import InputError
from acuevidence.questions.treatments import arm_treatments


def invented(*trials):
    """Return evidence of trials ``(name, technique, [(arm, role, sham_type, mean)])``, 50 patients an arm, SD 20, pain 0-100."""
    base = ae.load_evidence()
    heads, arms, results = [], [], []
    for name, technique, sides in trials:
        heads.append(
            {
                "trial_id": name,
                "study": name,
                "condition": "neck_pain",
                "year": 2020,
                "design": "parallel",
                "n_randomized": 50 * len(sides),
                "technique": technique,
                "treatment_weeks": 8.0,
            }
        )
        for arm, role, sham, mean in sides:
            arms.append(
                {
                    "condition": "neck_pain",
                    "trial_id": name,
                    "arm": arm,
                    "role": role,
                    "sham_type": sham,
                    "description": arm,
                    "n_randomized": 50,
                }
            )
            results.append(
                {
                    "condition": "neck_pain",
                    "trial_id": name,
                    "outcome": "pain",
                    "measure": "VAS pain (0-100)",
                    "scale_min": 0.0,
                    "scale_max": 100.0,
                    "higher_is": "worse",
                    "week": 8.0,
                    "statistic": "final",
                    "arm": arm,
                    "n": 50,
                    "n_basis": "analysed",
                    "mean": mean,
                    "sd": 20.0,
                    "benefit": -1,
                    "source_url": "https://example.org",
                    "source_kind": "trial_table",
                    "locator": "table",
                    "figures_as_printed": str(mean),
                    "extraction": "single",
                }
            )
    tables = {"trials": heads, "arms": arms, "results": results, "contrasts": [], "directions": []}
    return replace(
        base,
        **{n: pd.DataFrame(rows, columns=getattr(base, n).columns).convert_dtypes() for n, rows in tables.items()},
    )


THREE_ARMS = (
    "one",
    "manual",
    [("needles", "acupuncture", None, 40.0), ("placebo", "sham", "nonpenetrating", 50.0), ("doctor", "usual_care", None, 60.0)],
)


def test_a_three_arm_trial_gives_three_effects_as_by_hand():
    net = ae.questions.treatment_network("neck_pain", invented(THREE_ARMS))
    j = math.exp(math.lgamma(49) - math.lgamma(48.5)) / math.sqrt(49)  # Hedges 1981, 98 degrees of freedom
    sham, care = j * 10 / 20, j * 20 / 20
    assert net.estimates.loc["manual acupuncture", "non-penetrating sham"] == pytest.approx(sham, rel=1e-12)
    assert net.estimates.loc["manual acupuncture", "usual care"] == pytest.approx(care, rel=1e-12)
    assert net.estimates.loc["non-penetrating sham", "usual care"] == pytest.approx(care - sham, rel=1e-12)
    v_sham, v_care = 2 / 50 + sham**2 / 200, 2 / 50 + care**2 / 200
    shared = 1 / 50 + sham * care / (2 * 150)  # Gleser & Olkin 2009
    assert net.se.loc["non-penetrating sham", "usual care"] ** 2 == pytest.approx(v_sham + v_care - 2 * shared, rel=1e-9)
    assert net.data.attrs["participants"] == {"manual acupuncture": 50, "non-penetrating sham": 50, "usual care": 50}


def test_a_network_in_two_parts_is_refused_by_the_names_of_its_parts():
    apart = ("two", "electro", [("current", "acupuncture", None, 40.0), ("list", "waitlist", None, 50.0)])
    with pytest.raises(InputError, match=r"\{electroacupuncture, waiting list\}; \{manual acupuncture, non-pen.*usual care\}"):
        ae.questions.treatment_network("neck_pain", invented(THREE_ARMS, apart))
    assert ae.questions.treatment_network("neck_pain", invented(THREE_ARMS, apart), by="role").k == 2


def test_pooled_arms_do_not_count_beside_their_parts():
    parts = [("needles", "acupuncture", None, 40.0), ("shallow", "sham", "penetrating_superficial", 50.0)]
    both = ("one", "manual", [*parts, ("sham_pooled", "sham", "other", 50.0)])
    alone = ("one", "manual", [parts[0], ("sham_pooled", "sham", "other", 50.0)])
    assert list(ae.questions.treatment_network("neck_pain", invented(both)).treatments) == [
        "manual acupuncture",
        "penetrating sham",
    ]
    assert list(ae.questions.treatment_network("neck_pain", invented(alone)).treatments) == ["manual acupuncture", "sham (other)"]


def test_no_usable_figure_is_said():
    with pytest.raises(InputError, match="no trial prints usable figures on two treatments"):
        ae.questions.treatment_network("fibromyalgia", invented(THREE_ARMS))


def test_an_unknown_grouping_is_refused():
    with pytest.raises(InputError, match="by='colour' is not known"):
        ae.questions.treatment_network("neck_pain", by="colour")


def test_two_arm_trials_against_sham_enter_with_the_effect_of_their_trial():
    effects = ae.trial_effects("neck_pain", comparator="sham").set_index("trial_id")["yi"]
    rows = ae.questions.treatment_network("neck_pain", by="role").data.query("treat1 == 'acupuncture' and treat2 == 'sham'")
    assert len(rows) == len(effects)
    np.testing.assert_allclose(rows.set_index("study")["yi"].sort_index(), effects.sort_index(), rtol=1e-12)


def test_effects_within_every_real_trial_add_up():
    rows = ae.questions.treatment_network(inconsistent="keep").data
    closed = 0
    for _, trial in rows.groupby("study"):
        yi = {(r.treat1, r.treat2): r.yi for r in trial.itertuples()}
        yi |= {(b, a): -y for (a, b), y in yi.items()}
        for a, b, c in itertools.combinations(sorted({n for pair in yi for n in pair}), 3):
            assert yi[a, b] + yi[b, c] == pytest.approx(yi[a, c], abs=1e-12)
            closed += 1
    assert closed >= 10


def test_every_arm_with_a_role_is_one_treatment():
    evidence = ae.load_evidence()
    treatments = arm_treatments(evidence)
    assert treatments.isna().equals(evidence.arms["role"].isna())
    shams = treatments[evidence.arms["sham_type"] == "nonpenetrating"]
    assert set(shams) == {"non-penetrating sham"}


def test_every_trial_without_usable_figures_is_listed_with_its_reason():
    silent = ("two", "manual", [("needles", "acupuncture", None, 40.0), ("doctor", "usual_care", None, None)])
    left = ae.questions.treatment_network("neck_pain", invented(THREE_ARMS, silent)).data.attrs["excluded"]
    assert left[["trial_id", "treatment"]].values.tolist() == [["two", "usual care"]]
    assert "one side" in left["reason"].item()


# --- parts of the treatment -------------------------------------------------------------------------------------------

J = math.gamma(49) / (math.sqrt(49) * math.gamma(48.5))  # of 98 degrees of freedom: two arms of 50
OFF_POINT = ("two", "manual", [("needles", "acupuncture", None, 40.0), ("beside", "sham", "penetrating_off_point", 44.0)])
CURRENT = ("three", "electro", [("current", "acupuncture", None, 36.0), ("placebo", "sham", "nonpenetrating", 50.0)])
UNKNOWN = ("four", "manual", [("needles", "acupuncture", None, 40.0), ("laser", "sham", "other", 41.0)])


def test_parts_by_hand():
    """Means of 60 untreated, 50 with the ritual, 44 with the skin, 40 with the point and 36 with current; SD 20."""
    found = ae.questions.components("neck_pain", evidence=invented(THREE_ARMS, OFF_POINT, CURRENT, UNKNOWN))
    worth = {"ritual": 10, "skin": 6, "point": 4, "current": 4}
    assert found.components["estimate"].to_dict() == pytest.approx({part: J * points / 20 for part, points in worth.items()})
    assert found.components["k"].to_dict() == {"ritual": 1, "skin": 2, "point": 3, "current": 1}
    assert found.combinations.loc["ritual + skin + point", "estimate"] == pytest.approx(J)
    assert found.together(["skin", "point"])["estimate"] == pytest.approx(J / 2)
    assert found.together(["skin"])["se"] == pytest.approx(found.components.loc["skin", "se"])
    assert (found.holds, found.q_additive, found.assumed) == (True, pytest.approx(0.0, abs=1e-12), 0)
    assert found.left_out["arm"].tolist() == ["laser"]
    assert "1 sham arm" in found.summary()


def test_parts_that_trials_do_not_tell_apart():
    found = ae.questions.components("neck_pain", evidence=invented(THREE_ARMS))
    assert found.components["estimate"].notna().to_dict() == {"ritual": True, "skin": False, "point": False}
    assert found.combinations.loc["ritual", "estimate"] == pytest.approx(J / 2)


def test_technique_not_reported_is_assumed():
    silent = ("five", "not_reported", [("needles", "acupuncture", None, 40.0), ("beside", "sham", "penetrating_off_point", 52.0)])
    found = ae.questions.components("neck_pain", evidence=invented(THREE_ARMS, OFF_POINT, CURRENT, silent))
    assert found.assumed == 1
    assert found.without_assumed.loc["point", "estimate"] == pytest.approx(J / 5)
    assert found.components.loc["point", "estimate"] > 0.3


def test_sums_that_do_not_add_up_are_not_drawn():
    shams = [("placebo", "sham", "nonpenetrating", 50.0), ("beside", "sham", "penetrating_off_point", 20.0)]
    against = [(f"{i}", "manual", [("needles", "acupuncture", None, 40.0), shams[i % 2]]) for i in range(4)]
    whole = [(f"{i}", "manual", [("needles", "acupuncture", None, 40.0), ("doctor", "usual_care", None, 60.0)]) for i in (4, 5)]
    three = [
        (f"{i}", "manual", [("needles", "acupuncture", None, 40.0), shams[0], ("doctor", "usual_care", None, 90.0)]) for i in (6, 7)
    ]
    found = ae.questions.components("neck_pain", evidence=invented(*against, *whole, *three))
    assert not found.holds
    assert "speak against adding up" in found.summary()
    assert any("not drawn" in text.get_text() for text in found.plot().texts)


def test_parts_of_all_conditions():
    found = ae.questions.components()
    # Of every trial each set of arms has a row against its treated arm: parts that differ are those of the contrasts.
    assert found.components.loc["point", "k"] == found.model.k == found.effects["trial_id"].nunique()
    mean = np.average(found.conditions["estimate"].dropna(), weights=found.conditions["k"][found.conditions["estimate"].notna()])
    assert found.components.loc["ritual", "estimate"] == pytest.approx(mean)
    assert set(found.left_out["sham_type"].dropna()) == {"other"}


def test_parts_need_words():
    evidence = ae.load_evidence()
    silent = replace(evidence, topic=replace(evidence.topic, components={}))
    with pytest.raises(InputError, match="names no parts"):
        ae.questions.components(evidence=silent)
    wrong = {"parts": {"ritual": {}}, "arms": [{"has": ["talk"], "role": "sham"}]}
    with pytest.raises(InputError, match="'talk', which is none of components.parts"):
        ae.questions.components(evidence=replace(evidence, topic=replace(evidence.topic, components=wrong)))
    with pytest.raises(InputError, match="two arms of known parts"):
        ae.questions.components("fibromyalgia", evidence=invented(THREE_ARMS))
