"""The order of versions: of modules, of Go and of its toolchains."""

import re
from typing import Any

Order = tuple[Any, ...]
"""What sorts as the versions do."""

# Python reads no numbers of thousands of digits, which no version has.
_MODULE = re.compile(r"v(0|[1-9]\d{,99})\.(0|[1-9]\d{,99})\.(0|[1-9]\d{,99})(?:-([0-9A-Za-z.-]{1,999}))?(?:\+[0-9A-Za-z.-]+)?")
_GO = re.compile(r"(?:go)?([1-9]\d{,99})(?:\.(0|[1-9]\d{,99})(?:\.(0|[1-9]\d{,99})|([a-z]+)(\d{1,99})?)?)?(?:-[^\s]+)?")
_FIRST_WITH_POINT_ZERO = 21  # Go 1.21 is the first of which 1.N and 1.N.0 differ


def module_order(version: str) -> Order | None:
    """The precedence of a module's version (https://semver.org/#spec-item-11); pseudo-versions are pre-releases.

    None for what names no version by itself, such as a branch.
    """
    found = _MODULE.fullmatch(version)
    if found is None:
        return None
    *core, prerelease = found.groups("")
    identifiers = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in prerelease.split(".")]
    return *map(int, core), not prerelease, identifiers


def go_order(version: str) -> Order | None:
    """The precedence of a `go` line (1.27.0) or a toolchain (go1.27.3): 1.27, then 1.27rc1, then 1.27.0 (internal/gover).

    None for what is neither, such as `default`.
    """
    found = _GO.fullmatch(version)
    if found is None:
        return None
    major, minor, patch, kind, number = found.groups()
    if kind is None and patch is None and int(minor or 0) < _FIRST_WITH_POINT_ZERO:
        patch = "0"
    return int(major), int(minor or 0), -1 if patch is None else int(patch), kind or "", int(number or 0)
