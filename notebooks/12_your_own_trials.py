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
# # Your own trials
#
# From a table of your own to a forest plot in three calls. The trials below are made up; replace them with yours.
#
# A table to start from comes with the package. On the command line: `acuevidence template > my_trials.csv`.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from IPython.display import Markdown

import acuevidence as ae
from acuevidence.report import for_readers as read

folder = TemporaryDirectory()
file = Path(folder.name) / "my_trials.csv"
file.write_text(ae.effects.template(), encoding="utf-8")
trials = ae.read_trials(file)
result = ae.meta_analysis(data=trials, labels="study", by="comparator")
Markdown(
    f"The template holds {len(pd.read_csv(file))} made-up rows, of which {len(trials)} give an effect. Three calls, `read_trials`, "
    f"`meta_analysis` and `forest`, turn them into {len(result)} pooled effects and the picture below."
)

# %%
pd.read_csv(file, dtype=str, keep_default_na=False)

# %% [markdown]
# One row a trial, or a trial and comparator. A result is given in one of three ways, which may differ by row: means and SDs, events, or an effect with its
# variance, standard error or 95% interval. Group 1 is acupuncture. `higher_is` says what a larger value means for the patient, so that positive effects favour
# acupuncture. A trial without usable figures may stay in the table: it is listed, not lost.

# %%
read.readable(trials[["study", "comparator", "n1", "n2", "yi", "ci_low", "ci_high", "derivation"]])

# %% [markdown]
# ## A fault is named by row and column

# %%
wrong = pd.read_csv(file)
wrong.loc[1, "sd1"] = -2.1
try:
    ae.read_trials(wrong)
except ae.InputError as error:
    print(error)

# %% [markdown]
# ## Pooled, with a forest plot

# %%
result

# %%
ae.plots.forest(result, mid=ae.mid("pain", "SMD"), title="My trials (made up)").figure

# %% [markdown]
# ## Beside the trials of the package
#
# Your rows have the columns of `trial_effects`, so they can be laid beside the package's own.

# %%
known = ae.trial_effects("low_back_pain", comparator="sham")
mine = trials[trials["comparator"] == "sham"]
columns = ["study", "comparator", "yi", "vi"]
together = pd.concat([known[columns].assign(whose="published trials"), mine[columns].assign(whose="my trials")], ignore_index=True)
both = ae.meta_analysis(data=together, labels="study", by="whose", test="HKSJ-adhoc", overall=True)
read.readable(both.to_frame()[["whose", "k", "estimate", "ci_low", "ci_high", "tau2"]])

# %% [markdown]
# ## Other measures
#
# Ratios are read and pooled on the log scale and shown as ratios.

# %%
responders = pd.DataFrame(
    {"study": ["Made-up G", "Made-up H", "Made-up I"], "events1": [31, 18, 40], "n1": [70, 50, 90],
     "events2": [22, 8, 37], "n2": [72, 48, 92], "measure_used": "at least 50% less pain", "week": 12, "higher_is": "better"}
)
ratios = ae.read_trials(responders, measure="RR")
pooled = ae.meta_analysis(data=ratios, labels="study", test="HKSJ-adhoc")
ae.plots.forest(pooled, title="Responders (made up), risk ratio").figure

# %% [markdown]
# Trials with several outcomes, weeks and arms belong in a folder of tables with the package's schema: `ae.load_evidence("my_folder")`, checked by
# `acuevidence validate my_folder`; the codebook explains every column.
