"""Whether a conflict is a real one, judged by git's own differences and not by the code under test."""

import re
from pathlib import Path

from tests.support import run

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? ", re.MULTILINE)


def is_real(scratch: Path, base: bytes | None, ours: bytes | None, theirs: bytes | None) -> bool:
    """Whether both sides changed the same lines, or lines beside each other. Each side is the whole file, None where it has none.

    Two files are written into `scratch`.
    """
    if ours == theirs:
        return False
    if base is None:
        return ours is not None and theirs is not None
    if ours is None or theirs is None:
        return base not in (ours, theirs)
    return any(
        begin <= other_end and other_begin <= end
        for begin, end in _changes(scratch, base, ours)
        for other_begin, other_end in _changes(scratch, base, theirs)
    )


def _changes(scratch: Path, old: bytes, new: bytes) -> list[tuple[int, int]]:
    """The changed lines of `old`, as the places before the first and after the last; equal where lines only come in."""
    (scratch / "old").write_bytes(old)
    (scratch / "new").write_bytes(new)
    words = ["git", "diff", "--no-index", "--no-ext-diff", "--no-color", "--text", "--unified=0", "--histogram", "old", "new"]
    told = run(words, cwd=scratch).output
    found = ((int(first), int(1 if number is None else number)) for first, number in map(_numbers, _HUNK.finditer(told)))
    return [(first - 1, first - 1 + number) if number else (first, first) for first, number in found]


def _numbers(hunk: re.Match[str]) -> tuple[str, str | None]:
    return hunk[1], hunk[2]
