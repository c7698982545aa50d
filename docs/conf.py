"""How Sphinx builds the documentation: `make docs`."""

from gopherforge import __version__

project = "gopherforge"
version = release = __version__

extensions = ["myst_parser"]
myst_heading_anchors = 3  # so that a link to a heading is checked, too
smartquotes = False  # which would make a dash of the two hyphens of an option
html_theme = "furo"
html_title = f"gopherforge {version}"
html_static_path = ["static"]
html_css_files = ["tables.css"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
