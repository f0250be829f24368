"""How the documentation is built: `sphinx-build -W docs build/docs`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The package with its core, from the build folder; it is imported for its docstrings.
sys.path.insert(0, os.environ.get("EPY_PACKAGE", str(ROOT / "build" / "dev" / "python")))

import epy  # noqa: E402  # from the folder above

project = "epy"
copyright = "the epy authors"
version = release = epy.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.graphviz", "sphinxarg.ext"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["requirements.txt"]
default_role = "code"  # docstrings name things in `single` quotes
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r".*")]  # annotations name private and ctypes' types

html_theme = "furo"
html_title = "epy"
html_copy_source = False
graphviz_output_format = "svg"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
