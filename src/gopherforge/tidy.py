"""Completes a service's go.mod and go.sum by Go, where there is one."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from gopherforge.errors import ForgeError, ProgramFailed, ProgramMissing
from gopherforge.gocommand import OFFLINE, go
from gopherforge.gocopy import Surroundings, check_out
from gopherforge.gomod import MODULES_FILES, Texts, put_back
from gopherforge.merge import Merged, located
from gopherforge.modfile import Unreadable
from gopherforge.process import decode, encode
from gopherforge.trees import Entry, Store, Tree
from gopherforge.wording import printable

_ARGUMENTS = ("mod", "tidy")
_BY_HAND = "go.mod and go.sum may be incomplete: run `go mod tidy`"


def complete(
    store: Store,
    ours: Tree,
    merged: Merged,
    scratch: Path,
    environ: Mapping[str, str],
    *,
    around: Surroundings,
    stranded: bool = False,
) -> Merged:
    """The merge with each go.mod and go.sum completed, where only Go can tell what they lack; else with a warning.

    `ours` are the author's files, in a repository that is `around` them. `stranded` says that some import packages of the
    service that are gone. It works in `scratch`, an existing directory. Raises ProgramMissing and ProgramFailed where git fails.
    """
    incomplete = {place: modules for place, modules in merged.modules.items() if not modules.complete}
    waiting = dict.fromkeys(incomplete, "the conflicts are resolved") if merged.conflicts else {}
    if stranded and "" in incomplete:
        waiting.setdefault("", "no file imports what is gone")
    sentences = {place: f"{_BY_HAND} once {what}." for place, what in waiting.items()}
    tree = merged.tree
    if ready := {place: modules for place, modules in incomplete.items() if place not in waiting}:
        directory = check_out(store, store.write(tree), around, scratch / "tidy")
        sentences |= {place: tidy(directory / place, environ, modules.own) for place, modules in ready.items()}
        tree = tree | _written(store, tree, directory, ready)
    told = [located(place, sentence) for place, sentence in sorted(sentences.items()) if sentence]
    return replace(merged, tree=tree, warnings=(*merged.warnings, *told, *_outdated_copies(ours, tree, merged.modules)))


def tidy(directory: Path, environ: Mapping[str, str], own: Collection[str] = ()) -> str:
    """Run `go mod tidy` in a checked-out copy: with the modules that Go has already, else with the user's environment.

    The requirements of the modules in `own` stay in any case, and so do line ends. Returns an empty text; or, where it does
    not succeed, a sentence that says so, and both files are as they were.
    """
    try:
        before = _read(directory)
        put_back(before, before, ())  # never over what Go cannot read, such as the marks of a conflict
    except (OSError, Unreadable) as error:
        return _unfinished(str(error))
    after = before
    try:
        _run(directory, environ)
        after = put_back(before, _read(directory), own)
    except ProgramMissing:
        return f"{_BY_HAND}, for which there is no Go here."
    except (ForgeError, OSError, Unreadable) as error:
        return _unfinished(str(error))
    finally:
        _write(directory, after)
    return ""


def _written(store: Store, tree: Tree, directory: Path, places: Iterable[str]) -> dict[str, Entry]:
    """Each go.mod and go.sum in a copy of a tree."""
    paths = [path for place in places for path in _files(place, *MODULES_FILES) if (directory / path).exists()]
    modes = [tree[path].mode if path in tree else "100644" for path in paths]
    oids = store.add([(directory / path).read_bytes() for path in paths])
    return {path: Entry(mode, oid) for path, mode, oid in zip(paths, modes, oids, strict=True)}


def _outdated_copies(ours: Tree, tree: Tree, places: Iterable[str]) -> Iterator[str]:
    """A sentence on each module whose go.mod changes, and that has copies of what it requires."""
    for place in places:
        mod, copies = _files(place, "go.mod", "vendor/modules.txt")
        if copies in tree and tree.get(mod) != ours.get(mod):
            yield located(place, "go.mod has changed, and vendor/ has not: run `go mod vendor`.")


def _files(place: str, *names: str) -> list[str]:
    return [str(PurePosixPath(place, name)) for name in names]


def _run(directory: Path, environ: Mapping[str, str]) -> None:
    """Raises ProgramMissing and ProgramFailed."""
    try:
        go(_ARGUMENTS, directory, environ, OFFLINE | {"GOFLAGS": "-mod=mod"})
    except ProgramFailed:
        go(_ARGUMENTS, directory, environ, {})


def _unfinished(why: str) -> str:
    return f"{_BY_HAND}, which failed here ({printable(why).rstrip('.')})."


def _read(directory: Path) -> Texts:
    files = [directory / name for name in MODULES_FILES]
    return Texts(*(decode(file.read_bytes()) if file.exists() else None for file in files))


def _write(directory: Path, texts: Texts) -> None:
    for name, text in zip(MODULES_FILES, (texts.mod, texts.sum), strict=True):
        file = directory / name
        if text is None:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(encode(text))
