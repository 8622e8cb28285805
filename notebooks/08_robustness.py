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
from acuevidence.report import for_readers as read

condition, comparator = "neck_pain", "sham"
topic = ae.load_evidence().topic
results = {name: ae.pooled(name) for name in ae.conditions()}
result = results[condition][comparator]
missing = result.missing_evidence()
every = ae.multiverse(condition, comparator)
null, share = missing.scenarios.loc["null"], every.shares(distinct=True)
Markdown(
    f"In neck pain against sham the pooled effect is {result.estimate:.2f} SD; if the {missing.k_missing} trials that are known to have measured "
    f"pain and print no usable figure had all found nothing it would be {null.estimate:.2f} ({null.ci_low:.2f} to {null.ci_high:.2f}). Of "
    f"{len(every.distinct):,} defensible analyses {share['above_zero']:.0%} have an interval above zero."
)

# %%
read.results_table({condition: results[condition]})

# %% [markdown]
# ## The trials that print nothing
#
# Trials that are known to have measured pain without printing a figure that can be pooled: what they conclude in their own words, and how many they randomised.

# %%
read.readable(missing.trials[["study", "reported_direction", "n", "reason"]], study="Trial", reported_direction="What its report says")

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
table = pd.DataFrame(rows)
names = {"observed": "With figures alone", "null": "No difference in the rest", "reported": "The rest as reported", "opposite": "The rest against"}
read.readable(table, **names, bound="Verdict flips at")

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
every

# %%
every.plot(title="Neck pain: acupuncture v sham").figure

# %% [markdown]
# Every comparison that has at least two trials. "Above zero" and "beyond the threshold" are shares of the different analyses whose interval lies above zero, and whose estimate reaches the smallest important difference of the condition.

# %%
rows = []
for name, groups in results.items():
    for against, one in groups.items():
        if one.k < 2:
            continue
        tried = ae.multiverse(name, against)
        share, estimates = tried.shares(distinct=True), tried.distinct["estimate"]
        rows.append({
            "condition": name, "comparator": against, "specifications": len(tried.specifications), "different": len(tried.distinct),
            "median": estimates.median(), "5%": estimates.quantile(0.05), "95%": estimates.quantile(0.95),
            "above zero": share["above_zero"], "beyond the threshold": share["beyond_mid"], "moved most by": tried.moves.index[0],
        })
read.readable(pd.DataFrame(rows))

# %% [markdown]
# ## The funnel
#
# With fewer than ten trials no test can tell asymmetry from chance, so none is printed.

# %%
results[condition].funnel(title="Neck pain").figure

# %% [markdown]
# All trials against sham together have enough for the tests; they ask whether small trials of acupuncture show larger effects, whatever the condition.

# %%
effects = ae.trial_effects(comparator="sham")
sham = ae.meta_analysis("yi", "vi", data=effects, labels="study")
known = ae.meta_analysis("yi", "vi", data=effects.dropna(subset=["n1", "n2"]))
tests = {"standard error": sham.small_study_test(predictor="se"), "1/√n, where n is printed": known.small_study_test(predictor="1/sqrt(n)")}
read.readable(pd.DataFrame([{"by": name, "t": test.statistic, "df": test.df, "p_value": test.p_value} for name, test in tests.items()]), digits=3)

# %% [markdown]
# The standard error of an SMD depends on the SMD itself; the number of participants does not.

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
read.readable(pd.DataFrame(adjusted, index=["SMD", "ci_low", "ci_high"]).T.rename_axis("analysis"))

# %% [markdown]
# ## What the prior evidence adds
#
# The posterior with the heterogeneity that Cochrane reviews of pain found (Rhodes et al 2015), and the probabilities that matter.

# %%
rows = []
for name, groups in results.items():
    for against, one in groups.items():
        posterior, threshold = ae.bayes(one.yi, one.vi, tau_prior="rhodes-pain"), one.headline().threshold
        mu = posterior.summary.loc["mu"]
        rows.append({
            "condition": name, "comparator": against, "trials": one.k, "estimate": mu["median"], "ci_low": mu["ci_low"], "ci_high": mu["ci_high"],
            "P(above 0)": posterior.prob(mu_above=0), "P(above its threshold)": None if threshold is None else posterior.prob(mu_above=threshold),
            "P(new trial above 0)": posterior.prob(prediction_above=0),
        })
read.readable(pd.DataFrame(rows), estimate="SMD, median")

# %% [markdown]
# ## Certainty
#
# Rated by written rules, each with its reason; every one can be overridden.

# %%
ae.certainty(result)

# %%
read.results_table(results)
