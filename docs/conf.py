"""Settings of the documentation site."""

import acuevidence

project = "acuevidence"
author = "The acuevidence developers"
release = acuevidence.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_nb"]
exclude_patterns = ["_build", "release.md"]
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_toc_level": 2}
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
autosummary_generate = True
numpydoc_show_class_members = False
