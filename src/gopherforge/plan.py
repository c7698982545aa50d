"""What an `apply` is to move, and the file that tells the next run so, which finishes or undoes it."""

import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from gopherforge.process import decode, encode

_VERSION = 1  # of the file


@dataclass(frozen=True)
class Seen:
    """What tells whether a file is the same as before, also after it was moved."""

    inode: int
    size: int
    changed: int  # nanoseconds
    mode: int


@dataclass(frozen=True)
class Move:
    """One path of the repository, and the files that are there before and after."""

    path: str
    old: Seen | None
    new: Seen | None


@dataclass(frozen=True)
class Plan:
    """What has to be done, or undone."""

    step: str
    prefix: str  # of the service's paths in the repository
    head: str  # commit
    index: Seen | None  # that of git, as it is before
    moves: list[Move]  # deletions first: what they leave may become a file, or a directory
    made: list[str]  # directories that there were not, outermost first

    def write(self, path: Path) -> None:
        """Make the file, which is on the disk before this returns, also through a loss of power. Raises OSError."""
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump({"version": _VERSION, **asdict(self)}, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        for directory in (path.parent, path.parent.parent):
            _sync(directory)


def read(path: Path) -> Plan:
    """The plan in a file. Raises ValueError if it holds none of this version, and OSError."""
    content = json.loads(path.read_text(encoding="utf-8"))
    try:
        if content.pop("version") != _VERSION:
            raise ValueError
        moves = [Move(move["path"], _seen(move["old"]), _seen(move["new"])) for move in content.pop("moves")]
        return Plan(**content | {"index": _seen(content["index"])}, moves=moves)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError from error


def strangers(top: Path, moves: Iterable[Move]) -> set[str]:
    """The files that no move takes away, and that are where a new file or one of its directories is to be. Raises OSError."""
    gone = {move.path: move.old.inode for move in moves if move.old}
    return {path for move in moves if move.new and not move.old for path in _strangers(top, move.path, gone)}


def missing_directories(top: Path, moves: Iterable[Move]) -> list[str]:
    """The directories that new files need and that there are not, outermost first."""
    missing: dict[str, None] = {}
    for move in moves:
        parts = move.path.split("/") if move.new else []
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        missing |= dict.fromkeys(path for path in above if not _is_directory(top / native(path)))
    return list(missing)


def native(path: str) -> str:
    """A path as git names it, as Python does: the two differ where the locale is not UTF-8."""
    return os.fsdecode(encode(path))


def named(path: Path) -> str:
    """A relative path as git names it."""
    return decode(os.fsencode(path))


def files_below(directory: Path) -> set[str]:
    """All below a directory that is no directory itself, named as git does. Raises OSError."""
    found = (path for path in directory.rglob("*") if path.is_symlink() or not path.is_dir())
    return {named(path.relative_to(directory)) for path in found}


def seen(path: Path) -> Seen | None:
    """The file or link at a path; None where there is none, or a directory. Raises OSError."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    return Seen(found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode)


def _seen(content: dict[str, int] | None) -> Seen | None:
    return None if content is None else Seen(**content)


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _strangers(top: Path, path: str, gone: Mapping[str, int]) -> set[str]:
    """Those in the way of one new file. `gone`: what will be away, path to inode."""
    parts = path.split("/")
    for depth in range(1, len(parts)):
        above = "/".join(parts[:depth])
        place = top / native(above)
        if above in gone or not os.path.lexists(place):
            return set()
        if seen(place):  # no directory, but a file or a link to who knows where
            return {above}
    place = top / native(path)
    found = seen(place)
    if found:
        # Where names differ only in case, the file may be one that is to be renamed.
        return set() if found.inode in gone.values() else {path}
    return {f"{path}/{below}" for below in files_below(place)} - gone.keys()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
