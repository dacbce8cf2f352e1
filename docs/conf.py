"""Sphinx: the documentation in Markdown, built with warnings as errors."""

project = "Zgoda"
author = "The Zgoda developers"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Zgoda"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# Links out of docs/ to files of the repository are for readers of the repository.
suppress_warnings = ["myst.xref_missing"]


def setup(app: object) -> None:
    """Files of rows are shown as they are."""
    from pygments.lexers.special import TextLexer

    app.add_lexer("csv", TextLexer)  # type: ignore[attr-defined]
