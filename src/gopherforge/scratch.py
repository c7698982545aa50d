"""Private temporary directories."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gopherforge.errors import CannotWrite
from gopherforge.staging import staging

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def scratch_directory(place: Path | None = None) -> Iterator[Path]:
    """A directory that only this user can enter, in `place` or where the system keeps temporary files.

    Gone when the context ends; after a kill, when the next one is made in the same place. Raises CannotWrite, also in place of
    an OSError which says that there is no room left.
    """
    with ExitStack() as stack:
        try:
            scratch = stack.enter_context(staging(place or _temporary(), mode=0o700))
        except OSError as error:
            where = "" if place else "set TMPDIR to a directory that can be written."
            raise CannotWrite(f"cannot make a temporary directory: {error.strerror}.", where) from error
        try:
            yield scratch.resolve()
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise CannotWrite(f"cannot write to {scratch.parent}: {error.strerror}.") from error


def _temporary() -> Path:
    from tempfile import gettempdir  # `status` can do without its imports

    return Path(gettempdir())
