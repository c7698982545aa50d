"""The merge of an update: the old rendering, the author's files and the new rendering become one tree."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from gopherforge import goimports, gomod, lineends, pins, renames
from gopherforge.conflicts import Conflict
from gopherforge.gomod import MODULES_FILES, Modules, Texts
from gopherforge.ownership import MANAGED, MODULES, Ownership
from gopherforge.process import decode, encode
from gopherforge.project import ANSWERS_FILE
from gopherforge.renames import Renames, Sides
from gopherforge.trees import Entry, Store, Tree, above
from gopherforge.wording import printable


@dataclass(frozen=True)
class Merged:
    """The merged files. Those in conflict hold markers, or are the author's."""

    tree: dict[str, Entry]
    conflicts: dict[str, dict[int, Entry]]  # path → stage → entry: 1 the old rendering's, 2 the author's, 3 the new one's
    explained: tuple[Conflict, ...]  # at least one for every path in `conflicts`, sorted
    # What the template renamed, or moved with its directory, of the author's files: old path → new path. In `tree`, another
    # file may be at the old one, and none at the new one, where it had to make room.
    renamed: dict[str, str]
    kept: tuple[str, ...]  # template changes not taken, because the author deleted or owns the file; sorted
    missing: tuple[str, ...]  # files of the renderings that are not there because the author deleted them; sorted
    modules: dict[str, Modules]  # directory, "" for the service's own → what became of its go.mod and go.sum; sorted
    warnings: tuple[str, ...]  # sentences: what the author should look at


@dataclass
class _Result:
    tree: dict[str, Entry] = field(default_factory=dict)
    stages: dict[str, dict[int, Entry]] = field(default_factory=dict)
    conflicts: set[Conflict] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)

    def conflict(self, kind: str, *paths: str, stages: tuple[Entry | None, Entry | None, Entry | None]) -> None:
        self.conflicts.add(Conflict(kind, paths))
        self.stages[paths[0]] = {stage: entry for stage, entry in enumerate(stages, 1) if entry}


def merge(
    store: Store, base: Tree, ours: Tree, theirs: Tree, ownership: Ownership, *, labels: tuple[str, str], asked: bool = False
) -> Merged:
    """Merge what changed from `base`, the old rendering, to `theirs`, the new one, into `ours`, the author's files.

    `labels` are for the conflict markers: `ours` and `theirs`, as names that could be branches'. `asked` says that the author
    asked for what is new in `theirs`. Raises IncompleteClone, ProgramMissing and ProgramFailed.
    """
    sides, result = Sides(dict(base), dict(ours), dict(theirs)), _Result()
    for tree in sides.all:
        tree.pop(ANSWERS_FILE, None)
    taken = _take_modules(sides, ownership)
    lineends.unify(store, sides, lineends.edited(sides))
    result.kept.update(_hand_over(store, sides, ownership))
    names = renames.align(store, sides, asked=asked)
    lineends.unify(store, sides, names.aligned)
    _forget_pins(store, sides, names)
    _combine(store, sides, _settle(sides, names, result), labels, result)
    modules = _merge_modules(store, taken, result.tree)
    _make_room(sides, labels[1], result)
    if ANSWERS_FILE in theirs:
        result.tree[ANSWERS_FILE] = theirs[ANSWERS_FILE]
    explained = sorted(result.conflicts, key=lambda conflict: (conflict.paths, conflict.kind))
    kept, missing = (tuple(sorted(paths.union(names.left_out))) for paths in (result.kept, result.missing))
    warnings = tuple(located(directory, warning) for directory, each in modules.items() for warning in each.warnings)
    return Merged(result.tree, result.stages, tuple(explained), names.moved, kept, missing, modules, warnings)


def imports(store: Store, tree: Tree, directory: str) -> Collection[str]:
    """The import paths in the Go files of the module in a directory of a tree."""
    below = _join(directory, "")
    files = {path.removeprefix(below): entry for path, entry in tree.items() if entry.is_file and path.startswith(below)}
    return goimports.imports(store.contents(files[path] for path in goimports.sources(files)).values())


def located(directory: str, sentence: str) -> str:
    """A sentence on the go.mod or go.sum of a directory."""
    return f"In {printable(directory)}: {sentence}" if directory else sentence


def _take_modules(sides: Sides, ownership: Ownership) -> dict[str, Sides]:
    """Take each go.mod and go.sum that is to be merged by meaning out of the trees: directory to files by name."""
    paths = {path for tree in sides.all for path in tree if PurePosixPath(path).name in MODULES_FILES}
    rendered = sides.base.keys() | sides.theirs.keys()
    # Up to v0.4.0 the table called those in tools/ managed.
    owned = {path for path in paths if (owner := ownership.owner(path)) == MODULES or (owner == MANAGED and path in rendered)}
    places: dict[str, Sides] = {}
    for directory in {path.rpartition("/")[0] for path in owned}:
        files = {name: path for name in MODULES_FILES if (path := _join(directory, name)) in owned}
        if all(tree[path].is_file for tree in sides.all for path in files.values() if path in tree):
            taken = ({name: tree.pop(path) for name, path in files.items() if path in tree} for tree in sides.all)
            places[directory] = Sides(*taken)
    return places


def _merge_modules(store: Store, places: Mapping[str, Sides], tree: dict[str, Entry]) -> dict[str, Modules]:
    """Merge each go.mod and go.sum by meaning, and put them into a tree that is merged otherwise."""
    merged: dict[str, Modules] = {}
    for directory in sorted(places, reverse=True):  # a module below another's directory first: its sources are not the other's
        modules = merged[directory] = _merge_module(store, directory, places[directory], tree)
        files = [(name, text) for name, text in zip(MODULES_FILES, (modules.mod, modules.sum), strict=True) if text is not None]
        _, ours, theirs = places[directory].all
        for (name, _), oid in zip(files, store.add([encode(text) for _, text in files]), strict=True):
            mode = next((side[name].mode for side in (ours, theirs) if name in side), "100644")
            tree[_join(directory, name)] = Entry(mode, oid)
    return dict(sorted(merged.items()))


def _merge_module(store: Store, directory: str, sides: Sides, tree: Tree) -> Modules:
    texts = store.contents(entry for side in sides.all for entry in side.values())
    base, ours, theirs = (
        Texts(*(decode(texts[side[name].oid]) if name in side else None for name in MODULES_FILES)) for side in sides.all
    )
    return gomod.merge(base, ours, theirs, lambda: imports(store, tree, directory))


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _hand_over(store: Store, sides: Sides, ownership: Ownership) -> set[str]:
    """Give each seeded group that the author touched to the author, in both renderings, and say what is thereby kept."""
    kept: set[str] = set()
    rendered = sides.base.keys() | sides.theirs.keys()
    places = {ownership.rule(path) for path in rendered}
    # What the author keeps in a place of a group that this service has nothing in does not touch the group.
    owners = {path: rule[1] for path in rendered | sides.ours.keys() if (rule := ownership.rule(path)) in places}
    touched = {
        owner
        for owner in set(owners.values()) - {MANAGED, MODULES}
        if _of(sides.base, owners, owner) != _of(sides.ours, owners, owner)
    }
    for path in _changing_hands(store, sides, owners) if touched else ():
        del owners[path]
    for group in touched:
        old, mine, new = (_of(tree, owners, group) for tree in sides.all)
        kept |= {path for path in old.keys() | new.keys() if new.get(path) not in (old.get(path), mine.get(path))}
        for tree, given in ((sides.base, old), (sides.theirs, new)):
            for path in given:
                del tree[path]
            tree.update(mine)
    return kept


def _of(tree: Tree, owners: Mapping[str, str], group: str) -> dict[str, Entry]:
    return {path: entry for path, entry in tree.items() if owners.get(path) == group}


def _changing_hands(store: Store, sides: Sides, owners: Mapping[str, str]) -> set[str]:
    """Both names of each file that the template moves to another owner, if the author has it: it follows, as any that moves."""
    moves = renames.find(store, sides.base, sides.theirs).items()
    return {path for old, new in moves if owners[old] != owners[new] and old in sides.ours for path in (old, new)}


def _forget_pins(store: Store, sides: Sides, names: Renames) -> None:
    """Undo the author's edits of the files that go with the template where they are nothing but moved pins."""
    going = sides.base.keys() & sides.ours.keys() - sides.theirs.keys() - names.dropped.keys()
    dropped = {path: sides.base[path] for path in going}
    edited = [path for path, entry in dropped.items() if sides.ours[path] != entry and sides.ours[path].mode == entry.mode]
    files = [path for path in edited if dropped[path].is_file]
    texts = store.contents(entry for path in files for entry in (dropped[path], sides.ours[path]))
    for path in files:
        old, mine = (decode(texts[entry.oid]) for entry in (dropped[path], sides.ours[path]))
        settled, same, _ = pins.settle(old, mine, old)
        if settled == same:
            sides.ours[path] = dropped[path]


def _settle(sides: Sides, names: Renames, result: _Result) -> list[str]:
    """Decide on every path but those that are returned: both sides have them, each changed or new in its own way."""
    both: list[str] = []
    for path in sorted(sides.base.keys() | sides.ours.keys() | sides.theirs.keys()):
        base, ours, theirs = stages = sides.at(path)
        entry = ours
        if base and not ours and path not in names.elsewhere:
            result.missing.add(path)
        if path in names.dropped:
            result.conflict("rename/delete", path, names.dropped[path], stages=stages)
        elif ours == base:
            entry = theirs
        elif theirs in (base, ours):
            pass
        elif ours is None:
            result.kept.add(path)
        elif theirs is None:
            result.conflict("modify/delete", path, stages=stages)
        else:
            both.append(path)
        if entry:
            result.tree[path] = entry
        if path in names.diverged:
            result.conflict("rename/rename", path, *names.diverged[path], stages=stages)
    return both


def _combine(store: Store, sides: Sides, paths: Iterable[str], labels: tuple[str, str], result: _Result) -> None:
    """Have git merge what is in files, after their pins; of anything else the author's stays."""
    files = []
    for path in paths:
        if all(entry is not None and entry.is_file for entry in sides.at(path)[1:]):
            files.append(path)
        else:
            result.conflict("type", path, stages=sides.at(path))
    if not files:
        return
    combined = store.combine(*_settle_pins(store, sides, files), labels)
    result.tree |= combined.tree
    for path, kinds in combined.kinds.items():
        base, ours, theirs = stages = sides.at(path)
        kind = "binary" if "CONFLICT (binary)" in kinds else "content" if base else "add/add"
        result.conflict("type" if ours and theirs and ours.oid == theirs.oid else kind, path, stages=stages)


def _settle_pins(store: Store, sides: Sides, paths: Iterable[str]) -> tuple[Tree, Tree, Tree]:
    """These files of all sides, with the pins that any of them moved at the version that counts."""
    trees = tuple({path: entry for path in paths if (entry := tree.get(path)) and entry.is_file} for tree in sides.all)
    base, ours, theirs = trees
    texts = store.contents(entry for tree in trees for entry in tree.values())
    changed: list[tuple[dict[str, Entry], str, bytes]] = []
    for path in base:
        before = [texts[tree[path].oid] for tree in trees]
        after = pins.settle(*map(decode, before))
        changed += [
            (tree, path, new) for tree, old, text in zip(trees, before, after, strict=True) if (new := encode(text)) != old
        ]
    for (tree, path, _), oid in zip(changed, store.add([text for _, _, text in changed]), strict=True):
        tree[path] = Entry(tree[path].mode, oid)
    return base, ours, theirs


def _make_room(sides: Sides, label: str, result: _Result) -> None:
    """Move files of the template out of the way where only one of a file and a directory can be."""
    clashes = [(path, file) for path in result.tree for file in above(path) if file in result.tree]
    for path, file in sorted(clashes):
        aside = path if file in sides.ours else file
        if entry := result.tree.pop(aside, None):
            place = _free(f"{file}~{label}", sides.ours, sides.theirs) + aside.removeprefix(file)
            result.tree[place] = entry
            result.conflict("file/directory", place, aside, stages=(None, None, entry))


def _free(path: str, *trees: Tree) -> str:
    """A name that nothing has, like this one."""
    taken = any(other == path or other.startswith(f"{path}/") for tree in trees for other in tree)
    return _free(f"{path}_", *trees) if taken else path
