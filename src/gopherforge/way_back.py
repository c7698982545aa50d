"""The way back to answers that a service had before: both renderings with what its author had made of them then.

What the author deleted, or raised a version of, in files and lines that only those answers have is remembered by history only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from gopherforge import lineends, merge, modfile, pins, renames
from gopherforge.errors import IncompleteClone, ProgramFailed
from gopherforge.gomod import MODULES_FILES
from gopherforge.merge import Merged
from gopherforge.ownership import MANAGED, MODULES, Ownership
from gopherforge.process import decode, encode
from gopherforge.project import ANSWERS_FILE
from gopherforge.reader import Reader, exists
from gopherforge.repository import split
from gopherforge.service import Service
from gopherforge.trees import Entry, Store, Tree

_LOG = (
    *("log", "--root", "--first-parent", "--diff-merges=first-parent", "--raw", "-z", "--no-renames", "--no-abbrev"),
    *("--no-show-signature", "--no-follow", "--no-ext-diff", "--no-textconv", "--no-color", "--format=%H"),
)


class _Module(NamedTuple):
    """A go.mod in which the author required other versions, or less."""

    rendered: Entry  # the new rendering's, with these requirements
    mod: Entry  # the author's
    sum: Entry | None
    checksums: bytes  # what is in go.sum
    left_out: frozenset[str]  # the modules that the template requires, and the author did not


@dataclass(frozen=True)
class _WayBack:
    """What to merge in place of the renderings, and what to do with the merge."""

    base: Tree
    theirs: Tree
    deleted: frozenset[str]  # files that only the former answers have, and that the author deleted
    modules: Mapping[str, _Module]  # by the path of go.mod


Sides = tuple[Tree, Tree, Tree]
"""What is merged: the old rendering, the author's files and the new rendering."""


def merge_back(
    store: Store, service: Service, sides: Sides, ownership: Ownership, environ: Mapping[str, str], *, labels: tuple[str, str]
) -> Merged | None:
    """Merge as `merge.merge` does, with what the author had made of the new rendering's answers.

    Returns None where the service never had them at this version and module path, as far as its history is here, and where that
    is a conflict. Raises ProgramMissing and ProgramFailed.
    """
    base, ours, _ = sides
    way = _find(store, service, sides, ownership, environ)
    if way is None:
        return None
    merged = merge.merge(store, way.base, ours, way.theirs, ownership, labels=labels, asked=True)
    return None if merged.conflicts else _finish(store, way, merged, base, ours)


def _find(store: Store, service: Service, sides: Sides, ownership: Ownership, environ: Mapping[str, str]) -> _WayBack | None:
    """Only managed files and requirements are looked at: a seeded group is the template's or the author's as a whole."""
    base, ours, theirs = sides
    try:
        former = _former(store, service, theirs[ANSWERS_FILE], environ)
        then = store.read(former) if former else {}
        if not _has_module(store, then, service.module):
            return None
        managed = {path for path in theirs if ownership.owner(path) == MANAGED and not _is_of_module(path)} - {ANSWERS_FILE}
        names = renames.find(store, theirs, then)
        mine = {path: then[name] for path in managed if (name := names.get(path, path)) in then}
        if _follows_more(mine, base, theirs):
            return None
        new_base, new_theirs = _as_then(store, base, theirs, {path: entry for path, entry in mine.items() if path in base})
        deleted = frozenset(managed - base.keys() - mine.keys() - ours.keys())
        pinned = _pinned(store, theirs, {path: mine[path] for path in mine.keys() - base.keys() - ours.keys()})
        modules = {path for path in theirs if ownership.owner(path) == MODULES and path.rpartition("/")[2] == "go.mod"}
        required = _required_then(store, base, then, theirs, modules)
    except (IncompleteClone, ProgramFailed):  # of a history that is not all here
        return None
    rendered = new_theirs | pinned | {path: module.rendered for path, module in required.items()}
    remembered = {path: entry for path, entry in rendered.items() if path not in deleted}
    return _WayBack(new_base, remembered, deleted, required)


def _follows_more(mine: Tree, other: Tree, wanted: Tree) -> bool:
    """Whether more of the author's files follow the other rendering, of those that differ.

    So it is where the answers, or the files that were made for others, were committed on their own.
    """
    as_other = sum(entry == other.get(path) != wanted[path] for path, entry in mine.items())
    return as_other > sum(entry == wanted[path] != other.get(path) for path, entry in mine.items())


def _finish(store: Store, way: _WayBack, merged: Merged, base: Tree, ours: Tree) -> Merged:
    """The merge of what is on the way, with what is missing, and with the checksums of then where go.mod is as then."""
    modules, tree = dict(merged.modules), dict(merged.tree)
    for path, then in way.modules.items():
        place = path.rpartition("/")[0]
        known = _lines(store, base.get(_sum(path))) | set(then.checksums.splitlines())
        as_then = tree.get(path) == then.mod and _lines(store, ours.get(_sum(path))) <= known
        if as_then and not _needs(merge.imports(store, tree, place), then.left_out):
            mod = decode(store.contents([then.mod])[then.mod.oid])
            sums = decode(then.checksums) if then.sum else None
            tree.pop(_sum(path), None)
            if then.sum:
                tree[_sum(path)] = then.sum
            modules[place] = replace(modules[place], mod=mod, sum=sums, complete=True)
        elif place in modules:
            modules[place] = replace(modules[place], complete=False)
    return replace(merged, tree=tree, modules=modules, missing=tuple(sorted({*merged.missing, *way.deleted})))


def _former(store: Store, service: Service, answers: Entry, environ: Mapping[str, str]) -> str:
    """The service's tree in the last commit before HEAD that had these answers; empty where none had.

    Answers that came by a commit which changed nothing else were written by hand: no files ever followed them.
    """
    repository = service.repository
    reader = Reader(repository.git_dir, repository.top)

    def log(*arguments: str) -> Iterator[tuple[str, str]]:
        fields = iter(split(reader.ask(environ, *_LOG, *arguments)))
        return ((commit, change.split()[2]) for commit, change in _changes(fields))

    history = list(log(repository.head, "--", f":(top,literal){repository.prefix}{ANSWERS_FILE}"))
    texts = store.contents([answers, *(Entry("100644", before) for _, before in history if exists(before))])
    for (commit, before), (writer, _) in pairwise(history):
        same = exists(before) and _meaning(texts[before]) == _meaning(texts[answers.oid])
        if same and len(list(log("-1", writer, "--", f":(top,literal){repository.prefix}"))) > 1:
            return reader.ask(environ, "rev-parse", "--verify", f"{commit}^1:{repository.prefix.rstrip('/')}")
    return ""


def _changes(fields: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Each file in what _LOG writes: its commit, and what is said of it."""
    commit = ""
    for word in fields:
        if word.lstrip("\n").startswith(":"):
            next(fields)  # its path
            yield commit, word
        else:
            commit = word


def _meaning(answers: bytes) -> set[bytes]:
    """What an answers file says, but for the module path: another one in go.mod is recorded later than it is there."""
    return {line for line in answers.splitlines() if not line.startswith((b"#", b"module:"))}


def _has_module(store: Store, tree: Tree, module: str) -> bool:
    entry = tree.get("go.mod")
    return entry is not None and modfile.module_path(decode(store.contents([entry])[entry.oid])) == module


def _is_of_module(path: str) -> bool:
    return path.rpartition("/")[2] in MODULES_FILES


def _sum(path: str) -> str:
    """The go.sum of a go.mod."""
    return f"{path.removesuffix('go.mod')}go.sum"


def _as_then(store: Store, base: Tree, theirs: Tree, mine: Tree) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """The renderings, with the files that differ between them as the author had them, where that is no conflict."""
    edited = [path for path, entry in mine.items() if entry != theirs[path] and base[path] != theirs[path]]
    old, own, new = ({path: tree[path] for path in edited} for tree in (theirs, mine, base))
    left = merge.merge(store, old, own, new, Ownership(()), labels=("then", "now"))
    agreed = [path for path in edited if path not in left.conflicts]
    return (
        {**base, **{path: left.tree[path] for path in agreed}},
        {**theirs, **{path: mine[path] for path in agreed}},
    )


def _pinned(store: Store, theirs: Tree, mine: Tree) -> dict[str, Entry]:
    """The files in which the author did nothing but move pins, or have other line ends."""
    files = [path for path, entry in mine.items() if entry.is_file and entry.mode == theirs[path].mode]
    texts = store.contents(entry for path in files for entry in (theirs[path], mine[path]))
    found = {}
    for path in files:
        rendered, author = (texts[entry.oid] for entry in (theirs[path], mine[path]))
        old, own = decode(lineends.as_in(author, rendered)), decode(author)
        settled, same, _ = pins.settle(old, own, old)
        if settled == same:
            found[path] = mine[path]
    return found


def _required_then(store: Store, base: Tree, then: Tree, theirs: Tree, paths: Iterable[str]) -> dict[str, _Module]:
    """The go.mod files in which requirements that the old rendering does not have were others then."""
    found = {}
    for path in paths:
        if path not in base or path not in then:
            continue
        sums = then.get(_sum(path))
        texts = store.contents(entry for entry in (base[path], then[path], theirs[path], sums) if entry)
        try:
            old, was, new = (modfile.parse(decode(texts[tree[path].oid])) for tree in (base, then, theirs))
        except modfile.Unreadable:
            continue
        before = str(new)
        kept, former = ({line.args[0]: line for line in file.lines("require")} for file in (old, was))
        added = [line for line in new.lines("require") if line.args[0] not in kept]
        for line in added:
            if (required := former.get(line.args[0])) is None:
                new.remove(line)
            else:
                line.args, line.before, line.suffix = required.args, required.before, required.suffix
        if str(new) != before:
            [oid] = store.add([encode(str(new))])
            left_out = frozenset(line.args[0] for line in added) - former.keys()
            checksums = texts[sums.oid] if sums else b""
            found[path] = _Module(Entry(theirs[path].mode, oid), then[path], sums, checksums, left_out)
    return found


def _needs(imports: Iterable[str], modules: Iterable[str]) -> bool:
    """Whether a package of one of these modules is imported."""
    return any(f"{path}/".startswith(f"{module}/") for path in imports for module in modules)


def _lines(store: Store, entry: Entry | None) -> set[bytes]:
    """The checksums in a go.sum."""
    return set(store.contents([entry])[entry.oid].splitlines()) if entry else set()
