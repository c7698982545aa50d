"""Puts a tree into index and work tree in one step: after a kill at any moment, `recover` finishes or undoes it.

git writes the new files and the new index into a directory of their own. Then a plan of all moves is written down, the old
files are moved out of the work tree and the new ones into it, and last the new index replaces the old one. Until then
everything can be moved back as it was; git's own lock keeps git away meanwhile.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gopherforge import guard, plan
from gopherforge.errors import Bug, CannotRecover, CannotWrite, InTheWay, RepositoryBusy, UncleanWorkTree
from gopherforge.plan import Move, Plan, native, seen
from gopherforge.process import held_signals
from gopherforge.repository import Repository
from gopherforge.stage import Area, Stage
from gopherforge.wording import listed

if TYPE_CHECKING:
    from gopherforge.trees import Entry

_NAME = "gopherforge"

Outcome = Literal["finished", "undone", "left"]
"""`left`: git has been used since, so no file was moved."""


@dataclass(frozen=True)
class Recovery:
    """What became of a step that was killed."""

    step: str  # what `apply` was told
    prefix: str  # of its service in the repository
    outcome: Outcome
    kept: tuple[str, ...]  # files of the repository that somebody changed since the plan was made, and that stay
    head: str  # commit that it began from


def apply(
    repository: Repository, tree: str, stages: "Mapping[str, Mapping[int, Entry]] | None" = None, *, step: str = "a change"
) -> tuple[str, ...]:
    """Make index and work tree of the service what `tree` says; HEAD does not move. All of it happens, or nothing.

    `stages` (path: {stage: entry}) become unmerged entries of the index. `step` is what `recover` would call this after a kill.
    What is staged or changed outside the service stays so. All objects are in the repository. Returns the files of the
    repository that hold what somebody went on writing to files that were replaced.
    Raises UncleanWorkTree, InTheWay, RepositoryBusy, CannotRecover, CannotWrite and ProgramFailed.
    """
    with held_signals() as signals, _at_work(repository) as work:
        found = [work.recover()]
        try:
            with signals.raised():
                work.apply(tree, stages or {}, step)
        finally:
            found.append(work.recover())
    return tuple(path for recovery in found if recovery for path in recovery.kept)


def pending(repository: Repository) -> bool:
    """Whether a killed `apply` left something to be finished or undone, or one is at work."""
    return not repository.bare and any(map(os.path.lexists, (_area(repository).directory, _guard(repository))))


def recover(repository: Repository) -> Recovery | None:
    """Finish or undo what a killed `apply` left, of any service in the work tree. Every command that writes calls it first.

    Raises RepositoryBusy, CannotRecover and CannotWrite.
    """
    if not pending(repository):
        return None
    with held_signals(), _at_work(repository) as work:
        return work.recover()


def _area(repository: Repository) -> Area:
    return Area(repository.git_dir / _NAME)


def _guard(repository: Repository) -> Path:
    return repository.git_dir / f"{_NAME}.lock"


@contextmanager
def _at_work(repository: Repository) -> Iterator["_Work"]:
    if repository.top is None:
        raise Bug("a bare repository has no work tree.")
    area = _area(repository)
    try:
        with guard.alone(_guard(repository)) as held:
            yield _Work(repository, repository.top, area, Stage(repository, area, held))
    except OSError as error:
        half = all(map(os.path.lexists, (area.plan, area.index)))
        hint = "the service is half changed: what runs next here, once it can write, takes that back." if half else ""
        message = f"cannot write {error.filename or repository.directory}: {error.strerror or error}."
        raise CannotWrite(message, hint) from error


@dataclass(frozen=True)
class _Work:
    """One run in a repository that nobody else of us is in."""

    repository: Repository
    top: Path
    area: Area
    stage: Stage

    @property
    def index(self) -> Path:
        """The one that counts for git."""
        return self.repository.git_dir / "index"

    @property
    def lock(self) -> Path:
        return self.repository.git_dir / "index.lock"

    def apply(self, tree: str, stages: "Mapping[str, Mapping[int, Entry]]", step: str) -> None:
        self.area.make(self.repository.directory)
        guard.lock_index(self.lock)
        whole = self.repository.graft(tree)
        changes = self.stage.changes(whole, [self.repository.prefix + path for path in stages])
        before = {path: seen(self._at(path)) for path, status in changes.items() if status != "A"}
        self._require_clean()
        self.stage.write(whole, changes, stages)
        moves = [Move(path, before.get(path), seen(self.area.new(path))) for path in changes]
        moves = sorted((move for move in moves if move.old or move.new), key=lambda move: move.new is not None)
        if blocked := plan.strangers(self.top, moves):
            paths = listed([path.removeprefix(self.repository.prefix) for path in blocked])
            message = f"files are in the way in {self.repository.directory} that git does not track: {paths}."
            raise InTheWay(message, "move or remove them.")
        made = plan.missing_directories(self.top, moves)
        planned = Plan(step, self.repository.prefix, self.repository.head, seen(self.index), moves, made)
        planned.write(self.area.plan)
        self._move(moves)
        # Nothing of this is needed, but git would read all these files again to see that they are as the index says.
        self.stage.refresh()
        for number, move in enumerate(moves):  # since they were moved: somebody may have had them open
            self._require_unchanged(number, move)
        self.area.index.replace(self.index)  # the moment from which it has happened

    def recover(self) -> Recovery | None:
        found = None
        if self.area.plan.exists():
            found = self._settle(self._plan())
            self.area.remove_files()  # which takes a while: after a kill the next run can still tell what it found
            self.area.plan.unlink()
        self.area.remove()
        guard.unlock_index(self.lock)
        return found

    def _require_clean(self) -> None:
        """No git can commit or stage anything any more."""
        head = self.repository.git("rev-parse", "--verify", "HEAD^{commit}").strip()
        if head != self.repository.head:
            raise RepositoryBusy(f"HEAD of {self.top} has moved in the meantime.", "run the command again.")
        self.repository.require_clean()

    def _move(self, moves: list[Move]) -> None:
        for number, move in enumerate(moves):
            path = self._at(move.path)
            if move.old:
                path.rename(self.area.old(number))
                self._require_unchanged(number, move)
            if move.new:
                _remove_empty(path)
                path.parent.mkdir(parents=True, exist_ok=True)
                try:
                    _place(self.area.new(move.path), path)
                except FileExistsError as error:
                    raise InTheWay(f"{path} was made in the meantime.", "move or remove it.") from error

    def _require_unchanged(self, number: int, move: Move) -> None:
        """Raise UncleanWorkTree if the file that the n-th move took away is another one than planned."""
        if seen(self.area.old(number)) != move.old:
            raise UncleanWorkTree(f"{self._at(move.path)} was changed in the meantime.", "commit or stash it, or use --branch.")

    def _plan(self) -> Plan:
        try:
            return plan.read(self.area.plan)
        except ValueError as error:
            message = f"an interrupted run left a plan that this version of gopherforge cannot read: {self.area.plan}."
            old, state = self.area.files / "old", self.area.directory
            hint = f"see with git diff HEAD what has to be taken back, also from {old}; then remove {self.lock} and {state}."
            raise CannotRecover(message, hint) from error

    def _settle(self, planned: Plan) -> Recovery:
        """Bring a plan to an end that is neither half done nor takes anything from the author."""
        outcome: Outcome = "undone"
        kept: set[str] = set()
        if not self.area.index.exists():
            outcome = "finished"
            self._prune(planned)
        elif self.repository.head != planned.head or (seen(self.index) != planned.index and self._staged(planned)):
            outcome = "left"  # what is in the work tree may be committed by now, and moved back it would be reverted
        else:
            kept = self._undo(planned)
        return Recovery(planned.step, planned.prefix, outcome, tuple(sorted(kept | self._rescue(planned))), planned.head)

    def _staged(self, planned: Plan) -> bool:
        """Whether the index has other files of the service than HEAD; it may also just have been refreshed, by git status."""
        return bool(self.repository.git("diff-index", "--cached", "--name-only", planned.head, "--", f"./{planned.prefix}"))

    def _undo(self, planned: Plan) -> set[str]:
        """Move back what was moved. Returns the paths of the files that are neither the old ones nor the new ones: they stay."""
        for move in planned.moves:
            if move.new and seen(self._at(move.path)) == move.new:
                self._at(move.path).unlink()
        for made in reversed(planned.made):
            with suppress(OSError):
                self._at(made).rmdir()
        for number, move in enumerate(planned.moves):
            path, old = self._at(move.path), self.area.old(number)
            if os.path.lexists(old):
                with suppress(FileExistsError, NotADirectoryError):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    _place(old, path)
        return {move.path for move in planned.moves if seen(self._at(move.path)) != move.old}

    def _rescue(self, planned: Plan) -> set[str]:
        """Where somebody went on writing to a file that was taken away, it gets a place beside its own. Returns their paths."""
        saved = set()
        for number, move in enumerate(planned.moves):
            old, path = self.area.old(number), self._at(move.path)
            if seen(old) not in (None, move.old):
                directory = next(above for above in path.parents if above.is_dir())
                names = (f"{path.name}.orig{copy or ''}" for copy in count())
                saved.add(plan.named(_place_first(old, directory, names).relative_to(self.top)))
        return saved

    def _prune(self, planned: Plan) -> None:
        """Remove the directories of the service that lost their last file, as git does."""
        service = self._at(planned.prefix)
        for move in planned.moves:
            above = self._at(move.path).parent
            with suppress(OSError):
                while not move.new and above != service:
                    above.rmdir()
                    above = above.parent

    def _at(self, path: str) -> Path:
        return self.top / native(path)


def _place(file: Path, path: Path) -> None:
    """Move a file to where there is none, and never onto another: raises FileExistsError, and OSError."""
    try:
        os.link(file, path, follow_symlinks=False)
    except OSError as error:  # there is one, or the file system has no links
        if os.path.lexists(path):
            raise FileExistsError(path) from error
        file.rename(path)
    else:
        file.unlink()


def _place_first(file: Path, directory: Path, names: Iterator[str]) -> Path:
    """Move a file into a directory, under the first of these names that is free, and return where it is. Raises OSError."""
    while True:
        path = directory / next(names)
        with suppress(FileExistsError):
            _place(file, path)
            return path


def _remove_empty(directory: Path) -> None:
    """Make room for a file where a directory has lost all its own. Whatever is not empty stays."""
    if directory.is_dir() and not directory.is_symlink():
        for below, _, _ in os.walk(directory, topdown=False):
            with suppress(OSError):
                Path(below).rmdir()
