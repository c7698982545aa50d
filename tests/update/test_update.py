"""`gopherforge update`: what happens to a service, and what is told about it."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gopherforge.change import Options, Place
from gopherforge.errors import (
    BranchRefused,
    CannotUpdate,
    CannotWrite,
    Conflicts,
    ForgeError,
    InTheWay,
    InvalidProject,
    ProgramFailed,
    RenderFailed,
    UncleanWorkTree,
    UnknownRef,
    UsageError,
)
from gopherforge.report import Result
from gopherforge.source import PACKAGE
from gopherforge.update import Request, update
from tests.core.history import Project
from tests.core.installation import AS_ANYONE
from tests.update.authored import files, git, state
from tests.update.upstream import ANSWERS, LINES, STORE, make, save, template, upstream, without_go

NEWEST = "first of all\n"


def run(place: Place, to: str | None = None, directory: str = "orders", **options: object) -> Result:
    return update(Request(replace(Options(directory), **options), to), place)  # type: ignore[arg-type]


def refused(place: Place, kind: type[ForgeError], *words: str, to: str | None = None, **options: object) -> None:
    """It is refused with these words, and nothing has changed."""
    before = state(place.cwd / "orders")
    with pytest.raises(kind) as refusal:
        run(place, to, **options)  # type: ignore[arg-type]
    assert type(refusal.value) is kind
    assert state(place.cwd / "orders") == before
    for word in words:
        assert word in f"{refusal.value.message} {refusal.value.hint}"


def lines(place: Place) -> str:
    return (place.cwd / "orders/lines.txt").read_text()


def test_a_service_follows_and_its_author_keeps_every_line(service: Path, place: Place) -> None:
    head = save(service, "mine", {"lines.txt": LINES.replace("line 19\n", "line 19, mine\n"), "notes.txt": "mine\n"})
    result = run(place)
    assert lines(place) == LINES.replace("line 1\n", NEWEST).replace("line 19\n", "line 19, mine\n")
    assert git(service, "rev-parse", "HEAD") == head
    assert git(service, "diff", "--cached", "--name-only").split() == [".copier-answers.yml", "README.md", "lines.txt"]
    assert git(service, "diff", "--name-only") == ""
    version = str(result.data["to"])
    assert version.startswith("v0.2.0-1-g")
    assert f"_commit: {version}\n" in (service / ".copier-answers.yml").read_text()
    assert result.data == {
        "path": service.as_posix(),
        "template": "go-http-service",
        "from": "v0.1.0",
        "to": version,
        "answers_changed": {},
        "added": [],
        "changed": [".copier-answers.yml", "README.md", "lines.txt"],
        "deleted": [],
        "renamed": [],
        "conflicts": [],
        "kept": [],
        "left_out": [],
        "warnings": [],
        "branch": None,
        "commit": None,
    }
    assert result.text == (
        f"Updated go-http-service from v0.1.0 to {version} in orders: 3 files\nchanged.\n\n"
        "Changed:\n  .copier-answers.yml\n  README.md\n  lines.txt\n\n"
        "Next:\n  cd orders\n  git diff --staged\n  git commit"
    )


def test_once_it_is_committed_there_is_nothing_more_to_do(service: Path, place: Place) -> None:
    version = run(place).data["to"]
    save(service, "update")
    before = state(service)
    again = run(place)
    assert (again.data["from"], again.data["to"]) == (version, version)
    assert again.text == f"orders is up to date: it has {version}."
    assert state(service) == before


@pytest.mark.parametrize("length", [4, 7, 40])
def test_a_version_between_releases_goes_by_its_commit(tmp_path: Path, templates: Project, place: Place, length: int) -> None:
    """As `git describe` abbreviates it in any repository."""
    service = make(templates, tmp_path / "orders", "v0.1.0")
    commit = templates.git("rev-parse", "v0.2.0~1" if "v0.2.0" in templates.git("tag") else "HEAD~2")
    answers = (service / ".copier-answers.yml").read_text()
    recorded = f"v0.1.0-1-g{commit[:length]}"
    save(service, "a commit later", {".copier-answers.yml": answers.replace("v0.1.0", recorded), "README.md": "Two.\n"})
    save(service, "as there", {"lines.txt": LINES.replace("line 1\n", "first in v0.2.0\n")})
    result = run(place)
    assert (result.data["from"], result.data["conflicts"], result.data["kept"]) == (recorded, [], [])
    assert lines(place).startswith(NEWEST)


def test_the_newest_under_a_longer_name_is_up_to_date(service: Path, templates: Project, place: Place) -> None:
    run(place)
    answers = (service / ".copier-answers.yml").read_text()
    longer = f"v0.2.0-1-g{templates.git('rev-parse', 'HEAD')}"
    save(service, "update", {".copier-answers.yml": re.sub(r"v0\.2\.0-1-g\w+", longer, answers)})
    before = state(service)
    for check in (False, True):
        told = update(Request(Options("orders"), check=check), place)
        assert (told.text, told.exit_code) == (f"orders is up to date: it has {longer}.", 0)
    assert state(service) == before


def test_to_goes_to_a_release_that_is_not_the_newest(service: Path, place: Place) -> None:
    assert run(place, "v0.2.0").data["to"] == "v0.2.0"
    assert lines(place).startswith("first in v0.2.0\n")
    save(service, "update")
    refused(place, CannotUpdate, "has v0.2.0 already", "v0.1.0 is older", to="v0.1.0")
    refused(place, UnknownRef, '"v9.9.9"', "v0.2.0, v0.1.0", to="v9.9.9")
    refused(place, UnknownRef, '"HEAD"', to="HEAD")
    refused(place, UnknownRef, 'no version "0.2.0" of the templates in this installation. Did you mean "v0.2.0"?', to="0.2.0")


def test_a_dry_run_tells_the_same_and_changes_nothing(service: Path, place: Place) -> None:
    before = state(service)
    told = run(place, dry_run=True)
    assert state(service) == before
    assert told.text.startswith("Would update go-http-service from v0.1.0 to v0.2.0-1-g")
    assert "Next:" not in told.text
    named = run(place, dry_run=True, branch="new")
    assert (named.data, named.text) == (told.data, told.text)
    assert run(place).data == told.data


def test_a_dry_run_warns_of_what_the_update_would_be_refused_for(tmp_path: Path, place_of: Callable[[Project], Place]) -> None:
    """With the same words, and not where it is no obstacle."""
    project = upstream(tmp_path / "project")
    project.commit("release: v0.3.0", template({"new/file.txt": "new\n"}))
    service, place = make(project, tmp_path / "orders", "v0.2.0"), place_of(project)

    def warned() -> tuple[str, ...]:
        told = run(place, dry_run=True)
        assert told.data["warnings"] == list(told.warnings)
        return told.warnings

    assert warned() == ()
    (service / "new").mkdir()
    (service / "new/file.txt").touch()
    (warning,) = warned()
    assert warning == "without --dry-run this would be refused: files that git does not track are in the way: new/file.txt."
    refused(place, InTheWay, "files are in the way", "that git does not track: new/file.txt.")
    assert run(place, dry_run=True, branch="new").warnings == ()

    (service / "new/file.txt").unlink()
    assert warned() == ()  # an empty directory is in nobody's way
    (service / "new").rmdir()
    (service / "new").symlink_to("nowhere")
    assert warned()[0].endswith("are in the way: new.")
    refused(place, InTheWay, "that git does not track: new.")

    (service / "new").unlink()
    (service / "new").mkdir(mode=0)
    script = """if True:
        import io, os, sys
        from pathlib import Path
        from gopherforge.change import Options, Place
        from gopherforge.report import Progress
        from gopherforge.update import Request, update
        place = Place(dict(os.environ), Path.cwd(), Progress(io.StringIO()), package=Path(sys.argv[1]))
        print(*update(Request(Options("orders", dry_run=True)), place).warnings)
    """
    command = [*(AS_ANYONE if os.geteuid() == 0 else []), sys.executable, "-c", script, str(project.package)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == f"without --dry-run this would be refused: cannot write {service}/new/file.txt: Permission denied.\n", (
        done
    )
    (service / "new").rmdir()

    (service / "README.md").write_text("mine\n")
    (warning,) = warned()
    reason = warning.removeprefix("without --dry-run this would be refused: ")
    assert reason != warning
    refused(place, UncleanWorkTree, reason)
    assert run(place, dry_run=True, branch="new").warnings == ()
    (service / ".git/gopherforge").mkdir()  # of a killed run, which is undone first
    assert warned() == ()
    git(place.cwd, "clone", "--quiet", "--bare", "orders", "bare.git")
    assert run(place, directory="bare.git", dry_run=True).warnings == ()


def test_of_many_files_only_a_dry_run_names_all(tmp_path: Path, place_of: Callable[[Project], Place]) -> None:
    project = upstream(tmp_path / "project")
    project.commit("release: v0.3.0", template({f"many/{number:02}.txt": "many\n" for number in range(25)}))
    make(project, tmp_path / "orders", "v0.2.0")
    place = place_of(project)
    assert "  many/24.txt\n" in run(place, dry_run=True).text
    told = run(place).text
    assert "  many/19.txt\n  … and 5 more\n" in told
    assert "many/20.txt" not in told


def test_a_diff_is_what_git_shows(service: Path, place: Place) -> None:
    told = run(place, diff=True, dry_run=True)
    diff = str(told.data["diff"])
    assert diff in f"{told.text}\n"
    run(place)
    assert git(service, "diff", "--cached", "--no-color") + "\n" == diff
    assert "\x1b[31m-line 1" in str(run(replace(place, colour=True), diff=True, dry_run=True).data["diff"])


def test_conflicts_change_nothing_unless_they_are_to_be_marked(service: Path, place: Place) -> None:
    moved = {"go.mod": "module example.com/mine\n\ngo 1.27.0\n"}
    save(service, "mine", {"lines.txt": LINES.replace("line 1\n", "mine\n"), **moved})
    before = state(service)
    told = place.progress.stderr
    assert isinstance(told, io.StringIO)
    for options in ({}, {"on_conflict": "fail"}, {"branch": "new"}, {"dry_run": True}):
        with pytest.raises(Conflicts) as refusal:
            run(place, **options)
        assert state(service) == before
        assert (refusal.value.code, refusal.value.exit_code) == ("conflicts", 4)
        assert "1 file has conflicts: lines.txt" in refusal.value.message
        assert ("nothing was changed" in refusal.value.message) is ("dry_run" not in options)
        assert ("without --branch" in refusal.value.hint) is ("branch" in options)
        assert refusal.value.data
        assert refusal.value.data["conflicts"] == ["lines.txt"]
        assert (refusal.value.data["branch"], refusal.value.data["commit"]) == (None, None)
        assert refusal.value.text.startswith("Would update go-http-service from v0.1.0 to ")
        assert "Next:" not in refusal.value.text
        assert told.getvalue().startswith("warning: go.mod calls the module example.com/mine")
        told.truncate(told.seek(0))


@pytest.mark.parametrize(("terminal", "options"), [(False, {"on_conflict": "mark"}), (True, {})])
def test_marked_conflicts_name_the_versions(service: Path, place: Place, *, terminal: bool, options: dict[str, str]) -> None:
    moved = {"go.mod": "module example.com/mine\n\ngo 1.27.0\n"}
    save(service, "mine", {"lines.txt": LINES.replace("line 1\n", "mine\n"), **moved})
    with pytest.raises(Conflicts) as told:
        run(replace(place, terminal=terminal), "v0.2.0", **options)
    assert told.value.exit_code == 4
    assert told.value.text.startswith("Updated go-http-service from v0.1.0 to v0.2.0 in orders")
    assert isinstance(place.progress.stderr, io.StringIO)
    assert place.progress.stderr.getvalue().startswith("warning: go.mod calls the module example.com/mine")
    assert lines(place).startswith("<<<<<<< yours-since-v0.1.0\nmine\n=======\nfirst in v0.2.0\n>>>>>>> v0.2.0\nline 2\n")
    stages = {line.split()[2] for line in git(service, "ls-files", "--unmerged").splitlines()}
    assert stages == {"1", "2", "3"}
    undo(told.value.text, place)
    assert git(service, "status", "--short") == ""
    assert lines(place).startswith("mine\n")


def test_what_is_not_committed_is_in_the_way_but_not_of_a_branch(service: Path, place: Place) -> None:
    (service / "lines.txt").write_text("not committed\n")
    (service / "README.md").write_text("staged\n")
    git(service, "add", "README.md")
    refused(place, UncleanWorkTree, "README.md and lines.txt", "--branch")
    before = {path: content for path, content in state(service).items() if not path.startswith(".git/")}
    index = (service / ".git/index").read_bytes()
    result = run(place, branch="auto")
    assert {path: content for path, content in state(service).items() if not path.startswith(".git/")} == before
    assert (service / ".git/index").read_bytes() == index
    branch = str(result.data["branch"])
    assert branch == f"gopherforge/update-{result.data['to']}"
    assert git(service, "rev-parse", branch) == result.data["commit"]
    assert git(service, "rev-parse", f"{branch}^") == git(service, "rev-parse", "HEAD")
    assert git(service, "log", "-1", "--format=%s|%an", branch) == (
        f"Update go-http-service from v0.1.0 to {result.data['to']}|Ada Lovelace"
    )
    assert git(service, "show", f"{branch}:lines.txt").startswith(NEWEST)
    assert result.text.endswith(f"Next:\n  cd orders\n  git diff HEAD...{branch}\n  git merge {branch}")
    refused(place, BranchRefused, branch, branch="auto")
    refused(place, BranchRefused, "a..b", branch="a..b")
    git(service, "config", "user.useConfigOnly", "true")
    nobody = replace(place, environ={**place.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    refused(nobody, ProgramFailed, "git var", "git config user.name", branch="another")


def monorepo(templates: Project, path: Path, *names: str) -> Path:
    """A repository with a service in each of these directories."""
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        make(templates, path / name, "v0.1.0")
        shutil.rmtree(path / name / ".git")
    git(path, "init", "--quiet")
    save(path, "all", {"beside.txt": "of another\n"})
    return path


def test_each_service_of_a_repository_gets_a_branch_also_without_a_work_tree(
    templates: Project, place: Place, tmp_path: Path
) -> None:
    monorepo(templates, tmp_path / "mono", "api/orders", "api/users", "jobs/users")
    git(tmp_path, "clone", "--quiet", "--bare", str(tmp_path / "mono"), "bare.git")
    for name in ("api/orders", "api/users", "jobs/users"):
        result = run(place, "v0.2.0", directory=f"bare.git/{name}", branch="auto")
        assert result.data["branch"] == f"gopherforge/{name}/update-v0.2.0"
        assert result.data["path"] == f"{tmp_path}/bare.git/{name}"
        changed = git(tmp_path / "bare.git", "diff", "--name-only", "HEAD", str(result.data["branch"])).split()
        assert changed == [f"{name}/{path}" for path in (".copier-answers.yml", "README.md", "lines.txt")]
        assert result.text.endswith(f"Next:\n  cd bare.git\n  git diff HEAD...{result.data['branch']}")
    with pytest.raises(UsageError, match="is in a bare repository"):
        run(place, directory="bare.git/api/users")


def test_no_two_services_get_the_same_branch(templates: Project, place: Place, tmp_path: Path) -> None:
    """Also where git would not have their names in one."""
    names = {
        "api/a-b": "api/a-b",
        "api-a/b": "api-a/b",
        "a b": "a%20b",
        "a%20b": "a%2520b",
        "größe.lock": "größe%2Elock",
        "\udcff": "%FF",
    }
    monorepo(templates, tmp_path / "mono", *names)
    for name, quoted in names.items():
        result = run(place, "v0.2.0", directory=f"mono/{name}", branch="auto")
        assert result.data["branch"] == f"gopherforge/{quoted}/update-v0.2.0"


def test_conflicts_of_a_part_of_a_repository_are_undone_by_themselves(templates: Project, place: Place, tmp_path: Path) -> None:
    mono = monorepo(templates, tmp_path / "mono", "orders")
    save(mono, "mine", {"orders/lines.txt": LINES.replace("line 1\n", "mine\n"), "orders/README.md": "Mine.\n"})
    (mono / "beside.txt").write_text("staged\n")
    git(mono, "add", "beside.txt")
    before = files(mono)
    with pytest.raises(Conflicts) as told:
        run(place, directory="mono/orders", on_conflict="mark")
    assert files(mono) != before
    (mono / "beside.txt").write_text("being changed\n")
    undo(told.value.text, replace(place, cwd=mono))
    assert files(mono) == {**before, "beside.txt": "being changed\n"}
    assert git(mono, "status", "--short") == "MM beside.txt"


def undo(told: str, place: Place) -> None:
    """Type what the last line with `undo` says, without going anywhere first."""
    line = next(line for line in reversed(told.splitlines()) if "undo" in line)
    command = re.search(r"git -C .*?(?=, to undo| undoes)", line)
    assert command, line
    subprocess.run(["sh", "-ec", command[0]], cwd=place.cwd, env=place.environ, check=True, capture_output=True)


def test_a_bare_clone_takes_a_branch_and_nothing_else(service: Path, place: Place, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", service.as_uri(), "bare.git")
    with pytest.raises(UsageError, match="bare"):
        run(place, directory="bare.git")
    result = run(place, directory="bare.git", branch="new")
    assert git(tmp_path / "bare.git", "rev-parse", "new") == result.data["commit"]
    assert git(tmp_path / "bare.git", "diff", "--name-only", "HEAD", "new").split() == result.data["changed"]


def test_a_part_of_a_repository_is_updated_as_a_service_of_its_own(templates: Project, place: Place, tmp_path: Path) -> None:
    mono = tmp_path / "mono"
    (mono / "services").mkdir(parents=True)
    make(templates, mono / "services/orders", "v0.1.0")
    (mono / "services/orders/.git").rename(tmp_path / "thrown away")
    git(mono, "init", "--quiet")
    save(mono, "all", {"lines.txt": "of another\n"})
    (mono / "lines.txt").write_text("being changed\n")
    result = run(place, directory="mono/services/orders")
    assert result.data["path"] == f"{mono}/services/orders"
    assert result.data["changed"] == [".copier-answers.yml", "README.md", "lines.txt"]
    assert (mono / "services/orders/lines.txt").read_text().startswith(NEWEST)
    assert git(mono, "status", "--short").split("\n") == [
        " M lines.txt",
        *(f"M  services/orders/{name}" for name in (".copier-answers.yml", "README.md", "lines.txt")),
    ]


def test_a_group_that_its_author_touched_stays_and_is_told(service: Path, place: Place) -> None:
    save(service, "mine", {"README.md": "Mine.\n"})
    result = run(place)
    assert result.data["kept"] == ["README.md"]
    assert "Not taken over, because it is yours or you deleted it:\n  README.md\n" in result.text
    assert (service / "README.md").read_text() == "Mine.\n"


def test_the_author_deleted_and_so_it_stays(service: Path, place: Place) -> None:
    (service / "lines.txt").unlink()
    save(service, "without")
    result = run(place)
    assert [result.data[key] for key in ("kept", "left_out", "deleted")] == [["lines.txt"], ["lines.txt"], []]
    assert "Stays deleted" not in result.text
    assert not (service / "lines.txt").exists()


def test_what_the_author_deleted_is_told_also_where_nothing_changed_in_it(service: Path, place: Place) -> None:
    (service / "Makefile").unlink()
    save(service, "without")
    result = run(place, report=Path("report.md"))
    assert (result.data["kept"], result.data["left_out"]) == ([], ["Makefile"])
    assert "\nStays deleted:\n  Makefile\n" in result.text
    report = (place.cwd / "report.md").read_text()
    assert "## Stays deleted\n\nYou deleted these files of the template:\n\n- `Makefile`\n\n## Files\n" in report
    assert not (service / "Makefile").exists()


def test_what_becomes_executable_is_so_and_is_told(tmp_path: Path, place_of: Callable[[Project], Place]) -> None:
    project = upstream(tmp_path / "project")
    templates = project.path / "templates/go-http-service"
    (templates / "run.sh").write_text("#!/bin/sh\n")
    for name in ("run.sh", "Makefile.jinja"):
        (templates / name).chmod(0o755)
    project.commit("release: v0.3.0", {})
    service = make(project, tmp_path / "orders", "v0.2.0")
    told = run(place_of(project)).data
    assert (told["added"], told["changed"]) == (["run.sh"], [".copier-answers.yml", "Makefile", "lines.txt"])
    assert [os.access(service / name, os.X_OK) for name in ("run.sh", "Makefile", "lines.txt")] == [True, True, False]
    assert git(service, "diff", "--name-only") == ""


def awkward(tmp_path: Path) -> Project:
    """A release that renames a question, drops a choice, asks a new question and renames a file."""
    project = upstream(tmp_path / "project")
    place = (
        STORE.replace("store:", "place:")
        .replace("none, postgres, mysql", "none, postgres")
        .replace("default: none", "default: \"[[ store | default('none') ]]\"")
    )
    level = "level: {type: str, help: How, choices: [low, high], default: high}\n"
    cache = "cache: {type: bool, help: A cache, default: false, when: \"[[ place != 'none' ]]\"}\n"
    copier = (project.path / "copier.yml").read_text().replace('store == "none"', 'place == "none"')
    store = (project.path / "templates/go-http-service/store.go.jinja").read_text().replace("[[ store ]]", "[[ place ]]")
    project.git("mv", "templates/go-http-service/lines.txt", "templates/go-http-service/rows.txt")
    changes = {"copier.yml": copier, "questions/more.yml": place + cache + level, **template({"store.go.jinja": store})}
    project.commit("release: v0.3.0", changes)
    return project


def test_a_renamed_question_finds_its_old_answer(tmp_path: Path, place_of: Callable[[Project], Place]) -> None:
    project = awkward(tmp_path)
    service = make(project, tmp_path / "orders", "v0.1.0", {"store": "postgres", "cache": True})
    save(service, "mine", {"lines.txt": f"{LINES}mine\n"})
    result = run(place_of(project))
    assert result.data["answers_changed"] == {"level": [None, "high"], "place": [None, "postgres"], "store": ["postgres", None]}
    assert result.data["renamed"] == [{"from": "lines.txt", "to": "rows.txt"}]
    assert (result.data["added"], result.data["deleted"]) == ([], [])
    assert " in orders: 2 files changed, 1 renamed." in result.text.replace("\n", " ")
    assert (service / "rows.txt").read_text() == LINES.replace("line 1\n", NEWEST) + "mine\n"
    assert "internal/postgres" in (service / "store.go").read_text()
    assert "cache: true\n" in (service / ".copier-answers.yml").read_text()
    assert "  level: high  (a new question, answered by its default)\n" in result.text
    assert "  store: postgres → no longer asked\n" in result.text
    assert "Renamed:\n  lines.txt → rows.txt\n" in result.text


def test_an_answer_that_is_no_longer_offered_becomes_the_default_and_is_told(
    tmp_path: Path, place_of: Callable[[Project], Place]
) -> None:
    project = upstream(tmp_path / "project")
    fewer = (project.path / "questions/more.yml").read_text().replace("none, postgres, mysql", "none, postgres")
    project.commit("release: v0.3.0", {"questions/more.yml": fewer})
    service = make(project, tmp_path / "orders", "v0.1.0", {"store": "mysql", "cache": True})
    result = run(place_of(project))
    assert result.data["answers_changed"] == {"cache": [True, None], "store": ["mysql", "none"]}
    assert result.data["deleted"] == ["store.go"]
    assert "  store: mysql → none  (what it was is no longer valid)\n" in result.text
    assert "store: none\n" in (service / ".copier-answers.yml").read_text()


@pytest.mark.usefixtures("service")
def test_a_template_that_is_gone_makes_no_other_service(tmp_path: Path, place_of: Callable[[Project], Place]) -> None:
    project = upstream(tmp_path / "project")
    only = (project.path / "questions/identity.yml").read_text().replace("go-http-service", "go-web-service")
    project.commit("release: v0.3.0", {"questions/identity.yml": only})
    where = place_of(project)
    refused(where, CannotUpdate, 'the template "go-http-service", which v0.3.0 does not have', "go-web-service", "--to")
    assert run(where, "v0.2.0").data["to"] == "v0.2.0"


def test_a_module_path_of_the_authors_counts_on_both_sides(tmp_path: Path, templates: Project, place: Place) -> None:
    service = make(templates, tmp_path / "orders", "v0.1.0", {"store": "postgres"})
    moved = {
        path: (service / path).read_text().replace("example.com/orders", "example.com/mine") for path in ("go.mod", "store.go")
    }
    save(service, "my module", moved)
    result = run(place)
    assert result.data["answers_changed"] == {"module": ["example.com/orders", "example.com/mine"]}
    assert result.data["conflicts"] == []
    assert {path: (service / path).read_text() for path in moved} == moved
    assert any("example.com/mine" in warning and "example.com/orders" in warning for warning in result.warnings)
    assert result.data["warnings"] == list(result.warnings)


def test_what_cannot_be_started_from_is_refused_with_what_to_do(service: Path, place: Place) -> None:
    answers = (service / ".copier-answers.yml").read_text()
    for old, new, kind, words in [
        ("v0.1.0", "v9.0.0", CannotUpdate, ("v9.0.0", "install a newer gopherforge")),
        ("v0.1.0", "v0.1.0-9-gabcdef012345", CannotUpdate, ("v0.1.0-9-gabcdef012345", "no version")),
        ("v0.1.0", "main", CannotUpdate, ('"main"', "_commit")),
        ("v0.1.0", "work-tree", CannotUpdate, ("work tree", "release")),
        ("gopherforge.example", "elsewhere.example", CannotUpdate, ("https://elsewhere.example/", "_src_path")),
        ("store: none", "store: oracle", InvalidProject, ("store", "v0.1.0")),
        ("_commit:", "commit:", InvalidProject, ("does not say",)),
        ("_commit: ", "_commit: [", InvalidProject, ("YAML",)),
    ]:
        save(service, f"{new}", {".copier-answers.yml": answers.replace(old, new)})
        refused(place, kind, *words)


def test_an_answer_to_no_question_is_no_hindrance_and_its_end_is_told(service: Path, place: Place) -> None:
    answers = (service / ".copier-answers.yml").read_text()
    save(service, "mine", {".copier-answers.yml": f"{answers}team: blue\n"})
    assert run(place).data["answers_changed"] == {"team": ["blue", None]}


def test_a_directory_without_a_service_is_refused(place: Place, service: Path) -> None:
    refused(place, InvalidProject, "absent", directory="absent")
    git(service, "rm", "--quiet", "--cached", ".copier-answers.yml")
    git(service, "commit", "--quiet", "--message", "no answers")
    refused(place, InvalidProject, ".copier-answers.yml")


@pytest.mark.filterwarnings("ignore:.*ScandirIterator:pytest.PytestUnraisableExceptionWarning")  # Copier's
@pytest.mark.parametrize("broken", ["v0.1.0", "v0.3.0"])
def test_a_version_that_cannot_be_rendered_is_named(tmp_path: Path, place_of: Callable[[Project], Place], broken: str) -> None:
    """Whichever of the two processes meets it."""
    project = upstream(tmp_path / "project")
    project.commit("release: v0.3.0", template({"broken.txt.jinja": "[[ nobody ]]\n"} if broken == "v0.3.0" else {}))
    service = make(project, tmp_path / "orders", "v0.1.0")
    if broken == "v0.1.0":
        copier = project.git("show", "HEAD:copier.yml")
        worse = project.commit("feat: worse", {"copier.yml": copier, **template({"broken.txt.jinja": "[[ nobody ]]\n"})})
        project.git("rm", "--quiet", "templates/go-http-service/broken.txt.jinja")
        project.commit("release: v0.4.0", {})
        answers = (service / ".copier-answers.yml").read_text()
        broken = f"v0.3.0-1-g{worse[:9]}"
        save(service, "worse", {".copier-answers.yml": answers.replace("v0.1.0", broken)})
    refused(place_of(project), RenderFailed, f"the templates {broken} cannot be rendered", "nobody", "broken.txt")


def test_a_module_path_that_the_templates_refuse_is_told_as_that_of_go_mod(service: Path, place: Place) -> None:
    save(service, "mine", {"go.mod": "module go/orders\n\ngo 1.27.0\n"})
    message = "go.mod calls the module go/orders, which v0.1.0 of the templates does not accept."
    refused(place, InvalidProject, message, "give it another path in go.mod and in the imports")


def test_a_conflict_with_a_submodule_is_marked(service: Path, place: Place) -> None:
    """Its commit is in another repository."""
    git(service, "rm", "--quiet", "lines.txt")
    git(service, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lines.txt")
    git(service, "commit", "--quiet", "--message=a submodule")
    (service / "lines.txt").mkdir()
    with pytest.raises(Conflicts) as told:
        run(place, "v0.2.0", on_conflict="mark")
    assert told.value.exit_code == 4
    assert git(service, "ls-files", "--stage", "lines.txt").splitlines()[1] == f"160000 {'1' * 40} 2\tlines.txt"


def test_a_report_is_the_text_of_a_pull_request(service: Path, place: Place) -> None:
    save(service, "mine", {"README.md": "Mine.\n", "go.mod": "module example.com/mine\n\ngo 1.27.0\n"})
    run(place, "v0.2.0", report=Path("report.md"))
    assert (place.cwd / "report.md").read_text() == (
        "# Update go-http-service from v0.1.0 to v0.2.0\n\n"
        "## What is new\n\n### v0.2.0\n\n- The first line is new.\n\n"
        "## To do by hand\n\n"
        "- [ ] import `example.com/mine/internal/first` where you need it.\n"
        "- [ ] go.mod calls the module example.com/mine, and the service records example.com/orders:"
        " what is new follows go.mod.\n\n"
        "## Answers that change\n\n| question | before | now |\n|---|---|---|\n"
        "| `module` | `example.com/orders` | `example.com/mine` |\n\n"
        "## Not taken over\n\nThese are yours, or you deleted them, so that they stay as they are:\n\n- `README.md`\n\n"
        "## Files\n\n2 files changed.\n"
    )
    (place.cwd / "loop").symlink_to("loop")
    for path in ("absent/report.md", "loop", "loop/report.md", "orders", f"{'x' * 300}.md"):
        refused(place, CannotWrite, f"cannot write {place.cwd / path}", report=Path(path), branch="another")


def test_a_report_lists_answers_files_and_new_names(tmp_path: Path, place_of: Callable[[Project], Place]) -> None:
    project = awkward(tmp_path)
    project.git("rm", "--quiet", "templates/go-http-service/Makefile.jinja")
    project.commit("release: v0.4.0", template({"old.go": "package x\n\n//go:fix inline\nfunc Old() { New() }\n"}))
    make(project, tmp_path / "orders", "v0.1.0", {"store": "postgres", "cache": True})
    run(place_of(project), report=Path("report.md"))
    report = (tmp_path / "report.md").read_text()
    assert "- [ ] Run `go fix -inline ./...`: it carries your code over from old names to new ones.\n" in report
    assert report.endswith(
        "## Answers that change\n\n| question | before | now |\n|---|---|---|\n"
        "| `level` |  | `high` |\n| `place` |  | `postgres` |\n| `store` | `postgres` |  |\n\n"
        "## Files\n\n1 file added, 2 changed, 1 renamed, 1 deleted.\n\n"
        "- Added: `old.go`\n- Renamed: `lines.txt` → `rows.txt`\n- Deleted: `Makefile`\n"
    )


def test_a_report_replaces_no_file_of_the_repository(service: Path, place: Place) -> None:
    (service / "README.md").write_text("not committed\n")
    (service / "link").symlink_to("README.md")
    for options in ({"branch": "new"}, {"dry_run": True}):
        for path in ("orders/README.md", "orders/link"):
            refused(place, UsageError, "a file of the repository", report=Path(path), **options)


def test_a_report_replaces_nothing_of_gits(service: Path, place: Place, tmp_path: Path) -> None:
    git(service, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    private = git(tmp_path / "linked", "rev-parse", "--absolute-git-dir")
    git(tmp_path, "clone", "--quiet", "--bare", str(service), "bare.git")
    for directory, path in (
        ("orders", service / ".git/description"),
        ("linked", service / ".git/config"),
        ("linked", Path(private) / "new"),
        ("bare.git", tmp_path / "bare.git/config"),
    ):
        before = path.read_bytes() if path.exists() else None
        for options in ({"branch": "new"}, {"dry_run": True}):
            with pytest.raises(UsageError, match="--report cannot be"):
                run(place, directory=directory, report=path, **options)
        assert (path.read_bytes() if path.exists() else None) == before


def test_a_report_replaces_no_file_of_the_repository_by_another_way_to_it(service: Path, place: Place) -> None:
    """As another case of its name is, on some file systems."""
    (place.cwd / "README.md").hardlink_to(service / "README.md")
    for path in ("README.md", "orders/README.md"):
        refused(place, UsageError, "a file of the repository", report=Path(path), branch="new")
    (place.cwd / "README.md").unlink()
    (place.cwd / "README.md").write_text("another\n")
    assert run(place, report=Path("README.md"), dry_run=True).data["to"]


def test_a_report_tells_of_what_was_done(tmp_path: Path, place_of: Callable[[Project], Place]) -> None:
    """And is not there where nothing was."""
    project = upstream(tmp_path / "project")
    project.commit("release: v0.3.0", template({"new.txt": "new\n"}))
    service, place, report = make(project, tmp_path / "orders", "v0.1.0"), place_of(project), tmp_path / "report.md"
    (service / "new.txt").write_text("in the way\n")
    names = sorted(path.name for path in tmp_path.iterdir())
    refused(place, InTheWay, "new.txt", report=report)
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    report.write_text("older\n")
    report.chmod(0o600)
    refused(place, InTheWay, "new.txt", report=report)
    assert report.read_text() == "older\n"
    (service / "new.txt").unlink()
    refused(place, UsageError, "a file of the repository", report=service / "new.txt")
    run(place, report=report)
    assert report.read_text().startswith("# Update go-http-service from v0.1.0 to v0.3.0\n")
    assert report.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_run_left_is_undone_and_told(service: Path, place: Place, tmp_path: Path) -> None:
    """In the document, too."""
    kill_late(place, tmp_path)
    result = run(place, "v0.2.0")
    assert lines(place).startswith("first in v0.2.0\n")
    told = result.data["warnings"]
    assert isinstance(told, list)
    assert len(told) == 1
    assert told[0].startswith('"Update go-http-service from v0.1.0 to v0.2.0-1-g')
    assert told[0].endswith('" had been interrupted, and was undone.')
    assert isinstance(place.progress.stderr, io.StringIO)
    assert place.progress.stderr.getvalue() == f"warning: {told[0]}\n"
    assert result.warnings == ()
    assert git(service, "status", "--short").split("\n")[-1] == "M  lines.txt"


def kill_late(place: Place, tmp_path: Path) -> None:
    """An update that is killed when all files are moved."""
    (tmp_path / "bin").mkdir()
    kill = f'#!/bin/sh\ncase "$*" in *--refresh*) kill -9 $PPID; exit 1;; esac\nexec {shutil.which("git")} "$@"\n'
    (tmp_path / "bin/git").write_text(kill)
    (tmp_path / "bin/git").chmod(0o755)
    killed = script(place, f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert killed.returncode == -signal.SIGKILL
    assert lines(place).startswith(NEWEST)


def test_what_a_killed_run_left_and_git_was_used_for_can_be_taken_back(service: Path, place: Place, tmp_path: Path) -> None:
    before = git(service, "rev-parse", "HEAD^{tree}")
    kill_late(place, tmp_path)
    (service / ".git/index.lock").unlink()
    git(service, "add", "--all")
    with pytest.raises(UncleanWorkTree) as told:
        run(place)
    assert "stays half done, since the repository was changed since; git -C " in str(told.value.data)
    command = told.value.hint.partition(" takes all back")[0]
    subprocess.run(["sh", "-ec", command], cwd=place.cwd, env=place.environ, check=True)
    assert git(service, "write-tree") == before
    assert lines(place) == LINES


def test_what_was_recovered_is_told_also_where_the_command_fails(service: Path, place: Place, tmp_path: Path) -> None:
    kill_late(place, tmp_path)
    (service / "README.md").write_text("mine\n")
    with pytest.raises(UncleanWorkTree) as told:
        run(place)
    assert told.value.data
    warnings = told.value.data["warnings"]
    assert isinstance(warnings, list)
    assert warnings[0].endswith("had been interrupted, and was undone; changed since, and not touched: README.md.")


SIGNALS = pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])


@SIGNALS
def test_a_signal_when_it_has_happened_says_so(service: Path, place: Place, number: str) -> None:
    hook = signalled(number, 'event == "os.remove" and str(what[0]).endswith("/gopherforge/plan.json")')
    done = script(place, os.environ["PATH"], hook)
    said = f"interrupted when the service had changed already, as a whole: {service}. git -C {service} reset --merge undoes it."
    assert (done.stdout, done.stderr) == (f"Interrupted {said}\n", "")
    assert lines(place).startswith(NEWEST)
    undo(done.stdout, place)
    assert lines(place) == LINES


@SIGNALS
def test_another_signal_while_one_is_answered_changes_nothing(service: Path, place: Place, number: str) -> None:
    """When git is asked what became of the service."""
    over = 'event == "os.remove" and str(what[0]).endswith("/gopherforge/plan.json")'
    asks = 'event == "subprocess.Popen" and "status" in what[1] and not os.path.lexists("orders/.git/gopherforge")'
    moved = '(Path(sys.argv[1]) / "orders/lines.txt").read_text().startswith("first")'
    hook = f"{signalled(number, over)}\n        os.chdir(sys.argv[1])\n        {signalled(number, f'{asks} and {moved}')}"
    done = script(place, os.environ["PATH"], hook)
    assert done.stdout.startswith("Interrupted interrupted when the service had changed already, as a whole")
    assert lines(place).startswith(NEWEST)
    assert git(service, "diff", "--name-only") == ""


@SIGNALS
def test_a_signal_when_there_is_the_branch_says_so(service: Path, place: Place, number: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    wrapped = f"""#!/bin/sh
        {shutil.which("git")} "$@"; status=$?
        case "$*" in update-ref*refs/heads/new*) kill -{number.removeprefix("SIG")} $PPID;; esac
        exit $status
    """
    (tmp_path / "bin/git").write_text(wrapped)
    (tmp_path / "bin/git").chmod(0o755)
    done = script(place, f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", options={"branch": "new"})
    assert done.stdout.startswith("Interrupted interrupted when there was the branch new already.")
    assert git(service, "log", "-1", "--format=%s", "new").startswith("Update go-http-service")
    undo(done.stdout, place)
    assert git(service, "branch", "--list", "new") == ""


def signalled(number: str, when: str) -> str:
    """Code by which a process sends itself a signal at an event."""
    return f"sys.addaudithook(lambda event, what: os.kill(os.getpid(), signal.{number}) if {when} else None)"


def script(
    place: Place, path: str, before: str = "", options: Mapping[str, object] | None = None
) -> subprocess.CompletedProcess[str]:
    """An update in a process of its own."""
    program = f"""if True:
        import io, os, signal, sys
        from pathlib import Path
        from gopherforge.change import Options, Place
        from gopherforge.errors import ForgeError
        from gopherforge.report import Progress
        from gopherforge.update import Request, update
        {before.strip()}
        place = Place(dict(os.environ), Path(sys.argv[1]), Progress(sys.stderr), package=Path(sys.argv[2]))
        try:
            update(Request(Options("orders", **{options or {}})), place)
        except ForgeError as error:
            print(type(error).__name__, error.message, error.hint)
    """
    command = [sys.executable, "-c", program, str(place.cwd), str(place.package)]
    return subprocess.run(command, env={**place.environ, "PATH": path}, capture_output=True, text=True, check=False)


def test_where_only_the_report_fails_what_was_done_is_told(service: Path, place: Place) -> None:
    refused(place, CannotWrite, "cannot write /dev/full: ", to="v0.2.0", report=Path("/dev/full"), dry_run=True)
    with pytest.raises(CannotWrite) as refusal:
        run(place, "v0.2.0", report=Path("/dev/full"))
    assert refusal.value.message == (
        "Update go-http-service from v0.1.0 to v0.2.0 is done, but not its report: "
        "cannot write /dev/full: No space left on device."
    )
    assert refusal.value.data is not None
    assert (refusal.value.data["to"], refusal.value.text.startswith("Updated go-http-service")) == ("v0.2.0", True)
    assert git(service, "diff", "--cached", "--name-only") != ""


def test_a_report_lists_conflicts_to_resolve(service: Path, place: Place) -> None:
    save(service, "mine", {"lines.txt": LINES.replace("line 1\n", "mine\n")})
    with pytest.raises(Conflicts):
        run(place, report=Path("report.md"))
    assert (
        "- [ ] Resolve a conflict: lines.txt: you and the template changed the same lines.\n"
        in (place.cwd / "report.md").read_text()
    )


def test_code_that_leads_to_new_names_is_offered_go_fix(tmp_path: Path, place_of: Callable[[Project], Place]) -> None:
    project = upstream(tmp_path / "project")
    project.commit("release: v0.3.0", template({"old.go": "package x\n\n//go:fix inline\nfunc Old() { New() }\n"}))
    make(project, tmp_path / "orders", "v0.1.0")
    place = place_of(project)
    assert "go fix" in run(place).text
    git(tmp_path / "orders", "reset", "--hard", "--quiet")
    assert "go fix" not in run(place, "v0.2.0").text
    git(tmp_path / "orders", "reset", "--hard", "--quiet")
    run(place)
    save(tmp_path / "orders", "the old name is there from now on")
    moved = {"old.go": "package x\n\n// Old is old.\n//\n//go:fix inline\nfunc Old() { New() }\n", "Makefile": "all:\n"}
    project.commit("release: v0.4.0", template(moved))
    assert "go fix" not in run(place_of(project)).text


def test_a_name_that_could_move_a_cursor_is_escaped(templates: Project, place: Place, tmp_path: Path) -> None:
    make(templates, tmp_path / "or\x1bders", "v0.1.0")
    told = update(Request(Options("or\x1bders", dry_run=True)), place).text
    assert told.startswith("Would update")
    assert "or\\x1bders" in told
    assert "\x1b" not in told


def test_modules_beside_the_authors_own_need_go_and_without_it_a_clear_word(
    tmp_path: Path, place_of: Callable[[Project], Place]
) -> None:
    project = upstream(tmp_path / "project")
    module = "module [[ module ]]\n\ngo 1.27.0\n\nrequire example.com/new v1.0.0\n"
    project.commit("release: v0.3.0", template({"go.mod.jinja": module, "new.go": 'package x\n\nimport _ "example.com/new"\n'}))
    service = make(project, tmp_path / "orders", "v0.1.0")
    mine = {"go.mod": "module example.com/orders\n\ngo 1.27.0\n\nrequire example.com/own v1.0.0\n"}
    save(service, "own", {**mine, "own.go": 'package x\n\nimport _ "example.com/own"\n'})
    place = place_of(project)
    result = run(without_go(place))
    assert result.warnings == ("go.mod and go.sum may be incomplete: run `go mod tidy`, for which there is no Go here.",)
    requirements = (service / "go.mod").read_text()
    assert "example.com/own v1.0.0" in requirements
    assert "example.com/new v1.0.0" in requirements


def test_go_finds_the_modules_of_a_monorepo_that_replace_others(tmp_path: Path, place_of: Callable[[Project], Place]) -> None:
    project = upstream(tmp_path / "project")
    module = "module [[ module ]]\n\ngo 1.27.0\n\nrequire example.com/new v1.0.0\n"
    project.commit("release: v0.3.0", template({"go.mod.jinja": module, "new.go": 'package x\n\nimport _ "example.com/new"\n'}))
    (tmp_path / "mono/services").mkdir(parents=True)
    service = make(project, tmp_path / "mono/services/orders", "v0.1.0")
    shutil.rmtree(service / ".git")
    git(tmp_path / "mono", "init", "--quiet")
    own = "module example.com/orders\n\ngo 1.27.0\n\nrequire example.com/own v1.0.0\n\nreplace example.com/own => ../../own\n"
    mine = {"services/orders/go.mod": own, "own/go.mod": "module example.com/own\n"}
    save(tmp_path / "mono", "own", {**mine, "services/orders/own.go": 'package x\n\nimport _ "example.com/own"\n'})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/go").write_text("#!/bin/sh\nexec cat ../../own/go.mod\n")
    (tmp_path / "bin/go").chmod(0o755)
    place = place_of(project)
    environ = {**place.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    result = update(Request(Options("mono/services/orders")), replace(place, environ=environ))
    assert result.warnings == ()


def test_check_tells_whether_there_is_something_newer(service: Path, place: Place) -> None:
    before = state(service)
    found = update(Request(Options("orders"), check=True), place)
    assert (found.exit_code, found.data["from"]) == (3, "v0.1.0")
    assert found.text == f"orders can be updated from v0.1.0 to {found.data['to']}."
    assert {found.data[key] for key in ("added", "changed", "conflicts", "kept")} == {None}
    older = update(Request(Options("orders"), to="v0.1.0", check=True), place)
    assert (older.exit_code, older.text) == (0, "orders is up to date: it has v0.1.0.")
    assert state(service) == before


def test_check_knows_the_versions_that_there_are(service: Path, templates: Project, place: Place) -> None:
    answers = (service / ".copier-answers.yml").read_text()
    between = f"v0.1.0-1-g{templates.git('rev-parse', 'HEAD~2')[:9]}"
    for version, known in ((between, True), ("v0.1.7", False), ("v0.1.0-1-gabcdef012345", False), ("v0.1.0-0-g", False)):
        save(service, version, {".copier-answers.yml": answers.replace("v0.1.0", version)})
        if known:
            assert update(Request(Options("orders"), check=True), place).exit_code == 3
        else:
            with pytest.raises(CannotUpdate, match="no version of these templates"):
                update(Request(Options("orders"), check=True), place)


@pytest.mark.usefixtures("service")
def test_check_refuses_what_would_need_a_rendering(place: Place) -> None:
    with pytest.raises(UsageError, match="--dry-run and --on-conflict"):
        update(Request(Options("orders", dry_run=True, on_conflict="mark"), check=True), place)


@pytest.mark.usefixtures("service")
def test_options_that_contradict_each_other_are_refused(place: Place) -> None:
    refused(place, UsageError, "fail or mark", on_conflict="ask")
    refused(place, UsageError, "no conflict markers", on_conflict="mark", branch="auto")
    refused(place, UsageError, "--branch", branch="")


def test_an_untouched_service_becomes_what_new_makes_today(tmp_path: Path, place: Place) -> None:
    """With the real templates."""
    here = Project.__new__(Project)
    here.path = PACKAGE.parents[1]
    answers = {**ANSWERS, "database": "postgres"}
    service = make(here, tmp_path / "orders", "v0.1.0", answers)
    result = run(replace(place, package=PACKAGE))
    fresh = make(here, tmp_path / "fresh", str(result.data["to"]), answers)
    assert (result.data["conflicts"], result.data["kept"], result.warnings) == ([], [], ())
    assert files(service) == files(fresh)
    assert json.loads(json.dumps(result.data)) == result.data
