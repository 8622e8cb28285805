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

from acuevidence.report import for_readers as read

whole = ae.decompose()
topic = ae.load_evidence().topic
total = whole.shares.set_index("condition").loc["all"]
bounded = whole.shares[(whole.shares["kind"] == "bounded") & (whole.shares["low"] >= 0) & (whole.shares["high"] <= 1)]
alone = bounded[bounded["condition"] != "all"]
Markdown(
    f"Of the whole effect against usual care {total.share:.0%} is not beyond sham when all conditions are taken together (95% interval "
    f"{total.low:.0%} to {total.high:.0%}). Condition by condition the share can be told in {len(alone)} of {len(whole.shares) - 1}: "
    + (", ".join(f"{topic.label(row.condition).lower()} {row.share:.0%}" for row in alone.itertuples()) or "none") + "."
)

# %% [markdown]
# ## The parts
#
# One joint model a condition. Trials with all three arms enter both effects, which covary through the acupuncture arm they share.

# %%
whole.plot().figure

# %%
read.readable(whole.to_frame())

# %% [markdown]
# ## The share that is not beyond sham
#
# The interval is Fieller's. Where it leaves 0 to 100% the share is not estimable. It holds expectation, attention, unblinded rating and
# whatever sham needling itself does.

# %%
label = {"all": "All conditions"} | {name: topic.label(name) for name in ae.conditions()}
told = set(bounded["condition"])
Markdown(
    "\n".join(
        f"- **{label[row.condition]}**: " + (f"{row.share:.0%} ({row.low:.0%} to {row.high:.0%})" if row.condition in told else "not estimable")
        + f" (trials against usual care: {row.k_total}, against sham: {row.k_specific}, with both: {row.k_three_arm})"
        for row in whole.shares.itertuples()
    )
)

# %% [markdown]
# ## What it rests on
#
# Most trials have one comparator only, so the non-specific part of the joint model compares trials with each other. Within trials of all
# three arms it rests on randomisation (`direct`).

# %%
counts = whole.effects.groupby("trial_id")["comparator"].nunique()
three = whole.effects[whole.effects["trial_id"].isin(counts[counts > 1].index)]
read.readable(three.pivot(index=["study", "condition"], columns="comparator", values="yi"), sham="SMD v sham", usual_care="SMD v usual care")

# %% [markdown]
# ## Does the form of the model matter?
#
# The split over all conditions under other covariances of the true effects.

# %%
import pandas as pd

from acuevidence.questions.decompose import split_effect

forms = {form: split_effect(whole.effects, structure=form).share for form in ("UN", "CS", "DIAG", "ID")}
shares = pd.DataFrame(forms).T[["share", "low", "high"]].astype(float).rename_axis("covariance").rename(columns={"low": "ci_low", "high": "ci_high"})
read.readable(shares, share="Share not beyond sham")

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
read.readable(four.conditions)

# %%
read.readable(four.without_assumed)

# %% [markdown]
# Two tests say whether the parts may be added up: against a network in which every set of parts has its own effect in every condition,
# and against sets of arms that each stand alone.

# %%
read.readable(four.additivity, digits=3)

# %% [markdown]
# Over all conditions they may not.

# %%
read.readable(components().additivity, digits=3)

# %% [markdown]
# ## What follows for the claims

# %%
from acuevidence.report import answers

Markdown(answers.to_markdown(ae.evaluate_claims(["placebo-share", "parts"])))
