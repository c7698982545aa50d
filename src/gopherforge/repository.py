"""The git repository around a service, as its author's git sees it."""

import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gopherforge import git
from gopherforge.errors import IncompleteClone, InvalidProject, ProgramFailed, UncleanWorkTree
from gopherforge.process import Completed, encode, ending, run
from gopherforge.scratch import scratch_directory
from gopherforge.wording import listed

_COMMIT = re.compile(r"\n[0-9a-f]{40,64}\Z")

# What would run programs of the author's behind our back, leave files beside the index, go into other repositories, or
# have the messages of commits in another encoding. As options these win over all that the author or a caller of ours gave.
_QUIET = [
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.splitIndex=false"),
    *("-c", "i18n.commitEncoding=UTF-8"),
    *("-c", "submodule.recurse=false"),
]

# Files of a git directory that say what is going on.
_OPERATIONS = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or git am",
    "sequencer": "a cherry-pick or revert",
}


@dataclass(frozen=True)
class Repository:
    """A service and its repository. Paths are absolute and real."""

    directory: Path  # of the service; in a bare repository, the way that it has in HEAD
    top: Path | None  # of the work tree; None where the repository is bare
    prefix: str  # of the service's paths in the repository: empty, or with a slash at its end
    git_dir: Path  # holds HEAD and index: in a linked work tree, the private one
    head: str  # commit
    tree: str  # of the service's directory in HEAD
    shallow: bool  # whether history is cut off
    environ: Mapping[str, str]  # for the author's git, bound to this repository

    @property
    def bare(self) -> bool:
        """Whether there is no work tree."""
        return self.top is None

    def git(
        self, *arguments: str, input: str | None = None, env: Mapping[str, str] | None = None, keep_open: Collection[int] = ()
    ) -> str:
        """What the author's git says to plumbing, byte for byte; no hook runs, whatever the settings. Raises ProgramFailed."""
        return run(
            ["git", *_QUIET, *arguments],
            cwd=self.top or self.git_dir,
            env={**self.environ, **(env or {})},
            input=input,
            timeout=None,
            keep_open=keep_open,
        ).stdout

    def settings(self, names: str) -> dict[str, str]:
        """The settings of the author's git whose names match an expression."""
        asked = ["git", "config", "-z", "--get-regexp", names]
        said = run(asked, cwd=self.top or self.git_dir, env=self.environ, expected=(0, 1)).stdout
        return {name: value for name, _, value in (record.partition("\n") for record in split(said))}

    def read(self, *paths: str) -> list[bytes | None]:
        """The contents of files of the service in HEAD, None where there is no such file. Raises IncompleteClone."""
        asked = [f"{self.tree}:{path}" for path in paths]
        with _complete(self.git_dir, self.environ):
            said = encode(self.git("cat-file", "--batch", "-z", input=records(asked)))
        found: list[bytes | None] = []
        for name in asked:
            missing = encode(f"{name} missing\n")
            if said.startswith(missing):
                found.append(None)
                said = said[len(missing) :]
                continue
            header, _, said = said.partition(b"\n")
            _, kind, size = header.split()
            found.append(said[: int(size)] if kind == b"blob" else None)
            said = said[int(size) + 1 :]
        return found

    def unclean(self) -> tuple[str, ...]:
        """The tracked files of the service that are not as in HEAD, in the work tree or in the index, sorted.

        Also those that git is told not to look at. Untracked files are none of them.
        """
        if not (hidden := self._hidden()):
            return self._status(self.git_dir / "index")
        with scratch_directory() as scratch:
            index = scratch / "index"
            shutil.copyfile(self.git_dir / "index", index)
            for flag in ("--no-assume-unchanged", "--no-skip-worktree"):
                self.git("update-index", flag, "-z", "--stdin", input=records(hidden), env={"GIT_INDEX_FILE": str(index)})
            return self._status(index)

    def require_clean(self) -> None:
        """Raise UncleanWorkTree unless the service is as in HEAD, and git is in the middle of nothing."""
        found = (what for name, what in _OPERATIONS.items() if os.path.lexists(self.git_dir / name))
        if (operation := next(found, None)) is not None:
            raise UncleanWorkTree(f"{operation} is not finished in {self.top}.", "finish or abort it, or use --branch.")
        if unmerged := {record.partition("\t")[2] for record in split(self.git("ls-files", "--unmerged", "-z"))}:
            message = f"{self.top} has conflicts that are not resolved: {listed(unmerged)}."
            raise UncleanWorkTree(message, "resolve and commit them, or use --branch.")
        if unclean := self.unclean():
            message = f"{self.directory} has changes that are not committed: {listed(unclean)}."
            raise UncleanWorkTree(message, "commit or stash them, or use --branch.")

    def graft(self, tree: str) -> str:
        """The tree of the whole repository in which `tree` is that of the service's directory, and all else as in HEAD."""
        parents = self.prefix.rstrip("/").split("/") if self.prefix else []
        while parents:
            name = parents.pop()
            above = split(self.git("ls-tree", "-z", f"{self.head}:{'/'.join(parents)}"))
            others = [entry for entry in above if entry.partition("\t")[2] != name]
            tree = self.git("mktree", "-z", "--missing", input=records([*others, f"040000 tree {tree}\t{name}"])).strip()
        return tree

    def _status(self, index: Path) -> tuple[str, ...]:
        asked = ["status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=dirty"]
        found = split(self.git(*asked, "--", *self._within(), env={"GIT_INDEX_FILE": str(index)}))
        return tuple(sorted(record[3:].removeprefix(self.prefix) for record in found))

    def _hidden(self) -> list[str]:
        """Files that are there, and that git was told to take for unchanged: `S`, or a letter in lower case."""
        tagged = (record.split(" ", 1) for record in split(self.git("ls-files", "-v", "-z", "--", *self._within())))
        return [path for tag, path in tagged if (tag == "S" or tag.islower()) and os.path.lexists(f"{self.top}/{path}")]

    def _within(self) -> list[str]:
        return [self.prefix] if self.prefix else []


def open_repository(directory: Path, environ: Mapping[str, str]) -> Repository:
    """The repository that tracks the service in `directory`: a work tree or a bare repository, or a directory in one of them.

    Where GIT_DIR and its like point does not count. Raises InvalidProject where there is no such repository, where it belongs
    to somebody whom git does not trust, or where HEAD does not have the service; ProgramMissing and ProgramFailed.
    """
    directory = Path(os.path.realpath(directory))
    # Below a bare repository, what HEAD has is named as if it were there.
    existing = next(path for path in (directory, *directory.parents) if _is_directory(path))
    if not os.access(existing, os.X_OK):
        raise InvalidProject(f"{existing} cannot be entered: permission denied.", "name the directory of a service.")
    git.require(environ)
    env = git.authors(environ)
    try:
        place = _locate(existing, env)
    except InvalidProject:
        _require_directory(directory)
        raise
    if place.bare and existing == place.git_dir:
        top, prefix = None, "".join(f"{part}/" for part in directory.relative_to(place.git_dir).parts)
    else:
        _require_directory(directory)
        if place.prefix is None:
            what = "inside" if directory.is_relative_to(place.git_dir) else "not in the work tree of"
            raise InvalidProject(f"{directory} is {what} the git directory {place.git_dir}.", "name the directory of a service.")
        prefix = place.prefix
        top = [directory, *directory.parents][prefix.count("/")]
    if not place.head:
        raise InvalidProject(f"the repository of {directory} has no commit yet.", "commit the service.")
    env |= {"GIT_DIR": str(place.git_dir), "GIT_LITERAL_PATHSPECS": "1", "GIT_OPTIONAL_LOCKS": "0"}
    env |= {} if top is None else {"GIT_WORK_TREE": str(top)}
    tree = _tree(place, prefix, env)
    if not tree:
        raise InvalidProject(f"{directory} is not in the last commit of its repository.", "commit the service.")
    return Repository(directory, top, prefix, place.git_dir, place.head, tree, place.shallow, env)


def split(output: str) -> list[str]:
    """What git wrote with `-z`."""
    return output.split("\0")[:-1]


def records(items: Collection[str]) -> str:
    """What git reads with `-z`."""
    return "".join(f"{item}\0" for item in items)


@dataclass(frozen=True)
class _Place:
    """What git says of a directory."""

    bare: bool
    shallow: bool
    git_dir: Path
    prefix: str | None  # of the directory, in the work tree; None outside of one
    head: str  # commit; empty where there is none


def _locate(directory: Path, env: Mapping[str, str]) -> _Place:
    """Ask git where it is, in its own words for everyone, and without starting what a repository's settings name."""
    # That a bare repository was meant is certain where it is the directory itself; one above the directory is refused.
    settings = ["-c", "safe.bareRepository=all", "-c", "core.fsmonitor=false"]
    questions = ["--is-bare-repository", "--is-inside-work-tree", "--is-shallow-repository"]
    # Paths may have line ends, so that they come last: the way up tells how many slashes the way down has.
    questions += ["--show-cdup", "--show-prefix", "--absolute-git-dir", "--revs-only", "HEAD^{commit}"]
    done = run(["git", *settings, "rev-parse", *questions], cwd=directory, env={**env, "LC_ALL": "C"}, check=False)
    if done.returncode != 0:
        raise _refused(directory, done)
    bare, inside, shallow, rest = done.stdout.removesuffix("\n").split("\n", 3)
    prefix = None
    if inside == "true":
        up, _, rest = rest.partition("\n")
        parts = rest.split("/", up.count("/"))
        prefix, rest = "".join(f"{part}/" for part in parts[:-1]), parts[-1]
    git_dir, _, head = rest.removeprefix("\n").rpartition("\n") if _COMMIT.search(rest) else (rest.removeprefix("\n"), "", "")
    return _Place(bare == "true", shallow == "true", Path(git_dir), prefix, head)


def _refused(directory: Path, done: Completed) -> InvalidProject:
    lines = done.stderr.splitlines()
    said = next((line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")), "")
    if said.startswith("not a git repository (or any"):
        return InvalidProject(f"{directory} is in no git repository.", "make one there with git init, and commit the service.")
    if said.startswith("not a git repository"):  # of a work tree or submodule whose repository was moved or removed
        hint = "where the repository was moved, run git worktree repair in it."
        return InvalidProject(f"the repository of {directory} is not where it was: {said}.", hint)
    advice = lines[-1].strip() if lines and lines[-1].startswith("\t") else ""
    return InvalidProject(f"git refuses {directory}: {said or f'git rev-parse failed ({ending(done.returncode)})'}.", advice)


def _is_directory(path: Path) -> bool:
    return os.path.isdir(path)  # unlike Path.is_dir, it answers also where a name is too long  # noqa: PTH112


def _require_directory(directory: Path) -> None:
    if not _is_directory(directory):
        raise InvalidProject(f"{directory} is no directory.", "name the directory of a service.")


@contextmanager
def _complete(git_dir: Path, env: Mapping[str, str]) -> Iterator[None]:
    """Where git fails to read what a partial clone has not fetched yet, raises IncompleteClone instead."""
    try:
        yield
    except ProgramFailed as error:
        asked = ["git", "config", "--get-regexp", r"^remote\..*\.promisor$"]
        if run(asked, cwd=git_dir, env=env, check=False).returncode == 0:
            raise IncompleteClone from error
        raise


def _tree(place: _Place, prefix: str, env: Mapping[str, str]) -> str:
    """The tree of the service in HEAD; empty where there is none."""
    asked = ["git", "cat-file", "--batch-check=%(objecttype) %(objectname)", "-z"]
    with _complete(place.git_dir, env):
        said = run(asked, cwd=place.git_dir, env=env, input=records([f"{place.head}:{prefix.rstrip('/')}"])).stdout
    kind, _, tree = said.rstrip("\n").partition(" ")
    return tree if kind == "tree" else ""
