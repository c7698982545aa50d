"""Index and work tree hold the new tree, or everything is as it was."""

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gopherforge.apply import apply, recover
from gopherforge.errors import CannotRecover, CannotWrite, ForgeError, InTheWay, ProgramFailed, RepositoryBusy, UncleanWorkTree
from gopherforge.repository import Repository, open_repository
from gopherforge.trees import Entry
from tests.core.installation import AS_ANYONE
from tests.support import program, run
from tests.update.authored import NEW, OLD, Authored, Files, Link, Script, files, git, git_directory_elsewhere, kinds, state

UPPER_PROCESS = """# A filter as gitattributes(5) has it: capitals in the work tree.
import sys

def read():
    lines = []
    while (size := int(sys.stdin.buffer.read(4) or b"0", 16)):
        lines.append(sys.stdin.buffer.read(size - 4))
    return lines

def write(*lines):
    sys.stdout.buffer.write(b"".join(b"%04x%s" % (len(line) + 4, line) for line in lines) + b"0000")
    sys.stdout.buffer.flush()

read()
write(b"git-filter-server\\n", b"version=2\\n")
read()
write(b"capability=clean\\n", b"capability=smudge\\n")
while asked := read():
    content = b"".join(read())
    write(b"status=success\\n")
    write(content.upper() if b"command=smudge\\n" in asked else content.lower())
    write()
"""


@pytest.fixture
def author(tmp_path: Path) -> Authored:
    return Authored(tmp_path / "a service")


def opened(author: Authored) -> Repository:
    return open_repository(author.service, os.environ)


def holds(author: Authored, tree: str, expected: Files) -> bool:
    """Whether index and work tree of the service are that tree, and git thinks so, too, without looking at files again."""
    assert kinds(files(author.service)) == kinds(expected)
    assert git(author.path, "write-tree", f"--prefix={author.prefix}") == tree
    assert git(author.path, "diff-files", "--name-only") == ""
    assert sorted(path.name for path in (author.path / ".git").iterdir() if "gopher" in path.name or "lock" in path.name) == []
    return True


def refused(author: Authored, tree: str, kind: type[ForgeError], *words: str) -> None:
    """It is refused with these words, and nothing has changed."""
    repository = opened(author)
    before = author.state()
    with pytest.raises(kind) as refusal:
        apply(repository, tree)
    assert author.state() == before
    for word in words:
        assert word in f"{refusal.value.message} {refusal.value.hint}"


class TestApplied:
    @pytest.mark.parametrize("prefix", ["", "services/a b/users"])
    def test_everything_that_can_become_of_a_file(self, tmp_path: Path, prefix: str) -> None:
        author = Authored(tmp_path / "a service", prefix=prefix)
        tree, head = author.tree(NEW), author.git("rev-parse", "HEAD")
        unchanged = (author.service / "untouched.go").lstat()

        apply(opened(author), tree)

        assert holds(author, tree, NEW)
        assert author.git("rev-parse", "HEAD") == head
        assert author.git("symbolic-ref", "HEAD") == "refs/heads/main"
        assert (author.service / "untouched.go").lstat() == unchanged
        assert not (author.service / "deep").exists()

    def test_and_back(self, author: Authored) -> None:
        before, old = files(author.path), author.git("rev-parse", "HEAD^{tree}")
        apply(opened(author), author.tree(NEW))
        author.git("commit", "--quiet", "--message", "new")
        apply(opened(author), old)

        assert holds(author, old, before)

    def test_the_same_tree_changes_nothing(self, author: Authored) -> None:
        before = files(author.path)
        apply(opened(author), author.git("rev-parse", "HEAD^{tree}"))

        assert kinds(files(author.path)) == kinds(before)
        assert author.git("status", "--porcelain") == ""

    def test_untracked_and_ignored_files_stay(self, author: Authored) -> None:
        mine = {"directory-of-mine/note": "n\n", "deep/down/mine.out": "ignored\n", "bin/mine": "m\n"}
        author.write(mine)
        (author.path / "empty/one").mkdir(parents=True)
        apply(opened(author), author.tree(NEW))

        assert kinds(files(author.path)) == kinds({**NEW, **mine})
        assert (author.path / "empty/one").is_dir()

    def test_the_rest_of_a_monorepo_stays_whatever_it_is(self, tmp_path: Path) -> None:
        author = Authored(tmp_path / "monorepo", prefix="services/users")
        rest = {"../../staged": "1\n", "../../both": "1\n", "../../dirty": "1\n", "../../gone": "1\n", "../users2/main.go": "1\n"}
        author.write(rest)
        author.commit("the rest")
        author.write({"../../staged": "2\n", "../../both": "2\n", "../../new": "staged\n"})
        author.git("add", "--all")
        author.write({"../../both": "3\n", "../../dirty": "3\n", "../../untracked": "u\n", "../users2/main.go": "2\n"})
        (author.path / "gone").unlink()
        status = author.git("status", "--porcelain")
        staged = author.git("diff", "--cached")

        tree = author.tree(NEW)
        apply(opened(author), tree)

        assert kinds(files(author.service)) == kinds(NEW)
        assert author.git("write-tree", "--prefix=services/users/") == tree
        elsewhere = [":!services/users"]
        assert author.git("status", "--porcelain", "--", *elsewhere) == status
        assert author.git("diff", "--cached", "--", *elsewhere) == staged

    def test_in_a_linked_work_tree(self, author: Authored, tmp_path: Path) -> None:
        author.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
        before = author.state()
        tree = author.tree(NEW)
        apply(open_repository(tmp_path / "linked", os.environ), tree)

        assert kinds(files(tmp_path / "linked")) == kinds(NEW)
        assert git(tmp_path / "linked", "write-tree") == tree
        there = ".git/worktrees/linked"
        main = {path: seen for path, seen in author.state().items() if not path.startswith(there)}
        assert main == {path: seen for path, seen in before.items() if not path.startswith(there)}

    def test_with_the_git_directory_on_another_file_system(self, author: Authored) -> None:
        tree = author.tree(NEW)
        with git_directory_elsewhere(author) as away:
            apply(opened(author), tree)
            assert kinds(files(author.path)) == kinds(NEW)
            assert author.git("write-tree") == tree
            assert [path.name for path in away.iterdir() if "gopher" in path.name] == []

    def test_with_the_git_directory_mounted_from_elsewhere(self, author: Authored, tmp_path: Path) -> None:
        """From the same file system, and yet nothing can be moved into the work tree."""
        tree = author.tree(NEW)
        shutil.copytree(author.path / ".git", tmp_path / "away", symlinks=True)
        code = """if True:
            import os, sys
            from pathlib import Path
            from gopherforge.apply import apply
            from gopherforge.repository import open_repository
            apply(open_repository(Path(sys.argv[1]), os.environ), sys.argv[2])
        """
        alone = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        mounted = [
            "sh",
            "-c",
            'mount --bind "$1" "$2" && shift 2 && exec "$@"',
            "sh",
            str(tmp_path / "away"),
            str(author.path / ".git"),
        ]
        done = run([*alone, *mounted, sys.executable, "-c", code, str(author.path), tree], cwd=tmp_path)
        assert done.status == 0, done

        assert kinds(files(author.path)) == kinds(NEW)
        shutil.rmtree(author.path / ".git")
        shutil.move(tmp_path / "away", author.path / ".git")
        assert author.git("write-tree") == tree
        assert author.git("diff", "--name-only") == ""

    def test_in_a_shallow_clone_with_a_detached_head(self, author: Authored, tmp_path: Path) -> None:
        author.commit("second")
        git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{author.path}", "clone")
        git(tmp_path / "clone", "checkout", "--quiet", "--detach")
        tree = author.tree(NEW)
        author.git("pack-objects", "--revs", "--quiet", str(tmp_path / "clone/.git/objects/pack/pack"), input=f"{tree}\n")
        repository = open_repository(tmp_path / "clone", os.environ)
        apply(repository, tree)

        assert repository.shallow
        assert kinds(files(tmp_path / "clone")) == kinds(NEW)
        assert git(tmp_path / "clone", "write-tree") == tree

    def test_modes_are_as_the_umask_gives(self, author: Authored) -> None:
        before = os.umask(0o027)
        try:
            apply(opened(author), author.tree(NEW))
        finally:
            os.umask(before)
        found = {path: (author.path / path).stat().st_mode & 0o777 for path in ("added", "added/far/away.go", "bin/plain")}
        assert found == {"added": 0o750, "added/far/away.go": 0o640, "bin/plain": 0o750}

    def test_read_only_files_give_way(self, author: Authored) -> None:
        for path in author.path.rglob("names/*"):
            path.chmod(0o444)
        tree = author.tree(NEW)
        apply(opened(author), tree)
        assert holds(author, tree, NEW)

    def test_submodules_beside_it_stay(self, author: Authored, tmp_path: Path) -> None:
        Authored(tmp_path / "library", {"lib.go": "package lib\n"})
        author.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "library"), "vendored")
        author.commit("a submodule")
        author.git("config", "submodule.recurse", "true")
        author.write({"vendored/lib.go": "package mine\n"})
        index = {"GIT_INDEX_FILE": str(tmp_path / "index")}
        author.git("read-tree", "HEAD", **index)
        author.git("update-index", "--add", "--cacheinfo", f"100644,{author.blob('added')},added/far/away.go", **index)

        apply(opened(author), author.git("write-tree", **index))

        assert (author.path / "vendored/lib.go").read_text() == "package mine\n"
        assert author.git("diff", "--name-only", "--ignore-submodules=none") == "vendored"
        assert (author.path / "added/far/away.go").exists()


class TestConflicts:
    def test_they_are_unmerged_entries_with_markers_in_the_file(self, author: Authored) -> None:
        marked = "<<<<<<< ours\nbuild: mine\n=======\nbuild: test\n>>>>>>> v0.4.0\n"
        stages = {
            "Makefile": {
                1: Entry("100644", author.blob("build:\n")),
                2: Entry("100644", author.blob("build: mine\n")),
                3: Entry("100755", author.blob("build: test\n")),
            },
            "untouched.go": {1: Entry("100644", author.blob("package old\n")), 2: Entry("100644", author.blob("package main\n"))},
        }
        apply(opened(author), author.tree({**NEW, "Makefile": marked}), stages)

        assert (author.path / "Makefile").read_text() == marked
        listed = [row.split("\t") for row in author.git("ls-files", "--unmerged").splitlines()]
        expected = [
            f"{entry.mode} {entry.oid} {stage}" for entries in stages.values() for stage, entry in sorted(entries.items())
        ]
        assert [about for about, _ in listed] == expected
        status = author.git("status", "--porcelain").splitlines()
        assert {"UU Makefile", "UD untouched.go", "A  added/far/away.go"} <= set(status)
        author.git("checkout", "--theirs", "Makefile")
        assert (author.path / "Makefile").read_text() == "build: test\n"

    def test_they_are_refused_while_others_are_not_resolved(self, author: Authored) -> None:
        stages = {"Makefile": {2: Entry("100644", author.blob("a\n")), 3: Entry("100644", author.blob("b\n"))}}
        apply(opened(author), author.git("rev-parse", "HEAD^{tree}"), stages)
        refused(author, author.tree(NEW), UncleanWorkTree, "conflicts that are not resolved: Makefile")


SETTINGS = {
    "untracked cache": ["core.untrackedCache=true"],
    "line ends as on Windows": ["core.autocrlf=true"],
    "line ends on input": ["core.autocrlf=input"],
    "no file modes": ["core.fileMode=false"],
    "many files": ["feature.manyFiles=true", "index.skipHash=true"],
    "names": ["core.quotePath=true", "core.precomposeUnicode=true", "status.relativePaths=false"],
    "diff": ["diff.renames=copies", "diff.noprefix=true", "diff.external=false", "diff.ignoreSubmodules=none"],
    "status": ["status.showUntrackedFiles=all", "status.branch=true", "status.short=true", "status.renames=copies"],
    "colours": ["color.ui=always", "core.pager=false"],
    "pathspecs": ["core.ignoreCase=false", "advice.addEmptyPathspec=false"],
    "checks": ["core.trustctime=false", "core.checkStat=minimal", "core.preloadIndex=true", "index.threads=4"],
}


class TestSettings:
    @pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
    def test_are_the_authors(self, author: Authored, settings: list[str]) -> None:
        for setting in settings:
            author.git("config", *setting.split("=", 1))
        author.git("status")
        tree = author.tree(NEW)
        apply(opened(author), tree)

        assert author.git("write-tree") == tree
        assert author.git("diff-files", "--name-only") == ""
        ends = "\r\n" if "core.autocrlf=true" in settings else "\n"
        assert (author.path / "added/far/away.go").read_bytes().decode() == f"package away{ends}"

    def test_a_split_index(self, author: Authored) -> None:
        author.git("config", "core.splitIndex", "true")
        author.git("update-index", "--split-index")
        assert list((author.path / ".git").glob("sharedindex.*"))
        tree = author.tree(NEW)
        apply(opened(author), tree)
        assert holds(author, tree, NEW)
        author.git("commit", "--quiet", "--message", "new")
        assert author.git("status", "--porcelain") == ""

    @pytest.mark.parametrize("version", ["2", "4"])
    def test_versions_of_the_index(self, author: Authored, version: str) -> None:
        author.git("update-index", "--index-version", version)
        tree = author.tree(NEW)
        apply(opened(author), tree)
        assert holds(author, tree, NEW)
        assert author.git("update-index", "--show-index-version") == version if _newer_git(author) else True

    def test_no_hook_and_no_monitor_runs(self, author: Authored, tmp_path: Path) -> None:
        hooks = tmp_path / "hooks"
        hooks.mkdir()
        for name in ("post-index-change", "post-checkout", "pre-commit", "reference-transaction", "query-watchman", "post-merge"):
            (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {shlex.quote(str(tmp_path / 'ran'))}\nexit 1\n")
            (hooks / name).chmod(0o755)
        tree = author.tree(NEW)
        author.git("config", "core.hooksPath", str(hooks))
        author.git("config", "core.fsmonitor", str(hooks / "query-watchman"))
        apply(opened(author), tree)

        assert not (tmp_path / "ran").exists()
        author.git("config", "--unset", "core.fsmonitor")
        author.git("config", "--unset", "core.hooksPath")
        assert holds(author, tree, NEW)

    def test_settings_of_a_command_above_do_not_count(
        self, author: Authored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As an alias has them: `!git -c … gopherforge`."""
        hooks = tmp_path / "hooks"
        hooks.mkdir()
        (hooks / "post-index-change").write_text(f"#!/bin/sh\necho ran >> {shlex.quote(str(tmp_path / 'ran'))}\n")
        (hooks / "post-index-change").chmod(0o755)
        tree = author.tree(NEW)
        with monkeypatch.context() as patch:
            patch.setenv("GIT_CONFIG_PARAMETERS", f"'core.hooksPath'='{hooks}' 'core.splitIndex'='true'")
            apply(opened(author), tree)
        assert holds(author, tree, NEW)
        assert not (tmp_path / "ran").exists()
        assert list((author.path / ".git").glob("sharedindex.*")) == []

    def test_variables_of_git_do_not_count(self, author: Authored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        other = Authored(tmp_path / "other", {"other": "o\n"})
        tree, before = author.tree(NEW), other.state()
        variables = {
            "GIT_DIR": str(other.path / ".git"),
            "GIT_WORK_TREE": str(other.path),
            "GIT_INDEX_FILE": str(other.path / ".git/index"),
            "GIT_OBJECT_DIRECTORY": str(other.path / ".git/objects"),
            "GIT_ICASE_PATHSPECS": "1",
            "GIT_PREFIX": "bin/",
        }
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            apply(opened(author), tree)
        assert holds(author, tree, NEW)
        assert other.state() == before

    @pytest.mark.parametrize("cone", [True, False])
    def test_what_a_sparse_checkout_leaves_out_stays_out(self, author: Authored, *, cone: bool) -> None:
        tree = author.tree({**NEW, "names/sub/added": "a\n"})
        if cone:
            author.git("sparse-checkout", "set", "--cone", "bin", "added")
        else:
            author.git("sparse-checkout", "set", "--no-cone", "/*", "!/names/")
        assert not (author.path / "names").exists()
        apply(opened(author), tree)

        assert author.git("write-tree") == tree
        assert not (author.path / "names").exists()
        assert (author.path / "bin/run").read_text() == NEW["bin/run"]
        assert (author.path / "added/far/away.go").exists()
        assert author.git("status", "--porcelain").count("\nD ") == sum(path not in NEW for path in OLD)
        assert author.git("diff", "--name-only") == ""

    def test_a_conflict_is_there_also_in_a_sparse_checkout(self, author: Authored) -> None:
        tree = author.tree({**NEW, "names/*": "<<<<<<<\n"})
        stages = {"names/*": {2: Entry("100644", author.blob("a\n")), 3: Entry("100644", author.blob("b\n"))}}
        author.git("sparse-checkout", "set", "--no-cone", "/*", "!/names/")
        apply(opened(author), tree, stages)

        assert kinds(files(author.path / "names")) == kinds({"*": "<<<<<<<\n"})
        assert "AA names/*" in author.git("status", "--porcelain").splitlines()

    def test_a_conflict_of_a_file_that_does_not_change_is_there_also_in_a_sparse_checkout(self, author: Authored) -> None:
        """As the author's is that the template deleted. One that the author deleted is nowhere."""
        stages = {
            "names/*": {1: Entry("100644", author.blob("base\n")), 2: Entry("100644", author.blob("star\n"))},
            "names/gone": {1: Entry("100644", author.blob("base\n")), 3: Entry("100644", author.blob("theirs\n"))},
        }
        tree = author.tree(OLD)
        author.git("sparse-checkout", "set", "--no-cone", "/*", "!/names/")
        apply(opened(author), tree, stages)

        assert kinds(files(author.path / "names")) == kinds({"*": "star\n"})
        assert author.git("status", "--porcelain").splitlines() == ["UD names/*", "DU names/gone"]

    def test_files_present_outside_of_a_sparse_checkout_follow(self, author: Authored) -> None:
        author.git("sparse-checkout", "set", "--no-cone", "/*", "!/names/")
        author.write({"names/*": "star\n"})
        tree = author.tree(NEW)
        apply(opened(author), tree)

        assert kinds(files(author.path / "names")) == kinds({"*": "another star\n"})
        assert author.git("diff", "--name-only") == ""

    def test_patterns_that_changed_bring_no_file_back(self, author: Authored) -> None:
        """Nor does the index say that it was deleted."""
        author.git("sparse-checkout", "set", "--no-cone", "/*", "!/untouched.go")
        (author.path / ".git/info/sparse-checkout").write_text("/*\n")
        tree = author.tree(NEW)
        apply(opened(author), tree)

        assert not (author.path / "untouched.go").exists()
        assert author.git("diff", "--name-only") == ""

    def test_filters_write_the_files(self, author: Authored) -> None:
        _filtered(author, "tr a-z A-Z", "tr A-Z a-z")
        author.write({"data/old.bin": "OLD\n"})
        author.commit("filtered")
        assert author.git("cat-file", "blob", "HEAD:data/old.bin") == "old"
        tree = author.tree({**NEW, ".gitattributes": "*.bin filter=upper\n", "data/new.bin": "new\n", "data/old.bin": "older\n"})
        apply(opened(author), tree)

        assert kinds(files(author.path / "data")) == kinds({"new.bin": "NEW\n", "old.bin": "OLDER\n"})
        assert author.git("write-tree") == tree
        assert author.git("diff", "--name-only") == ""

    def test_filters_that_go_on_running_run_there_too(self, tmp_path: Path) -> None:
        """As git-lfs does."""
        author = Authored(tmp_path / "100%fine")
        kept: Files = {"upper.py": UPPER_PROCESS, ".gitattributes": "*.bin filter=upper\n"}
        author.write(kept)
        author.git("config", "filter.upper.process", f"{shlex.quote(sys.executable)} upper.py")
        author.git("config", "filter.upper.required", "true")
        author.commit("filter")
        apply(opened(author), author.tree({**NEW, **kept, "data/new.bin": "new\n"}))

        assert (author.path / "data/new.bin").read_text() == "NEW\n"
        assert author.git("diff", "--name-only") == ""

    @pytest.mark.parametrize("directory", ["100%fine", "a'b"])
    def test_filters_run_at_the_top_of_the_work_tree(self, tmp_path: Path, directory: str) -> None:
        """Where git runs them otherwise: their programs may be files of the repository."""
        moved = Authored(tmp_path / directory)
        moved.write({"upper": Script('#!/bin/sh\ntest "$1" = data/old.bin -o "$1" = data/new.bin && exec tr a-z A-Z\n')})
        _filtered(moved, "./upper %f", "tr A-Z a-z")
        moved.commit("filter")
        moved.write({"data/old.bin": "OLD\n"})
        moved.commit("filtered")
        tree = moved.tree({**NEW, ".gitattributes": "*.bin filter=upper\n", "data/new.bin": "new\n", "data/old.bin": "older\n"})
        apply(opened(moved), tree)

        assert kinds(files(moved.path / "data")) == kinds({"new.bin": "NEW\n", "old.bin": "OLDER\n"})
        assert moved.git("diff", "--name-only") == ""

    def test_attributes_that_come_with_the_new_tree_count(self, author: Authored) -> None:
        tree = author.tree({**NEW, ".gitattributes": "*.go text eol=crlf\n"})
        apply(opened(author), tree)

        assert (author.path / "added/far/away.go").read_bytes() == b"package away\r\n"
        assert author.git("write-tree") == tree
        assert author.git("diff", "--name-only") == ""


def _filtered(author: Authored, smudge: str, clean: str) -> None:
    author.git("config", "filter.upper.smudge", smudge)
    author.git("config", "filter.upper.clean", clean)
    author.git("config", "filter.upper.required", "true")
    author.write({".gitattributes": "*.bin filter=upper\n"})


def _newer_git(author: Authored) -> bool:
    return tuple(map(int, author.git("version").split()[2].split(".")[:2])) >= (2, 42)


UNCLEAN = {
    "changed": ("echo mine > Makefile", "Makefile"),
    "staged": ("echo mine > Makefile; git add Makefile", "Makefile"),
    "staged, and back": ("echo mine > Makefile; git add Makefile; git show HEAD:Makefile > Makefile", "Makefile"),
    "added": ("echo mine > mine; git add mine", "mine"),
    "intended": ("echo mine > mine; git add --intent-to-add mine", "mine"),
    "deleted": ("rm Makefile", "Makefile"),
    "removed": ("git rm --quiet Makefile", "Makefile"),
    "only in the index": ("git rm --quiet --cached Makefile", "Makefile"),
    "mode": ("chmod +x Makefile", "Makefile"),
    "link": ("ln -sfn bin current", "current"),
    "directory is a link": ("mv bin away; ln -s away bin", "bin/plain and bin/run"),
    "told to be unchanged": ("git update-index --assume-unchanged Makefile; echo mine > Makefile", "Makefile"),
    "told to be skipped": ("git update-index --skip-worktree Makefile; echo mine > Makefile", "Makefile"),
    "of the same size and time": ("touch -r Makefile ../time; echo BUILD: > Makefile; touch -r ../time Makefile", "Makefile"),
    "many": ("git rm --quiet -r names bin current text", "bin/plain, bin/run, current, names/*, names/:(top) and 3 more"),
}

IN_THE_WAY: dict[str, tuple[Files, str]] = {
    "a file": ({"added/far/away.go": "mine\n"}, "added/far/away.go"),
    "an ignored file": ({".git/info/exclude": "added\n", "added/far/away.go": "mine\n"}, "added/far/away.go"),
    "a file where a directory is to be": ({"added/far": "mine\n"}, "added/far"),
    "a link where a directory is to be": ({"added": Link("bin")}, "added"),
    "a link into nothing": ({"added": Link("nowhere")}, "added"),
    "a directory with files": ({"added/far/away.go/mine/too": "mine\n"}, "added/far/away.go/mine/too"),
    "ignored files in a directory that becomes a file": (
        {"directory/more/a.out": "mine\n", "directory/b.out": "mine\n"},
        "directory/b.out and directory/more/a.out",
    ),
    "many": ({f"added/{number}": "mine\n" for number in range(9)} | {"added/far": Link("1")}, "added/far"),
}


class TestRefused:
    @pytest.mark.parametrize(("change", "named"), UNCLEAN.values(), ids=UNCLEAN)
    def test_what_is_not_clean(self, author: Authored, change: str, named: str) -> None:
        tree = author.tree(NEW)
        subprocess.run(["sh", "-ec", change], cwd=author.path, check=True)
        refused(author, tree, UncleanWorkTree, f"not committed: {named}.", "commit or stash")

    @pytest.mark.parametrize(("mine", "named"), IN_THE_WAY.values(), ids=IN_THE_WAY)
    def test_what_would_be_overwritten(self, author: Authored, mine: Files, named: str) -> None:
        tree = author.tree(NEW)
        author.write(mine)
        refused(author, tree, InTheWay, f"that git does not track: {named}.", "move or remove")

    def test_empty_directories_give_way(self, author: Authored) -> None:
        for path in ("added/far/away.go/empty", "directory/empty/too"):
            (author.path / path).mkdir(parents=True)
        tree = author.tree(NEW)
        apply(opened(author), tree)
        assert holds(author, tree, NEW)

    @pytest.mark.parametrize("command", ["merge", "rebase", "cherry-pick", "revert"])
    def test_what_git_has_not_finished(self, author: Authored, command: str) -> None:
        author.git("checkout", "--quiet", "-b", "other")
        author.write({"Makefile": "other\n"})
        other = author.commit("other")
        author.git("checkout", "--quiet", "main")
        author.write({"Makefile": "mine\n"})
        author.commit("mine")
        subprocess.run(["git", command, other], cwd=author.path, capture_output=True, check=False)
        refused(author, author.tree(NEW), UncleanWorkTree, f"a {command} is not finished")

    def test_git_at_work(self, author: Authored) -> None:
        tree = author.tree(NEW)
        (author.path / ".git/index.lock").touch()
        refused(author, tree, RepositoryBusy, "git is at work", "index.lock")

    def test_another_gopherforge_at_work(self, author: Authored) -> None:
        tree, repository = author.tree(NEW), opened(author)
        with (author.path / ".git/gopherforge.lock").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            refused(author, tree, RepositoryBusy, "another gopherforge")
            with pytest.raises(RepositoryBusy):
                recover(repository)

    def test_a_head_that_moved(self, author: Authored) -> None:
        repository, tree = opened(author), author.tree(NEW)
        author.commit("in the meantime")
        before = author.state()
        with pytest.raises(RepositoryBusy, match="has moved"):
            apply(repository, tree)
        assert author.state() == before

    def test_a_submodule_in_the_way(self, author: Authored, tmp_path: Path) -> None:
        Authored(tmp_path / "library", {"lib.go": "package lib\n"})
        author.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "library"), "added")
        author.commit("a submodule")
        refused(author, author.tree(NEW), InTheWay, "added is a submodule")

    def test_a_filter_that_fails(self, author: Authored) -> None:
        _filtered(author, "false", "cat")
        author.commit("filter")
        tree = author.tree({**NEW, ".gitattributes": "*.bin filter=upper\n", "new.bin": "new\n"})
        refused(author, tree, ProgramFailed, "git read-tree", "smudge filter upper failed")

    def test_objects_that_are_missing(self, author: Authored) -> None:
        refused(author, "1" * 40, ProgramFailed, "git")


class TestUndone:
    def test_where_a_directory_cannot_be_written_all_is_as_it_was(self, author: Authored) -> None:
        """Met in the middle of the moves: files were deleted, replaced and added before."""
        program("setpriv")
        tree = author.tree(NEW)
        (author.path / "names").chmod(0o555)
        before = author.state()
        script = (
            "import os, sys; from pathlib import Path\n"
            "from gopherforge.apply import apply\nfrom gopherforge.errors import CannotWrite\n"
            "from gopherforge.repository import open_repository\n"
            "try:\n apply(open_repository(Path(sys.argv[1]), os.environ), sys.argv[2])\n"
            "except CannotWrite as error:\n print(error)\n"
        )
        command: list[str | Path] = [*(AS_ANYONE if os.geteuid() == 0 else []), sys.executable, "-c", script, author.path, tree]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)

        assert done.stderr == ""
        assert "cannot write" in done.stdout
        assert "Permission denied" in done.stdout
        assert author.state() == before

    def test_a_repository_that_cannot_be_written(self, author: Authored) -> None:
        tree, repository = author.tree(NEW), opened(author)
        (author.path / ".git/gopherforge").write_text("not ours")
        with pytest.raises(CannotWrite):
            apply(repository, tree)
        assert kinds(files(author.path)) == kinds(OLD)
        assert not (author.path / ".git/index.lock").is_symlink()


LATER = '{"version": 2, "step": "", "prefix": "", "head": "", "index": null, "moves": [], "made": []}'


class TestPlan:
    def test_it_is_on_the_disk_before_anything_moves(self, author: Authored, monkeypatch: pytest.MonkeyPatch) -> None:
        tree, state = author.tree(NEW), author.path / ".git/gopherforge"
        synced: list[tuple[Path, bool]] = []
        sync = os.fsync

        def seen(descriptor: int) -> None:
            sync(descriptor)
            names = filter(os.path.lexists, (state / "plan.part", state / "plan.json", state, state.parent))
            name = next(path for path in names if os.path.samestat(os.fstat(descriptor), path.stat()))
            synced.append((name, kinds(files(author.path)) == kinds(OLD)))

        monkeypatch.setattr(os, "fsync", seen)
        apply(opened(author), tree)
        assert synced == [(state / "plan.part", True), (state, True), (state.parent, True)]

    @pytest.mark.parametrize("content", ["", "\0\0", "null", "[]", "{}", '{"version": 2}', '{"version": 1}', "\udcff"])
    def test_what_cannot_be_read_is_left_to_the_author(self, author: Authored, content: str) -> None:
        tree, state, lock = author.tree(NEW), author.path / ".git/gopherforge", author.path / ".git/index.lock"
        state.mkdir()
        lock.symlink_to("gopherforge")
        (state / "plan.json").write_text(content, encoding="utf-8", errors="surrogateescape")
        refused(author, tree, CannotRecover, f"cannot read: {state}/plan.json", f"remove {lock} and {state}")
        with pytest.raises(CannotRecover):
            recover(opened(author))

        lock.unlink()
        (state / "plan.json").unlink()
        state.rmdir()
        apply(opened(author), tree)
        assert holds(author, tree, NEW)


def test_there_is_nothing_to_recover(author: Authored) -> None:
    before = author.state()
    assert recover(opened(author)) is None
    assert author.state() == before


def test_another_work_trees_state_is_its_own(author: Authored, tmp_path: Path) -> None:
    author.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    (author.path / ".git/gopherforge").mkdir()
    assert recover(open_repository(tmp_path / "linked", os.environ)) is None
    assert (author.path / ".git/gopherforge").is_dir()
    assert state(tmp_path / "linked")
