"""A tree as one commit on a new branch, whatever state index and work tree are in."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from gopherforge.branch import check_branch, commit_on_branch
from gopherforge.errors import BranchRefused, ProgramFailed
from gopherforge.repository import open_repository
from gopherforge.trees import Entry, store
from tests.support import program
from tests.update.authored import NEW, Authored, git

BRANCH = "gopherforge/update-v0.4.0"
NO_NAMES = ["", "a..b", "-b", "a b", "a.lock", "a/", "/a", "@{-1}", "HEAD", "refs/heads/a", "a~1", "a\nb", "\udcff:", "a\x1b[1m"]
MESSAGE = "Update to v0.4.0\n\nZoë's service: größer.\n"


@pytest.fixture
def author(tmp_path: Path) -> Authored:
    return Authored(tmp_path / "a service")


def committed(author: Authored, tree: str, branch: str = BRANCH) -> str:
    return commit_on_branch(open_repository(author.service, os.environ), tree, branch, MESSAGE)


def unchanged(author: Authored, before: dict[str, tuple[object, ...]]) -> bool:
    """Whether all is as before but for the new branch."""
    new = {path: seen for path, seen in author.state().items() if "refs/heads/gopherforge" not in path}
    return new == before


class TestCommitted:
    @pytest.mark.parametrize("prefix", ["", "services/users"])
    def test_one_commit_after_head(self, tmp_path: Path, prefix: str) -> None:
        author = Authored(tmp_path / "repository", prefix=prefix)
        (author.path / "beside").write_text("b\n")
        head, tree = author.commit("second"), author.tree(NEW)
        before = author.state()

        commit = committed(author, tree)

        names = (f"refs/heads/{BRANCH}", f"{commit}^@", f"{commit}:{prefix}")
        assert author.git("rev-parse", *names).split() == [commit, head, tree]
        assert author.git("log", "-1", "--format=%an <%ae> %cn <%ce>%n%B%e", commit) == (
            f"Ada Lovelace <ada@example.com> Ada Lovelace <ada@example.com>\n{MESSAGE}"
        )
        assert ("beside" in author.git("ls-tree", "--name-only", commit).split()) is bool(prefix)
        assert unchanged(author, before)
        assert author.git("fsck", "--strict", "--no-dangling") == ""

    def test_beside_what_is_dirty_staged_and_unmerged(self, author: Authored) -> None:
        tree = author.tree(NEW)
        author.git("checkout", "--quiet", "-b", "other")
        author.write({"Makefile": "other\n"})
        author.commit("other")
        author.git("checkout", "--quiet", "main")
        author.write({"Makefile": "mine\n"})
        author.commit("mine")
        subprocess.run(["git", "merge", "other"], cwd=author.path, capture_output=True, check=False)
        author.write({"untouched.go": "staged\n"})
        author.git("add", "untouched.go")
        author.write({"untouched.go": "dirty\n", "added/far/away.go": "in the way\n"})
        (author.path / ".git/index.lock").touch()
        before = author.state()

        assert author.git("rev-parse", f"{committed(author, tree)}^{{tree}}") == tree
        assert unchanged(author, before)

    def test_in_a_bare_repository(self, author: Authored, tmp_path: Path) -> None:
        tree = author.tree(NEW)
        git(tmp_path, "clone", "--quiet", "--bare", str(author.path), "bare.git")
        bare = tmp_path / "bare.git"
        author.git("pack-objects", "--revs", "--quiet", str(bare / "objects/pack/pack"), input=f"{tree}\n")

        commit = commit_on_branch(open_repository(bare, os.environ), tree, BRANCH, MESSAGE)

        assert git(bare, "rev-parse", f"{BRANCH}^{{tree}}", BRANCH).split() == [tree, commit]
        assert git(bare, "symbolic-ref", "HEAD") == "refs/heads/main"

    def test_from_a_detached_head_in_a_linked_work_tree(self, author: Authored, tmp_path: Path) -> None:
        head = author.git("rev-parse", "HEAD")
        author.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
        author.commit("later, on main")
        commit_on_branch(open_repository(tmp_path / "linked", os.environ), author.tree(NEW), BRANCH, MESSAGE)

        assert author.git("rev-parse", f"{BRANCH}^") == head
        assert git(tmp_path / "linked", "rev-parse", "HEAD") == head

    def test_in_a_shallow_clone(self, author: Authored, tmp_path: Path) -> None:
        author.commit("second")
        git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{author.path}", "clone")
        tree = git(tmp_path / "clone", "rev-parse", "HEAD:names")
        commit_on_branch(open_repository(tmp_path / "clone", os.environ), tree, BRANCH, MESSAGE)

        git(tmp_path / "clone", "push", "--quiet", "origin", BRANCH)
        assert author.git("rev-list", "--count", BRANCH) == "3"

    def test_the_authors_identity_and_not_the_committers(self, author: Authored, monkeypatch: pytest.MonkeyPatch) -> None:
        author.git("config", "user.name", "Grace Hopper")
        author.git("config", "i18n.commitEncoding", "ISO-8859-1")
        monkeypatch.setenv("GIT_COMMITTER_EMAIL", "bot@example.com")
        commit = committed(author, author.tree(NEW))

        expected = "Grace Hopper <ada@example.com> Grace Hopper <bot@example.com>"
        assert author.git("log", "-1", "--format=%an <%ae> %cn <%ce>", commit) == expected
        assert author.git("cat-file", "commit", commit).endswith(MESSAGE.rstrip("\n"))
        assert "encoding" not in author.git("cat-file", "commit", commit)

    def test_signed_where_the_author_signs(self, author: Authored, tmp_path: Path) -> None:
        program("ssh-keygen")
        key = tmp_path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        (tmp_path / "allowed").write_text(f"ada@example.com {key.with_suffix('.pub').read_text()}")
        settings = {
            "commit.gpgSign": "on",
            "gpg.format": "ssh",
            "user.signingKey": str(key),
            "gpg.ssh.allowedSignersFile": str(tmp_path / "allowed"),
        }
        for setting, value in settings.items():
            author.git("config", setting, value)
        commit = committed(author, author.tree(NEW))
        assert author.git("log", "-1", "--format=%G?", commit) == "G"

    def test_hooks_of_commits_do_not_run_and_those_of_references_do(self, author: Authored, tmp_path: Path) -> None:
        ran, tree = tmp_path / "ran", author.tree(NEW)
        for hook in ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "post-index-change"):
            (author.path / ".git/hooks" / hook).write_text(f"#!/bin/sh\necho {hook} >> {shlex.quote(str(ran))}; exit 1\n")
            (author.path / ".git/hooks" / hook).chmod(0o755)
        watch = author.path / ".git/hooks/reference-transaction"
        watch.write_text(f'#!/bin/sh\ncat | sed "s/^/$1 /" >> {shlex.quote(str(ran))}\n')
        watch.chmod(0o755)
        commit = committed(author, tree)

        assert ran.read_text().splitlines() == [
            f"{state} {'0' * 40} {commit} refs/heads/{BRANCH}" for state in ("prepared", "committed")
        ]


class TestRefused:
    @pytest.mark.parametrize(
        "name",
        ["a..b", "-b", "", "a b", "a.lock", "a/", "/a", "@{-1}", "HEAD", "refs/heads/a", "a~1", "a\nb", "\udcff:", "a\x1b[1m"],
    )
    def test_no_name_of_a_branch(self, author: Authored, name: str) -> None:
        tree, before = author.tree(NEW), author.state()
        with pytest.raises(BranchRefused, match="a branch cannot be called") as refusal:
            committed(author, tree, name)
        assert refusal.value.message.isprintable()
        assert author.state() == before

    def test_a_name_that_no_file_can_have(self, author: Authored) -> None:
        tree, before = author.tree(NEW), author.state()
        for name in ("ä" * 126, f"topic/{'a' * 251}/one"):
            with pytest.raises(BranchRefused, match="too long") as refusal:
                check_branch(open_repository(author.path, os.environ), name)
            assert "250 bytes" in refusal.value.hint
            assert len(refusal.value.message) < 150
        assert author.state() == before
        longest = f"{'ä' * 125}/{'a' * 250}"
        commit = committed(author, tree, longest)
        assert author.git("rev-parse", f"refs/heads/{longest}") == commit

    @pytest.mark.parametrize("name", ["main", "topic/one"])
    def test_a_branch_that_there_is(self, author: Authored, name: str) -> None:
        author.git("branch", "topic/one")
        author.git("pack-refs", "--all")
        tree, before = author.tree(NEW), author.state()
        with pytest.raises(BranchRefused, match=f"there is a branch {name} already"):
            committed(author, tree, name)
        assert author.state() == before

    @pytest.mark.parametrize(("name", "other"), [("topic", "topic/one"), ("topic/one/two", "topic/one")])
    def test_a_branch_in_the_way(self, author: Authored, name: str, other: str) -> None:
        author.git("branch", "topic/one")
        with pytest.raises(BranchRefused, match=f"cannot be beside the branch {other}"):
            check_branch(open_repository(author.path, os.environ), name)

    def test_names_that_are_near_to_another_are_taken(self, author: Authored) -> None:
        author.git("tag", "update")
        for name in ("mainly", "update", "ä/ö", "v1.0"):
            commit = committed(author, author.tree(NEW), name)
            assert author.git("rev-parse", f"refs/heads/{name}") == commit

    def test_an_author_without_a_name(self, author: Authored, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        author.git("config", "user.useConfigOnly", "true")
        tree, before = author.tree(NEW), author.state()
        with pytest.raises(ProgramFailed, match="no email was given") as refusal:
            check_branch(open_repository(author.path, os.environ), BRANCH)
        assert "git config user.name" in refusal.value.hint
        with pytest.raises(ProgramFailed, match="no email was given"):
            committed(author, tree)
        assert author.state() == before

    def test_a_signature_that_cannot_be_made(self, author: Authored) -> None:
        author.git("config", "commit.gpgSign", "true")
        author.git("config", "gpg.program", "false")
        tree, before = author.tree(NEW), author.state()
        with pytest.raises(ProgramFailed, match="git commit-tree") as refusal:
            committed(author, tree)
        assert "commit.gpgSign" in refusal.value.hint
        assert author.state() == before

    def test_a_hook_that_watches_references_and_refuses_this_one(self, author: Authored) -> None:
        watch = author.path / ".git/hooks/reference-transaction"
        watch.write_text("#!/bin/sh\nexit 1\n")
        watch.chmod(0o755)
        tree, before = author.tree(NEW), author.state()
        with pytest.raises(ProgramFailed, match="git update-ref failed"):
            committed(author, tree)
        assert author.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
        assert unchanged(author, before)


def test_published_blobs_of_conflicts_are_in_the_repository(author: Authored, tmp_path: Path) -> None:
    found = open_repository(author.path, os.environ)
    scratch = store(tmp_path, found.git_dir, os.environ)
    tree = scratch.write({"Makefile": Entry("100644", scratch.add([b"<<<<<<<\n"])[0])})
    base, theirs = scratch.add([b"base\n", b"theirs\n"])
    scratch.publish(tree, found.git_dir, [found.tree], [base, theirs])

    assert [author.git("cat-file", "blob", oid) for oid in (base, theirs)] == ["base", "theirs"]
    assert author.git("cat-file", "blob", f"{tree}:Makefile") == "<<<<<<<"
