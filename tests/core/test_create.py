import os
import shlex
import stat
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gopherforge.create import Created, Request, check_target, create, preview
from gopherforge.errors import ProgramFailed, ProgramMissing, RenderFailed, TargetRefused
from gopherforge.source import locate
from gopherforge.staging import staging
from tests.core.history import ANSWERS, RENDERED, Project, git


def hooked(environ: dict[str, str], directory: Path, hook: str, script: str) -> None:
    """Give the user a global git hook."""
    directory.mkdir(exist_ok=True)
    (directory / hook).write_text(f"#!/bin/sh\n{script}\n")
    (directory / hook).chmod(0o755)
    configured(environ, "core.hooksPath", str(directory))


def configured(environ: dict[str, str], key: str, value: str) -> None:
    """Give the user a git setting."""
    count = int(environ.get("GIT_CONFIG_COUNT", "0"))
    environ |= {"GIT_CONFIG_COUNT": str(count + 1), f"GIT_CONFIG_KEY_{count}": key, f"GIT_CONFIG_VALUE_{count}": value}


def files(directory: Path) -> tuple[str, ...]:
    found = (path.relative_to(directory) for path in directory.rglob("*") if not path.is_dir())
    return tuple(sorted(path.as_posix() for path in found if path.parts[0] != ".git"))


class TestAbsentTarget:
    def test_it_becomes_a_repository_with_everything_committed(self, request_at: Request, environ: dict[str, str]) -> None:
        created = create(request_at, environ)

        target = request_at.target
        assert (created.path, created.template, created.version) == (target, "go-http-service", request_at.templates.version)
        assert (created.files, created.committed, created.warning) == (RENDERED, True, "")
        assert created.answers.items() >= ANSWERS.items()
        assert files(target) == RENDERED
        assert git(target, "status", "--porcelain", "--ignored") == ""
        assert tuple(git(target, "ls-files").splitlines()) == RENDERED
        assert git(target, "log", "--format=%an <%ae> %s") == (
            f"Ada Lovelace <ada@example.com> Create user-service from go-http-service {created.version}"
        )
        assert list(target.parent.iterdir()) == [target]

    def test_without_git_there_is_no_repository(self, request_at: Request, environ: dict[str, str]) -> None:
        created = create(replace(request_at, git=False), environ)

        assert (created.committed, created.warning) == (False, "")
        assert files(request_at.target) == RENDERED
        assert not (request_at.target / ".git").exists()

    @pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
    def test_the_umask_gives_the_modes(self, request_at: Request, environ: dict[str, str], mask: int) -> None:
        before = os.umask(mask)
        try:
            create(request_at, environ)
        finally:
            os.umask(before)

        modes = {
            path: stat.S_IMODE((request_at.target / path).stat().st_mode) for path in (".", "internal", "Makefile", "bin/run")
        }
        assert modes == {".": 0o777 & ~mask, "internal": 0o777 & ~mask, "Makefile": 0o666 & ~mask, "bin/run": 0o777 & ~mask}

    def test_its_parent_may_be_a_link(self, request_at: Request, place: Path, environ: dict[str, str]) -> None:
        (place.parent / "link").symlink_to(place)
        created = create(replace(request_at, target=place.parent / "link/user-service"), environ)

        assert created.path == place.parent / "link/user-service"
        assert files(place / "user-service") == RENDERED

    def test_the_same_answers_give_the_same_bytes(self, request_at: Request, place: Path, environ: dict[str, str]) -> None:
        create(request_at, environ)
        create(replace(request_at, target=place / "again"), environ | {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7"})

        for path in RENDERED:
            assert (place / "again" / path).read_bytes() == (request_at.target / path).read_bytes(), path


class TestEmptyTarget:
    def test_it_is_filled(self, request_at: Request, environ: dict[str, str]) -> None:
        request_at.target.mkdir(mode=0o750)
        inode = request_at.target.stat().st_ino

        created = create(request_at, environ)

        assert created.committed
        assert files(request_at.target) == RENDERED
        assert git(request_at.target, "status", "--porcelain", "--ignored") == ""
        assert (request_at.target.stat().st_ino, stat.S_IMODE(request_at.target.stat().st_mode)) == (inode, 0o750)
        assert sorted(path.name for path in request_at.target.iterdir()) == [
            ".copier-answers.yml",
            ".git",
            "Makefile",
            "bin",
            "internal",
        ]

    def test_remains_of_a_killed_run_do_not_count(self, request_at: Request, environ: dict[str, str]) -> None:
        request_at.target.mkdir()
        with staging(request_at.target) as hidden:
            name = hidden.name
        (request_at.target / name).mkdir()
        (request_at.target / name / "lock").touch()

        create(request_at, environ)
        assert not (request_at.target / name).exists()

    def test_a_run_that_is_alive_in_it_is_in_the_way(self, request_at: Request, environ: dict[str, str]) -> None:
        request_at.target.mkdir()
        with staging(request_at.target) as hidden:
            with pytest.raises(TargetRefused, match=f"is not empty: it contains {hidden.name}"):
                create(request_at, environ)
            assert list(request_at.target.iterdir()) == [hidden]

    def test_a_file_that_appears_meanwhile_stays_alone(
        self, request_at: Request, tmp_path: Path, environ: dict[str, str]
    ) -> None:
        request_at.target.mkdir()
        theirs = request_at.target / "Makefile"
        hooked(environ, tmp_path / "hooks", "pre-commit", f"echo theirs > {shlex.quote(str(theirs))}")

        with pytest.raises(TargetRefused, match="is not empty: it contains Makefile"):
            create(request_at, environ)
        assert list(request_at.target.iterdir()) == [theirs]
        assert theirs.read_text() == "theirs\n"


def a_file(target: Path) -> Path:
    target.touch()
    return target


def a_link_to_a_directory(target: Path) -> Path:
    (target.parent / "real").mkdir()
    target.symlink_to(target.parent / "real")
    return target


def a_dangling_link(target: Path) -> Path:
    target.symlink_to(target.parent / "nothing")
    return target


def content(target: Path) -> Path:
    (target / "b").mkdir(parents=True)
    (target / "a").touch()
    return target


def a_repository(target: Path) -> Path:
    target.mkdir()
    git(target, "init", "--quiet")
    return target


def no_parent(target: Path) -> Path:
    return target / "x"


def a_file_as_parent(target: Path) -> Path:
    target.touch()
    return target / "x"


def a_loop_as_parent(target: Path) -> Path:
    target.symlink_to(target)
    return target / "x"


def a_long_name(target: Path) -> Path:
    return target.parent / ("x" * 300)


REFUSED: dict[Callable[[Path], Path], str] = {
    a_file: "{place}/user-service is a file.",
    a_link_to_a_directory: "{place}/user-service is a symbolic link.",
    a_dangling_link: "{place}/user-service is a symbolic link.",
    content: "{place}/user-service is not empty: it contains a.",
    a_repository: "{place}/user-service is not empty: it contains .git.",
    no_parent: "{place}/user-service does not exist.",
    a_file_as_parent: "{place}/user-service is a file.",
    a_loop_as_parent: "{place}/user-service/x cannot be used: Too many levels of symbolic links.",
    a_long_name: "{place}/" + "x" * 300 + " cannot be used: File name too long.",
}


class TestRefusedTarget:
    @pytest.mark.parametrize("prepared", REFUSED, ids=lambda prepared: prepared.__name__)
    def test_it_is_refused_and_nothing_is_touched(
        self, prepared: Callable[[Path], Path], request_at: Request, environ: dict[str, str]
    ) -> None:
        place = request_at.target.parent
        target = prepared(request_at.target)
        before = sorted(place.rglob("*"))
        request = replace(request_at, target=target)
        acts: list[Callable[[], object]] = [
            partial(check_target, target),
            *(partial(act, request, environ) for act in (create, preview)),
        ]
        for act in acts:
            with pytest.raises(TargetRefused) as caught:
                act()
            assert caught.value.message == REFUSED[prepared].format(place=place)
            assert (bool(caught.value.hint), caught.value.exit_code) == (True, 1)
        assert sorted(place.rglob("*")) == before

    def test_the_directory_above_is_refused(self, place: Path) -> None:
        (place / "inner").mkdir()
        with pytest.raises(TargetRefused, match="is not empty: it contains inner"):
            check_target(place / "inner" / "..")

    def test_one_that_somebody_makes_meanwhile_stays_theirs(
        self, request_at: Request, tmp_path: Path, environ: dict[str, str]
    ) -> None:
        theirs = shlex.quote(str(request_at.target))
        hooked(environ, tmp_path / "hooks", "pre-commit", f"mkdir {theirs} && touch {theirs}/theirs")

        with pytest.raises(TargetRefused, match="was made by somebody else in the meantime"):
            create(request_at, environ)
        assert files(request_at.target) == ("theirs",)
        assert list(request_at.target.parent.iterdir()) == [request_at.target]


class TestFailure:
    def test_templates_that_cannot_be_rendered_leave_nothing(
        self, request_at: Request, place: Path, environ: dict[str, str]
    ) -> None:
        refused = replace(request_at, answers=ANSWERS | {"name": "X"})
        with pytest.raises(RenderFailed):
            create(refused, environ)
        assert list(place.iterdir()) == []

        request_at.target.mkdir()
        with pytest.raises(RenderFailed):
            create(refused, environ)
        assert list(place.rglob("*")) == [request_at.target]

    @pytest.mark.parametrize("version", ["2.37.4", "1.8.3.1"])
    def test_an_old_git_is_refused(self, request_at: Request, tmp_path: Path, environ: dict[str, str], version: str) -> None:
        (tmp_path / "git").write_text(f"#!/bin/sh\necho git version {version}\n")
        (tmp_path / "git").chmod(0o755)

        with pytest.raises(ProgramFailed) as caught:
            create(request_at, environ | {"PATH": f"{tmp_path}:{environ['PATH']}"})
        assert caught.value.message == f"git 2.38 or newer is required, and this is {version}."
        assert caught.value.exit_code == 5
        assert list(request_at.target.parent.iterdir()) == []

    def test_no_git_is_told(self, request_at: Request, place: Path, tmp_path: Path, environ: dict[str, str]) -> None:
        with pytest.raises(ProgramMissing, match="git is required") as caught:
            create(request_at, environ | {"PATH": str(tmp_path)})
        assert caught.value.exit_code == 5
        assert list(place.iterdir()) == []


class TestPreview:
    def test_it_says_what_create_would_make_and_makes_nothing(
        self, request_at: Request, place: Path, environ: dict[str, str]
    ) -> None:
        shown = preview(request_at, environ)
        assert list(place.iterdir()) == []

        made = create(request_at, environ)
        assert replace(shown, committed=True) == made

    def test_templates_from_a_work_tree_are_told(self, project: Project, place: Path, environ: dict[str, str]) -> None:
        with locate("HEAD", environ, project.package) as templates:
            created = create(Request(place / "user-service", ANSWERS, templates), environ)

        assert (created.version, created.committed) == ("HEAD", True)
        assert created.warning.endswith("the service cannot be updated.")


def staged(created: Created, reason: str) -> None:
    """Nothing is missing but the commit itself, and the author is told why."""
    assert not created.committed
    assert created.warning.startswith(f"could not commit: {reason}")
    assert files(created.path) == RENDERED
    assert tuple(git(created.path, "diff", "--cached", "--name-only").splitlines()) == RENDERED


class TestFirstCommit:
    def test_hooks_and_settings_are_the_users(self, request_at: Request, tmp_path: Path, environ: dict[str, str]) -> None:
        hooked(environ, tmp_path / "hooks", "commit-msg", 'printf "\\nSigned-off-by: a hook\\n" >> "$1"')
        configured(environ, "init.defaultBranch", "trunk")
        configured(environ, "user.name", "Grace Hopper")

        assert create(request_at, environ).committed
        assert git(request_at.target, "log", "--format=%an %(trailers:key=Signed-off-by)%D") == (
            "Grace Hopper Signed-off-by: a hook\nHEAD -> trunk"
        )

    def test_the_branch_is_main_where_the_user_has_no_opinion(
        self, request_at: Request, tmp_path: Path, environ: dict[str, str]
    ) -> None:
        (tmp_path / "gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
        create(request_at, environ | {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")})

        assert git(request_at.target, "symbolic-ref", "--short", "HEAD") == "main"

    def test_a_hook_that_refuses_leaves_it_staged(self, request_at: Request, tmp_path: Path, environ: dict[str, str]) -> None:
        hooked(environ, tmp_path / "hooks", "pre-commit", "echo no commits on a Saturday >&2; exit 1")
        staged(create(request_at, environ), "git commit failed (exit code 1): no commits on a Saturday")

    def test_a_user_without_a_name_has_it_staged(self, request_at: Request, environ: dict[str, str]) -> None:
        environ["GIT_CONFIG_GLOBAL"] = os.devnull
        configured(environ, "user.useConfigOnly", "true")
        staged(create(request_at, environ), "git commit failed (exit code 128): fatal: no ")

    def test_a_key_that_cannot_sign_leaves_it_staged(self, request_at: Request, environ: dict[str, str]) -> None:
        configured(environ, "commit.gpgSign", "true")
        configured(environ, "gpg.program", "/nowhere/gpg")
        staged(create(request_at, environ), "git commit failed (exit code 128): fatal: failed to write commit object")

    def test_where_no_repository_can_be_made_none_is_left(
        self, request_at: Request, tmp_path: Path, environ: dict[str, str]
    ) -> None:
        (tmp_path / "template").mkdir()
        (tmp_path / "template/config").write_text("[core\n")
        configured(environ, "init.templateDir", str(tmp_path / "template"))

        created = create(request_at, environ)
        assert created.warning.startswith("could not commit: git init failed")
        assert not (request_at.target / ".git").exists()
        assert files(request_at.target) == RENDERED

    def test_a_template_of_the_user_cannot_lead_it_to_other_files(
        self, request_at: Request, project: Project, tmp_path: Path, environ: dict[str, str]
    ) -> None:
        (tmp_path / "template").mkdir()
        (tmp_path / "template/config").write_text(f"[core]\n\tworktree = {project.path}\n")
        configured(environ, "init.templateDir", str(tmp_path / "template"))

        assert create(request_at, environ).committed
        assert tuple(git(request_at.target, "ls-tree", "-r", "--name-only", "HEAD").splitlines()) == RENDERED

    @pytest.mark.parametrize("settings", [{"core.autocrlf": "true"}, {"core.excludesFile": "IGNORE"}, {"core.fileMode": "false"}])
    def test_everything_is_in_it_whatever_the_user_ignores_or_converts(
        self, request_at: Request, tmp_path: Path, environ: dict[str, str], settings: dict[str, str]
    ) -> None:
        (tmp_path / "ignore").write_text("*\n")
        for key, value in settings.items():
            configured(environ, key, value.replace("IGNORE", str(tmp_path / "ignore")))

        assert create(request_at, environ).committed
        assert tuple(git(request_at.target, "ls-files").splitlines()) == RENDERED
        assert git(request_at.target, "cat-file", "-p", "HEAD:bin/run") == "#!/bin/sh"

    def test_inherited_variables_lead_to_no_other_repository(
        self, request_at: Request, project: Project, environ: dict[str, str]
    ) -> None:
        def state() -> list[str]:
            return [project.git(*words) for words in (["status", "--porcelain"], ["for-each-ref"], ["count-objects", "-v"])]

        before = state()
        inherited = {
            "GIT_DIR": project.path / ".git",
            "GIT_WORK_TREE": project.path,
            "GIT_INDEX_FILE": project.path / ".git/index",
        }
        created = create(request_at, environ | {key: str(path) for key, path in inherited.items()})

        assert created.committed
        assert tuple(git(request_at.target, "ls-files").splitlines()) == RENDERED
        assert state() == before


class TestMonorepo:
    def test_no_repository_is_made_inside_another(self, request_at: Request, environ: dict[str, str]) -> None:
        monorepo = Project(request_at.target.parent / "mono")
        monorepo.commit("first", {"README.md": "mono\n"})
        for target in (monorepo.path / "users", monorepo.path / "empty"):
            if target.name == "empty":
                target.mkdir()
            created = create(replace(request_at, target=target), environ)

            assert created.warning == (
                f"{target} is part of the git work tree {monorepo.path}: no repository was made, commit the service there."
            )
            assert not created.committed
            assert files(target) == RENDERED
            assert not (target / ".git").exists()
        assert monorepo.git("status", "--porcelain") == "?? empty/\n?? users/"

    def test_a_directory_that_the_other_ignores_gets_its_own(self, request_at: Request, environ: dict[str, str]) -> None:
        dotfiles = Project(request_at.target.parent / "home")
        dotfiles.commit("first", {".gitignore": "*\n!.gitignore\n"})

        created = create(replace(request_at, target=dotfiles.path / "user-service"), environ)
        assert (created.committed, created.warning) == (True, "")
        assert git(dotfiles.path / "user-service", "rev-list", "--count", "HEAD") == "1"
        assert dotfiles.git("status", "--porcelain") == ""

    def test_another_users_repository_counts(self, request_at: Request, environ: dict[str, str]) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can give files to another user.")
        monorepo = Project(request_at.target.parent / "mono")
        monorepo.commit("first", {"README.md": "mono\n"})
        for path in [monorepo.path, *monorepo.path.rglob("*")]:
            os.chown(path, 65534, 65534)

        created = create(replace(request_at, target=monorepo.path / "users"), environ)
        assert "is part of the git work tree" in created.warning
