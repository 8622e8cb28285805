"""One number, one place: the same analysis is printed with the same numbers wherever it stands.

Every place is read as a reader would read it, as text, and compared with ``result.headline()``.
"""

import html
import math
import re

import matplotlib.pyplot as plt
import pytest

import acuevidence as ae
from acuevidence.report.analysis import analysis_text
from acuevidence.report.sentences import beside_published, meaning
from acuevidence.report.tables import summary_of_findings
from acuevidence.verdicts.claims import answered

CONDITIONS = ["low_back_pain", "knee_osteoarthritis", "headache", "neck_pain", "shoulder_pain", "pelvic_pain"]
CLAIMS = {"lbp-relief": "low_back_pain", "knee-relief": "knee_osteoarthritis", "neck-relief": "neck_pain"}


@pytest.fixture(scope="module")
def pools():
    return {name: dict(ae.pooled(name)) for name in CONDITIONS}


@pytest.fixture(scope="module")
def printed(pools):
    """What a headline comes to in words: condition and group to estimate with interval, None where nothing is pooled."""
    found = {}
    for name, of in pools.items():
        for group, one in of.items():
            shown = one.headline()
            text = f"{shown.estimate:.2f} ({shown.ci_low:.2f} to {shown.ci_high:.2f})" if shown.estimate is not None else None
            found[name, group] = text
    return found


def test_there_are_pools_of_every_size(pools):
    sizes = {one.k for of in pools.values() for one in of.values()}
    assert {1, 2, 3, 4} <= sizes
    assert max(sizes) >= 5


@pytest.mark.parametrize("condition", CONDITIONS)
def test_findings_sentences_and_the_command_print_the_headline(pools, printed, condition):
    table = summary_of_findings(pools[condition]).frame
    paragraphs = meaning(condition, pools[condition]).split("\n\n")
    command = re.split(r"\n\nAcupuncture v ", analysis_text(condition))[1:]
    command = [part for part in command if "no trial with usable figures" not in part]
    rows = beside_published(condition, pools[condition])
    ours = rows[rows["source"] == "acuevidence"].set_index("comparator")
    assert len(table) == len(paragraphs) == len(command) == len(pools[condition])
    for group, cell, paragraph, part in zip(pools[condition], table["Effect (95% CI)"], paragraphs, command, strict=True):
        wanted, shown = printed[condition, group], pools[condition][group].headline()
        if wanted is None:
            assert cell.startswith("not pooled: ")
            assert "not pooled" in paragraph
            assert "not pooled" in part
            assert ours.loc[group, ["SMD", "low", "high"]].isna().all()
            continue
        assert cell == f"SMD {wanted}"
        assert f"difference of {wanted} SD" in paragraph
        assert f"Effect:     {wanted} SD" in part
        assert f"State:      {shown.state};" in part
        assert ours.loc[group, "SMD"] == round(shown.estimate, 2)


def test_two_trials_are_nowhere_pooled(pools):
    one = pools["pelvic_pain"]["sham, women"]
    pooled = f"{one.estimate:.2f} ({one.ci_low:.2f} to {one.ci_high:.2f})"
    said = [analysis_text("pelvic_pain"), meaning("pelvic_pain", pools["pelvic_pain"])]
    said.append(summary_of_findings(pools["pelvic_pain"]).to_markdown())
    assert one.k == 2
    assert not any(pooled in text or f"{one.estimate:.2f}" in text for text in said)


def test_from_three_to_nine_trials_both_methods_are_printed(pools):
    for condition, of in pools.items():
        cells = summary_of_findings(of).frame["Other method (95% CI)"]
        for one, cell in zip(of.values(), cells, strict=True):
            both = {"Bayesian model with the Rhodes prior", "REML with HKSJ interval"}
            own = "Bayesian model with the Rhodes prior" if one.k in (3, 4) else "REML with HKSJ interval"
            said = cell.partition(":")[0]
            assert said == ((both - {own}).pop() if 3 <= one.k <= 9 else "–"), condition


@pytest.mark.parametrize("condition", CONDITIONS)
def test_pages_print_the_headline(built, pools, printed, condition):
    page, first = built[0][f"{condition}.html"].text, html.unescape(built[0]["index.html"].text)
    forests = re.findall(r"<tfoot>(.*?)</tfoot>", page, flags=re.DOTALL)
    row = first[first.index(f'<th scope="row"><a href="{condition}.html">') :].partition("</tr>")[0]
    assert len(forests) == len(pools[condition])
    for (group, one), forest in zip(pools[condition].items(), forests, strict=True):
        wanted = printed[condition, group]
        if wanted is not None:
            assert f"{wanted} SD" in row
        if one.k > 2:
            assert f"<td>{wanted}</td>" in forest
        else:
            assert re.search("Two trials, not pooled|One trial", forest)


def test_claims_rest_on_the_same_numbers(pools, printed):
    answers = answered(list(CLAIMS))
    topic = ae.load_evidence().topic
    for claim, condition in CLAIMS.items():
        texts = [one.text for one in answers[claim].estimates]
        for group in pools[condition]:
            against = f"v {topic.comparator(group).phrase}"
            assert any(against in text and printed[condition, group] in text for text in texts), (claim, group)


def test_the_analysis_beside_which_choices_vary_is_the_headline(printed):
    for condition in ("low_back_pain", "shoulder_pain"):
        rows = ae.questions.sensitivity(condition)
        for row in rows[rows["analysis"] == "default"].itertuples():
            assert f"{row.estimate:.2f} ({row.ci_low:.2f} to {row.ci_high:.2f})" == printed[condition, row.comparator]


def test_an_effect_is_judged_by_the_threshold_of_its_condition_and_comparator(pools):
    for condition, of in pools.items():
        for group, one in of.items():
            comparator, shown = group.partition(",")[0], one.headline()
            outcomes = ae.load_evidence().rules.outcomes(condition)
            leading = next(name for name in outcomes if name in set(one.data["outcome"]))
            own = ae.mid(leading, "SMD", condition=condition, comparator=comparator)
            assert shown.threshold == (None if own is None else own.low)
            said = meaning(condition, {group: one})
            if own is None:
                assert "No smallest important difference is published" in said
            else:
                assert f"The smallest important difference is {own.low:.2f} SD" in said


def test_the_first_picture_stands_on_the_headlines(pools, printed):
    rows = ae.questions.overview(pools).rows.set_index(["group", "comparator"])
    for (condition, group), wanted in printed.items():
        row, shown = rows.loc[(condition, group)], pools[condition][group].headline()
        assert (row["state"], row["k"]) == (shown.state, shown.k)
        said = None if math.isnan(row["estimate"]) else f"{row['estimate']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f})"
        assert said == wanted


def test_a_forest_plot_prints_the_headline_of_few_trials(pools, printed):
    ax = ae.plots.forest(pools["pelvic_pain"], width="double")
    texts = [one.get_text().replace("−", "-") for one in ax.figure.findobj(match=plt.Text)]
    one = pools["pelvic_pain"]["sham, women"]
    assert printed["pelvic_pain", "sham, men"] in texts
    assert not any(f"{one.estimate:.2f} ({one.ci_low:.2f}" in text for text in texts)
    plt.close(ax.figure)
