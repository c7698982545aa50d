"""The package of the example is called otherwise: its directory, its name, and whoever imports it or names it."""

import re
from pathlib import Path

PACKAGES = {"internal/user": "internal/visitor", "internal/job": "internal/errand"}
"""Names that leave the imports in order."""


def edit(service: Path) -> None:
    for old, new in PACKAGES.items():
        if (service / old).is_dir():
            (service / old).rename(service / new)
            _rename(service, old, new)


def _rename(service: Path, old: str, new: str) -> None:
    name, called = Path(old).name, Path(new).name
    qualifier = re.compile(rf"(?<![.\w]){name}\.(?=[A-Z])")
    clause = re.compile(rf"(?m)^package {name}(?=$|_test$)|^// Package {name} ")
    for path in service.rglob("*"):
        if not path.is_file() or path.relative_to(service).parts[0] == ".git":
            continue
        text = changed = path.read_text(encoding="utf-8")
        if old in text:
            changed = text.replace(f"{old}/", f"{new}/").replace(f'{old}"', f'{new}"').replace(f"{old}`", f"{new}`")
        if path.suffix == ".go":
            changed = qualifier.sub(f"{called}.", changed)
            if path.parent == service / new:
                changed = clause.sub(lambda found: found[0].replace(f" {name}", f" {called}"), changed)
        if changed != text:
            path.write_text(changed, encoding="utf-8")
