"""Dependabot's grouped pull request is merged: a module of the service and one of its tools get their newest versions."""

import json
import re
from pathlib import Path

from tests import source
from tests.generated.first_edits.author import Author

BUMPED = {"": ("service", "go.yaml.in/yaml/v3"), "tools/": ("tools", "golang.org/x/sync")}
"""By directory, the lock that knows the newest version, and the module."""


def edit(service: Path) -> None:
    author = Author(service)
    for directory, (name, module) in BUMPED.items():
        lock = json.loads((source.ROOT / f"templates/_shared/gomod/{name}.json").read_text(encoding="utf-8"))
        newest = lock["modules"][module]["line"]
        requirements = (service / directory / "go.mod").read_text(encoding="utf-8")
        required = re.search(rf"{re.escape(module)} v\S+", requirements)
        assert required
        author.write(f"{directory}go.mod", requirements.replace(required[0], newest))
        sums = (service / directory / "go.sum").read_text(encoding="utf-8").splitlines(keepends=True)
        others = [line for line in sums if not line.startswith((f"{required[0]} ", f"{required[0]}/go.mod "))]
        hashed = [f"{line} {lock['sums'][line]}\n" for line in (newest, f"{newest}/go.mod")]
        author.write(f"{directory}go.sum", "".join(sorted([*others, *hashed])))
