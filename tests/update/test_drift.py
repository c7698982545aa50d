"""What authors changed of their services is read from git: since which commit, through which histories, and without a write."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from gopherforge.drift import Drift, committed_answers, drifts
from gopherforge.errors import ProgramFailed, ProgramMissing
from gopherforge.project import ANSWERS_FILE
from gopherforge.reader import Reader
from tests.core.history import git
from tests.update.starts import counted

OLD = "# Written by Copier.\n_commit: v0.1.0\n_src_path: https://gopherforge.example/gopherforge.git\nname: orders\n"
NEW = OLD.replace("v0.1.0", "v0.2.0")
FILES = {"Makefile": "all:\n", "Dockerfile": "FROM scratch\n", "deploy/rules.yml": "rules\n"}


def write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, newline="")


def commit(directory: Path, files: Mapping[str, str] | None = None) -> str:
    """Everything in the repository's work tree."""
    write(directory, files or {})
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", "a commit")
    return git(directory, "rev-parse", "HEAD")


def drift(service: Path, environ: Mapping[str, str] = os.environ) -> Drift:
    return drifts({service: (service / ANSWERS_FILE).read_text()}, environ)[service]


def edited(*paths: str) -> Drift:
    return Drift(edited=frozenset(paths))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Without a commit."""
    place = tmp_path.resolve() / "repository"
    place.mkdir()
    git(place, "init", "--quiet")
    return place


@pytest.fixture
def service(repository: Path) -> Path:
    """A service that is a repository, committed as it was made."""
    commit(repository, {ANSWERS_FILE: OLD, **FILES})
    return repository


def test_what_nobody_touched_has_not_changed(service: Path) -> None:
    assert drift(service) == Drift()


def test_edits_count_committed_or_not(service: Path) -> None:
    commit(service, {"Makefile": "mine:\n"})
    write(service, {"deploy/rules.yml": "staged\n"})
    git(service, "add", "--all")
    write(service, {"Dockerfile": "FROM mine\n"})
    assert drift(service) == edited("Makefile", "deploy/rules.yml", "Dockerfile")


def test_a_mode_is_an_edit(service: Path) -> None:
    (service / "Makefile").chmod(0o755)
    commit(service)
    assert drift(service) == edited("Makefile")


def test_deletions_count_committed_or_not(service: Path) -> None:
    git(service, "rm", "--quiet", "Makefile")
    commit(service)
    git(service, "rm", "--quiet", "Dockerfile")
    (service / "deploy/rules.yml").unlink()
    assert drift(service) == Drift(deleted=frozenset(["Makefile", "Dockerfile", "deploy/rules.yml"]))


def test_what_is_there_again_is_an_edit(service: Path) -> None:
    git(service, "rm", "--quiet", "Makefile")
    commit(service)
    write(service, {"Makefile": "mine:\n"})
    git(service, "add", "--all")
    assert drift(service) == edited("Makefile")


def test_new_files_are_the_authors(service: Path) -> None:
    commit(service, {"committed.go": "package mine\n"})
    write(service, {"committed.go": "package ours\n", "staged.go": "package mine\n"})
    git(service, "add", "staged.go")
    write(service, {"untracked.go": "package mine\n"})
    assert drift(service) == Drift()


def test_an_update_begins_anew(service: Path) -> None:
    commit(service, {"Makefile": "mine:\n"})
    commit(service, {ANSWERS_FILE: NEW, "Dockerfile": "FROM new\n"})
    assert drift(service) == Drift()
    commit(service, {"Dockerfile": "FROM mine\n"})
    assert drift(service) == edited("Dockerfile")


def test_another_answer_begins_anew(service: Path) -> None:
    commit(service, {ANSWERS_FILE: OLD + "database: postgres\n", "Makefile": "migrate:\n"})
    assert drift(service) == Drift()


def test_another_writing_of_the_answers_does_not(service: Path) -> None:
    commit(service, {"Makefile": "mine:\n"})
    reordered = "".join(reversed(OLD.splitlines(keepends=True)))
    commit(service, {ANSWERS_FILE: reordered.replace("\n", "\r\n").replace("# Written by Copier.", "# mine")})
    assert drift(service) == edited("Makefile", ANSWERS_FILE)


def test_an_update_that_was_reverted(service: Path) -> None:
    commit(service, {ANSWERS_FILE: NEW, "Dockerfile": "FROM new\n"})
    git(service, "revert", "--no-edit", "HEAD")
    commit(service, {"Makefile": "mine:\n"})
    assert drift(service) == edited("Makefile")
    git(service, "revert", "--no-edit", "HEAD~1")
    assert drift(service) == Drift()


def test_an_update_that_is_not_committed_yet(service: Path) -> None:
    write(service, {ANSWERS_FILE: NEW, "Dockerfile": "FROM new\n"})
    assert drift(service) == Drift(unknown=".copier-answers.yml is not committed as it is")


def test_a_way_back_that_is_not_committed_yet(service: Path) -> None:
    commit(service, {ANSWERS_FILE: OLD + "database: postgres\n", "Makefile": "migrate:\n"})
    git(service, "checkout", "--quiet", "HEAD~1", "--", ".")
    assert drift(service) == Drift(unknown=".copier-answers.yml is not committed as it is")
    git(service, "commit", "--quiet", "--message", "back")
    assert drift(service) == Drift()


def test_an_update_that_was_merged(service: Path) -> None:
    git(service, "checkout", "--quiet", "-b", "update")
    commit(service, {ANSWERS_FILE: NEW, "Dockerfile": "FROM new\n"})
    git(service, "checkout", "--quiet", "-")
    commit(service, {"Makefile": "mine:\n"})
    git(service, "merge", "--quiet", "--no-edit", "update")
    assert drift(service) == edited("Makefile")


def test_a_merge_that_is_itself_the_update(service: Path) -> None:
    git(service, "checkout", "--quiet", "-b", "other")
    commit(service, {ANSWERS_FILE: OLD.replace("orders", "users"), "Dockerfile": "FROM other\n"})
    git(service, "checkout", "--quiet", "-")
    commit(service, {ANSWERS_FILE: NEW, "Makefile": "mine:\n"})
    subprocess.run(["git", "merge", "--quiet", "--no-commit", "other"], cwd=service, check=False, capture_output=True)
    commit(service, {ANSWERS_FILE: NEW.replace("orders", "users")})
    assert git(service, "rev-list", "--count", "--merges", "HEAD") == "1"
    assert drift(service) == Drift()
    commit(service, {"Makefile": "again:\n"})
    assert drift(service) == edited("Makefile")


def test_a_merge_of_something_else_changes_nothing(service: Path) -> None:
    git(service, "checkout", "--quiet", "-b", "other")
    commit(service, {"Makefile": "mine:\n"})
    git(service, "checkout", "--quiet", "-")
    commit(service, {"Dockerfile": "FROM mine\n"})
    git(service, "merge", "--quiet", "--no-edit", "other")
    assert drift(service) == edited("Makefile", "Dockerfile")


def test_services_of_one_repository(repository: Path) -> None:
    services = [repository / "services" / name for name in ("one", "two", "with\nline end", "üñ", "-x")]
    for service in services:
        write(service, {ANSWERS_FILE: OLD.replace("orders", service.name), **FILES})
    commit(repository, {"README.md": "all\n"})
    commit(services[1], {"Makefile": "mine:\n"})
    write(services[2], {"Dockerfile": "FROM mine\n"})
    (services[4] / "Makefile").unlink()
    found = drifts({service: (service / ANSWERS_FILE).read_text() for service in services}, os.environ)
    assert list(found.values()) == [
        Drift(),
        edited("Makefile"),
        edited("Dockerfile"),
        Drift(),
        Drift(deleted=frozenset(["Makefile"])),
    ]


def test_a_service_inside_a_service(service: Path) -> None:
    inner = service / "inner"
    commit(service, {f"inner/{name}": text for name, text in {ANSWERS_FILE: NEW, **FILES}.items()})
    write(inner, {"Makefile": "mine:\n"})
    found = drifts({service: OLD, inner: NEW}, os.environ)
    assert found[inner] == edited("Makefile")
    assert found[service].edited <= {"inner/Makefile"}


def test_more_services_than_git_is_told_of(repository: Path) -> None:
    services = [repository / f"service-{number}" for number in range(25)]
    for service in services:
        write(service, {ANSWERS_FILE: OLD.replace("orders", service.name), "Makefile": "all:\n"})
    commit(repository)
    write(services[7], {"Makefile": "mine:\n"})
    found = drifts({service: (service / ANSWERS_FILE).read_text() for service in services}, os.environ)
    assert [service.name for service, drift in found.items() if drift != Drift()] == ["service-7"]
    assert found[services[7]] == edited("Makefile")


def test_a_service_that_was_moved(repository: Path) -> None:
    commit(repository, {f"old/{name}": text for name, text in {ANSWERS_FILE: OLD, **FILES}.items()})
    commit(repository, {"old/Makefile": "mine:\n"})
    git(repository, "mv", "old", "new")
    commit(repository)
    commit(repository, {"new/Dockerfile": "FROM mine\n"})
    assert drift(repository / "new") == edited("Makefile", "Dockerfile")


def test_a_shallow_clone_does_not_know(service: Path, tmp_path: Path) -> None:
    commit(service, {"Makefile": "mine:\n"})
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{service}", "clone")
    assert drift(tmp_path.resolve() / "clone") == Drift(unknown="its history is cut off here, in a shallow clone")


def test_a_shallow_clone_that_goes_back_far_enough_knows(service: Path, tmp_path: Path) -> None:
    commit(service, {ANSWERS_FILE: NEW})
    commit(service, {"Makefile": "mine:\n"})
    git(tmp_path, "clone", "--quiet", "--depth=3", f"file://{service}", "clone")
    assert drift(tmp_path.resolve() / "clone") == edited("Makefile")


def test_a_linked_work_tree(service: Path, tmp_path: Path) -> None:
    git(service, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    commit(tmp_path / "linked", {"Makefile": "mine:\n"})
    assert drift(tmp_path.resolve() / "linked") == edited("Makefile")
    assert drift(service) == Drift()


def test_a_bare_repository(service: Path, tmp_path: Path) -> None:
    commit(service, {"Makefile": "mine:\n"})
    git(tmp_path, "clone", "--quiet", "--bare", str(service), "bare.git")
    bare = tmp_path.resolve() / "bare.git"
    answers = committed_answers(Reader(bare, None), "", os.environ)
    assert answers is not None
    assert drifts({bare: answers}, os.environ) == {bare: edited("Makefile")}


def test_outside_of_git(tmp_path: Path) -> None:
    write(tmp_path, {ANSWERS_FILE: OLD})
    assert drift(tmp_path.resolve()) == Drift(unknown="it is in no git repository")


def test_before_the_first_commit(repository: Path) -> None:
    write(repository, {ANSWERS_FILE: OLD})
    assert drift(repository) == Drift(unknown="nothing is committed yet")


def test_a_service_that_is_not_committed(repository: Path) -> None:
    commit(repository, {"README.md": "all\n"})
    write(repository / "service", {ANSWERS_FILE: OLD})
    assert drift(repository / "service") == Drift(unknown="it is not in the last commit")


def test_a_service_that_git_no_longer_tracks(repository: Path) -> None:
    commit(repository, {f"service/{ANSWERS_FILE}": OLD, "README.md": "all\n"})
    git(repository, "rm", "--quiet", "-r", "--cached", "service")
    git(repository, "commit", "--quiet", "--message", "gone")
    assert drift(repository / "service") == Drift(unknown="it is not in the last commit")


def test_a_damaged_repository_is_told(service: Path) -> None:
    head = git(service, "rev-parse", "HEAD")
    blob = service / ".git/objects" / head[:2] / head[2:]
    blob.chmod(0o644)
    blob.write_bytes(b"damaged")
    assert drift(service).unknown.startswith("git log failed")


def test_an_empty_git_directory_does_not_lead_to_the_next_repository(service: Path) -> None:
    write(service / "inner", {ANSWERS_FILE: OLD})
    (service / "inner/.git").mkdir()
    assert "not a git repository" in drift(service / "inner").unknown


def test_another_owner_is_told(service: Path) -> None:
    environ = {**os.environ, "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    assert drift(service, environ).unknown.startswith("git refuses its work tree: detected dubious ownership in repository at ")


def test_nothing_that_a_repository_names_is_run(service: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho run >> {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    commit(service, {".gitattributes": "* diff=x\n", "Makefile": "mine:\n"})
    settings = [
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.x.textconv",
        "gpg.program",
        "core.sshCommand",
        "diff.x.command",
    ]
    for setting in settings:
        git(service, "config", setting, str(trap))
    git(service, "config", "log.showSignature", "true")
    git(service, "config", "log.follow", "true")
    git(service, "config", "log.showRoot", "false")
    (tmp_path / "sprung").unlink(missing_ok=True)
    write(service, {"Dockerfile": "FROM mine\n"})
    assert drift(service) == edited("Makefile", "Dockerfile")
    assert not (tmp_path / "sprung").exists()


def test_variables_that_point_elsewhere_do_not_count(service: Path, tmp_path: Path) -> None:
    commit(service, {"Makefile": "mine:\n"})
    names = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"]
    assert drift(service, {**os.environ, **dict.fromkeys(names, str(tmp_path / "elsewhere"))}) == edited("Makefile")


def test_line_ends_that_git_converts_are_no_edits(service: Path) -> None:
    git(service, "config", "core.autocrlf", "true")
    (service / "Makefile").unlink()
    git(service, "checkout", "--quiet", "Makefile")
    assert (service / "Makefile").read_bytes() == b"all:\r\n"
    write(service, {"Dockerfile": "FROM mine\r\n"})
    assert drift(service) == edited("Dockerfile")


def test_nothing_is_written(service: Path) -> None:
    write(service, {"Makefile": "mine:\n"})
    os.utime(service / "Dockerfile", (1, 1))  # git would note that it is the same

    def everything() -> dict[str, tuple[bytes, int]]:
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in service.rglob("*") if path.is_file()}

    before = everything()
    assert drift(service) == edited("Makefile")
    assert everything() == before


def test_what_a_partial_clone_lacks_is_not_fetched(service: Path, tmp_path: Path) -> None:
    git(service, "config", "uploadpack.allowFilter", "true")
    commit(service, {ANSWERS_FILE: NEW})
    commit(service, {ANSWERS_FILE: NEW + "database: none\n"})
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{service}", "clone")
    clone = tmp_path.resolve() / "clone"
    before = git(clone, "count-objects", "-v")
    assert drift(clone).unknown.startswith("git cat-file failed")
    assert git(clone, "count-objects", "-v") == before


def test_git_is_started_three_times_for_a_repository(repository: Path, tmp_path: Path) -> None:
    services = [repository / f"service-{number}" for number in range(3)]
    for service in services:
        write(service, {ANSWERS_FILE: OLD.replace("orders", service.name), "Makefile": "all:\n"})
    commit(repository)
    calls = counted(tmp_path)
    drifts({service: (service / ANSWERS_FILE).read_text() for service in services}, calls)
    assert len((tmp_path / "calls").read_text().splitlines()) == 3
    commit(repository, {f"{service.name}/Makefile": "mine:\n" for service in services})
    drifts({service: (service / ANSWERS_FILE).read_text() for service in services}, calls)
    assert len((tmp_path / "calls").read_text().splitlines()) == 3 + 4


def test_no_git_is_told_for_all(service: Path, tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing):
        drift(service, {**os.environ, "PATH": str(tmp_path)})


def test_an_old_git_is_told_for_all(service: Path, tmp_path: Path) -> None:
    (tmp_path / "git").write_text('#!/bin/sh\n[ "$1" = version ] && echo git version 2.30.0 && exit\nexit 129\n')
    (tmp_path / "git").chmod(0o755)
    with pytest.raises(ProgramFailed, match=r"git 2\.38 or newer is required, and this is 2\.30\.0\."):
        drift(service, {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
