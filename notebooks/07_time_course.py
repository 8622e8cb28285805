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
import acuevidence as ae

course = ae.questions.time_course()
course.plot().figure

# %% [markdown]
# ## By period
#
# A period is the plain pool of its trials. Periods rest on different trials, so that their difference is no course.

# %%
course.to_frame().round(2)

# %% [markdown]
# ## Change between periods
#
# Only trials that print both periods on one instrument tell of a change; `k` counts them. The correlation of two weeks within patients is
# an assumption, and the intervals take trials as clusters.

# %%
course.changes.dropna().round(2)

# %% [markdown]
# ## Does the assumed correlation matter?

# %%
import pandas as pd

assumed = {r: ae.questions.time_course(correlation=r).changes.dropna() for r in (0, course.correlation, 1 / 2 + course.correlation / 2)}
pd.concat(assumed, names=["correlation"]).reset_index(level=0)[["correlation", "comparator", "earlier", "later", "estimate", "ci_low", "ci_high"]].round(2)

# %% [markdown]
# ## What follows for the claims

# %%
from IPython.display import Markdown

from acuevidence.report import answers

Markdown(answers.to_markdown(ae.evaluate_claims(["quick-or-gradual", "lasting"])))
