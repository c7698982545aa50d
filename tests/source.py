"""The template sources as data: settings, questions, files. Reads them without Copier, which would hide what a test looks for."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gopherforge.catalog import load

ROOT = Path(__file__).resolve().parent.parent
CATALOG = load(ROOT)
"""Every question of the work tree."""

PARTS = ("copier.yml", "ownership.yml", "questions", "templates")
"""What a rendering needs of the repository."""


@cache
def settings() -> dict[str, Any]:
    """The settings of copier.yml, each without its leading underscore."""
    first = copier_yml().split("\n---\n")[1]
    return {key.removeprefix("_"): value for key, value in yaml.safe_load(first).items()}


def includes() -> list[str]:
    """The paths that copier.yml includes, in order."""
    return [line.removeprefix("!include ") for line in copier_yml().splitlines() if line.startswith("!include ")]


def copier_yml() -> str:
    return (ROOT / "copier.yml").read_text(encoding="utf-8")


def template_files() -> list[Path]:
    """Every file below templates/, partials included, relative to the repository."""
    return sorted(path.relative_to(ROOT) for path in (ROOT / "templates").rglob("*") if path.is_file())


@cache
def ownership() -> dict[str, list[str]]:
    """The patterns of ownership.yml: class (`managed`, `modules`, `seeded: <group>`) to patterns."""
    classes: dict[str, list[str]] = {}
    for name, value in yaml.safe_load((ROOT / "ownership.yml").read_text(encoding="utf-8")).items():
        groups = {name: value} if isinstance(value, list) else {f"{name}: {group}": patterns for group, patterns in value.items()}
        classes |= groups
    return classes
