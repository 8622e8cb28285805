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
import pandas as pd
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.report import for_readers as read

found = ae.questions.safety()
serious = found.rate("serious", "treatments")
patients = found.rate("serious", "patients")
Markdown(
    f"Serious events: **{serious.rate:.2f} per 10,000 treatments** ({serious.ci_low:.2f} to {serious.ci_high:.2f}; "
    f"{serious.events} in {serious.n:,}) and **{patients.rate:.1f} per 10,000 patients** ({patients.ci_low:.1f} to {patients.ci_high:.1f}; "
    f"{patients.events} in {patients.n:,}). The surveys of patients disagree (I2 {patients.i2:.0f}%): some count every serious event in the period, "
    "whether acupuncture caused it or not."
)

# %%
columns = ["label", "denominator", "rate", "ci_low", "ci_high", "sources", "events", "n", "method"]
read.readable(found.to_frame()[columns], label="Event", denominator="Per", rate="Per 10,000")

# %% [markdown]
# Several sources are pooled by random effects on the arcsine scale, which needs nothing added where a survey saw no event; a single source
# keeps its exact binomial interval. With two sources that differ, the interval of their mean is as wide as it is because two surveys
# say little about a third.

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
read.readable(found.sources[columns], rate="Per 10,000", reason="Why not pooled")

# %% [markdown]
# ## Does the scale matter?
#
# The same rates on the logit scale (half an event added where none was seen) and on the Freeman-Tukey scale.

# %%
keys = ["label", "denominator"]
scales = {"arcsine": "PAS", "logit": "PLO", "Freeman-Tukey": "PFT"}
found_by = {name: ae.questions.safety(scale=scale).rates.set_index(keys)[["rate", "ci_low", "ci_high"]] for name, scale in scales.items()}
read.readable(pd.concat(found_by, names=["scale"]).reset_index().sort_values(keys, kind="stable"), rate="Per 10,000", label="Event")

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
