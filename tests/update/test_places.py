"""Wherever a service is, `update` and `set` make of it what they make of one that is a repository of its own."""

import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gopherforge import set_answers
from gopherforge.change import Options, Place
from gopherforge.create import Request as New
from gopherforge.create import create
from gopherforge.report import Progress, Result
from gopherforge.source import locate
from gopherforge.update import Request, update
from tests.core.history import Project
from tests.core.observer import changes
from tests.update.authored import git, state
from tests.update.upstream import ANSWERS, LINES, make, save

MINE = {"lines.txt": LINES.replace("line 19\n", "line 19, mine\n"), "README.md": "Mine.\n", "notes.txt": "mine\n"}

Command = Callable[[Place, str, str | None], Result]


def run_update(place: Place, directory: str, branch: str | None = None) -> Result:
    return update(Request(Options(directory, branch=branch)), place)


def run_set(place: Place, directory: str, branch: str | None = None) -> Result:
    return set_answers.set_answers(set_answers.Request(("store=postgres", directory), Options(branch=branch)), place)


@pytest.fixture(scope="module", params=[run_update, run_set], ids=["update", "set"])
def command(request: pytest.FixtureRequest) -> Command:
    found: Command = request.param
    return found


@pytest.fixture(scope="module")
def mine(templates: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service of v0.1.0 with edits of its author's. Only to be read."""
    service = make(templates, tmp_path_factory.mktemp("mine") / "orders", "v0.1.0")
    save(service, "mine", MINE)
    return service


@pytest.fixture(scope="module")
def expected(command: Command, mine: Path, templates: Project, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tree that the command makes of that service."""
    directory = tmp_path_factory.mktemp("plain")
    git(directory, "clone", "--quiet", str(mine), "orders")
    place = Place(dict(os.environ), directory, Progress(io.StringIO()), package=templates.package)
    assert command(place, "orders", None).data["conflicts"] == []
    tree = git(directory / "orders", "write-tree")
    assert tree != git(mine, "rev-parse", "HEAD^{tree}")
    return tree


@dataclass(frozen=True)
class Somewhere:
    """Where a service is, and what tells its new state. Paths are below the directory that holds all."""

    service: str
    written: str  # git's index, or the reference of the branch
    branch: str | None = None


def sub_folder(place: Path, mine: Path, _: Project) -> Somewhere:
    """Beside another service that is being changed."""
    for name in ("orders", "users"):
        shutil.copytree(mine, place / "mono/services" / name, ignore=shutil.ignore_patterns(".git"))
    git(place / "mono", "init", "--quiet")
    save(place / "mono", "all")
    _being_changed(place / "mono/services/users")
    return Somewhere("mono/services/orders", "mono/.git/index")


def linked_work_tree(place: Path, mine: Path, _: Project) -> Somewhere:
    """Of a repository where the same service is another one, and is being changed."""
    git(place, "clone", "--quiet", str(mine), "main")
    git(place / "main", "worktree", "add", "--quiet", "-b", "side", "../linked")
    save(place / "main", "another", {"notes.txt": "another\n"})
    _being_changed(place / "main")
    return Somewhere("linked", "main/.git/worktrees/linked/index")


def made_in_a_linked_work_tree(place: Path, _: Path, templates: Project) -> Somewhere:
    """Of a repository in which there is no service, and which is being changed."""
    (place / "main").mkdir()
    git(place / "main", "init", "--quiet")
    save(place / "main", "no service", {"lines.txt": "of another\n", "README.md": "Another.\n"})
    git(place / "main", "worktree", "add", "--quiet", "-b", "side", "../linked")
    (place / "linked/services").mkdir()
    with locate("v0.1.0", os.environ, templates.package) as found:
        made = create(New(place / "linked/services/orders", ANSWERS, found), os.environ)
    assert not made.committed
    save(place / "linked", "a service")
    save(place / "linked/services/orders", "mine", MINE)
    _being_changed(place / "linked")
    _being_changed(place / "main")
    return Somewhere("linked/services/orders", "main/.git/worktrees/linked/index")


def depth_1_clone(place: Path, mine: Path, _: Project) -> Somewhere:
    git(place, "clone", "--quiet", "--depth=1", mine.as_uri(), "clone")
    assert (place / "clone/.git/shallow").exists()
    return Somewhere("clone", "clone/.git/index")


def bare_clone(place: Path, mine: Path, _: Project) -> Somewhere:
    git(place, "clone", "--quiet", "--bare", str(mine), "bare.git")
    return Somewhere("bare.git", "bare.git/refs/heads/new", branch="new")


@pytest.fixture(params=[sub_folder, linked_work_tree, made_in_a_linked_work_tree, depth_1_clone, bare_clone])
def found(request: pytest.FixtureRequest, place: Place, mine: Path, templates: Project) -> Somewhere:
    """Such a place, with that service."""
    made: Somewhere = request.param(place.cwd, mine, templates)
    return made


def test_it_becomes_the_same_and_nothing_else_changes(command: Command, expected: str, found: Somewhere, place: Place) -> None:
    service = place.cwd / found.service
    head, staged = git(service, "rev-parse", "HEAD"), _beside(service)
    before = state(place.cwd)
    data = command(place, found.service, found.branch).data
    changed = {path for path in changes(before, state(place.cwd)) if "/objects/" not in path}
    assert git(service, "rev-parse", "HEAD") == head
    if found.branch:
        assert changed == {found.written}
        assert git(service, "rev-parse", f"{found.branch}^", f"{found.branch}^{{tree}}").split() == [head, expected]
        return
    assert git(service, "write-tree", f"--prefix={git(service, 'rev-parse', '--show-prefix')}") == expected
    assert git(service, "diff", "--name-only", "--relative") == ""
    assert _beside(service) == staged
    told = [path for key in ("added", "changed") for path in data[key]]  # type: ignore[attr-defined]
    assert changed == {found.written, *(f"{found.service}/{path}" for path in told)}


def _being_changed(directory: Path) -> None:
    """Something is staged there, something is not, and something is not tracked."""
    (directory / "lines.txt").write_text("staged\n")
    git(directory, "add", "lines.txt")
    (directory / "README.md").write_text("not staged\n")
    (directory / "new.txt").write_text("not tracked\n")


def _beside(service: Path) -> str:
    """What the index of a repository has outside of a service's directory."""
    if git(service, "rev-parse", "--is-bare-repository") == "true":
        return ""
    return git(service, "ls-files", "--stage", "--full-name", "--", ":/", ":(exclude)*")
