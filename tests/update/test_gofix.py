"""Where a release renames what an author may call, `update` offers to carry the author's code over by `go fix`."""

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gopherforge.change import Options, Place
from gopherforge.errors import Conflicts
from gopherforge.report import Result
from gopherforge.update import Request, update
from tests import gotools
from tests.core.history import Project
from tests.update.authored import git
from tests.update.upstream import LINES, make, save, template, upstream, without_go

OLD = "package clock\n\n// Old tells the hour.\nfunc Old() int { return 1 }\n"
NEW = """package clock

// New tells the hour.
func New() int { return 1 }

// Old tells the hour.
//
// Deprecated: call New.
//
//go:fix inline
func Old() int { return New() }
"""
CALLS = """package mine

import "example.com/orders/clock"

// Hours go by one another, which `go fix` would say in other words if it were asked to.
func Hours() int {
	sum := 0
	for i := 0; i < 10; i++ {
		sum += clock.Old()
	}
	return sum
}
"""
UNIX = "mine/unix/unix.go"
DOS = "mine/dos/dos.go"
BOTH = f"go fix finds old names in {DOS} and {UNIX}."


class Asked:
    """Somebody who answers the same to all questions, and remembers them."""

    def __init__(self, *, answer: bool) -> None:
        self.answer = answer
        self.questions: list[str] = []

    def __call__(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = upstream(tmp_path / "project")
    project.commit("release: v0.3.0", template({"clock/clock.go": OLD}))
    project.commit("release: v0.4.0", template({"clock/clock.go": NEW}))
    return project


@pytest.fixture
def service(tmp_path: Path, project: Project) -> Path:
    """A service whose author calls the old name, in files of either kind of lines."""
    service = make(project, tmp_path / "orders", "v0.3.0")
    save(service, "mine", {UNIX: CALLS, DOS: CALLS.replace("\n", "\r\n"), "mine/not.txt": "clock.Old()\n"})
    return service


@pytest.fixture
def place(project: Project, place_of: Callable[[Project], Place]) -> Place:
    """With Go, and with the author of all tests."""
    author = {name: value for name, value in os.environ.items() if name.startswith("GIT_")}
    return replace(place_of(project), environ={**gotools.environment(), **author})


def run(place: Place, *, answer: bool | None, **options: object) -> tuple[Result, list[str]]:
    """The result, and the questions that were asked; without an answer nobody is there."""
    asked = Asked(answer=bool(answer))
    where = place if answer is None else replace(place, terminal=True, agrees=asked)
    return update(Request(replace(Options("orders"), **options)), where), asked.questions  # type: ignore[arg-type]


def said(place: Place) -> str:
    assert isinstance(place.progress.stderr, io.StringIO)
    return place.progress.stderr.getvalue()


@pytest.mark.go
def test_who_agrees_gets_the_new_names_in_the_same_step(service: Path, place: Place) -> None:
    result, questions = run(place, answer=True)
    assert questions == ["Replace them by the new ones?"]
    assert BOTH in said(place)
    fixed = CALLS.replace("clock.Old()", "clock.New()")
    assert (service / UNIX).read_bytes() == fixed.encode()
    assert (service / DOS).read_bytes() == fixed.replace("\n", "\r\n").encode()
    assert (service / "clock/clock.go").read_text() == NEW
    assert result.data["changed"] == [".copier-answers.yml", "clock/clock.go", DOS, UNIX]
    assert "go fix" not in result.text
    assert result.data["warnings"] == []
    assert git(service, "diff", "--name-only") == ""
    git(service, "reset", "--quiet", "--merge")
    assert git(service, "status", "--short") == ""
    assert (service / UNIX).read_text() == CALLS


@pytest.mark.go
def test_who_declines_keeps_the_old_names_and_is_told_how_to_go_on(service: Path, place: Place) -> None:
    result, questions = run(place, answer=False)
    assert len(questions) == 1
    assert (service / UNIX).read_text() == CALLS
    assert result.data["changed"] == [".copier-answers.yml", "clock/clock.go"]
    assert result.data["warnings"] == ["Run `go fix -inline ./...`: it carries your code over from old names to new ones."]
    command = next(line.strip().partition(",")[0] for line in result.text.splitlines() if "go fix" in line)
    done = gotools.go(service, *command.split()[1:], GOFLAGS="")
    assert done.status == 0, done
    assert (service / UNIX).read_text() == CALLS.replace("clock.Old()", "clock.New()")


@pytest.mark.go
def test_a_branch_gets_the_new_names_too(service: Path, place: Place) -> None:
    result, questions = run(place, answer=True, branch="new")
    assert len(questions) == 1
    assert "clock.New()" in git(service, "show", f"new:{UNIX}")
    assert (service / UNIX).read_text() == CALLS
    assert result.data["changed"] == [".copier-answers.yml", "clock/clock.go", DOS, UNIX]


@pytest.mark.go
def test_code_without_old_names_is_no_question(service: Path, place: Place) -> None:
    git(service, "rm", "--quiet", UNIX, DOS)
    save(service, "without")
    result, questions = run(place, answer=True)
    assert questions == []
    assert "go fix finds no old names in your code.\n" in said(place)
    assert "go fix" not in result.text


@pytest.mark.go
def test_code_that_does_not_build_is_left_alone(service: Path, place: Place) -> None:
    save(service, "broken", {"mine/broken.go": "package mine\n\nvar x int = clock\n"})
    result, questions = run(place, answer=True)
    assert questions == []
    assert "go fix cannot look for old names in your code: " in said(place)
    assert "  go fix -inline ./..., which carries your code over to new names" in result.text
    assert (service / UNIX).read_text() == CALLS


def test_without_go_it_is_told(service: Path, place: Place) -> None:
    result, questions = run(without_go(place), answer=True)
    assert questions == []
    assert "  go fix -inline ./..., which carries your code over to new names" in result.text
    assert (service / UNIX).read_text() == CALLS


def test_nobody_is_asked_where_nobody_is_there_or_nothing_will_be_done(service: Path, place: Place) -> None:
    assert run(place, answer=True, dry_run=True)[1] == []
    result, _ = run(place, answer=None)
    assert "  go fix -inline ./..., which carries your code over to new names" in result.text
    assert (service / UNIX).read_text() == CALLS
    assert said(place) == ""


def test_nothing_runs_over_conflict_markers(service: Path, project: Project, place: Place) -> None:
    project.commit("release: v0.5.0", template({"lines.txt": LINES.replace("line 1\n", "again\n")}))
    save(service, "mine, too", {"lines.txt": LINES.replace("line 1\n", "mine\n")})
    asked = Asked(answer=True)
    with pytest.raises(Conflicts):
        update(Request(Options("orders")), replace(place, terminal=True, agrees=asked))
    assert (asked.questions, said(place)) == ([], "")
    assert (service / UNIX).read_text() == CALLS
