"""Are rates of adverse events what the printed counts give, with no patient counted twice?

Exact limits are checked against the beta quantiles of scipy.stats and the closed form for zero events; pooled rates by identities and
by the published rates as printed in the sources.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import acuevidence as ae
from acuevidence.questions.safety import exact_interval


@pytest.fixture(scope="module")
def found():
    return ae.questions.safety()


def surveys(*rows):
    """Return the package's evidence with its surveys replaced."""
    evidence = ae.load_evidence()
    empty = evidence.safety.iloc[:0]
    table = pd.DataFrame(
        [
            {
                "study_id": s,
                "study": s,
                "design": "survey",
                "denominator": "treatments",
                "event": e,
                "events": x,
                "n_treatments": n,
                "source_url": "https://example.org",
                "figures_as_printed": "",
                "notes": "",
            }
            for s, e, x, n in rows
        ]
    ).reindex(columns=empty.columns)
    return replace(evidence, safety=table.astype(empty.dtypes.to_dict()))


def test_exact_limits_are_beta_quantiles():
    events, n = np.array([0, 3, 17, 50]), np.array([34407, 6348, 503397, 50])
    low, high = exact_interval(events, n)
    with np.errstate(invalid="ignore"):
        expected_low = np.nan_to_num(stats.beta.ppf(0.025, events, n - events + 1))
        expected_high = np.where(events == n, 1.0, stats.beta.ppf(0.975, events + 1, np.maximum(n - events, 1)))
    np.testing.assert_allclose(low, expected_low, rtol=1e-9)
    np.testing.assert_allclose(high, expected_high, rtol=1e-9)


def test_zero_events_bound_the_rate_from_above():
    found = ae.questions.safety(evidence=surveys(("a", "serious", 0, 20000)))
    row = found.rate("serious", "treatments")
    assert (row.rate, row.ci_low) == (0, 0)
    assert row.ci_high == pytest.approx(1e4 * (1 - 0.025 ** (1 / 20000)), rel=1e-9)
    assert row.method == "exact binomial"


def test_sources_that_agree_give_their_common_rate():
    evidence = surveys(*((name, "any", 300, 10000) for name in "abcd"))
    row = ae.questions.safety(evidence=evidence).rate("any", "treatments")
    assert row.rate == pytest.approx(300, rel=1e-3)
    assert row.ci_low < 300 < row.ci_high
    assert row.sources == 4


def test_one_source_with_events_among_several_gives_the_rate_of_the_sums():
    # 2 of 37,490 and none of 145,750: 0.109 per 10,000, which the back-transformed arcsine mean misses several times
    rows = [("a", 34407), ("b", 31822), ("c", 65482), ("d", 14039)]
    evidence = surveys(*((name, "serious", 0, n) for name, n in rows), ("e", "serious", 2, 37490))
    row = ae.questions.safety(evidence=evidence).rate("serious", "treatments")
    assert row.rate == pytest.approx(1e4 * 2 / 183240)
    assert [row.ci_low, row.ci_high] == pytest.approx(
        [1e4 * stats.beta.ppf(q, a, b) for q, a, b in ((0.025, 2, 183239), (0.975, 3, 183238))]
    )


def test_two_sources_that_differ_keep_the_limits_of_both():
    row = ae.questions.safety(evidence=surveys(("a", "any", 10, 1000), ("b", "any", 100, 1000))).rate("any", "treatments")
    low, high = exact_interval([10, 100], [1000, 1000])
    assert [row.rate, row.ci_low, row.ci_high] == pytest.approx([1e4 * 110 / 2000, 1e4 * low[0], 1e4 * high[1]])


def test_patients_and_clinicians_are_not_pooled(found):
    assert not found.rates.duplicated(["event", "denominator", "reported_by"]).any()
    # MacPherson 2004, patients: 3 of 6,348; Weidenhammer 17 of 503,397 and Zhao 2011 none of 1,968, clinicians
    first, other = found.rate("serious", "patients"), found.rate("serious", "patients", "clinicians")
    assert (first.reported_by, first.events, first.n) == ("patients", 3, 6348)
    assert (other.events, other.n) == (17, 505365)


def test_life_threatening_events_and_those_of_any_cause_are_classes_of_their_own(found):
    # Won 2022 prints the life-threatening grade alone, Endres 2004 all serious events in the period
    assert found.rate("life_threatening", "treatments").n == 37490
    assert found.rate("serious_any_cause", "patients").events == 45
    assert found.rate("serious", "treatments").events == 0


def test_sources_of_the_same_patients_are_pooled_once(found):
    used = found.sources[found.sources.pooled]
    programme = used[used.study_id.isin(["witt2009", "art_reporting2019", "arc_thesis"])]
    assert not programme.duplicated(["event", "denominator"]).any()
    thesis = found.sources.query("study_id == 'arc_thesis' and event == 'pneumothorax'").iloc[0]
    assert thesis.reason == "overlaps with witt2009: same German programme"


def test_an_overlapping_source_stands_in_when_the_first_has_no_count():
    evidence = ae.load_evidence()
    kept = evidence.safety[~((evidence.safety.study_id == "witt2009") & (evidence.safety.event == "pneumothorax"))]
    sources = ae.questions.safety(evidence=replace(evidence, safety=kept)).sources
    assert sources.query("study_id == 'arc_thesis' and event == 'pneumothorax'").pooled.all()


def test_every_row_is_pooled_or_says_why_not(found):
    assert len(found.sources) == len(ae.load_evidence().safety)
    assert (found.sources.pooled == (found.sources.reason == "")).all()
    assert not found.sources[found.sources.event == "other"].pooled.any()


def test_printed_rates_of_a_review_are_brought_to_one_unit(found):
    # printed: 1.01 (0.23 to 2.33) per 10 000 patients; 7.98 (1.39 to 20.00) per one million treatments; 9.31% (5.10% to 14.62%)
    rows = found.published.set_index(["event", "denominator"])[["rate", "ci_low", "ci_high"]]
    assert rows.loc[("serious", "patients")].tolist() == pytest.approx([1.01, 0.23, 2.33])
    assert rows.loc[("serious", "treatments")].tolist() == pytest.approx([0.0798, 0.0139, 0.2])
    assert rows.loc[("any", "patients")].tolist() == pytest.approx([931, 510, 1462])


def test_the_rate_of_any_event_per_patient_lies_with_the_published_one(found):
    ours = found.rate("any", "patients")
    theirs = found.published.query("event == 'any' and denominator == 'patients'").iloc[0]
    assert ours.ci_low < theirs.rate < ours.ci_high
    assert theirs.ci_low < ours.rate < theirs.ci_high


def test_a_pooled_rate_is_that_of_a_likelihood_on_a_fine_grid(found):
    used = found.sources[found.sources.pooled & (found.sources.event == "any") & (found.sources.denominator == "treatments")]
    events, n = used.events.to_numpy(float), used.n.to_numpy(float)
    own = np.log(events / (n - events))
    theta = own[:, None] + np.sqrt(1 / events + 1 / (n - events))[:, None] * np.linspace(-9, 9, 4001)
    binomial = events[:, None] * theta - n[:, None] * np.logaddexp(0, theta)
    weight = np.exp(binomial - binomial.max(axis=1, keepdims=True))

    def minus(at):
        density = stats.norm.pdf(theta, at[0], np.exp(at[1]))
        return -np.log((weight * density).sum(axis=1)).sum()

    mu = optimize.minimize(minus, [own.mean(), 0.5], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}).x[0]
    row = found.rate("any", "treatments")
    assert row.rate == pytest.approx(1e4 / (1 + np.exp(-mu)), rel=1e-4)
    assert (row.events, row.n) == (events.sum(), n.sum())


def test_no_patient_of_an_overlapping_programme_is_counted_twice(found):
    # notes of safety.csv: art_reporting2019 and arc_thesis "same programme as" or "part of" Witt 2009
    used = found.sources[found.sources.pooled]
    german = used[used.study_id.isin(["witt2009", "art_reporting2019", "arc_thesis"])]
    assert set(zip(german.study_id, german.event, strict=True)) == {
        ("witt2009", "any"),
        ("witt2009", "requiring_treatment"),
        ("witt2009", "pneumothorax"),
        ("art_reporting2019", "bleeding_or_haematoma"),
        ("art_reporting2019", "pain_at_site"),
    }
    # Witt 2009 2 of 229,230; without the 1 of 40,736 of the thesis
    lungs = found.rate("pneumothorax", "patients")
    assert (lungs.sources, lungs.events, lungs.n) == (1, 2, 229230)
    # Witt 2009 19,726 of 229,230; MacPherson 2004 682 of 6,348
    anything = found.rate("any", "patients")
    assert (anything.sources, anything.events, anything.n) == (2, 20408, 235578)


def test_recruits_reported_twice_are_counted_once():
    # notes of safety.csv: MacPherson 2005 "same recruits as MacPherson 2004"; it prints percents alone, so counts are invented
    evidence = surveys(("macpherson2005", "any", 300, 1000), ("macpherson2004", "any", 100, 1000))
    result = ae.questions.safety(evidence=evidence)
    row = result.rate("any", "treatments")
    assert (row.sources, row.events, row.n) == (1, 100, 1000)
    assert row.rate == pytest.approx(1000)
    assert result.sources.set_index("study_id").pooled.to_dict() == {"macpherson2005": False, "macpherson2004": True}
