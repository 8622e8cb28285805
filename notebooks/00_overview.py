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
# # Acupuncture for chronic pain: an overview
#
# Health articles say that acupuncture brings meaningful relief in chronic low back pain, knee osteoarthritis, headache and neck
# pain, that fibromyalgia is mixed, and that part of the effect is placebo. This page gives the computed answer: for each condition the
# pooled effect against usual care (is it better than doing nothing more?) and against sham (is it the needles?).
#
# Positive effects favour acupuncture. Every number is computed from the tables in `data/`; none is typed in.

# %%
import pandas as pd
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.report import sentences as words

evidence = ae.load_evidence()
evidence

# %% [markdown]
# ## One look
#
# Each row is a random-effects synthesis. The thick line is the 95% interval of the pooled effect, the thin line the interval in which the
# true effect of a new trial may be expected; the band spans published minimal important differences.

# %%
ae.plots.nuance().figure

# %% [markdown]
# ## The numbers

# %%
effects = ae.trial_effects()
results = {condition: ae.pooled(condition) for condition in ae.conditions()}
table = []
for condition, groups in results.items():
    for comparator, one in groups.items():
        rated = ae.certainty(one)
        table.append(
            {
                "condition": evidence.topic.label(condition), "against": comparator, "trials": one.k, "SMD": one.estimate,
                "low": one.ci_low, "high": one.ci_high, "PI low": one.pi_low, "PI high": one.pi_high, "tau2": one.tau2,
                "I2": one.i2, "certainty": rated.level,
            }
        )
pd.DataFrame(table).round(2)

# %% [markdown]
# ## Why the certainty is what it is

# %%
Markdown(
    "\n".join(
        f"- **{evidence.topic.label(condition)}, {comparator.replace('_', ' ')}**: {rated.level} {rated.symbols}; "
        + ("; ".join(rated.reasons) or "no step lost")
        for condition, groups in results.items()
        for comparator, one in groups.items()
        for rated in [ae.certainty(one)]
    )
)

# %% [markdown]
# ## What is missing
#
# Trials whose figures cannot be pooled at the end of treatment, by condition and comparator, and what their own reports conclude.

# %%
left = effects.attrs["excluded"]
left = left[left["arm"].isna()].assign(reported=lambda d: d["reported_direction"].fillna("not recorded"))
pd.crosstab([left["condition"], left["comparator"]], left["reported"])
