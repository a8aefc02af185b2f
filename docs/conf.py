"""The documentation site: Sphinx, the theme Furo, pages in Markdown (MyST). `make docs` builds it."""

import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # the pages are about the code beside them

import written  # noqa: E402

from universe_gan import __version__  # noqa: E402

project = "universe-gan"
author = "the universe-gan developers"
project_copyright = f"{author}, MIT licence"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist", "attrs_inline"]
myst_heading_anchors = 4
smartquotes_action = "qe"  # `--` is two hyphens: options are named in help texts
default_role = "literal"  # docstrings write `names` as Markdown does
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
autodoc_mock_imports = [name for name in ("torch", "skimage", "pyvips", "sep") if find_spec(name) is None]
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

html_theme = "furo"
html_title = "universe-gan"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"
if find_spec("a11y_pygments") is None:
    pygments_style, pygments_dark_style = "tango", "monokai"


def setup(app: object) -> None:
    """Write the pages that are made from the code before Sphinx looks for pages."""
    app.connect("builder-inited", lambda app: written.write_all(HERE))  # type: ignore[attr-defined]
