"""Settings of the documentation site."""

from pathlib import Path

import acuevidence

project = "acuevidence"
author = "The acuevidence developers"
release = acuevidence.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_nb"]
exclude_patterns = ["_build", "_templates", "release.md"]
templates_path = ["_templates"]
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False, "header_links_before_dropdown": 5}
html_sidebars = {page.stem: [] for page in Path(__file__).parent.glob("*.md") if page.stem != "api"}  # they have no pages below
nb_execution_mode = "off"  # the examples are doctests: `make test` runs them

myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"  # types stand in the docstrings
numpydoc_show_class_members = False
linkcheck_anchors = False
linkcheck_retries = 2
linkcheck_timeout = 20
