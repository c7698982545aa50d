"""Hidden directories in which work is done before its result gets its name; remains of killed runs are swept."""

import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gopherforge.guard import hold

_PREFIX = ".gopherforge-new-"
_NAME = re.compile(re.escape(_PREFIX) + "[0-9a-f]{16}")
_LOCK = "lock"


@contextmanager
def staging(place: Path, mode: int = 0o777) -> Iterator[Path]:
    """A new directory below `place`, on its file system, of `mode` as far as the umask allows. It holds nothing but a lock.

    It and all that is still in it is gone when the context ends. After a kill it stays, and the next call for the same
    place removes it. Raises OSError.
    """
    sweep(place)
    hidden, lock = _reserve(place, mode)
    try:
        yield hidden
    finally:
        _clear(hidden)
        os.close(lock)


def sweep(place: Path) -> None:
    """Remove from `place` what killed runs of this user left. A run that is alive holds its lock."""
    with suppress(OSError):  # where the place cannot be listed, remains stay
        for hidden in filter(is_staging, place.iterdir()):
            _remove_if_dead(hidden)


def is_staging(path: Path) -> bool:
    """Whether this is a directory that `staging` made for this user."""
    if not _NAME.fullmatch(path.name):
        return False
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _remove_if_dead(hidden: Path) -> None:
    with suppress(OSError):
        hidden.rmdir()  # killed before it made its lock
    with suppress(OSError):
        lock = os.open(hidden / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _clear(hidden)
        finally:
            os.close(lock)


def _clear(hidden: Path) -> None:
    """Remove it and all that is in it, the lock last: what a kill leaves half removed could not be swept without one."""
    with suppress(OSError):
        for path in hidden.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _LOCK:
                path.unlink()
    shutil.rmtree(hidden, ignore_errors=True)


def _reserve(place: Path, mode: int) -> tuple[Path, int]:
    """Make a hidden directory and hold its lock. Between the two a sweep may take it for dead: then make another."""
    while True:
        hidden = place / f"{_PREFIX}{os.urandom(8).hex()}"
        hidden.mkdir(mode)
        try:
            lock = _lock(hidden / _LOCK)
        except OSError:
            hidden.rmdir()
            raise
        if lock is not None:
            return hidden, lock


def _lock(path: Path) -> int | None:
    """A new, open, locked file; None where somebody else locked or removed it."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileNotFoundError:
        return None
    try:
        if hold(lock, path):
            return lock
    except BlockingIOError:
        pass
    except OSError:  # a file system without locks: no sweep can lock it either, so none removes it
        return lock
    os.close(lock)
    return None
