# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How far can these results be trusted?
#
# Neck pain against sham acupuncture has the most trials with usable figures, so it carries the example; every other comparison follows in tables. What else could this result have been: had the silent trials spoken, had other choices been made, had another trial been left out?
#
# Positive effects favour acupuncture throughout. Every number below is computed from the tables in `data/`; none is typed in. `docs/robustness.md` gives each method's source and limits.

# %%
import pandas as pd
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.questions.pooled import pooled

condition, comparator = "neck_pain", "sham"
results = {name: pooled(name) for name in ae.conditions()}
result = results[condition][comparator]
result

# %% [markdown]
# ## The trials that print nothing
#
# Trials that are known to have measured pain without printing a figure that can be pooled: what they conclude in their own words, and how many they randomised.

# %%
missing = result.missing_evidence()
missing.trials[["study", "reported_direction", "n", "reason"]]

# %% [markdown]
# If they all found nothing, or what they report, or the opposite, the pooled effect would be:

# %%
missing

# %%
missing.plot(title="Neck pain: acupuncture v sham", width="double").figure

# %% [markdown]
# The same for every comparison. `bound` is the effect of the missing trials at which the verdict flips (where it is unsure: from which on the interval would lie above zero).

# %%
def judged(condition, group, one):
    """Whether a threshold is published for what is pooled."""
    return ae.mid(one.data["outcome"].iloc[0], "SMD", condition=condition, comparator=group.partition(", ")[0]) is not None


rows = []
for name, groups in results.items():
    for against, one in groups.items():
        if not judged(name, against, one):
            continue
        found = one.missing_evidence()
        rows.append({
            "condition": name, "comparator": against, "trials": one.k, "missing": found.k_missing,
            **{scenario: "{estimate:.2f} ({ci_low:.2f} to {ci_high:.2f})".format(**row) for scenario, row in found.scenarios.iterrows()},
            "bound": found.bound,
        })
table = pd.DataFrame(rows).set_index(["condition", "comparator"])
table.round(2)

# %%
found = [one.missing_evidence() for name, groups in results.items() for key, one in groups.items() if judged(name, key, one)]
above = sum(one.verdict == "above" for one in found)
stays = sum((one.scenarios["verdict"] == "above")[["observed", "null"]].all() for one in found)
Markdown(
    f"Of {len(table)} comparisons {above} have an interval above zero from the trials with figures alone; in **{stays}** of them it stays "
    "there if every trial without figures found no difference at all."
)

# %% [markdown]
# ## Every defensible choice

# %%
found = ae.multiverse(condition, comparator)
found

# %%
found.plot(title="Neck pain: acupuncture v sham").figure

# %% [markdown]
# Every comparison that has at least two trials. `above zero` and `beyond MID` are shares of the different analyses whose interval lies above zero, and whose estimate reaches the minimal important difference.

# %%
rows = []
for name, groups in results.items():
    for against, one in groups.items():
        if one.k < 2:
            continue
        every = ae.multiverse(name, against)
        share, estimates = every.shares(distinct=True), every.distinct["estimate"]
        rows.append({
            "condition": name, "comparator": against, "specifications": len(every.specifications), "different": len(every.distinct),
            "median": estimates.median(), "5%": estimates.quantile(0.05), "95%": estimates.quantile(0.95),
            "above zero": share["above_zero"], "beyond MID": share["beyond_mid"], "moved most by": every.moves.index[0],
        })
pd.DataFrame(rows).set_index(["condition", "comparator"]).round(2)

# %% [markdown]
# ## The funnel
#
# With fewer than ten trials no test can tell asymmetry from chance; the results say so.

# %%
results[condition].funnel(title="Neck pain").figure

# %%
tests = [result.small_study_test(), result.small_study_test(model="lm"), result.small_study_test(predictor="1/sqrt(n)"), result.small_study_test("begg")]
pd.concat([test.to_frame() for test in tests], ignore_index=True)[["kind", "model", "predictor", "statistic", "df", "p_value", "limit"]].round(3)

# %% [markdown]
# All trials against sham together have enough for the tests; they ask whether small trials of acupuncture show larger effects, whatever the condition.

# %%
effects = ae.trial_effects(comparator="sham")
sham = ae.meta_analysis("yi", "vi", data=effects, labels="study")
sham.small_study_test()

# %% [markdown]
# The standard error of an SMD depends on the SMD itself; the number of participants does not. It is printed for all but a few of these trials.

# %%
ae.meta_analysis("yi", "vi", data=effects.dropna(subset=["n1", "n2"])).small_study_test(predictor="1/sqrt(n)")

# %%
sham.funnel(title="All conditions v sham", fill=sham.trim_and_fill()).figure

# %% [markdown]
# Effects adjusted in different ways. Each rests on another assumption; that they differ is the message.

# %%
steps = sham.selection_model("step", steps=(0.025,))
adjusted = {
    "as pooled": (sham.estimate, sham.ci_low, sham.ci_high),
    "trim and fill": (lambda f: (f.estimate, f.ci_low, f.ci_high))(sham.trim_and_fill()),
    "selection model, one step": (steps.estimate, steps.ci_low, steps.ci_high),
    "limit meta-analysis": (lambda f: (f.estimate, f.ci_low, f.ci_high))(sham.limit_meta_analysis()),
    **{f"{name}": tuple(row[["estimate", "ci_low", "ci_high"]]) for name, row in sham.pet_peese().iterrows()},
}
pd.DataFrame(adjusted, index=["SMD", "low", "high"]).T.round(2)

# %% [markdown]
# ## What the prior evidence adds
#
# The posterior with the heterogeneity that Cochrane reviews of pain found (Rhodes et al 2015), and the probabilities that matter.

# %%
mid = ae.mid("pain", "SMD")
rows = []
for name, groups in results.items():
    for against, one in groups.items():
        posterior = ae.bayes(one.yi, one.vi, tau_prior="rhodes-pain")
        mu = posterior.summary.loc["mu"]
        rows.append({
            "condition": name, "comparator": against, "trials": one.k, "median": mu["median"], "low": mu["ci_low"], "high": mu["ci_high"],
            "P(above 0)": posterior.prob(mu_above=0), f"P(above {mid.low:g})": posterior.prob(mu_above=mid.low),
            "P(new trial above 0)": posterior.prob(prediction_above=0),
        })
pd.DataFrame(rows).set_index(["condition", "comparator"]).round(2)

# %% [markdown]
# ## Evidence over time

# %%
monitored = result.sequential()
monitored

# %%
monitored.plot(title="Neck pain: acupuncture v sham", width="double").figure

# %% [markdown]
# ## Certainty
#
# Rated by written rules, each with its reason; every one can be overridden.

# %%
ae.certainty(result)

# %%
pd.concat(
    [ae.certainty(one).to_row(one) for groups in results.values() for one in groups.values()], ignore_index=True
)[["condition", "comparator", "trials", "participants", "points", "points_low", "points_high", "symbols", "certainty"]].round(1)
