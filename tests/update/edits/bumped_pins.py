"""Dependabot's pull requests are merged: a newer action, and a newer image to build the program in."""

import re
from pathlib import Path

from tests.generated.first_edits.author import Author

PINS = {
    ".github/workflows/ci.yml": (r"actions/checkout@[0-9a-f]{40} # v[0-9.]+", f"actions/checkout@{'9' * 40} # v99.0.0"),
    "Dockerfile": (r"golang:[0-9.]+-bookworm", "golang:99.0.0-bookworm"),
}


def edit(service: Path) -> None:
    author = Author(service)
    for path, (old, new) in PINS.items():
        text, times = re.subn(old, new, (service / path).read_text(encoding="utf-8"))
        assert times
        author.write(path, text)
