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
# # Does it matter how acupuncture is done, and against what?
#
# Sessions, length of the course, technique, and the kind of sham: trials that differ in these are compared with each other. Nobody randomised trials to
# them, so a difference here is an observation, not an effect. Positive effects favour acupuncture; every number is computed from `data/`.

# %%
import numpy as np
import pandas as pd
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.report import answers

effects = ae.trial_effects()
number = effects["sessions"].astype(object).map(lambda s: float(s) if str(s).replace(".", "").isdigit() else np.nan)
effects = effects.assign(n_sessions=number.astype(float))
effects.groupby("comparator")[["n_sessions", "treatment_weeks"]].describe().T.round(1)

# %% [markdown]
# ## Number of sessions
#
# Meta-regression of the effect on the number of sessions, against sham and against usual care apart. Only trials that print a number are in it.

# %%
slopes = {}
for comparator, rows in effects.dropna(subset=["n_sessions"]).groupby("comparator"):
    one = ae.meta_analysis("yi", "vi", data=rows, labels="study", moderators="~ n_sessions")
    slopes[comparator] = one.coefficients.loc["n_sessions", ["estimate", "ci_low", "ci_high", "p_value"]]
    slopes[comparator]["trials"], slopes[comparator]["R2"] = one.k, one.r2
pd.DataFrame(slopes).T.round(3)

# %%
with_number = effects.dropna(subset=["n_sessions"])
v_sham = with_number[with_number["comparator"] == "sham"]
ae.plots.bubble(ae.meta_analysis("yi", "vi", data=v_sham, labels="study", moderators="~ n_sessions"), xlabel="Sessions, trials v sham").figure

# %% [markdown]
# Both comparators in one model ask more of the same trials. Those with three arms stand in it twice and share an arm, so trials are clusters and the standard
# errors are robust to it (CR2).

# %%
joint = ae.meta_analysis("yi", "vi", data=with_number, labels="study", moderators="~ n_sessions + C(comparator)")
joint.robust(with_number["trial_id"]).coefficients.round(3)

# %% [markdown]
# ## Groups of trials
#
# Manual and electrical stimulation; shams that enter the skin and shams that do not; acupuncture alone and beside a treatment that both arms have. Each group is
# pooled on its own.

# %%
from acuevidence.questions.groups import groups_of_trials

ae.plots.nuance({name.capitalize(): found for name, found in groups_of_trials().items()}, heading="Group").figure

# %% [markdown]
# ## Technique
#
# Manual and electrical stimulation against sham, and the test between them.

# %%
told = effects[effects["technique"].isin(["manual", "electro"]) & effects["comparator"].eq("sham")]
technique = ae.meta_analysis("yi", "vi", data=told, labels="study", by="technique", test="HKSJ-adhoc")
technique

# %% [markdown]
# ## Kind of sham
#
# A needle that enters the skin elsewhere, or less deeply, is no inert placebo; one that does not enter comes closer. Trials whose sham is of another kind
# (laser, TENS) or not described stand apart.

# %%
kinds = {"nonpenetrating": "non-penetrating", "penetrating_off_point": "penetrating", "penetrating_superficial": "penetrating"}
sham = effects[effects["comparator"] == "sham"]
sham = sham.assign(kind=sham["sham_type"].map(kinds).fillna("other or not described"))
ae.meta_analysis("yi", "vi", data=sham, labels="study", by="kind", test="HKSJ-adhoc")

# %%
by_kind = ae.meta_analysis("yi", "vi", data=sham[sham["kind"] != "other or not described"], labels="study", by="kind", test="HKSJ-adhoc")
ae.plots.forest(by_kind, mid=ae.mid("pain", "SMD"), title="By kind of sham", not_shown=()).figure

# %% [markdown]
# The test under the forest plot lets each group have its own heterogeneity and takes the groups' precision as known; the claim below uses a meta-regression with
# one heterogeneity for all and a t test, which asks more of few trials.
#
# ## All at once
#
# With sham trials that print everything: sessions, technique and kind of sham in one model. Few trials, so wide intervals.

# %%
full = sham[sham["kind"].ne("other or not described")].dropna(subset=["n_sessions"])
ae.meta_analysis("yi", "vi", data=full, labels="study", moderators="~ n_sessions + C(kind)").coefficients.round(3)

# %% [markdown]
# ## Trial quality
#
# The PEDro score of the trials that have one, as a moderator of the effect against sham.

# %%
printed = ae.load_evidence().quality.query("tool == 'PEDro' and domain == 'score'")
score = printed["judgement"].astype(float).groupby(printed["trial_id"]).max()
rated = effects[effects["comparator"] == "sham"].assign(pedro=lambda d: d["trial_id"].map(score)).dropna(subset=["pedro"])
ae.meta_analysis("yi", "vi", data=rated.astype({"pedro": float}), labels="study", moderators="~ pedro")

# %% [markdown]
# ## What follows for the claims

# %%
Markdown(answers.to_markdown(ae.evaluate_claims(["dose", "technique", "sham-type", "adjunct-best"])))
