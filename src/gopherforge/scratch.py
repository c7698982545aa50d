"""Private temporary directories."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gopherforge.errors import CannotWrite


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """A directory that only this user can enter, gone when the context ends. Raises CannotWrite."""
    try:
        directory = tempfile.TemporaryDirectory(prefix="gopherforge-", ignore_cleanup_errors=True)
    except OSError as error:
        where = "set TMPDIR to a directory that can be written."
        raise CannotWrite(f"cannot make a temporary directory: {error.strerror}.", where) from error
    with directory as name:
        yield Path(name).resolve()
