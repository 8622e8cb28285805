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
# # Time course
#
# Does the effect come at once or over weeks, and does it last?
#
# Weeks count from the end of the course. Positive effects favour acupuncture. Every number below is computed from the tables in `data/`; none is
# typed in.

# %%
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.report import answers
from acuevidence.report import for_readers as read

course = ae.questions.time_course()
topic = ae.load_evidence().topic
said = []
for comparator, part in course.periods.groupby("comparator", sort=False):
    large = part[part["k"] >= 3].dropna(subset=["estimate"])
    first, last = large.iloc[0], large.iloc[-1]
    said.append(
        f"Against {topic.comparator(comparator).phrase} the pooled effect is {first.estimate:.2f} SD ({first.period}, {first.k} trials) and "
        f"{last.estimate:.2f} ({last.period}, {last.k} trials; 95% interval {last.ci_low:.2f} to {last.ci_high:.2f})."
    )
Markdown(" ".join(said) + " Different periods rest on different trials, so the difference between them is no course.")

# %%
course.plot().figure

# %% [markdown]
# ## By period
#
# A period is the plain pool of its trials. Periods rest on different trials, so that their difference is no course.

# %%
read.readable(course.to_frame())

# %% [markdown]
# ## Change between periods
#
# Only trials that print both periods on one instrument tell of a change; `k` counts them. The correlation of two weeks within patients is
# an assumption, and the intervals take trials as clusters.

# %%
read.readable(course.changes.dropna(), estimate="Change in SMD", k="Trials that print both")

# %% [markdown]
# ## Does the assumed correlation matter?

# %%
import pandas as pd

assumed = {r: ae.questions.time_course(correlation=r).changes.dropna() for r in (0, course.correlation, 1 / 2 + course.correlation / 2)}
both = pd.concat(assumed, names=["correlation"]).reset_index(level=0)
read.readable(both[["correlation", "comparator", "earlier", "later", "estimate", "ci_low", "ci_high"]])

# %% [markdown]
# ## What follows for the claims

# %%
Markdown(answers.to_markdown(ae.evaluate_claims(["quick-or-gradual", "lasting"])))
