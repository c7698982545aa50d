"""Has git write a new index and new files, with the author's filters and line ends, where they are in nobody's way."""

import errno
import os
import shlex
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gopherforge.errors import InTheWay
from gopherforge.plan import files_below, native
from gopherforge.repository import Repository, records, split

if TYPE_CHECKING:
    from gopherforge.trees import Entry

_SUBMODULE = "160000"


@dataclass(frozen=True)
class Area:
    """Where files and index wait: a directory in the git directory, which may be another run's of ours that was killed."""

    directory: Path

    @property
    def plan(self) -> Path:
        """What is to be done with them."""
        return self.directory / "plan.json"

    @property
    def index(self) -> Path:
        """The new one."""
        return self.directory / "index"

    @property
    def files(self) -> Path:
        """Of the work tree, old and new; where that is on another file system, a link to a directory there."""
        return self.directory / "files"

    def new(self, path: str) -> Path:
        """The file that is to be at this path of the repository."""
        return self.files / "new" / native(path)

    def old(self, number: int) -> Path:
        """The file that the n-th move took away."""
        return self.files / "old" / str(number)

    def make(self, near: Path) -> None:
        """Make it, with files on the file system of `near`, since they are moved and not copied. Raises OSError."""
        self.directory.mkdir()
        if self._is_beside(near):
            self.files.mkdir()
        else:
            self.files.symlink_to(near / f".{self.directory.name}-{os.urandom(8).hex()}")
            self.files.readlink().mkdir()
        (self.files / "new").mkdir()
        (self.files / "old").mkdir()

    def _is_beside(self, near: Path) -> bool:
        """Whether files can be moved from here to there: not into another file system, nor into the same one mounted twice."""
        if self.directory.stat().st_dev != near.stat().st_dev:
            return False
        absent = os.urandom(8).hex()
        try:
            (self.directory / absent).rename(near / absent)
        except OSError as error:
            return error.errno != errno.EXDEV
        return True

    def remove_files(self) -> None:
        """Remove the files, old and new. What cannot be removed stays."""
        shutil.rmtree(self.files.readlink() if self.files.is_symlink() else self.files, ignore_errors=True)

    def remove(self) -> None:
        """Remove it and all that is in it. What cannot be removed stays."""
        self.remove_files()
        shutil.rmtree(self.directory, ignore_errors=True)


@dataclass(frozen=True)
class Stage:
    """git's part of an `apply`. Its programs hold `guard`, an open file."""

    repository: Repository
    area: Area
    guard: int

    def changes(self, whole: str, conflicts: Collection[str]) -> dict[str, str]:
        """The paths where a tree differs from HEAD, and how: `A` where only the tree has them, `D` where only HEAD has.

        Also `A`: files in conflict that a sparse checkout has left out so far.
        Raises InTheWay where one is a submodule, and ProgramFailed.
        """
        fields = split(self.repository.git("diff-tree", "-r", "-z", "--no-renames", self.repository.head, whole))
        changes = {}
        for about, path in zip(fields[::2], fields[1::2], strict=True):
            old, new, *_, status = about.removeprefix(":").split()
            if _SUBMODULE in (old, new):
                raise InTheWay(f"{path} is a submodule, where a file is to be.", "move it elsewhere and commit that.")
            changes[path] = status
        absent = [path for path in conflicts if not os.path.lexists(f"{self.repository.top}/{native(path)}")]
        known = self.repository.git("ls-tree", "-r", "-z", "--name-only", whole, "--", *absent) if absent else ""
        return dict.fromkeys(split(known), "A") | changes

    def write(self, whole: str, changes: Mapping[str, str], stages: "Mapping[str, Mapping[int, Entry]]") -> None:
        """Write them: the files of a tree that differ from HEAD in these ways, the index with unmerged entries `stages`.

        Raises ProgramFailed and OSError.
        """
        work_tree = self.area.files / "new"
        shutil.copy2(self.repository.git_dir / "index", self.area.index)
        filters = self._filters()
        self._git(*filters, "read-tree", "-m", "-u", self.repository.head, whole, work_tree=work_tree)
        # A sparse checkout leaves out files, and may bring others in since its patterns changed: what is there now counts.
        conflicts = {self.repository.prefix + path: entries for path, entries in stages.items()}
        absent = {path for path, status in changes.items() if status != "D" and not os.path.lexists(self.area.new(path))}
        wanted = {path for path in absent if path in conflicts or os.path.lexists(f"{self.repository.top}/{native(path)}")}
        if wanted:
            self._git("update-index", "--no-skip-worktree", "-z", "--stdin", input=records(wanted), work_tree=work_tree)
            self._git(*filters, "checkout-index", "--force", "-u", "-z", "--stdin", input=records(wanted), work_tree=work_tree)
        if others := files_below(work_tree) - changes.keys():
            self._git("update-index", "--skip-worktree", "-z", "--stdin", input=records(others), work_tree=work_tree)
        if conflicts:
            self._git("update-index", "-z", "--index-info", input=_unmerged(conflicts, whole), work_tree=work_tree)

    def refresh(self) -> None:
        """Note in the new index what the files of the work tree look like now. Raises ProgramFailed."""
        self._git("update-index", "-q", "--unmerged", "--ignore-submodules", "--refresh", work_tree=self.repository.top)

    def _filters(self) -> list[str]:
        """Settings by which the author's filters run where they do otherwise: at the top of the work tree."""
        found = self.repository.settings(r"^filter\..*\.(smudge|process)$")
        top = shlex.quote(str(self.repository.top))
        settings = []
        for name, command in found.items():
            place = top if name.endswith(".process") else top.replace("%", "%%")  # in the others, git replaces %f
            settings += ["-c", f"{name}=cd {place} && {command}"] if command and "=" not in name else []
        return settings

    def _git(self, *arguments: str, work_tree: Path | None, input: str | None = None) -> str:
        """What git says of the new index."""
        env = {"GIT_INDEX_FILE": str(self.area.index), "GIT_WORK_TREE": str(work_tree)}
        return self.repository.git(*arguments, input=input, env=env, keep_open=[self.guard])


def _unmerged(conflicts: "Mapping[str, Mapping[int, Entry]]", oid: str) -> str:
    """What makes `git update-index --index-info` take these entries instead of merged ones. `oid` is any, for its length."""
    lines = []
    for path, stages in conflicts.items():
        lines.append(f"0 {'0' * len(oid)}\t{path}")
        lines += [f"{entry.mode} {entry.oid} {stage}\t{path}" for stage, entry in sorted(stages.items())]
    return records(lines)
