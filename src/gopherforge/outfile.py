"""A file that tells of something else: written beside its place before that happens, and moved there afterwards."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gopherforge.errors import CannotWrite

_OPEN_FILES = ("/dev/std", "/dev/fd/", "/proc/")
"""Where names lead to what a program writes to already, which another file must not take the place of."""


def writable(path: Path) -> Path:
    """The path of the file itself, once it seems that it can be written. Raises CannotWrite."""
    # os.path answers whatever the path is, where Path raises.
    if _is_special(path):
        return path
    if os.path.normpath(path).startswith(_OPEN_FILES) and os.path.exists(path):  # noqa: PTH110
        raise CannotWrite(f"cannot write {path}: it leads to an open file.", "name a file.")
    path = Path(os.path.realpath(path))
    if os.path.isdir(path):  # noqa: PTH112
        raise CannotWrite(f"cannot write {path}: it is a directory.")
    if os.path.islink(path):  # noqa: PTH114
        raise CannotWrite(f"cannot write {path}: it is a link that leads to itself.")
    if not os.path.isdir(path.parent):  # noqa: PTH112
        raise CannotWrite(f"cannot write {path}: {path.parent} does not exist.")
    return path


@contextmanager
def replaced(path: Path, text: str) -> Iterator[None]:
    """Give a file that is `writable` this text, once the block has ended without an exception; else it stays as it was.

    Raises CannotWrite, as a rule before the block.
    """
    content = text.encode("utf-8", "backslashreplace")
    if _is_special(path):
        yield
        with _explained(path):
            path.write_bytes(content)
        return
    part = path.with_name(f".gopherforge-{os.urandom(8).hex()}")
    try:
        with _explained(path):
            part.write_bytes(content)
            with suppress(FileNotFoundError):
                shutil.copymode(path, part)
        yield
        with _explained(path):
            try:
                part.replace(path)
            except OSError:  # such as of a mounted file, or one of somebody else who lets everyone write it
                path.write_bytes(content)
    finally:
        part.unlink(missing_ok=True)


def _is_special(path: Path) -> bool:
    """Whether there is something to write to that is no file, such as a terminal or a pipe."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112, PTH113


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}.") from error
