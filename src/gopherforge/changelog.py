"""What the changelog tells the owners of generated services about the way from one version to another."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gopherforge.bundle import order

FILE = "CHANGELOG.md"

BY_HAND = "By hand: "
"""So begins an entry that asks something of a service's author."""

MODULE = "$MODULE"
"""Stands in an entry for the service's own module path."""

_PART = "Generated services"
_SCOPE = re.compile(r"(`go-[a-z-]+`(?:, `go-[a-z-]+`)*): ")
"""So begins an entry that is only about services of the named templates."""

_VERSION = re.compile(r"## (?:(Unreleased)|(v\d+\.\d+\.\d+)\b.*)")
_ENTRY = re.compile(r"[-*] +(.*)")


@dataclass(frozen=True)
class Release:
    """What one version changed in services. `version` is empty for what no release has yet."""

    version: str
    entries: tuple[str, ...]


def between(old_version: str, old: str, new: str, template: str = "", module: str = "") -> tuple[Release, ...]:
    """What services of a template get, the newest first, from the changelogs at two versions, with their module path filled in.

    Entries of later releases that the older changelog has already are left out: that version was between two releases.
    """
    since = (*order(old_version)[:3], 0)
    known = {entry for release in _later(since, old) for entry in release.entries}
    news = (
        Release(release.version, tuple(_about(template, (entry for entry in release.entries if entry not in known))))
        for release in _later(since, new)
    )
    filled = (Release(each.version, tuple(entry.replace(MODULE, module or MODULE) for entry in each.entries)) for each in news)
    return tuple(release for release in filled if release.entries)


def _about(template: str, entries: Iterable[str]) -> Iterator[str]:
    """The entries that are about services of a template, without the words that say so."""
    for entry in entries:
        scope = _SCOPE.match(entry)
        if scope is None:
            yield entry
        elif f"`{template}`" in scope[1]:
            yield entry[scope.end() :]


def _later(version: tuple[int, ...], text: str) -> Iterator[Release]:
    """What comes after the release with these numbers."""
    return (release for release in _releases(text) if not release.version or order(release.version) > version)


def _releases(text: str) -> Iterator[Release]:
    """Every version with its entries on generated services. An entry is one item of a list, its lines joined."""
    version: str | None = None
    entries: list[str] = []
    within = open_entry = False
    for line in text.splitlines():
        if found := _VERSION.fullmatch(line):
            if version is not None:
                yield Release(version, tuple(entries))
            version, entries, within = found[2] or "", [], False
        elif line.startswith("#"):
            within = line.lstrip("#").strip() == _PART
        elif within and (entry := _ENTRY.fullmatch(line)):
            entries.append(entry[1])
            open_entry = True
        elif within and open_entry and line.startswith(" ") and line.strip():
            entries[-1] += f" {line.strip()}"
        open_entry = within and bool(line.strip()) and bool(entries)
    if version is not None:
        yield Release(version, tuple(entries))
