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
# Weeks count from randomisation. Positive effects favour acupuncture. Every number below is computed from the tables in `data/`; none is
# typed in.

# %%
import acuevidence as ae

course = ae.questions.time_course()
course.plot().figure

# %% [markdown]
# ## By period
#
# Each trial is followed on one instrument; weeks of the same patients are correlated, and the correlation is an assumption.

# %%
course.to_frame().round(2)

# %% [markdown]
# ## Change between periods
#
# `k` counts the trials that print both periods. Where there are none, the change compares other trials, patients and instruments, and says
# little about a course.

# %%
course.changes.query("k > 0").round(2)

# %% [markdown]
# ## Does the assumed correlation matter?

# %%
import pandas as pd

assumed = {r: ae.questions.time_course(correlation=r).changes.query("k > 0") for r in (0, course.correlation, 1 / 2 + course.correlation / 2)}
pd.concat(assumed, names=["correlation"]).reset_index(level=0)[["correlation", "comparator", "earlier", "later", "estimate", "ci_low", "ci_high"]].round(2)

# %% [markdown]
# ## What follows for the claims

# %%
from IPython.display import Markdown

from acuevidence.report import answers

Markdown(answers.to_markdown(ae.evaluate_claims(["quick-or-gradual", "lasting"])))
