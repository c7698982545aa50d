"""Reads git repositories that may be anybody's: nothing that they name is run, nothing is fetched, nothing is written."""

import io
import os
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gopherforge import git
from gopherforge.process import decode, encode

# What a clone without old files lacks is not fetched, but unknown. diff-tree would ask the monitor, although it needs no index.
_QUIET = [("protocol.file.allow", "never"), ("core.fsmonitor", "false")]


class Unknown(Exception):
    """Why a repository does not tell what it is asked."""


class Reader(NamedTuple):
    """A repository."""

    git_dir: Path  # or the file that stands for it
    top: Path | None  # None where it is bare

    def private(self) -> Path:
        """The directory of HEAD and index, which a linked work tree has of its own. Raises OSError."""
        if not self.git_dir.is_file():
            return self.git_dir
        return self.git_dir.parent / os.fsdecode(self.git_dir.read_bytes()).removeprefix("gitdir: ").removesuffix("\n")

    def ask(self, environ: Mapping[str, str], *arguments: str, input: str | None = None) -> str:
        """What git says from the objects alone, however the repository and its user are set up. Raises ProgramFailed."""
        env = git.pinned(environ, _QUIET) | {"GIT_DIR": str(self.git_dir)}
        return git.call(*arguments, cwd=self.top or self.git_dir, env=env, input=input)

    def objects(
        self, contents: Collection[str], places: Collection[tuple[str, str]], environ: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
        """The contents of objects, and the names of those at places (commit, directory); empty for what is not there.

        git is started once. Raises ProgramFailed.
        """
        asked = [*(f"contents {oid}\0" for oid in contents), *(f"info {commit}:{directory}\0" for commit, directory in places)]
        said = self.ask(environ, "cat-file", "--batch-command", "-z", input="".join(asked))
        answers = io.BytesIO(encode(f"{said}\n"))
        found = {oid: _read_contents(answers) for oid in contents}
        return found, {(commit, directory): _read_name(answers, f"{commit}:{directory}") for commit, directory in places}

    def directory(self, path: Path) -> str:
        """A directory as the repository calls it; empty for the top."""
        return name(PurePosixPath(path.relative_to(self.top or self.git_dir)))


def find(directory: Path) -> Reader | None:
    """The repository that a directory is or lies in, found without a process; None where there is none."""
    if (bare := find_bare(directory)) is not None:
        return bare
    top = next((parent for parent in (directory, *directory.parents) if os.path.lexists(parent / ".git")), None)
    return Reader(top / ".git", top) if top else None


def find_bare(directory: Path) -> Reader | None:
    """The repository without a work tree that a directory is, or would be in, as what HEAD has is named; None where none is."""
    existing = next(path for path in (directory, *directory.parents) if os.path.lexists(path))
    is_bare = all(os.path.lexists(existing / entry) for entry in ("HEAD", "objects", "refs"))
    return Reader(existing, None) if is_bare else None


def name(directory: PurePosixPath) -> str:
    """A directory as git writes it; empty for the top."""
    return "" if directory == PurePosixPath() else str(directory)


def exists(oid: str) -> bool:
    """Whether an object's name, or a mode, stands for something that is there."""
    return oid.strip("0") != ""


def _read_contents(answers: io.BytesIO) -> str:
    _, *kind = answers.readline().split()
    if len(kind) == 1:  # missing
        return ""
    content = answers.read(int(kind[1]))
    answers.readline()
    return decode(content)


def _read_name(answers: io.BytesIO, asked: str) -> str:
    """The object that an expression, in which there may be line ends, names."""
    missing = encode(f"{asked} missing\n")
    start = answers.tell()
    if answers.read(len(missing)) == missing:
        return ""
    answers.seek(start)
    return answers.readline().split()[0].decode()
