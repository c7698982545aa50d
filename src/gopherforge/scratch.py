"""Private temporary directories."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gopherforge.errors import CannotWrite
from gopherforge.staging import staging


@contextmanager
def scratch_directory(place: Path | None = None) -> Iterator[Path]:
    """A directory that only this user can enter, in `place` or where the system keeps temporary files.

    Gone when the context ends; after a kill, when the next one is made in the same place. Raises CannotWrite.
    """
    with ExitStack() as stack:
        try:
            scratch = stack.enter_context(staging(place or Path(tempfile.gettempdir()), mode=0o700))
        except OSError as error:
            where = "" if place else "set TMPDIR to a directory that can be written."
            raise CannotWrite(f"cannot make a temporary directory: {error.strerror}.", where) from error
        yield scratch.resolve()
