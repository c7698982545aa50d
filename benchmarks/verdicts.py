"""What an update made of its author's edits: lines kept and lost, conflicts real and false, by the checkers of the tests."""

import re
from ast import literal_eval
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.update.contested import is_real
from tests.update.losses import Files, losses

REJECTED = ".rej"
"""How the name of a file ends in which `git apply` leaves what it could not apply."""

_MARKER = re.compile(rb"^<{7} ", re.MULTILINE)
_GONE = " is gone"
_CONTENT = re.compile(r"b(['\"]).*\1")


@dataclass(frozen=True)
class Sides:
    """What an update starts from: the old rendering, the author's files, and the rendering that it is to follow."""

    base: Files
    ours: Files
    theirs: Files


@dataclass(frozen=True)
class Verdict:
    """What became of the edits."""

    edits: int  # lines that the author added or deleted, and deleted files
    lost: tuple[str, ...]  # a sentence for each of them that neither the files nor a conflict have
    real: frozenset[str]  # files in conflict where both sides changed the same lines, or lines beside each other
    false: frozenset[str]  # the other files in conflict

    @property
    def conflicts(self) -> frozenset[str]:
        """All files in conflict."""
        return self.real | self.false


def judge(sides: Sides, result: Files, unmerged: Collection[str], renamed: Mapping[str, str], scratch: Path) -> Verdict:
    """Judge an update by the files that it left, of which the index says that some are unmerged.

    `renamed` says which files should have another name in `result`; one that has its old name is looked at there. Two files
    are written into `scratch`.
    """
    rejects = {path.removesuffix(REJECTED): path for path in result.keys() - sides.ours.keys() if path.endswith(REJECTED)}
    marked = {path for path, text in result.items() if _MARKER.search(text) and not _MARKER.search(sides.ours.get(path, b""))}
    conflicts = {*unmerged, *marked, *rejects}
    followed = {old: new for old, new in renamed.items() if new in result and old not in result}
    shown = {path: text for path, text in result.items() if path not in rejects.values()}
    for path, reject in rejects.items():
        shown[path] = _with_rejected(result.get(path, b""), result[reject])
    real = {path for path in conflicts if is_real(scratch, *_versions(sides, path, renamed))}
    lost = (*_lost(sides, shown, followed), *_returned(sides, shown))
    return Verdict(_edits(sides), lost, frozenset(real), frozenset(conflicts - real))


def told(loss: str) -> str:
    """A sentence of `losses` as Markdown: the file, what became of a line, and the line."""
    path, _, rest = loss.partition(" ")
    found = _CONTENT.search(rest)
    if found is None:
        return f"`{path}` {rest}"
    line = literal_eval(found[0]).decode("utf-8", "replace")
    fence = "``" if "`" in line else "`"
    padding = " " if "`" in line else ""
    return f"`{path}` {rest[: found.start()]}{fence}{padding}{line}{padding}{fence}{rest[found.end() :]}"


def _edits(sides: Sides) -> int:
    """How much there is to lose: what a merge would have lost that left every file as the template had it."""
    nothing = dict.fromkeys(sides.ours, b"") | dict(sides.base)
    return len(losses(sides.base, sides.ours, sides.base, nothing))


def _lost(sides: Sides, merged: Files, renamed: Mapping[str, str]) -> list[str]:
    """Every loss. Of a file that is gone with lines of its author's, each line counts."""
    found = losses(sides.base, sides.ours, sides.theirs, merged, renamed)
    gone = {loss.removesuffix(_GONE) for loss in found if loss.endswith(_GONE)}
    lines = losses(sides.base, sides.ours, sides.theirs, {**merged, **dict.fromkeys(gone, b"")}, renamed)
    without_lines = [path for path in gone if not any(line.startswith(f"{path} ") for line in lines)]
    return [*lines, *(f"{path}{_GONE}" for path in without_lines)]


def _returned(sides: Sides, merged: Files) -> list[str]:
    """Files that the author deleted, or moved away, and that are there again under a name that the template gave them."""
    gone = {sides.base[path] for path in sides.base.keys() - sides.ours.keys()}
    new = merged.keys() - sides.ours.keys() - sides.base.keys()
    return [f"{path} came back" for path in sorted(new) if merged[path] in gone]


def _with_rejected(text: bytes, reject: bytes) -> bytes:
    """A text with the hunks that were not applied to it, as if they had been: a reader finds both."""
    _, _, hunks = reject.partition(b"\n@@")
    changes = [line for line in hunks.split(b"\n")[1:] if line.startswith((b"+", b"-"))]
    taken = Counter(line[1:] for line in changes if line.startswith(b"-"))
    kept = []
    for line in text.split(b"\n"):
        if taken[line] > 0:
            taken[line] -= 1
        else:
            kept.append(line)
    return b"\n".join([*kept, *(line[1:] for line in changes if line.startswith(b"+"))])


def _versions(sides: Sides, path: str, renamed: Mapping[str, str]) -> list[bytes | None]:
    """The three versions of a file in conflict, whichever of its names each has."""
    before = {new: old for old, new in renamed.items()}
    names = [path, before.get(path, path), renamed.get(path, path)]
    found = [next((files[name] for name in names if name in files), None) for files in (sides.base, sides.ours, sides.theirs)]
    return [text if text is None else text.replace(b"\r\n", b"\n") for text in found]
