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
columns = ["outcome", "measure", "week", "n1", "n2", "difference", "ci_low", "ci_high", "smd", "se"]
found.effects[columns].round(2).round(2)

# %%
ae.plots.patients(found, outcome="pain", week=52).figure

# %% [markdown]
# ## What the missing patients could change
#
# A fifth to a quarter of the patients gave no value later on. Five analyses make different assumptions about them, from "like patients of the
# same group" to "as if never offered acupuncture".

# %%
found.to_frame().reset_index().round(2)

# %% [markdown]
# ## Who responds
#
# Counted responders, by the shares of improvement that the trial report chose; difference per 100 patients.

# %%
found.responders.round(1)

# %% [markdown]
# ## Do patients with worse headache gain more?
#
# The difference at the quartiles of the score before, with the test of the interaction. A score that cannot fall below zero leaves those who
# begin low little to gain.

# %%
found.by_baseline.round(3)

# %% [markdown]
# ## Do patients respond differently?
#
# A parallel trial sees no patient under both treatments. What it can show is whether scores spread more in one group than in the other.

# %%
found.spread.round(2)

# %% [markdown]
# A ratio near 1 is what the same effect in everybody would give, but other patterns give it too: it does not show that patients respond
# alike.
