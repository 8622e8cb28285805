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
# pain, that fibromyalgia is mixed, and that part of the effect is placebo. Is it better than doing nothing more, and is it the needles?

# %%
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.report import for_readers as read
from acuevidence.verdicts.claims import verdicts

evidence = ae.load_evidence()
found = ae.questions.overview()
rows = found.rows[found.rows["k"] > 2]


def counted(comparator):
    """Say of how many pools of three trials or more the interval lies above zero."""
    mine = rows[rows["comparator"].str.partition(", ")[0] == comparator]
    return f"{int((mine['ci_low'] > 0).sum())} of {len(mine)}"


def middle(comparator):
    return rows.loc[rows["comparator"] == comparator, "estimate"].median()


high = int((rows["certainty"] == "high").sum())
Markdown(
    f"Against usual care the interval of the pooled effect lies above zero in {counted('usual_care')} pools of three trials or more, against "
    f"sham in {counted('sham')}. The effects against sham are the smaller ones, with a median of {middle('sham'):.2f} standard deviations "
    f"beside {middle('usual_care'):.2f} against usual care, and {high} of these {len(rows)} pools are of high certainty."
)

# %% [markdown]
# ## One look
#
# Positive effects favour acupuncture. Every number is computed from the tables in `data/`; none is typed in.

# %%
ae.plots.nuance(found, width="double").figure

# %% [markdown]
# ## What is held
#
# Trials known to the tables, trials that print a figure of any kind, and trials that are pooled at the end of treatment.

# %%
import pandas as pd

printing = set(evidence.results["trial_id"]) | set(evidence.contrasts["trial_id"])
results = {condition: ae.pooled(condition) for condition in ae.conditions()}
held = []
for condition, trials in evidence.trials.groupby("condition"):
    pooled_here = {trial for one in results.get(condition, {}).values() for trial in one.data["trial_id"]}
    held.append(
        {
            "condition": condition,
            "listed": len(trials),
            "with figures": int(trials["trial_id"].isin(printing).sum()),
            "pooled": len(pooled_here),
        }
    )
read.readable(pd.DataFrame([row for row in held if row["condition"] in results]))

# %% [markdown]
# ## The numbers

# %%
read.results_table(results)

# %% [markdown]
# ## Of 100 patients
#
# Where trials count patients who respond.

# %%
ae.plots.responders().figure

# %% [markdown]
# ## Why the certainty is what it is

# %%
Markdown(
    "\n".join(
        f"- **{row.label} v {evidence.topic.comparator(row.comparator).phrase}**: {row.certainty} {row.symbols}; {row.reasons or 'no step lost'}"
        for row in found.rows[found.rows["k"] > 0].itertuples()
    )
)

# %% [markdown]
# ## What is missing
#
# Trials whose figures cannot be pooled at the end of treatment, by condition and comparator, and what their own reports conclude.

# %%
effects = ae.trial_effects()
left = effects.attrs["excluded"]
left = left[left["arm"].isna()].assign(reported=lambda d: d["reported_direction"].fillna("not recorded"))
read.readable(pd.crosstab([left["condition"], left["comparator"]], left["reported"]))

# %% [markdown]
# ## What follows
#
# The answers to what health articles claim, by rules written down before the answer was known.

# %%
claims = ae.evaluate_claims()
known = dict(zip(ae.claims()["id"], ae.claims()["claim"], strict=True))
Markdown(
    "\n\n".join(
        f"**{verdict.capitalize()}** ({len(part)} of {len(claims)}):\n\n" + "\n".join(f"- {known[name]}" for name in part["id"])
        for verdict in verdicts()
        if len(part := claims[claims["verdict"] == verdict])
    )
)
