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
import pandas as pd
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.questions.groups import by_number, groups_of_trials, printed_number
from acuevidence.report import answers
from acuevidence.report import for_readers as read

topic = ae.load_evidence().topic
fits = {name: by_number("sessions", name) for name in ("sham", "usual_care")}
slopes = {name: fit.coefficients.loc["sessions"] for name, fit in fits.items()}
Markdown(
    " ".join(
        f"Against {topic.comparator(name).phrase}, {fits[name].k} trials that print their number of sessions give a slope of "
        f"{10 * row.estimate:.2f} SD for ten sessions more (95% interval {10 * row.ci_low:.2f} to {10 * row.ci_high:.2f})."
        for name, row in slopes.items()
    )
)

# %%
effects = ae.trial_effects()
effects = effects.assign(n_sessions=effects["sessions"].map(printed_number).astype(float))
described = effects.groupby("comparator")[["n_sessions", "treatment_weeks"]].describe().stack(level=0, future_stack=True).reset_index()
read.readable(described.rename(columns={"level_1": "number"}), digits=1, count="Trials that print it", std="SD")

# %% [markdown]
# ## Number of sessions
#
# Meta-regression of the effect on the number of sessions, against sham and against usual care apart. Only trials that print a number are in it.

# %%
table = [{"comparator": name, "k": fits[name].k, **row[["estimate", "ci_low", "ci_high", "p_value"]]} for name, row in slopes.items()]
read.readable(pd.DataFrame(table), digits=3, estimate="Slope, SD a session")

# %%
with_number = effects.dropna(subset=["n_sessions"])
ae.plots.bubble(fits["sham"], xlabel="Sessions, trials v sham").figure

# %% [markdown]
# Both comparators in one model ask more of the same trials. Those with three arms stand in it twice and share an arm, so trials are clusters and the standard
# errors are robust to it (CR2).

# %%
joint = ae.meta_analysis("yi", "vi", data=with_number, labels="study", moderators="~ n_sessions + C(comparator)")
read.readable(joint.robust(with_number["trial_id"]).coefficients.rename_axis("coefficient"), digits=3)

# %% [markdown]
# ## Groups of trials
#
# Manual and electrical stimulation; shams that enter the skin and shams that do not; acupuncture alone and beside a treatment that both arms have. Each group is
# pooled on its own.

# %%
ae.plots.nuance({name.capitalize(): found for name, found in groups_of_trials().items()}, width="double", heading="Group").figure

# %% [markdown]
# ## Technique
#
# Manual and electrical stimulation against sham, and the test between them.

# %%
told = effects[effects["technique"].isin(["manual", "electro"]) & effects["comparator"].eq("sham")]
technique = ae.meta_analysis("yi", "vi", data=told, labels="study", by="technique")
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
ae.plots.forest(by_kind, title="By kind of sham", not_shown=()).figure

# %% [markdown]
# The test under the forest plot lets each group have its own heterogeneity and takes the groups' precision as known; the claim below uses a meta-regression with
# one heterogeneity for all and a t test, which asks more of few trials.
#
# ## All at once
#
# With sham trials that print everything: sessions, technique and kind of sham in one model. Few trials, so wide intervals.

# %%
full = sham[sham["kind"].ne("other or not described")].dropna(subset=["n_sessions"])
ae.meta_analysis("yi", "vi", data=full, labels="study", moderators="~ n_sessions + C(kind)").coefficients

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
