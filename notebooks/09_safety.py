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
# # Is acupuncture safe?
#
# How often adverse events happen, per treatment and per patient, from prospective surveys. Rates are per 10,000. Every number below is
# computed from `data/safety.csv`; none is typed in.

# %%
import numpy as np
import pandas as pd
from IPython.display import Markdown

import acuevidence as ae

found = ae.questions.safety()
found.to_frame()[["label", "denominator", "reported_by", "rate", "ci_low", "ci_high", "sources", "events", "n", "i2", "method"]].round(2)

# %% [markdown]
# Patients report more than those who treat them, so that the two stand apart. Three sources or more are pooled by a binomial model with
# random effects, to which nothing need be added where a survey saw no event; fewer keep the exact binomial interval of their counts. With
# two sources that differ, the interval holds the limits of both: two surveys say little about a third.

# %%
serious = found.rate("serious", "treatments")
lines = [
    f"{row.label} per 10,000 {row.denominator}, reported by {row.reported_by}: **{row.rate:.2f}** ({row.ci_low:.2f} to {row.ci_high:.2f}; "
    f"{row.events} in {row.n:,})"
    for row in found.rates.itertuples()
    if row.event in ("life_threatening", "serious", "serious_any_cause")
]
Markdown("\n".join(f"- {line}" for line in lines))

# %% [markdown]
# Events of every cause in the period, and life-threatening ones alone, are classes of their own: they count something else than serious
# events that acupuncture caused.

# %% [markdown]
# ## Source by source
#
# Each square is one survey with its exact interval, on a logarithmic axis; a survey without any event has only an upper limit. A diamond
# is a pooled rate.

# %%
ae.plots.safety(found).figure

# %% [markdown]
# ## Every printed row, and why some are not pooled
#
# Sources of one programme observed the same patients: only one of them stands in a pool. Percentages without counts are not turned into
# counts.

# %%
found.sources[["study", "event", "denominator", "events", "n", "rate", "ci_low", "ci_high", "pooled", "reason"]].round(2)

# %% [markdown]
# ## Why no arcsine mean
#
# Most surveys saw no serious event. The mean on the arcsine scale, turned back, then lies several times below the rate of the summed counts.

# %%
counted = found.sources[(found.sources["denominator"] == "treatments") & found.sources["event"].isin(["serious", "life_threatening"])]
counted = counted.dropna(subset=["events", "n"])
size = ae.effect_size("PAS", events=counted["events"], n=counted["n"])
arcsine = 1e4 * np.sin(max(ae.meta_analysis("yi", "vi", data=size).estimate, 0)) ** 2
crude = 1e4 * counted["events"].sum() / counted["n"].sum()
pd.Series({"arcsine mean": arcsine, "summed counts": crude}, name="per 10,000 treatments").round(3)

# %% [markdown]
# ## Beside a published review
#
# Its pooled rates, brought to the same unit.

# %%
ours = found.rates[["event", "denominator", "rate", "ci_low", "ci_high"]].assign(study="acuevidence")
both = pd.concat([ours, found.published], ignore_index=True)
both[both["event"].isin(found.published["event"])].set_index(["event", "denominator", "study"])[["rate", "ci_low", "ci_high"]].sort_index().round(2)

# %% [markdown]
# ## What follows for the claims

# %%
from acuevidence.report import answers

Markdown(answers.to_markdown(ae.evaluate_claims(["safe", "soreness-bruise"])))
