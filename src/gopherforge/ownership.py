"""Whose a rendered file is, by ownership.yml: which files follow the templates, and how."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gopherforge import ouryaml
from gopherforge.errors import InvalidTemplates
from gopherforge.wording import describe

OWNERSHIP_FILE = "ownership.yml"

MANAGED = "managed"
MODULES = "modules"
SEEDED = "seeded"


@dataclass(frozen=True)
class Ownership:
    """Patterns, such as `/Makefile` and `/internal/platform/`, each with an owner. The first that matches counts."""

    rules: tuple[tuple[str, str], ...] = ()

    def owner(self, path: str) -> str:
        """`managed`, `modules`, or the name of the seeded group that a path belongs to. What no pattern names is managed."""
        return self.rule(path)[1]

    def rule(self, path: str) -> tuple[str, str]:
        """The pattern that names a path, with its owner; an empty pattern where none does."""
        return next((rule for rule in self.rules if _matches(rule[0], f"/{path}")), ("", MANAGED))


def load(*roots: Path) -> Ownership:
    """The ownership that the templates in these directories declare; the earlier wins. Raises InvalidTemplates."""
    return Ownership(tuple(rule for root in roots for rule in _rules(root / OWNERSHIP_FILE)))


def _rules(path: Path) -> list[tuple[str, str]]:
    """The patterns of one file with their owners, the more exact first."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), ouryaml.Loader)  # noqa: S506  (a SafeLoader)
    except FileNotFoundError:  # templates of others
        return []
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidTemplates(f"{path} cannot be read as YAML.") from error
    owned = _table(path, document)
    seeded = _table(path, owned.pop(SEEDED, {}))
    if unknown := owned.keys() - {MANAGED, MODULES}:
        raise InvalidTemplates(f"{path}: {describe(min(unknown))} is none of managed, seeded and modules.")
    if taken := seeded.keys() & {MANAGED, MODULES}:
        raise InvalidTemplates(f"{path}: no seeded group can be called {min(taken)}.")
    rules = [(pattern, owner) for owner, patterns in (owned | seeded).items() for pattern in _patterns(path, owner, patterns)]
    return sorted(rules, key=lambda rule: len(rule[0]), reverse=True)


def _table(path: Path, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise InvalidTemplates(f"{path} holds {describe(value)}, not a table of owners.")
    return dict(value)


def _patterns(path: Path, owner: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each.startswith("/") for each in value):
        raise InvalidTemplates(f"{path}: {owner} takes a list of paths that begin with a slash.")
    return value


def _matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern) if pattern.endswith("/") else path == pattern
