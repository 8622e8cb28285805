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
from acuevidence.report import for_readers as read

found = ae.questions.safety()
serious = found.rate("serious", "treatments")
anything = found.rates[found.rates["event"] == "any"]
Markdown(
    f"Serious events that acupuncture caused were counted in {serious.rate:.2f} of 10,000 treatments (95% interval {serious.ci_low:.2f} to "
    f"{serious.ci_high:.2f}; {serious.events} in {serious.n:,}). Adverse events of any kind: "
    + "; ".join(f"{row.rate:,.0f} per 10,000 {row.denominator}, reported by {row.reported_by}" for row in anything.itertuples()) + "."
)

# %% [markdown]
# Life-threatening and serious events, by who reported them.

# %%
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

# %%
columns = ["label", "denominator", "reported_by", "rate", "ci_low", "ci_high", "sources", "events", "n", "method"]
read.readable(found.to_frame()[columns], label="Event", denominator="Per", rate="Per 10,000", n="Counted among")

# %% [markdown]
# Patients report more than those who treat them, so that the two stand apart. Three sources or more are pooled by a binomial model with
# random effects, to which nothing need be added where a survey saw no event; fewer keep the exact binomial interval of their counts. With
# two sources that differ, the interval holds the limits of both: two surveys say little about a third.

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
columns = ["study", "event", "denominator", "events", "n", "rate", "ci_low", "ci_high", "pooled", "reason"]
read.readable(found.sources[columns], rate="Per 10,000", reason="Why not pooled", n="Counted among")

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
read.readable(pd.DataFrame({"by": ["arcsine mean", "summed counts"], "rate": [arcsine, crude]}), digits=3, rate="Per 10,000 treatments")

# %% [markdown]
# ## Beside a published review
#
# Its pooled rates, brought to the same unit.

# %%
ours = found.rates[["event", "denominator", "rate", "ci_low", "ci_high"]].assign(study="acuevidence")
both = pd.concat([ours, found.published], ignore_index=True)
both = both[both["event"].isin(found.published["event"])].sort_values(["event", "denominator", "study"])
read.readable(both[["event", "denominator", "study", "rate", "ci_low", "ci_high"]], rate="Per 10,000", study="Counted by")

# %% [markdown]
# ## What follows for the claims

# %%
from acuevidence.report import answers

Markdown(answers.to_markdown(ae.evaluate_claims(["safe", "soreness-bruise"])))
