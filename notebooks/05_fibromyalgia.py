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
from acuevidence.report import for_readers as read
from acuevidence.report import sentences as words

condition = "fibromyalgia"
effects = ae.trial_effects(condition)
result = ae.pooled(condition)
Markdown(read.answer(result))

# %% [markdown]
# The rest of the page shows why.

# %%
ae.plots.forest(result, certainty=True, size=6, mid="published", beside=ae.questions.published(condition)).figure

# %%
Markdown(words.coverage(condition, effects))

# %% [markdown]
# ## The trials
#
# One effect per trial and comparator: the printed instrument and week, and how the effect was derived. `docs/selection.md` gives the rules.

# %%
read.trials_table(effects)

# %% [markdown]
# Trials that compare with sham or usual care but give no effect here, and why. The last column is what their own report concludes.

# %%
read.left_out(effects)

# %% [markdown]
# ## Pooled, sham and usual care apart
#
# Random effects by REML with HKSJ intervals, never narrower than Wald's; three or four trials by a Bayesian model, two are not pooled. The
# comparators answer different questions and are not pooled with each other.

# %%
read.results_table(result)

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
read.results_table(ae.meta_analysis("yi", "vi", data=sham, labels="study", by="technique"))

# %% [markdown]
# ## One choice made otherwise
#
# The standard analysis is one of several that could be defended. Each line changes one choice.

# %%
ae.plots.sensitivity(ae.questions.sensitivity(condition)).figure

# %% [markdown]
# ## Beside the published syntheses
#
# Published pooled effects on the same scale and with the same sign. They pool other trials, other weeks, and often individual patient data.

# %%
published = words.beside_published(condition, result).rename(columns={"low": "ci_low", "high": "ci_high"})
read.readable(published, scope="Of", source="Pooled by")
