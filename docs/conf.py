"""The docs site: `.venv/bin/sphinx-build -W --keep-going docs build/docs`, then open build/docs/index.html."""

import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from generated import PAGES, linked, named, readable

_PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "minifaces"
author = "The minifaces developers"
copyright = "2026, The minifaces developers"  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["pictures/*.py"]
nitpicky = True  # what is referred to must be there
nitpick_ignore_regex = [("py:.*", ".*")]  # ... but for types, which are shown as they are written
default_role = "code"

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # notes may begin a page with a smaller heading

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90

html_theme = "furo"
html_title = "minifaces"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "../src/minifaces/explorer/static/favicon.svg"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "source_repository": _PROJECT["urls"]["Source"],
    "source_branch": "main",
    "source_directory": "docs/",
}
highlight_language = "none"  # but for what says which it is
pygments_style = "friendly"


def setup(app: object) -> None:
    def source_read(_app: object, page: str, source: list[str]) -> None:
        text = source[0]
        if page in PAGES:
            text += PAGES[page]()
        source[0] = linked(text, page, _PROJECT["urls"]["Source"])

    app.connect("source-read", source_read)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", readable)  # type: ignore[attr-defined]
    app.connect("autodoc-process-signature", named)  # type: ignore[attr-defined]
