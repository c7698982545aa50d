"""Leads a service's code from old names to new ones by `go fix`, in a copy of it."""

from collections.abc import Mapping
from pathlib import Path

from gopherforge.gocommand import OFFLINE, go
from gopherforge.gocopy import Surroundings, check_out
from gopherforge.goimports import sources
from gopherforge.lineends import as_in
from gopherforge.trees import Entry, Store

ARGUMENTS = ("fix", "-trimpath=false", "-inline", "./...")
"""What carries names over, and nothing else that `go fix` could do.

With -trimpath, Go remembers a fix by another copy's path, and goes there.
"""

HINT = "Run `go fix -inline ./...`: it carries your code over from old names to new ones."
"""What is left to do where it was not run."""


def fix(store: Store, tree: str, scratch: Path, environ: Mapping[str, str], *, around: Surroundings) -> dict[str, Entry]:
    """The files of a tree in which `go fix` finds old names, as it leaves them; with the modules that Go has already.

    It works in `scratch`, an existing directory. Raises ProgramMissing, and ProgramFailed where the code does not build.
    """
    directory = check_out(store, tree, around, scratch / "fix")
    go(ARGUMENTS, directory, environ, OFFLINE)
    files = store.read(tree)
    paths = [path for path in sources(files.keys()) if files[path].is_file]
    before = store.contents(files[path] for path in paths)
    oids = store.add([_with_ends_of(before[files[path].oid], (directory / path).read_bytes()) for path in paths])
    return {path: Entry(files[path].mode, oid) for path, oid in zip(paths, oids, strict=True) if oid != files[path].oid}


def _with_ends_of(old: bytes, new: bytes) -> bytes:
    """The new text with the line ends of the old one, which Go's tools replace where they change anything."""
    return new if b"\r\n" in new else as_in(old, new)
