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
from IPython.display import Markdown, display

import acuevidence as ae
from acuevidence.report import for_readers as read
from acuevidence.report import sentences as words

CONDITIONS = ["shoulder_pain", "elbow_pain", "pelvic_pain", "jaw_pain", "hip_osteoarthritis"]
evidence = ae.load_evidence()
results = {condition: ae.pooled(condition) for condition in CONDITIONS}
pooled_trials = {name: {trial for one in groups.values() for trial in one.data["trial_id"]} for name, groups in results.items()}
known = evidence.trials.groupby("condition").size()
most = max(CONDITIONS, key=lambda name: len(pooled_trials[name]))
Markdown(
    f"Of {int(known[CONDITIONS].sum())} trials listed for these places, {sum(map(len, pooled_trials.values()))} print a figure that can be pooled at "
    f"the end of treatment; {evidence.topic.label(most).lower()} has the most, {len(pooled_trials[most])}. "
    "What may be said of each stands under its name."
)

# %%
read.results_table({name: groups for name, groups in results.items() if len(groups)})

# %% [markdown]
# ## Condition by condition

# %%
for condition, groups in results.items():
    display(Markdown(f"### {evidence.topic.label(condition)}\n\n" + read.answer(groups)))
    display(Markdown(words.coverage(condition, ae.trial_effects(condition))))
    if len(groups):
        display(ae.plots.forest(groups, size=6, mid="published", beside=ae.questions.published(condition)).figure)

# %% [markdown]
# ## One choice made otherwise
#
# The shoulder is the only one of these conditions with five trials against sham.

# %%
ae.plots.sensitivity(ae.questions.sensitivity("shoulder_pain")).figure
