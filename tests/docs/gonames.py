"""The exported names of the packages that code of a service's author calls, read from templates of any version."""

import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from gopherforge.bundle import History
from tests import source
from tests.core.history import git

_INCLUDE = re.compile(r'\[% include "([^"]+)" %\]')
_SOURCE = re.compile(r"templates/((?!_shared/)[^/]+)(/.+)/[^/]+(?<!_test)\.go(?:\.jinja)?")
_INLINE = "//go:fix inline\n"
# By the rules for templates, gofmt reads them, and no condition is around a top-level declaration.
_DECLARATION = re.compile(
    rf"^({_INLINE})?(?:func (?:\((?:\w+ )?\*?([A-Z]\w*)[^)]*\) )?|type |const |var )([A-Z]\w*(?:, [A-Z]\w*)*)", re.MULTILINE
)
_BLOCK = re.compile(r"^(?:type|const|var) \(\n(.*?)^\)$", re.MULTILINE | re.DOTALL)
_IN_BLOCK = re.compile(rf"^(\t{_INLINE})?\t()([A-Z]\w*(?:, [A-Z]\w*)*)", re.MULTILINE)


class Names(NamedTuple):
    """`template/package.Name`, of methods `template/package.Type.Name`."""

    declared: frozenset[str]
    forwarders: frozenset[str]  # those of them that lead `go fix` to new names


def at(history: History, version: str, scratch: Path) -> Names:
    """The names at a version."""
    archive = scratch / f"{version}.tar"
    git(history.repository, "archive", "--output", str(archive), version, "templates/")
    with tarfile.open(archive) as files:
        read = {member.name: files.extractfile(member) for member in files if member.isfile()}
        return read_names({path: file.read().decode("utf-8") for path, file in read.items() if file})


def present() -> Names:
    """The names in the work tree."""
    return read_names({path.as_posix(): (source.ROOT / path).read_text(encoding="utf-8") for path in source.template_files()})


def read_names(files: Mapping[str, str]) -> Names:
    """The names in templates, given as path: text."""
    packages = (*(path for path in source.ownership()["managed"] if path.startswith("/internal/")), "/client/")
    declared, forwarders = set(), set()
    for path, text in files.items():
        found = _SOURCE.fullmatch(path)
        if found is None or not f"{found[2]}/".startswith(packages):
            continue
        whole = _INCLUDE.sub(lambda include: files[include[1]], text)
        in_blocks = [name for block in _BLOCK.findall(whole) for name in _IN_BLOCK.findall(block)]
        for inline, receiver, names in _DECLARATION.findall(whole) + in_blocks:
            for name in names.split(", "):
                full = f"{found[1]}{found[2]}.{receiver}{receiver and '.'}{name}"
                declared.add(full)
                if inline:
                    forwarders.add(full)
    return Names(frozenset(declared), frozenset(forwarders))


def gone(releases: Iterable[Names], now: Names) -> list[str]:
    """What releases have and the present does not, though no release has led from it to another name."""
    releases = list(releases)
    left = now.forwarders.union(*(release.forwarders for release in releases))
    declared = frozenset().union(*(release.declared for release in releases))
    # Methods of a type that is another name of its successor are those of the successor.
    return sorted(name for name in declared - now.declared - left if name.rpartition(".")[0] not in left)
