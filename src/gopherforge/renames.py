"""Renames undone for a merge: what one side renamed gets its new name on all three, so that nothing is renamed any more."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gopherforge.trees import Entry, Store, Tree, above

ALIKE = 60
"""Per cent of a file's bytes that make another one the same file under another name. git's own 50 pairs Go files by little
more than their imports."""

SHORT = 10
"""Files of fewer lines than this are the same under another name only if nothing in them has changed: mostly, what little
they hold is what such files always hold."""


@dataclass(frozen=True)
class Sides:
    """The three trees of a merge, to be worked on."""

    base: dict[str, Entry]
    ours: dict[str, Entry]
    theirs: dict[str, Entry]

    @property
    def all(self) -> tuple[dict[str, Entry], dict[str, Entry], dict[str, Entry]]:
        """The trees, in order."""
        return self.base, self.ours, self.theirs

    def at(self, path: str) -> tuple[Entry | None, Entry | None, Entry | None]:
        """What each tree has under a path."""
        return self.base.get(path), self.ours.get(path), self.theirs.get(path)


@dataclass
class Renames:
    """What became of names. A path is the one that a file has in all trees now, where it is not said to be an old one."""

    aligned: set[str] = field(default_factory=set)  # the files that one side renamed
    moved: dict[str, str] = field(default_factory=dict)  # of the author's, what the template renamed or moved: old path to new
    diverged: dict[str, tuple[str, str]] = field(default_factory=dict)  # both sides renamed it: where from, and theirs
    dropped: dict[str, str] = field(default_factory=dict)  # the author renamed what the template deleted: where from
    elsewhere: set[str] = field(default_factory=set)  # the files that the author has under other names: the old ones
    left_out: list[str] = field(default_factory=list)  # new files of the template in directories that the author deleted


def align(store: Store, sides: Sides, *, asked: bool = False) -> Renames:
    """Give files in all trees one name: the one that the author, else the template gave them.

    New files go with a directory that the other side renamed as a whole. Where a name is taken, the file is left alone: one that
    was deleted here and added there. What the author `asked` for comes in directories of its own, wherever they are to be.
    Raises IncompleteClone.
    """
    result = Renames()
    by_author, by_template = (find(store, sides.base, side) for side in (sides.ours, sides.theirs))
    result.elsewhere.update(by_author)
    _new_files_of_the_template(sides, by_author, set(by_template.values()), result, asked=asked)
    _new_files_of_the_author(sides, by_template, set(by_author.values()), result)
    for old in sorted(by_author.keys() | by_template.keys()):
        _follow(sides, old, by_author.get(old), by_template.get(old), result)
    return result


def find(store: Store, old: Tree, new: Tree) -> dict[str, str]:
    """The files that are in `new` under another name: old path to new. Raises IncompleteClone."""
    pairs = store.similar(old, new, ALIKE)
    changed = [pair for pair in pairs if old[pair[0]].oid != new[pair[1]].oid]
    texts = store.contents(entry for path, other in changed for entry in (old[path], new[other]))
    unlike = {path for path, other in changed if not _is_alike(texts[old[path].oid], texts[new[other].oid])}
    return {path: other for path, other in pairs if path not in unlike}


def _is_alike(old: bytes, new: bytes) -> bool:
    """Whether a file is long enough to be known again, or only its line ends are others."""
    return old.count(b"\n") >= SHORT or old.replace(b"\r\n", b"\n") == new.replace(b"\r\n", b"\n")


def _follow(sides: Sides, old: str, mine: str | None, its: str | None, result: Renames) -> None:
    new = mine or its or old
    names = (sides.base, old), (sides.ours, mine or old), (sides.theirs, its or old)
    if any(_is_taken(tree, new, name) for tree, name in names):
        return
    result.aligned.add(new)
    if old in sides.ours:
        result.moved[old] = new
    if mine and its and mine != its:
        result.diverged[new] = old, its
    if mine and not its and old not in sides.theirs:
        result.dropped[new] = old
    for tree, name in names:
        if name in tree:
            tree[new] = tree.pop(name)


def _is_taken(tree: Tree, place: str, name: str = "") -> bool:
    """Whether a file cannot be in a place, for what is there, above or below; not for what has this name."""
    return any(path == place or path.startswith(f"{place}/") or place.startswith(f"{path}/") for path in tree if path != name)


def _new_files_of_the_template(
    sides: Sides, by_author: Mapping[str, str], known: set[str], result: Renames, *, asked: bool
) -> None:
    """Where the author's directory is now; nowhere, if it was deleted."""
    gone = _gone(sides.base, sides.ours, by_author)
    for path in sorted(sides.theirs.keys() - sides.base.keys() - sides.ours.keys() - known):
        place = _place(path, gone)
        if place is None and asked and next(above(path)) not in gone:
            place = path
        if place is None:
            del sides.theirs[path]
            result.left_out.append(path)
        elif place not in sides.theirs:
            sides.theirs[place] = sides.theirs.pop(path)


def _new_files_of_the_author(sides: Sides, by_template: Mapping[str, str], known: set[str], result: Renames) -> None:
    """Where the template's directory is now; where they are, if it was deleted."""
    gone = _gone(sides.base, sides.theirs, by_template)
    for path in sorted(sides.ours.keys() - sides.base.keys() - sides.theirs.keys() - known):
        place = path if sides.ours[path].is_submodule else _place(path, gone) or path
        if place != path and not _is_taken(sides.ours, place, path) and not _is_taken(sides.theirs, place):
            sides.ours[place] = sides.ours.pop(path)
            result.moved[path] = place


def _gone(before: Tree, after: Tree, renames: Mapping[str, str]) -> dict[str, str | None]:
    """Each directory of `before` to what it is called in `after`: itself, another one, or None if it was deleted.

    It was renamed if no file is left in it and at least half of them are in one other directory, and none in a third.
    """
    alive = {directory for path in after for directory in above(path)}
    below: dict[str, list[str]] = {}
    for path in before:
        for directory in above(path):
            below.setdefault(directory, []).append(path)
    return {
        directory: directory if directory in alive else _moved_to(directory, below[directory], renames) for directory in below
    }


def _moved_to(directory: str, paths: list[str], renames: Mapping[str, str]) -> str | None:
    renamed = [path for path in paths if path in renames]
    if not renamed:
        return None
    places = {_parent(renames[path], path.removeprefix(directory)) for path in renamed}
    place = places.pop()
    return place if place and not places and 2 * len(renamed) >= len(paths) else directory


def _parent(path: str, below: str) -> str | None:
    """The directory in which `path` lies as `below`, such as /a/b.go, says."""
    return path.removesuffix(below) if path.endswith(below) else None


def _place(path: str, gone: Mapping[str, str | None]) -> str | None:
    """What a path is called by its nearest directory that is known."""
    for directory in above(path):
        if directory in gone:
            place = gone[directory]
            return place and place + path.removeprefix(directory)
    return path
