"""Settings of the documentation site."""

import shutil
from pathlib import Path

import acuevidence

# The notebooks are pages too: copies with their stored outputs, made anew for every build.
_HERE = Path(__file__).parent
for _notebook in sorted((_HERE.parent / "notebooks").glob("[0-9]*.ipynb")):
    shutil.copyfile(_notebook, _HERE / "notebooks" / _notebook.name)

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
html_sidebars = {page.stem: [] for page in _HERE.glob("*.md") if page.stem != "api"}  # they have no pages below
nb_execution_mode = "off"  # the examples are doctests: `make test` runs them

myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"  # types stand in the docstrings
numpydoc_show_class_members = False
linkcheck_anchors = False
linkcheck_retries = 2
linkcheck_timeout = 20
