"""Keeps git and other runs of gopherforge out of a repository, by a lock of git's and one of our own."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gopherforge.errors import RepositoryBusy

_OWNER = "gopherforge"


@contextmanager
def alone(path: Path) -> Iterator[int]:
    """Hold the lock file `path`, as an open descriptor for the programs that we start: they may outlive us after a kill.

    Raises RepositoryBusy where another run holds it, and OSError.
    """
    guard = _reserve(path)
    try:
        yield guard
    finally:
        path.unlink(missing_ok=True)  # its owner may have removed it
        os.close(guard)


def lock_index(path: Path) -> None:
    """Make git's lock of the index, as a link whose target says whose it is: it comes with its content, unlike a file.

    Raises RepositoryBusy where git holds it, and OSError.
    """
    try:
        path.symlink_to(_OWNER)
    except FileExistsError as error:
        hint = f"wait for it to end; if no git is running there, remove {path}."
        raise RepositoryBusy(f"git is at work in {path.parent}.", hint) from error


def unlock_index(path: Path) -> None:
    """Remove git's lock of the index if it is ours, or a killed run's of ours. Raises OSError."""
    if path.is_symlink() and path.readlink() == Path(_OWNER):
        path.unlink()


def hold(lock: int, path: Path) -> bool:
    """Lock an open file; whether `path` is still its name. Raises OSError, and BlockingIOError where somebody else holds it."""
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def _reserve(path: Path) -> int:
    """An open, locked file of this name, which its last owner may just have removed."""
    while True:
        guard = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if hold(guard, path):
                return guard
        except OSError as error:
            os.close(guard)
            if isinstance(error, BlockingIOError):
                raise RepositoryBusy(f"another gopherforge is at work in {path.parent}.", "wait for it to end.") from error
            raise
        os.close(guard)
