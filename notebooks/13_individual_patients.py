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
# # Individual patients
#
# One trial's patients are public: the 401 people with chronic headache of Vickers 2004, offered acupuncture or not. What do they say that
# group means cannot?

# %%
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.report import for_readers as read

found = ae.questions.patients("vickers2004")
score = found.effects.set_index(["outcome", "week"]).loc[("pain", 52)]
jump = found.jump_to_reference.set_index(["outcome", "week"]).loc[("pain", 52)]
Markdown(
    f"After a year the weekly headache score was lower by {score.difference:.1f} points (95% CI {score.ci_low:.1f} to {score.ci_high:.1f}) in those "
    f"offered acupuncture, at the same score before. If those who left had gone on like the control group, it would be {jump.difference:.1f} "
    f"({jump.ci_low:.1f} to {jump.ci_high:.1f})."
)

# %% [markdown]
# ## The difference between groups
#
# Analysis of covariance on the score before treatment, patients with both values. `smd` is in standard deviations of the final scores;
# positive favours acupuncture. The trial was not blinded: the difference holds the effect of the needles, of the attention, and of knowing.

# %%
columns = ["measure", "week", "n1", "n2", "difference", "ci_low", "ci_high", "smd"]
read.readable(found.effects[columns])

# %%
ae.plots.patients(found, outcome="pain", week=52).figure

# %% [markdown]
# ## What the missing patients could change
#
# A fifth to a quarter of the patients gave no value later on. Five analyses make different assumptions about them, from "like patients of the
# same group" to "as if never offered acupuncture".

# %%
read.readable(found.to_frame().reset_index()[["outcome", "week", "analysis", "difference", "ci_low", "ci_high"]])

# %% [markdown]
# ## Who responds
#
# Counted responders, by the shares of improvement that the trial report chose; difference per 100 patients.

# %%
counted = found.responders.assign(share=[f"{100 * share:.0f}% or more" for share in found.responders["share"]])
columns = ["outcome", "week", "share", "percent1", "percent2", "difference", "ci_low", "ci_high"]
read.readable(counted[columns], digits=1, share="Improved by", percent1="Treated (%)", percent2="Controls (%)")

# %% [markdown]
# ## Do patients with worse headache gain more?
#
# The difference at the quartiles of the score before, with the test of the interaction. A score that cannot fall below zero leaves those who
# begin low little to gain.

# %%
columns = ["outcome", "week", "baseline", "difference", "ci_low", "ci_high", "interaction_p"]
read.readable(found.by_baseline[columns], interaction_p="P of the interaction")

# %% [markdown]
# ## Do patients respond differently?
#
# A parallel trial sees no patient under both treatments. What it can show is whether scores spread more in one group than in the other.

# %%
read.readable(found.spread, sd1="SD treated", sd2="SD controls")

# %% [markdown]
# A ratio near 1 is what the same effect in everybody would give, but other patterns give it too: it does not show that patients respond
# alike.
