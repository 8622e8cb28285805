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
# # Specific and non-specific effects
#
# How much of the effect against usual care does acupuncture owe to the needles, and how much is seen with sham as well?
#
# *Total* is acupuncture against usual care, *specific* acupuncture against sham, *non-specific* sham against usual care. Positive effects
# favour the first named. Every number below is computed from the tables in `data/`; none is typed in.

# %%
from IPython.display import Markdown

import acuevidence as ae

whole = ae.decompose()

# %% [markdown]
# ## The parts
#
# One joint model a condition. Trials with all three arms enter both effects, which covary through the acupuncture arm they share.

# %%
whole.plot().figure

# %%
whole.to_frame().round(2)

# %% [markdown]
# ## The share that is not beyond sham
#
# The interval is Fieller's: it may have no bounds where the total effect is near zero.

# %%
topic = ae.load_evidence().topic
label = {"all": "All conditions"} | {name: topic.label(name) for name in ae.conditions()}
Markdown("\n".join(f"- **{label[row.condition]}**: {row.words}." for row in whole.shares.itertuples()))

# %% [markdown]
# ## What it rests on
#
# Most trials have one comparator only, so the non-specific part of the joint model compares trials with each other. Within trials of all
# three arms it rests on randomisation (`direct`).

# %%
counts = whole.effects.groupby("trial_id")["comparator"].nunique()
three = whole.effects[whole.effects["trial_id"].isin(counts[counts > 1].index)]
three.pivot(index=["study", "condition"], columns="comparator", values="yi").round(2)

# %% [markdown]
# ## Does the form of the model matter?
#
# The split over all conditions under other covariances of the true effects.

# %%
import pandas as pd

from acuevidence.questions.decompose import split_effect

forms = {form: split_effect(whole.effects, structure=form).share for form in ("UN", "CS", "DIAG", "ID")}
pd.DataFrame(forms).T[["share", "low", "high", "post_low", "post_high"]].astype(float).round(2)

# %% [markdown]
# ## Ritual, skin, point, current
#
# Arms hold more or fewer parts of the treatment: a sham that does not penetrate is the ritual alone, one that penetrates beside the point
# or superficially adds the skin, needling adds point and depth, electroacupuncture current. In an additive model each part has one
# effect in all conditions; the ritual, which holds attention, expectation and unblinded rating as well, may differ between them.

# %%
from acuevidence.questions import components

four = components(topic.figures["components"])
four.plot().figure

# %%
four

# %% [markdown]
# The ritual by condition, and the parts without the trials in which nobody prints whether there was current.

# %%
four.conditions.round(2)

# %%
four.without_assumed.round(2)

# %% [markdown]
# Two tests say whether the parts may be added up: against a network in which every set of parts has its own effect in every condition,
# and against sets of arms that each stand alone.

# %%
four.additivity.round(3)

# %% [markdown]
# Over all conditions they may not.

# %%
components().additivity.round(3)

# %% [markdown]
# ## What follows for the claims

# %%
from acuevidence.report import answers

Markdown(answers.to_markdown(ae.evaluate_claims(["placebo-share", "parts"])))
