"""go.mod and go.sum merged by meaning: of three texts of each, one; no Go needed."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from gopherforge import directives, gosum, lineends, modfile
from gopherforge.directives import Imports
from gopherforge.modfile import File, Unreadable
from gopherforge.process import decode, encode
from gopherforge.requirements import arrange
from gopherforge.wording import listed

MODULES_FILES = ("go.mod", "go.sum")
"""What a module's requirements are in."""


@dataclass(frozen=True)
class Texts:
    """go.mod and go.sum of one side; None for a file that it does not have."""

    mod: str | None
    sum: str | None


@dataclass(frozen=True)
class Modules:
    """The merged files, and what has to be known about them."""

    mod: str | None
    sum: str | None
    complete: bool = True  # whether they surely hold all that is needed, and no more; else only `go mod tidy` can tell
    warnings: tuple[str, ...] = ()  # sentences: what the author should look at
    own: tuple[str, ...] = ()  # modules whose requirement the author wrote: tidy must not take them away


def merge(base: Texts, ours: Texts, theirs: Texts, imports: Imports) -> Modules:
    """Bring what the template changed from `base` (old rendering) to `theirs` (new rendering) into the author's `ours`.

    `imports` tells the packages that the merged service imports; it is called at most once, where a requirement comes or
    goes. Line ends are the author's. Files that cannot be read stay as they are, with a warning.
    """
    old, own, new = _plain(base), _plain(ours), _plain(theirs)
    try:
        merged = _merge(old, own, new, imports)
    except Unreadable as error:
        kept = "go.mod and go.sum stay as they are, without what the template changed"
        return Modules(ours.mod, ours.sum, warnings=(f"{error}: {kept}.",))
    return replace(merged, mod=_as_in(ours.mod, merged.mod), sum=_as_in(ours.sum, merged.sum))


def put_back(before: Texts, after: Texts, own: Collection[str]) -> Texts:
    """What `go mod tidy` made of `before`, in its line ends and with the author's own requirements. Raises Unreadable."""
    old, new = _plain(before), _plain(after)
    kept = _put_back(old, new, own)
    return Texts(_as_in(before.mod, kept.mod), _as_in(before.sum, kept.sum))


def _merge(base: Texts, ours: Texts, theirs: Texts, imports: Imports) -> Modules:
    if theirs == base:
        return Modules(ours.mod, ours.sum)
    if ours.mod is None or theirs.mod is None:
        return _of_one_side(base, ours, theirs)
    old, file, new = _file(base), _file(ours), _file(theirs)
    own, formatted = directives.written_by_hand(old, file), str(file)
    notes = directives.merge(old, file, new, imports)
    old_sums, own_sums, new_sums = _sums(base), _sums(ours), _sums(theirs)
    known = old_sums.items() | new_sums.items()
    complete = notes.complete and own_sums.items() <= known
    sums, disputed = gosum.union(old_sums, own_sums, new_sums)
    if disputed:
        notes.warnings.append(f"go.sum keeps your checksum of {listed(disputed)}, though the template has another.")
    text = theirs.sum if complete or not sums else gosum.write(sums)
    mod = ours.mod if str(file) == formatted else str(file)
    if ours.mod == base.mod and complete:
        mod = theirs.mod
    return Modules(mod, text, complete, tuple(notes.warnings), own)


def _of_one_side(base: Texts, ours: Texts, theirs: Texts) -> Modules:
    """The author or the template has no go.mod."""
    if ours == base:
        return Modules(theirs.mod, theirs.sum)
    whose = ("you deleted it", "changed it") if ours.mod is None else ("you changed it", "no longer has it")
    stays = "deleted" if ours.mod is None else "there"
    return Modules(ours.mod, ours.sum, warnings=(f"go.mod stays {stays}, as {whose[0]}, though the template {whose[1]}.",))


def _put_back(before: Texts, after: Texts, own: Collection[str]) -> Texts:
    was, became = _file(before), _file(after)
    present = {line.args[0] for line in became.lines("require")}
    gone = [line for line in was.lines("require") if line.args[0] in own and line.args[0] not in present]
    if not gone:
        return after
    for line in gone:
        became.add(line, was)
    arrange(became)
    sums, _ = gosum.union({}, _sums(before), _sums(after))
    return Texts(str(became), gosum.write(sums))


def _file(side: Texts) -> File:
    try:
        return modfile.parse(side.mod or "")
    except Unreadable as error:
        raise Unreadable(f"go.mod cannot be read ({error})") from error


def _sums(side: Texts) -> dict[gosum.Hashed, str]:
    try:
        return gosum.parse(side.sum)
    except Unreadable as error:
        raise Unreadable(f"go.sum cannot be read ({error})") from error


def _plain(side: Texts) -> Texts:
    return Texts(*(text and text.replace("\r\n", "\n") for text in (side.mod, side.sum)))


def _as_in(original: str | None, merged: str | None) -> str | None:
    """The merged text with the line ends of the author's, or that very text where nothing else differs."""
    if original is None or merged is None:
        return merged
    return original if original.replace("\r\n", "\n") == merged else decode(lineends.as_in(encode(original), encode(merged)))
