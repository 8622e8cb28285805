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
# # Fibromyalgia
#
# Does acupuncture reduce pain in fibromyalgia? The claim is that the evidence is mixed.
#
# Positive effects favour acupuncture throughout. Every number below is computed from the tables in `data/`; none is typed in.

# %%
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.report import sentences as words

condition = "fibromyalgia"
effects = ae.trial_effects(condition)
Markdown(words.coverage(condition, effects))

# %% [markdown]
# ## The trials
#
# One effect per trial and comparator: the printed instrument and week, and how the effect was derived. `docs/selection.md` gives the rules.

# %%
effects[["study", "comparator", "n1", "n2", "instrument", "week", "yi", "ci_low", "ci_high", "derivation"]].round(2)

# %% [markdown]
# Trials that compare with sham or usual care but give no effect here, and why. The last column is what their own report concludes.

# %%
effects.attrs["excluded"][["study", "comparator", "arm", "reason", "reported_direction"]]

# %% [markdown]
# ## Pooled, sham and usual care apart
#
# Random effects by REML, HKSJ intervals with the ad hoc correction (`ae.pooled`); the comparators answer different questions and are not
# pooled with each other.

# %%
result = ae.pooled(condition)
result

# %%
ae.plots.forest(result, arms="summary", certainty=True, size=6, mid=ae.mid("pain", "SMD"), title=ae.load_evidence().topic.label(condition)).figure

# %% [markdown]
# ## What it means

# %%
Markdown(words.meaning(condition, result))

# %% [markdown]
# ## Manual and electrical stimulation
#
# Against sham, by how the needles were stimulated.

# %%
sham = effects[effects["comparator"] == "sham"]
ae.meta_analysis("yi", "vi", data=sham, labels="study", by="technique", test="HKSJ-adhoc")

# %% [markdown]
# ## Beside the published syntheses
#
# Published pooled effects on the same scale and with the same sign. They pool other trials, other weeks, and often individual patient data.

# %%
words.beside_published(condition, result)
