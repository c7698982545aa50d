"""What a service's repository is, wherever the service is and whatever the author's git is told."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gopherforge.errors import IncompleteClone, InvalidProject, ProgramFailed, ProgramMissing
from gopherforge.repository import Repository, open_repository
from tests.core.installation import AS_ANYONE
from tests.support import program
from tests.update.authored import NEW, OLD, Authored, git


@pytest.fixture
def author(tmp_path: Path) -> Authored:
    return Authored(tmp_path / "a service")


@pytest.fixture
def monorepo(tmp_path: Path) -> Authored:
    return Authored(tmp_path / "monorepo", prefix="services/users")


def opened(author: Authored) -> Repository:
    return open_repository(author.service, os.environ)


class TestWhere:
    def test_at_the_top(self, author: Authored) -> None:
        found = opened(author)
        assert (found.directory, found.top, found.prefix, found.git_dir) == (author.path, author.path, "", author.path / ".git")
        assert (found.bare, found.shallow) == (False, False)
        assert found.head == author.git("rev-parse", "HEAD")
        assert found.tree == author.git("rev-parse", "HEAD^{tree}")

    def test_in_a_sub_folder(self, monorepo: Authored) -> None:
        found = opened(monorepo)
        assert (found.directory, found.top, found.prefix) == (monorepo.service, monorepo.path, "services/users/")
        assert found.tree == monorepo.git("rev-parse", "HEAD:services/users")

    def test_through_a_link(self, author: Authored, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(author.path)
        assert open_repository(tmp_path / "link", os.environ) == opened(author)

    def test_in_a_linked_work_tree(self, author: Authored, tmp_path: Path) -> None:
        author.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
        found = open_repository(tmp_path / "linked", os.environ)
        assert (found.top, found.git_dir) == (tmp_path / "linked", author.path / ".git/worktrees/linked")

    def test_in_a_submodule(self, author: Authored, tmp_path: Path) -> None:
        outer = Authored(tmp_path / "outer", {"README.md": "o\n"})
        outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(author.path), "service")
        found = open_repository(outer.path / "service", os.environ)
        assert (found.top, found.prefix) == (outer.path / "service", "")
        assert found.git_dir == outer.path / ".git/modules/service"

    @pytest.mark.parametrize("allowed", ["all", "explicit"])
    def test_in_a_bare_repository(self, author: Authored, tmp_path: Path, allowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
        bare = tmp_path / "bare.git"
        git(tmp_path, "clone", "--quiet", "--bare", str(author.path), str(bare))
        _configure(monkeypatch, "safe.bareRepository", allowed)
        found = open_repository(bare, os.environ)
        assert (found.directory, found.top, found.git_dir, found.bare) == (bare, None, bare, True)
        assert found.tree == author.git("rev-parse", "HEAD^{tree}")
        assert found.read("Makefile") == [b"build:\n"]

    def test_in_a_directory_of_a_bare_repository(self, monorepo: Authored, tmp_path: Path) -> None:
        bare = tmp_path / "bare.git"
        git(tmp_path, "clone", "--quiet", "--bare", str(monorepo.path), str(bare))
        found = open_repository(bare / "services/users", os.environ)
        assert (found.directory, found.prefix, found.git_dir) == (bare / "services/users", "services/users/", bare)
        assert (found.bare, found.read("Makefile")) == (True, [b"build:\n"])
        with pytest.raises(InvalidProject, match="is not in the last commit"):
            open_repository(bare / "services/orders", os.environ)
        (bare / "services/users").mkdir(parents=True)
        with pytest.raises(InvalidProject, match="inside the git directory"):  # git found one that nobody named
            open_repository(bare / "services/users", os.environ)

    def test_where_the_work_tree_is_elsewhere(self, author: Authored, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        author.git("config", "core.worktree", str(tmp_path / "elsewhere"))
        with pytest.raises(InvalidProject, match="is not in the work tree of the git directory"):
            opened(author)

    def test_in_a_shallow_clone(self, author: Authored, tmp_path: Path) -> None:
        author.commit("second")
        git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{author.path}", "clone")
        assert open_repository(tmp_path / "clone", os.environ).shallow

    def test_with_the_git_directory_elsewhere(self, author: Authored, tmp_path: Path) -> None:
        author.git("init", "--quiet", f"--separate-git-dir={tmp_path / 'away.git'}")
        assert opened(author).git_dir == tmp_path / "away.git"

    @pytest.mark.parametrize("prefix", ["*/sub [x]\t", "\n/\n\nbelow\n"])
    def test_in_a_directory_of_any_name(self, tmp_path: Path, prefix: str) -> None:
        author = Authored(tmp_path / "new\nline", prefix=prefix)
        found = opened(author)
        assert (found.top, found.prefix, found.git_dir) == (author.path, f"{prefix}/", author.path / ".git")
        author.write({"Makefile": "mine\n"})
        assert found.unclean() == ("Makefile",)

    def test_variables_of_git_do_not_count(self, author: Authored, monorepo: Authored, monkeypatch: pytest.MonkeyPatch) -> None:
        expected = opened(author)
        for name, value in {"GIT_DIR": ".git", "GIT_WORK_TREE": "..", "GIT_INDEX_FILE": "no/such", "GIT_COMMON_DIR": "x"}.items():
            monkeypatch.setenv(name, value if value != ".git" else str(monorepo.path / ".git"))
        found = opened(author)
        assert replace(found, environ={}) == replace(expected, environ={})
        assert found.unclean() == ()


class TestRefused:
    @pytest.mark.parametrize("make", [False, True])
    def test_no_repository(self, tmp_path: Path, *, make: bool) -> None:
        directory = tmp_path / "service"
        if make:
            directory.mkdir()
        with pytest.raises(InvalidProject, match="is in no git repository" if make else "is no directory"):
            open_repository(directory, os.environ)

    @pytest.mark.parametrize("path", ["loop/service", "loop", "file", "file/service", "x" * 300])
    def test_no_directory(self, tmp_path: Path, path: str) -> None:
        (tmp_path / "loop").symlink_to("loop")
        (tmp_path / "file").touch()
        with pytest.raises(InvalidProject, match="is no directory"):
            open_repository(tmp_path / path, os.environ)

    def test_a_directory_that_nobody_may_enter(self, author: Authored) -> None:
        script = (
            "import os, sys\nfrom pathlib import Path\nfrom gopherforge.repository import open_repository\n"
            "try:\n open_repository(Path(sys.argv[1]), os.environ)\n"
            "except Exception as error:\n print(type(error).__name__, error)\n"
        )
        program("setpriv")
        author.path.chmod(0o600)
        command = [*(AS_ANYONE if os.geteuid() == 0 else []), sys.executable, "-c", script, str(author.path)]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        author.path.chmod(0o755)
        assert said == f"InvalidProject {author.path} cannot be entered: permission denied.\n"

    def test_a_work_tree_whose_repository_was_moved(self, author: Authored, tmp_path: Path) -> None:
        author.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
        author.path.rename(tmp_path / "moved")
        with pytest.raises(InvalidProject, match="is not where it was") as refusal:
            open_repository(tmp_path / "linked", os.environ)
        assert refusal.value.hint == "where the repository was moved, run git worktree repair in it."

    def test_a_git_that_is_killed(self, author: Authored, tmp_path: Path) -> None:
        (tmp_path / "git").write_text(f'#!/bin/sh\n[ "$1" = version ] && exec {shutil.which("git")} version\nkill -9 $$\n')
        (tmp_path / "git").chmod(0o755)
        with pytest.raises(InvalidProject, match=r"git rev-parse failed \(signal 9\)"):
            open_repository(author.path, {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})

    def test_no_commit(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "--quiet")
        with pytest.raises(InvalidProject, match="has no commit yet"):
            open_repository(tmp_path, os.environ)

    def test_not_committed(self, author: Authored) -> None:
        (author.path / "services/users").mkdir(parents=True)
        with pytest.raises(InvalidProject, match="is not in the last commit"):
            open_repository(author.path / "services/users", os.environ)

    def test_a_file_in_the_last_commit(self, author: Authored) -> None:
        (author.path / "Makefile").unlink()
        (author.path / "Makefile").mkdir()
        with pytest.raises(InvalidProject, match="is not in the last commit"):
            open_repository(author.path / "Makefile", os.environ)

    @pytest.mark.parametrize("below", [".git", ".git/hooks"])
    def test_inside_the_git_directory(self, author: Authored, below: str) -> None:
        (author.path / below).mkdir(exist_ok=True)
        with pytest.raises(InvalidProject, match="inside the git directory"):
            open_repository(author.path / below, os.environ)

    def test_somebody_elses(self, author: Authored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        with pytest.raises(InvalidProject, match="dubious ownership") as refusal:
            opened(author)
        assert refusal.value.hint.startswith("git config --global --add safe.directory")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
        git(tmp_path, "config", "--global", "safe.directory", str(author.path))
        assert opened(author).unclean() == ()

    def test_no_git(self, author: Authored) -> None:
        with pytest.raises(ProgramMissing):
            open_repository(author.path, {"PATH": str(author.path / "bin")})


class TestRead:
    def test_little_is_asked(self, author: Authored, tmp_path: Path) -> None:
        """git's version, where all is, the service's tree, and the contents."""
        (tmp_path / "git").write_text(f'#!/bin/sh\necho >> {tmp_path}/asked\nexec {shutil.which("git")} "$@"\n')
        (tmp_path / "git").chmod(0o755)
        found = open_repository(author.path, {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
        assert found.read("Makefile", "current") == [b"build:\n", b"Makefile"]
        assert (tmp_path / "asked").read_text() == 4 * "\n"

    def test_head_counts(self, monorepo: Authored) -> None:
        found = opened(monorepo)
        monorepo.write({"Makefile": "mine\n"})
        names = ("Makefile", "bin/run", "names/*", "names/\udcff", "names/new\nline", "current")
        assert found.read(*names) == [OLD[name].encode("utf-8") for name in names]

    @pytest.mark.parametrize(
        "path", ["none", "no\nline", "\udcff", "names", "services/users/Makefile", "names/?", ":(top)Makefile"]
    )
    def test_what_is_not_there(self, monorepo: Authored, path: str) -> None:
        assert opened(monorepo).read(path, "Makefile") == [None, b"build:\n"]

    def test_any_bytes(self, author: Authored) -> None:
        content = bytes(range(256)) + b"\r\n\n\n"
        (author.path / "data").write_bytes(content)
        author.commit("data")
        assert opened(author).read("data", "data") == [content, content]


class TestPartialClone:
    @pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
    def test_what_it_lacks_and_cannot_fetch(self, monorepo: Authored, tmp_path: Path, kind: str) -> None:
        monorepo.git("config", "uploadpack.allowFilter", "true")
        git(tmp_path, "clone", "--quiet", "--bare", f"--filter={kind}", f"file://{monorepo.path}", "clone.git")
        monorepo.path.rename(tmp_path / "moved")
        with pytest.raises(IncompleteClone):
            open_repository(tmp_path / "clone.git/services/users", os.environ).read("Makefile")

    def test_another_failure_is_told_as_it_is(self, author: Authored) -> None:
        found = opened(author)
        shutil.rmtree(author.path / ".git/objects")
        with pytest.raises(ProgramFailed):
            found.read("Makefile")


class TestUnclean:
    def test_only_the_service_counts(self, monorepo: Authored) -> None:
        monorepo.write({"../../elsewhere": "staged\n", "../users2/x": "staged\n"})
        monorepo.git("add", "--all")
        monorepo.write({"untracked": "u\n"})
        assert opened(monorepo).unclean() == ()
        opened(monorepo).require_clean()

    def test_paths_are_sorted_and_the_services(self, monorepo: Authored) -> None:
        monorepo.write({"names/new\nline": "mine\n", "names/\udcff": "mine\n", "Makefile": "mine\n", "untouched.go": "mine\n"})
        monorepo.git("add", "services/users/untouched.go")
        assert opened(monorepo).unclean() == ("Makefile", "names/new\nline", "names/\udcff", "untouched.go")

    def test_what_git_would_not_show(self, author: Authored) -> None:
        """A renamed file counts twice, and what git was told to ignore counts."""
        author.git("config", "status.renames", "true")
        author.git("mv", "Makefile", "makefile.old")
        author.git("update-index", "--assume-unchanged", "untouched.go", "bin/run")
        author.git("update-index", "--skip-worktree", "bin/plain", "text")
        author.write({"untouched.go": "mine\n", "bin/plain": "mine\n"})
        before = author.state()
        assert opened(author).unclean() == ("Makefile", "bin/plain", "makefile.old", "untouched.go")
        assert author.state() == before

    def test_times_and_line_ends_do_not_count(self, author: Authored) -> None:
        author.git("config", "core.autocrlf", "true")
        (author.path / "Makefile").write_bytes(b"build:\r\n")
        author.git("add", "Makefile")
        os.utime(author.path / "untouched.go", (1, 1))
        assert opened(author).unclean() == ()

    def test_modes_count_where_git_says_so(self, author: Authored) -> None:
        (author.path / "Makefile").chmod(0o755)
        assert opened(author).unclean() == ("Makefile",)
        author.git("config", "core.fileMode", "false")
        assert opened(author).unclean() == ()

    def test_a_submodule_counts_once_it_is_at_another_commit(self, author: Authored, tmp_path: Path) -> None:
        Authored(tmp_path / "library", {"lib.go": "package lib\n"})
        author.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "library"), "vendored")
        author.commit("a submodule")
        (author.path / "vendored/lib.go").write_text("package mine\n")
        assert opened(author).unclean() == ()
        git(author.path / "vendored", "commit", "--quiet", "--all", "--message", "mine")
        assert opened(author).unclean() == ("vendored",)


class TestGraft:
    @pytest.mark.parametrize("prefix", ["", "users", "services/users", "a/b c/d\udcff"])
    def test_only_the_services_directory_differs(self, tmp_path: Path, prefix: str) -> None:
        author = Authored(tmp_path / "repository", prefix=prefix)
        author.write({"beside.go": "package beside\n"})
        if prefix:
            (author.path / "top.go").write_text("package top\n")
            (author.service.parent / "sibling").write_text("s\n")
        author.commit("more")
        tree = author.tree(NEW)

        whole = opened(author).graft(tree)

        assert author.git("rev-parse", f"{whole}:{prefix}") == tree
        elsewhere = author.git("diff-tree", "-r", "-z", "--name-only", "HEAD", whole).split("\0")[:-1]
        assert all(path.startswith(prefix) for path in elsewhere)
        assert author.git("fsck", "--strict", "--no-dangling") == ""


def _configure(patch: pytest.MonkeyPatch, key: str, value: str) -> None:
    """As the user's own setting, which alone counts for this one."""
    copy = Path(os.environ["GIT_CONFIG_GLOBAL"]).with_name("with a setting")
    shutil.copy(os.environ["GIT_CONFIG_GLOBAL"], copy)
    patch.setenv("GIT_CONFIG_GLOBAL", str(copy))
    git(copy.parent, "config", "--global", key, value)
