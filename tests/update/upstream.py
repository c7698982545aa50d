"""A small template with releases in which questions and files change awkwardly, and services that are made from them."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gopherforge.change import Place
from gopherforge.create import Request, create
from gopherforge.source import locate
from tests import source
from tests.core.history import Project, git
from tests.update.authored import Files

SETTINGS = source.copier_yml().split("_exclude:")[0]
IDENTITY = (source.ROOT / "questions/identity.yml").read_text(encoding="utf-8")

COPIER = f"""{SETTINGS}_exclude:
  - |
    [% if store == "none" %]
    /store.go
    [% endif %]
---
!include questions/identity.yml
---
!include questions/more.yml
"""

STORE = "store: {type: str, help: Where, choices: [none, postgres, mysql], default: none}\n"
CACHE = "cache: {type: bool, help: A cache, default: false, when: \"[[ store != 'none' ]]\"}\n"

OWNERSHIP = """managed: [/.copier-answers.yml, /Makefile, /store.go, /lines.txt]
seeded:
  readme: [/README.md]
modules: [/go.mod, /go.sum]
"""

LINES = "".join(f"line {number}\n" for number in range(1, 20))

TEMPLATE = {
    "[[ _copier_conf.answers_file ]].jinja": "[[ _copier_answers | to_nice_yaml -]]\n",
    "Makefile.jinja": "# [[ name ]]\n",
    "README.md": "Read me.\n",
    "go.mod.jinja": "module [[ module ]]\n\ngo 1.27.0\n",
    "lines.txt": LINES,
    "store.go.jinja": 'package store\n\nimport _ "[[ module ]]/internal/[[ store ]]"\n\nfunc Open() {\n}\n\nfunc Close() {\n}\n',
}

ANSWERS = {"template": "go-http-service", "name": "orders", "module": "example.com/orders"}

CHANGES = """# Changelog

## Unreleased

## v0.2.0 (2026-11-22)

### Tool

- Nothing for services.

### Generated services

- The first line is new.
- By hand: import `$MODULE/internal/first` where
  you need it.
"""


def template(files: Files) -> dict[str, str]:
    return {f"templates/go-http-service/{path}": text for path, text in files.items()}


def upstream(path: Path) -> Project:
    """v0.1.0, v0.2.0 and a commit more, each with another first line."""
    project = Project(path)
    first = {
        "copier.yml": COPIER,
        "ownership.yml": OWNERSHIP,
        "questions/identity.yml": IDENTITY,
        "questions/more.yml": STORE + CACHE,
    }
    project.commit("feat: the first templates", first | template(TEMPLATE))
    project.commit("release: v0.1.0", {"CHANGELOG.md": "# Changelog\n\n## v0.1.0 (2026-11-21)\n"})
    project.commit(
        "feat: a first line", template({"lines.txt": LINES.replace("line 1\n", "first in v0.2.0\n"), "README.md": "Two.\n"})
    )
    project.commit("release: v0.2.0", {"CHANGELOG.md": CHANGES})
    project.commit("feat: another first line", template({"lines.txt": LINES.replace("line 1\n", "first of all\n")}))
    return project


def make(project: Project, target: Path, ref: str, answers: Mapping[str, object] | None = None) -> Path:
    """A service that `new` made from a release, with a commit of its own."""
    with locate(ref, os.environ, project.package) as templates:
        create(Request(target, {**ANSWERS, **(answers or {})}, templates, git=False), os.environ)
    git(target, "init", "--quiet")
    save(target, "made")
    return target


def save(service: Path, title: str, files: Files | None = None) -> str:
    """Commit these files of the author's, and whatever else there is."""
    for name, text in (files or {}).items():
        path = service / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", title)
    return git(service, "rev-parse", "HEAD")


def without_go(place: Place) -> Place:
    """The same on a machine that has no Go."""
    path = [directory for directory in os.environ["PATH"].split(os.pathsep) if not (Path(directory) / "go").exists()]
    return replace(place, environ={**place.environ, "PATH": os.pathsep.join(path)})
