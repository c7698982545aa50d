import os
from pathlib import Path

import pytest

from gopherforge.errors import IncompleteClone, ProgramFailed
from gopherforge.trees import Entry, Store, above, store
from tests.support import run
from tests.update.files import Files, Link, Script, Submodule, numbered, read, repository, write

FILES: Files = {
    "a.go": "package a\n",
    "bytes": b"\x00\xff\r\n",
    "deep/er/run": Script("#!/bin/sh\n"),
    "empty": "",
    "link": Link("deep"),
    "no newline": "x",
    'name\n"\\': "x\n",
    "not\udcff": "x\n",
}


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """The git directory of a repository; a place with a name that git's list of alternates has to quote."""
    return repository(tmp_path / '"a\nservice')


@pytest.fixture
def scratch(tmp_path: Path, service: Path) -> Store:
    return store(tmp_path, service, os.environ)


def git(directory: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    done = run(["git", *arguments], cwd=directory, env={**os.environ, **(env or {})})
    assert done.status == 0, done
    return done.output.removesuffix("\n")


def commit(directory: Path) -> str:
    git(directory, "add", "--all", "--force")
    git(directory, "commit", "--quiet", "--message=x")
    return git(directory, "rev-parse", "HEAD")


def lay(directory: Path, files: Files) -> Path:
    for path, file in files.items():
        place = directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        match file:
            case Link(target):
                place.symlink_to(target)
            case Script(text):
                place.write_text(text)
                place.chmod(0o755)
            case bytes():
                place.write_bytes(file)
            case str():
                place.write_text(file)
    return directory


def test_what_is_written_is_read_again(scratch: Store) -> None:
    tree = write(scratch, {**FILES, "other": Submodule()})

    assert scratch.read(scratch.write(tree)) == tree
    assert read(scratch, tree) == {**FILES, "other": Submodule()}
    assert scratch.read(scratch.write({})) == {}


def test_a_snapshot_is_a_directory_byte_for_byte(scratch: Store, tmp_path: Path) -> None:
    files: Files = {
        **FILES,
        ".gitattributes": "* text=auto eol=crlf filter=lfs ident working-tree-encoding=UTF-16\n",
        ".gitignore": "*\n",
        "crlf": "a\r\n",
        "ident": "$Id$\n",
    }
    tree = scratch.snapshot(lay(tmp_path / "rendered", files))

    assert read(scratch, tree) == files
    assert tree == write(scratch, files)

    (tmp_path / "again").mkdir()
    scratch.check_out(scratch.write(tree), tmp_path / "again")
    assert scratch.snapshot(tmp_path / "again") == tree


def test_the_services_commits_are_read_from_any_directory_in_it(scratch: Store, service: Path) -> None:
    top = lay(service.parent, {"Makefile": "m\n", "services/users/go.mod": "module users\n"})
    head = commit(top)

    assert read(scratch, scratch.read(f"{head}:services/users")) == {"go.mod": "module users\n"}
    assert scratch.read(f"{head}:").keys() == {"Makefile", "services/users/go.mod"}
    with pytest.raises(ProgramFailed, match="git ls-tree failed"):
        scratch.read(f"{head}:absent")


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_nothing_of_a_services_repository_matters_but_its_objects(tmp_path: Path, form: str) -> None:
    top = tmp_path / "service"
    git(tmp_path, "init", "--quiet", f"--object-format={form}", str(top))
    head = commit(lay(top, {"a": numbered(1, 9)}))
    for name, value in {"core.autocrlf": "true", "merge.conflictStyle": "diff3", "core.sparseCheckout": "true"}.items():
        git(top, "config", name, value)
    lay(top / ".git/info", {"attributes": "* merge=union\n", "sparse-checkout": "/nothing\n"})
    git(top, "worktree", "add", "--quiet", "../linked")
    environ = {**os.environ, "GIT_DIR": "/nowhere", "GIT_OBJECT_DIRECTORY": "/nowhere", "GIT_INDEX_FILE": "/nowhere"}

    scratch = store(tmp_path, Path(git(tmp_path / "linked", "rev-parse", "--absolute-git-dir")), environ)

    ours, theirs = write(scratch, {"a": "mine\n"}), write(scratch, {"a": "new\n"})
    combined = scratch.combine(scratch.read(f"{head}:"), ours, theirs, ("mine", "new"))
    assert read(scratch, combined.tree) == {"a": "<<<<<<< mine\nmine\n=======\nnew\n>>>>>>> new\n"}
    assert combined.kinds == {"a": {"Auto-merging", "CONFLICT (contents)"}}


def test_a_store_of_a_depth_1_clone_reads_and_merges(tmp_path: Path) -> None:
    top = tmp_path / "origin"
    repository(top)
    commit(lay(top, {"a": numbered(1, 9)}))
    (top / "a").write_text(numbered(1, 9, line1="1\n"))
    head = commit(top)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{top}", "clone")

    scratch = store(tmp_path, tmp_path / "clone/.git", os.environ)
    assert read(scratch, scratch.read(f"{head}:")) == {"a": numbered(1, 9, line1="1\n")}


def test_a_clone_that_lacks_contents_is_explained(tmp_path: Path) -> None:
    top = tmp_path / "origin"
    repository(top)
    git(top, "config", "uploadpack.allowFilter", "true")
    head = commit(lay(top, {"a": numbered(1, 9)}))
    git(tmp_path, "clone", "--quiet", "--bare", "--filter=blob:none", f"file://{top}", "clone")
    scratch = store(tmp_path, tmp_path / "clone", os.environ)
    tree = scratch.read(f"{head}:")

    assert scratch.read(scratch.write(tree)) == tree
    for attempt in (lambda: scratch.contents(tree.values()), lambda: scratch.similar(tree, write(scratch, {"b": "b\n"}), 50)):
        with pytest.raises(IncompleteClone, match="made with a filter"):
            attempt()

    scratch.publish(scratch.write({**tree, **write(scratch, {"b": "b\n"})}), tmp_path / "clone", [f"{head}:"])
    git(tmp_path / "clone", "fetch", "--quiet", "--refetch", "--no-filter")
    assert read(scratch, tree) == {"a": numbered(1, 9)}


def test_a_tree_is_published_with_all_that_is_not_there_yet(scratch: Store, service: Path) -> None:
    head = commit(lay(service.parent, {"a": numbered(1, 9), "same": "same\n"}))
    known = git(service.parent, "rev-parse", f"{head}^{{tree}}")
    tree = scratch.write({**scratch.read(f"{head}:"), **write(scratch, {"a": "new\n", "dir/b": "b\n"})})

    before = count_objects(service)
    scratch.publish(tree, service, [known])

    assert count_objects(service) == before + 4  # two files, two trees
    assert git(service, "cat-file", "blob", f"{tree}:dir/b") == "b"
    git(service, "fsck", "--strict")


def test_a_linked_work_tree_shares_what_is_published(scratch: Store, service: Path, tmp_path: Path) -> None:
    commit(lay(service.parent, {"a": "a\n"}))
    git(service.parent, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    linked = Path(git(tmp_path / "linked", "rev-parse", "--absolute-git-dir"))
    tree = scratch.write(write(scratch, {"b": "b\n"}))

    scratch.publish(tree, linked)

    assert git(service, "cat-file", "blob", f"{tree}:b") == "b"


def test_files_that_are_alike_are_paired_once(scratch: Store) -> None:
    old = write(scratch, {"a": numbered(1, 30), "b": numbered(50, 80), "same": "x\n", "gone": "gone\n"})
    new = write(
        scratch, {"c": numbered(1, 30, line1="1\n"), "d": numbered(1, 30, line1="1\n"), "same": "y\n", "b2": numbered(50, 80)}
    )

    pairs = scratch.similar(old, new, 60)

    assert sorted(left for left, _ in pairs) == ["a", "b"]
    assert dict(pairs)["a"] in {"c", "d"}
    assert dict(pairs)["b"] == "b2"
    assert scratch.similar(old, write(scratch, {"c": numbered(1, 15)}), 60) == []


def test_a_merge_can_be_made_again_in_the_same_store(scratch: Store) -> None:
    base, ours, theirs = (
        write(scratch, {"a": text}) for text in (numbered(1, 9), numbered(1, 9, line1="1\n"), numbered(1, 9, line9="9\n"))
    )

    for mine, new in ((ours, theirs), (theirs, ours), (ours, theirs)):
        combined = scratch.combine(base, mine, new, ("mine", "v1.0.0"))
        assert (read(scratch, combined.tree), combined.kinds) == ({"a": numbered(1, 9, line1="1\n", line9="9\n")}, {})


def test_the_directories_above_a_path_are_the_nearest_first() -> None:
    assert list(above("a/b/c.go")) == ["a/b", "a"]
    assert list(above("c.go")) == []


def test_an_entry_is_a_file_whatever_its_mode() -> None:
    assert [Entry(mode, "").is_file for mode in ("100644", "100755", "120000", "160000")] == [True, True, False, False]


def count_objects(directory: Path) -> int:
    return len(git(directory, "cat-file", "--batch-all-objects", "--batch-check").splitlines())
