"""Makes a release: checks that it may be made, bumps the version, dates the changelog, and commits `release: vX.Y.Z`."""

import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from gopherforge import bundle, git
from gopherforge.errors import ForgeError
from gopherforge.scratch import scratch_directory

ROOT = Path(__file__).resolve().parent.parent
VERSION_FILE = "src/gopherforge/__init__.py"
CHANGELOG = "CHANGELOG.md"
HEADINGS = ("### Tool", "### Generated services")

Version = tuple[int, int, int]

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_ASSIGNMENT = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)
_UNRELEASED = re.compile(r"^## Unreleased\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class ReleaseRefused(ForgeError):
    """The release may not be made, or not yet."""

    code = "release-refused"


def main(arguments: list[str]) -> int:
    """Make the release that the one argument names."""
    try:
        if len(arguments) != 1:
            raise ReleaseRefused("a release needs its version.", "make release VERSION=0.1.0")
        print(release(ROOT, arguments[0], datetime.now(UTC).date(), os.environ))
    except ForgeError as error:
        print(f"error: {error.message}", *([f"hint: {error.hint}"] if error.hint else []), sep="\n", file=sys.stderr)
        return error.exit_code
    return 0


def release(root: Path, version: str, today: date, environ: Mapping[str, str]) -> str:
    """Make the release commit of a clean checkout, or change nothing. Returns what was done. Raises ForgeError."""
    env = git.authors(environ)
    if changes := git.call("status", "--porcelain", cwd=root, env=env):
        raise ReleaseRefused(f"the work tree is not clean: {changes.splitlines()[0]}.", "commit or remove what has changed.")
    last = _last_release(root, environ)
    _check_version(version, last)
    before = {name: (root / name).read_text(encoding="utf-8") for name in (VERSION_FILE, CHANGELOG)}
    after = {
        VERSION_FILE: _bumped(before[VERSION_FILE], last, version),
        CHANGELOG: _dated(before[CHANGELOG], version, today),
    }
    try:
        _write(root, after)
        git.call("commit", "--quiet", f"--message=release: v{version}", "--", *after, cwd=root, env=env)
    except BaseException:
        _write(root, before)
        raise
    return f"Committed release: v{version}."


def _last_release(root: Path, environ: Mapping[str, str]) -> Version:
    with scratch_directory() as scratch:
        versions = bundle.borrow(root, scratch, environ).versions
    released = [_parsed(version.removeprefix("v")) for version in versions]
    return max(filter(None, released), default=(0, 0, 0))


def _check_version(version: str, last: Version) -> None:
    major, minor, patch = last
    following = [(major, minor, patch + 1), (major, minor + 1, 0), (major + 1, 0, 0)]
    if _parsed(version) not in following:
        *others, largest = map(_shown, following)
        raise ReleaseRefused(
            f"{version} does not follow {_shown(last)}.", f"the next version is {', '.join(others)} or {largest}, without a v."
        )


def _bumped(module: str, last: Version, version: str) -> str:
    present = _ASSIGNMENT.search(module)
    if present is None or present[1] != _shown(last):
        says = present[1] if present else "no version"
        raise ReleaseRefused(f"{VERSION_FILE} says {says}, but the last release is {_shown(last)}.")
    return _ASSIGNMENT.sub(f'__version__ = "{version}"', module)


def _dated(changelog: str, version: str, today: date) -> str:
    """The changelog with its unreleased entries under the version."""
    found = _UNRELEASED.search(changelog)
    if found is None:
        raise ReleaseRefused(f"{CHANGELOG} has no section ## Unreleased.")
    _check_entries(found[1])
    return f"{changelog[: found.start()]}## Unreleased\n\n## v{version} ({today.isoformat()})\n{changelog[found.start(1) :]}"


def _check_entries(section: str) -> None:
    """Every entry is a list item below one of the two headings, and no heading is empty."""
    preamble, *parts = re.split(r"^(?=###)", section, flags=re.MULTILINE)
    if preamble.strip():
        raise ReleaseRefused(f"{CHANGELOG} has unreleased entries outside {' and '.join(HEADINGS)}.")
    if not parts:
        raise ReleaseRefused(
            f"{CHANGELOG} has nothing under ## Unreleased.", "say there what users and owners of services will observe."
        )
    for part in parts:
        heading, _, entries = part.partition("\n")
        if heading not in HEADINGS:
            raise ReleaseRefused(f"{CHANGELOG} has {heading} under ## Unreleased.", f"use {' and '.join(HEADINGS)}.")
        if not entries.strip().startswith("- "):
            raise ReleaseRefused(f"{CHANGELOG} has no entry under {heading}.", "write one, or remove the heading.")


def _parsed(version: str) -> Version | None:
    found = _VERSION.fullmatch(version)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _shown(version: Version) -> str:
    return ".".join(map(str, version))


def _write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
