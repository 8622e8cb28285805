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
# # Shoulder, elbow, pelvic, jaw and hip
#
# Pain in other places, where fewer trials were made. Sham and usual care are kept apart; men and women with pelvic pain are two groups.

# %%
import pandas as pd
from IPython.display import Markdown, display

import acuevidence as ae
from acuevidence.report import sentences as words

CONDITIONS = ["shoulder_pain", "elbow_pain", "pelvic_pain", "jaw_pain", "hip_osteoarthritis"]
evidence = ae.load_evidence()
effects = {condition: ae.trial_effects(condition) for condition in CONDITIONS}
known = evidence.trials.groupby("condition").size()
rows = [
    {
        "condition": evidence.topic.label(condition),
        "trials known": known[condition],
        **{f"with a figure v {evidence.topic.comparator(key).phrase}": int((one["comparator"] == key).sum()) for key in ("sham", "usual_care")},
    }
    for condition, one in effects.items()
]
pd.DataFrame(rows)

# %% [markdown]
# ## Pooled, condition by condition

# %%
for condition, one in effects.items():
    display(Markdown(f"### {evidence.topic.label(condition)}"))
    display(Markdown(words.coverage(condition, one)))
    if one.empty:
        display(Markdown("No trial prints a figure of this condition alone, so nothing is pooled."))
        continue
    for population, part in one.groupby(one["population"].astype("string").fillna(""), sort=False):
        result = ae.meta_analysis(data=part, labels="study", by="comparator")
        title = evidence.topic.label(condition) + (f", {population}" if population else "")
        display(ae.plots.forest(result, arms="summary", size=6, title=title).figure)

# %% [markdown]
# ## One choice made otherwise
#
# The shoulder is the only one of these conditions with five trials against sham.

# %%
ae.plots.sensitivity(ae.questions.sensitivity("shoulder_pain")).figure
