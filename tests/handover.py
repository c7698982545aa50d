"""Services that gopherforge made, updated and changed, for Renovate and plain Copier to go on with."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from gopherforge import source as templates
from tests import source
from tests.core.history import git
from tests.plain import Author, files, make_upstream, publish, settle
from tests.rendering import ANSWERS_FILE
from tests.support import Outcome, Shared, run
from tests.update.ways import FEATURES

COMMANDS = ("new", "update", "set")

CHANGED = "Makefile"
"""The file that the releases after the present one change, in its last line."""

LAST = dict(zip(source.CATALOG.templates, COMMANDS, strict=True))
"""Of each template a service: the last of these commands for it."""

YOURS = tuple(path.removeprefix("/") for name, paths in source.ownership().items() if name != "managed" for path in paths)


@dataclass(frozen=True)
class Handover:
    """The services, and someone for whom every release but the last is at the templates' address."""

    shared: Shared
    author: Author
    project: Path
    made: str  # the newest real release
    updated: str  # the templates of the work tree
    offered: str  # what is newest at the templates' address
    carried: str  # what is newest in gopherforge

    def gopherforge(self, *words: str, cwd: Path) -> Outcome:
        return run(
            [sys.executable, "-m", "gopherforge", *words],
            cwd=cwd,
            env=self.author.env | {"PYTHONPATH": str(self.project / "src")},
        )

    def service(self, template: str) -> Path:
        """A service with a commit after each command. Only to be read."""

        def fill(place: Path) -> None:
            place.mkdir()
            self._make(place / "orders", template)

        return self.shared.directory(f"handover/services/{template}", fill) / "orders"

    def _make(self, service: Path, template: str) -> None:
        key, _, present = FEATURES[template]
        answers = (f"template={template}", "name=orders", "module=example.com/orders")
        given = [word for answer in answers for word in ("--data", answer)]
        options = {
            "new": ["--defaults", "--ref", self.made, *given],
            "update": ["--to", self.updated],
            "set": [f"{key}={str(present).lower()}"],
        }
        for command in COMMANDS[: COMMANDS.index(LAST[template]) + 1]:
            done = self.gopherforge(command, *options[command], service.name, cwd=service.parent)
            assert done.status == 0, done
            if command != "new":
                self.author.commit(service, f"gopherforge {command}")

    def recorded(self, template: str) -> str:
        """The version of a service."""
        return self.made if LAST[template] == "new" else self.updated

    def check_goes_on(self, taken: Path, before: Path, place: Path) -> None:
        """After an update without gopherforge, one with it gives what is the template's as if there had been no other."""
        shutil.copytree(before, place)
        for service in (taken, place):
            done = self.gopherforge("update", cwd=service)
            assert done.status == 0, done
        after, wanted = files(taken), files(place)
        assert f"_commit: {self.carried}\n".encode() in after[ANSWERS_FILE]
        assert [path for path in wanted if after.get(path) != wanted[path] and not path.startswith(YOURS)] == []


def hand_over(shared: Shared) -> Handover:
    """Make the releases, once a session."""
    project, home = shared.path / "handover/project", shared.path / "handover/author"
    shared.directory("handover/project", _releases)
    versions = templates.versions(os.environ, project / "src/gopherforge")
    made, updated, offered, carried = versions[-4:]

    def fill(place: Path) -> None:
        settle(home, project, place)
        publish(project, place, "*")
        git(place / "upstream.git", "tag", "--delete", carried)

    shared.directory("handover/author", fill)
    return Handover(shared, Author(home), project, made, updated, offered, carried)


def _releases(place: Path) -> None:
    """The real releases, and three more."""
    make_upstream(place)
    last = templates.versions(os.environ, place / "src/gopherforge")[-1]
    major, minor = map(int, re.findall(r"\d+", last)[:2])
    git(place, "commit", "--quiet", "--allow-empty", "--message", f"release: v{major}.{minor + 1}.0")
    for ahead in (2, 3):
        with (place / "templates/_shared" / CHANGED).open("a", encoding="utf-8") as file:
            file.write(f"\n# {ahead} releases later.\n")
        git(place, "commit", "--quiet", "--all", "--message", f"release: v{major}.{minor + ahead}.0")
