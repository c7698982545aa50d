"""`make conflict-check` of a service: what a merge leaves behind is found, wherever the service lives, and nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rendering import render_variant
from tests.support import Outcome, Shared, program, run
from tests.variants import landmarks


def outside_of_git(service: Path) -> None:
    """As `gopherforge new --no-git` leaves it."""


def repository(service: Path) -> None:
    git(service, "init", "--quiet")
    git(service, "add", ".")


def part_of_a_repository(service: Path) -> None:
    git(service.parent, "init", "--quiet")
    (service.parent / "elsewhere.txt").write_text("<<<<<<< not ours\n")
    git(service.parent, "add", ".")


@pytest.fixture(params=[outside_of_git, repository, part_of_a_repository])
def service(request: pytest.FixtureRequest, shared: Shared, tmp_path: Path) -> Path:
    place: Callable[[Path], None] = request.param
    copy = tmp_path / "services" / "user-service"
    shutil.copytree(render_variant(shared, landmarks()[0]).path, copy)
    place(copy)
    return copy


def test_a_new_service_has_no_conflicts(service: Path) -> None:
    assert conflict_check(service).status == 0


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("internal/api/routes.go", "<<<<<<< before updating\n"),
        ("internal/api/routes.go", ">>>>>>> after updating\n"),
        ("docs/new.md", "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> main\n"),
        ("internal/api/routes.go.rej", "@@ -1 +1 @@\n-old\n+new\n"),
    ],
    ids=["start in a file of the service", "end in a file of the service", "new file", "rejected patch"],
)
def test_what_a_merge_left_is_found(path: str, left: str, service: Path) -> None:
    append(service / path, left)

    checked = conflict_check(service)

    assert checked.status != 0
    assert path in checked.output
    assert "elsewhere" not in checked.output


@pytest.mark.parametrize(
    ("path", "harmless"),
    [
        ("README.md", "\nHeading\n=======\n"),
        ("README.md", "\nA merge writes `<<<<<<< ours`, in a line of its own.\n"),
        ("README.md", "\n>>>>>>>deeply quoted\n"),
        ("bin/tool.txt", "<<<<<<< ignored\n"),
        ("bin/tool.rej", "ignored\n"),
    ],
    ids=["heading", "within a line", "quotation", "ignored file", "ignored patch"],
)
def test_what_only_looks_like_a_conflict_is_not(path: str, harmless: str, service: Path) -> None:
    append(service / path, harmless)

    checked = conflict_check(service)

    assert checked.status == 0, checked


def test_without_git_the_check_does_not_pass(service: Path, tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to(program("sh"))

    checked = run([program("make"), "conflict-check", f"SHELL={tmp_path / 'sh'}"], cwd=service, env={"PATH": str(tmp_path)})

    assert checked.status != 0
    assert "git" in checked.output


def conflict_check(service: Path) -> Outcome:
    return run([program("make"), "conflict-check"], cwd=service)


def append(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(text)


def git(directory: Path, *arguments: str) -> None:
    done = run([program("git"), *arguments], cwd=directory)
    assert done.status == 0, done
