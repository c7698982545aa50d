"""The line ends of the author, in what is merged with the author's files."""

from collections.abc import Iterable

from gopherforge.renames import Sides
from gopherforge.trees import Entry, Store


def edited(sides: Sides) -> list[str]:
    """Where the author has another file than the old rendering, or the new one adds one: no other can have other line ends."""
    rendered = sides.theirs | sides.base
    return [path for path, entry in sides.ours.items() if path in rendered and rendered[path] != entry]


def unify(store: Store, sides: Sides, paths: Iterable[str]) -> None:
    """Give the renderings of these files CRLF at every line, where the author's have it at most of the lines that are rendered.

    Raises IncompleteClone.
    """
    present = [path for path in paths if path in sides.ours and sides.ours[path].is_file]
    texts = store.contents(entry for path in present for entry in (sides.ours[path], *_rendered(sides, path)))
    changed = [
        (tree, path)
        for path in present
        if _is_crlf(texts[sides.ours[path].oid], [texts[entry.oid] for entry in _rendered(sides, path)])
        for tree in (sides.base, sides.theirs)
        if path in tree and tree[path].is_file
    ]
    rendered = store.contents(tree[path] for tree, path in changed)
    oids = store.add([rendered[tree[path].oid].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for tree, path in changed])
    for (tree, path), oid in zip(changed, oids, strict=True):
        tree[path] = Entry(tree[path].mode, oid)


def as_in(original: bytes, text: bytes) -> bytes:
    """A text whose lines end in newlines, with the ends that most lines of another have."""
    return text.replace(b"\n", b"\r\n") if _is_crlf(original, ()) else text


def _rendered(sides: Sides, path: str) -> list[Entry]:
    """What the author's file was made from; where it was from nothing, what the template has in its place."""
    return [entry for entry in (sides.base.get(path) or sides.theirs.get(path),) if entry and entry.is_file]


def _is_crlf(text: bytes, rendered: Iterable[bytes]) -> bool:
    """Whether this is text, and most of its lines that are rendered, or else of all, end so."""
    if b"\0" in text:
        return False
    lines = set(text.split(b"\n")[:-1])
    known = {line.removesuffix(b"\r") for other in rendered for line in other.split(b"\n")}
    common = {line for line in lines if line.removesuffix(b"\r") in known} or lines
    crlf = sum(line.endswith(b"\r") for line in common)
    return 2 * crlf > len(common)
