"""A copy of a service for the go command, with the directories of its repository that it replaces modules by."""

import posixpath
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gopherforge import modfile
from gopherforge.errors import ProgramFailed
from gopherforge.modfile import Unreadable
from gopherforge.process import decode
from gopherforge.repository import Repository
from gopherforge.trees import Store


class Surroundings(NamedTuple):
    """What a service lies in."""

    head: str  # commit
    prefix: str  # of the service's paths in the repository: empty, or with a slash at its end


def surroundings(found: Repository) -> Surroundings:
    """The surroundings of a service."""
    return Surroundings(found.head, found.prefix)


def check_out(store: Store, tree: str, around: Surroundings, scratch: Path) -> Path:
    """Write a tree of the service's files below `scratch`, which is absent. Returns the directory of the service there.

    What a `replace` names outside of the service comes from HEAD, as far as it is there. Raises ProgramFailed.
    """
    directory = scratch / around.prefix
    directory.mkdir(parents=True)
    store.check_out(tree, directory)
    for path in sorted(set(_replacements(store, tree, around.prefix))):
        place, beside = scratch / path, f"{around.head}:{path}"
        with suppress(ProgramFailed):
            if store.read(beside) and not place.exists():
                place.mkdir(parents=True)
                store.check_out(beside, place)
    return directory


def _replacements(store: Store, tree: str, prefix: str) -> Iterator[str]:
    """The directories of the repository, outside of the service, that its modules replace others by."""
    modules = {path: entry for path, entry in store.read(tree).items() if posixpath.basename(path) == "go.mod" and entry.is_file}
    texts = store.contents(modules.values()) if prefix else {}
    for path, entry in modules.items() if prefix else ():
        with suppress(Unreadable):
            for line in modfile.parse(decode(texts[entry.oid])).lines("replace"):
                target = posixpath.normpath(posixpath.join(prefix, posixpath.dirname(path), line.args[-1]))
                if line.args[-1].startswith("../") and not f"{target}/".startswith(("../", prefix)):
                    yield target
