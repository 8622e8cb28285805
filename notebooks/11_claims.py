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
# # What health articles claim, and what the data say
#
# Each claim is answered by a rule written down before the answer is known (`data/claims.yaml`): which trials, which comparison, which threshold. The answer is
# computed from `data/`; where the data cannot tell, it says what is missing.

# %%
import pandas as pd
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.verdicts.claims import verdicts
from acuevidence.report import answers
from acuevidence.report import for_readers as read

found = ae.evaluate_claims()
counts = found["verdict"].value_counts()
cell = found["certainty"].fillna("about the evidence")
Markdown(
    f"Of {len(found)} claims {counts.get('supported', 0)} are supported, {counts.get('partly supported', 0)} partly and "
    f"{counts.get('not supported', 0)} not; of {counts.get('cannot tell', 0)} nobody can tell from what is held. "
    f"{int((cell == 'high').sum())} of the answers rest on evidence of high certainty, {int((cell == 'very low').sum())} on very low."
)

# %%
read.readable(pd.crosstab(found["verdict"], cell).reindex(list(verdicts())).dropna(how="all").astype(int).rename_axis("verdict"))

# %%
Markdown("\n".join(f"- **{name}**: {means}" for name, means in verdicts().items()))

# %% [markdown]
# ## The answers

# %%
Markdown(answers.to_markdown(found).split("\n\n## ")[0])

# %% [markdown]
# ## How a rule reads
#
# The rule, its thresholds and the wording of every verdict are data. Here is that of the first claim.

# %%
one = ae.claims().iloc[0]
Markdown(
    f"**{one.claim}**\n\n{one.rule}\n\n"
    + "\n".join(f"- *{verdict}*: {said}" for verdict, said in one.wording.items())
)

# %% [markdown]
# ## Change the data and the verdict may change
#
# The same claim, asked of the trials against sham with every printed figure turned round: what was better is now worse.

# %%
from dataclasses import replace

evidence = ae.load_evidence()
swapped = evidence.contrasts["favours"].map({"acupuncture": "comparator", "comparator": "acupuncture"})
turned = replace(
    evidence,
    results=evidence.results.assign(benefit=-evidence.results["benefit"]),
    contrasts=evidence.contrasts.assign(favours=swapped.fillna(evidence.contrasts["favours"])),
)
both = pd.concat({"as printed": found.iloc[[0]], "turned round": ae.evaluate_claims("lbp-relief", evidence=turned)}, names=["figures"])
read.readable(both.reset_index(level=0)[["figures", "verdict"]])

# %% [markdown]
# ## What is needed to tell

# %%
open_claims = found[found["verdict"].eq("cannot tell") & found["needed"].ne("")].dropna(subset=["needed"])
Markdown("\n\n".join(f"**{row.claim}**\n\n" + "\n".join(f"- {part}" for part in row.needed.split("\n")) for row in open_claims.itertuples()))

# %% [markdown]
# ## Every answer in full

# %%
Markdown(answers.to_markdown(found))
