"""How Sphinx builds these pages: `sphinx-build -W -b html docs out`, and `-b doctest` to run their examples."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from cassettes_lib import __version__

project = "cassettes_lib"
author = "The cassettes_lib developers"
copyright = "The cassettes_lib developers"
release = version = __version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.doctest"]
default_role = "code"
html_theme = "furo"
html_title = f"cassettes_lib {__version__}"
exclude_patterns = ["_build"]

autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
doctest_global_setup = "from cassettes_lib import *"
napoleon_numpy_docstring = False
napoleon_use_ivar = True


def literal_examples(
    app: Sphinx, what: str, name: str, subject: object, options: Any, lines: list[str]
) -> None:
    """Show the code under `Example:` as code; in the docstrings it stands without markup, for those who read them."""
    found = next((at for at, line in enumerate(lines) if line.strip() == "Example:"), None)
    if found is None:
        return
    indent = len(lines[found]) - len(lines[found].lstrip())
    end = found + 1
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent):
        end += 1
    code = lines[found + 1 : end]
    if not any(line.lstrip().startswith(">>>") for line in code):
        margin = " " * (indent + 4)
        lines[found + 1 : end] = [f"{margin}::", "", *(f"    {line}" if line.strip() else "" for line in code), ""]


def setup(app: Sphinx) -> None:
    """Register what is above, before napoleon, which has the priority 500."""
    app.connect("autodoc-process-docstring", literal_examples, priority=400)
