"""The ways that services of an author are taken: to a newer release, over awkward changes, and by other answers."""

import hashlib
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from gopherforge import bundle, catalog, set_answers, source, update
from gopherforge.catalog import Value
from gopherforge.change import Options, Place
from gopherforge.create import Request, create
from gopherforge.errors import Conflicts
from gopherforge.report import Progress
from gopherforge.scratch import scratch_directory
from tests.core.history import git
from tests.rendering import ANSWERS_FILE
from tests.support import Shared
from tests.update import history
from tests.update.edits import EDITS, Edit
from tests.update.losses import Files
from tests.variants import Variant, landmarks

FEATURES: Mapping[str, tuple[str, Value, Value]] = {
    "go-http-service": ("database", "none", "postgres"),
    "go-grpc-service": ("gateway", False, True),
    "go-worker-pool": ("source", "none", "nats"),
}
"""Of each template a question, and the answers without and with what changes most in a service."""

_NAME = "user-service"


@dataclass(frozen=True)
class Step:
    """What is done with a service that has a variant's answers."""

    name: str
    before: Variant
    answers: tuple[tuple[str, Value], ...] = ()
    """Those that are given anew; where there are none, the service is updated."""

    start: str = ""
    """The release that an update starts from, where it is one of the real ones."""

    def __str__(self) -> str:
        return f"{self.before.template}-{self.start or self.name}"

    @property
    def words(self) -> tuple[str, ...]:
        """The given answers, as on a command line."""
        return tuple(f"{key}={str(value).lower()}" for key, value in self.answers)

    @property
    def result(self) -> Variant:
        """What the service is at its end."""
        return replace(self.before, options=tuple((dict(self.before.options) | dict(self.answers)).items()))

    @property
    def after(self) -> dict[str, Value]:
        """All answers at its end."""
        answers = self.result.answers
        if self.name == "awkward":
            answers["runs_on"] = "none" if answers.pop("deploy") == "none" else "kustomize"
        return answers

    def package(self, shared: Shared) -> Path:
        """Whose templates the service follows."""
        if self.name != "awkward":
            return source.PACKAGE
        return shared.directory("update/awkward", history.releases) / "src/gopherforge"

    def versions(self, shared: Shared) -> tuple[str, str]:
        """Where it starts and where it ends."""
        known = source.versions(os.environ, self.package(shared))
        return self.start or known[-1 if self.answers else -2], known[-1]


@dataclass(frozen=True)
class Way:
    """An author's edit, and the step after it."""

    name: str
    step: Step

    def __str__(self) -> str:
        return f"{self.step}-{self.name}".replace(" ", "_")

    @property
    def edit(self) -> Edit:
        return EDITS[self.name]

    @property
    def expected(self) -> frozenset[str]:
        """The files that are then in conflict."""
        named = self.edit.conflicts
        return named.get(str(self.step)) or named.get(self.step.name, frozenset())


@dataclass(frozen=True)
class Taken:
    """A service after its way. Only to be read."""

    service: Path
    head: str  # the author's last commit
    told: Mapping[str, Any]  # the data of the command's result
    base: Files  # the rendering that it started from
    ours: Files  # the author's files
    theirs: Files  # the rendering that it was to follow
    merged: Files  # the files now

    @property
    def conflicts(self) -> frozenset[str]:
        return frozenset(self.told["conflicts"])


def steps() -> list[Step]:
    """Of every template: updates from its releases, one over awkward changes, and a feature that comes, and that goes."""
    found = [*releases()]
    for full in (variant for variant in landmarks() if variant.label == "full"):
        key, without, present = FEATURES[full.template]
        options = tuple((one, without if one == key else value) for one, value in full.options)
        plain = Variant(full.template, f"without-{key}", options)
        found += [
            Step("awkward", full),
            Step("on", plain, ((key, present),)),
            Step("off", full, ((key, without),)),
        ]
    return found


@cache
def releases() -> tuple[Step, ...]:
    """From every release of every template to the newest version, with everything on that the release offers; oldest first."""
    with scratch_directory() as scratch, source.open_source(os.environ, scratch) as opened:
        asked = {version: catalog.load(opened.templates(version).root) for version in opened.history.versions[:-1]}
    found = []
    for full in (variant for variant in landmarks() if variant.label == "full"):
        for version, questions in asked.items():
            if full.template in questions.templates:
                offered = {question.key: question.values for question in questions.questions}
                options = tuple((key, value) for key, value in full.options if value in offered.get(key, ()))
                found.append(Step("release", Variant(full.template, version, options), start=version))
    return tuple(found)


def ways() -> list[Way]:
    """Every edit in every service that it fits, before every step."""
    return [Way(name, step) for step in steps() for name, edit in EDITS.items() if can_precede(edit, step)]


def can_precede(edit: Edit, step: Step) -> bool:
    """Whether the service that a step is done with has what an edit changes."""
    if step.start and bundle.order(step.start) < bundle.order(edit.since):
        return False
    return edit.is_for(step.before) and not (edit.needs_go and step.name == "awkward")


def over_awkward_changes() -> list[Way]:
    """Each edit before the step that changes most, in the first template that it fits."""
    first: dict[str, Way] = {}
    for way in ways():
        if way.step.name == "awkward":
            first.setdefault(way.name, way)
    return list(first.values())


def spread() -> list[Way]:
    """Each edit over awkward changes, from the oldest release that has what it changes, and before other answers.

    Features take turns.
    """
    chosen = over_awkward_changes()
    for name in EDITS:
        possible = [way for way in ways() if way.name == name]
        chosen.append(min((way for way in possible if way.step.start), key=lambda way: bundle.order(way.step.start)))
        done = Counter(way.step for way in chosen)
        if features := [way for way in possible if way.step.answers]:
            chosen.append(min(features, key=lambda way: done[way.step]))
    return chosen


def take(way: Way, shared: Shared) -> Taken:
    """Have a service go its way, once a session."""
    step, package = way.step, way.step.package(shared)
    start, end = step.versions(shared)

    def fill(place: Path) -> None:
        service = place / _NAME
        prepare(step, way.edit, shared, service)
        shutil.copytree(service, place / "ours", ignore=shutil.ignore_patterns(".git"))
        (place / "told.json").write_text(json.dumps(run(step, service, package)), encoding="utf-8")

    place = shared.directory(f"update/ways/{way}", fill)
    ours = contents(place / "ours")
    module: dict[str, Value] = {"module": ours["go.mod"].split()[1].decode()}
    return Taken(
        service=place / _NAME,
        head=git(place / _NAME, "rev-parse", "HEAD"),
        told=json.loads((place / "told.json").read_text(encoding="utf-8")),
        base=contents(rendering(shared, package, start, step.before.answers | module)),
        ours=ours,
        theirs=contents(rendering(shared, package, end, step.after | module)),
        merged=contents(place / _NAME),
    )


def prepare(step: Step, edit: Edit, shared: Shared, service: Path) -> None:
    """Make the service that a step is done with, and do to it what its author does: a commit each."""
    shutil.copytree(rendering(shared, step.package(shared), step.versions(shared)[0], step.before.answers), service)
    git(service, "init", "--quiet")
    commit(service, "Create user-service")
    edit.edit(service)
    commit(service, "Go on")


def run(step: Step, service: Path, package: Path) -> dict[str, object]:
    """Do the step, with markers in conflicts. Returns the data of the result."""
    place = Place(dict(os.environ), service.parent, Progress(io.StringIO()), package=package)
    options = Options(service.name, on_conflict="mark")
    try:
        if step.answers:
            return dict(set_answers.set_answers(set_answers.Request((*step.words, service.name), options), place).data)
        return dict(update.update(update.Request(options), place).data)
    except Conflicts as conflicts:
        return dict(conflicts.data or {})


def rendering(shared: Shared, package: Path, version: str, answers: Mapping[str, Value]) -> Path:
    """A service as `new` makes it, without a repository. Only to be read."""

    def fill(target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.locate(version, os.environ, package) as templates:
            create(Request(target, answers, templates, git=False), os.environ)

    asked = json.dumps([str(package), version, sorted(answers.items())])
    return shared.directory(f"update/renderings/{hashlib.sha256(asked.encode()).hexdigest()[:16]}", fill)


def contents(directory: Path) -> Files:
    """Every file by its path, but for the repository and for the answers, which are never the author's."""
    paths = (path for path in directory.rglob("*") if path.is_file())
    found = {path.relative_to(directory).as_posix(): path for path in paths}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(".git/") and name != ANSWERS_FILE}


def commit(service: Path, title: str) -> None:
    """Everything there, also if nothing is new."""
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--allow-empty", "--message", title)


def export(service: Path, place: Path) -> None:
    """The files of a service, without its repository, which would make each one another."""
    shutil.copytree(service, place, ignore=shutil.ignore_patterns(".git"))
