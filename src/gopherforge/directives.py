"""The three-way merge of a go.mod's directives, into the author's file."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from gopherforge.modfile import File, Line
from gopherforge.requirements import arrange
from gopherforge.versions import Order, go_order, module_order

Key = tuple[str, ...]
Index = dict[Key, Line]
Imports = Callable[[], Collection[str]]

_PRECEDENCES: dict[str, Callable[[str], Order | None]] = {"require": module_order, "go": go_order, "toolchain": go_order}
_BUILD = ("require", "replace", "exclude", "tool")  # what decides which modules are built


@dataclass
class Notes:
    """What there is to say about a merge."""

    complete: bool = True  # whether the requirements are surely all that is needed, and no more; else only Go can tell
    warnings: list[str] = field(default_factory=list)  # what the author should look at: whole sentences


def merge(base: File, ours: File, theirs: File, imports: Imports) -> Notes:
    """Bring what the template changed from `base` to `theirs` into `ours`.

    `imports` tells the packages that the merged service imports; it is called only where a requirement comes or goes.
    """
    merging = _Merge(base, ours, theirs)
    merging.update()
    merging.add_and_remove(imports)
    merging.settle()
    return merging.notes


def written_by_hand(base: File, ours: File) -> tuple[str, ...]:
    """The modules whose requirement is the author's own: direct ones that the template has not, and those with a comment."""
    old = _index(base)
    lines = {key: line for key, line in _index(ours).items() if line.verb == "require"}
    return tuple(
        line.args[0] for key, line in lines.items() if (key not in old and not line.indirect) or _is_commented(old.get(key), line)
    )


class _Merge:
    def __init__(self, base: File, ours: File, theirs: File) -> None:
        self.notes = Notes()
        self._file, self._template = ours, theirs
        self._base, self._ours, self._theirs = _index(base), _index(ours), _index(theirs)
        self._directs = _directs(ours)
        self._modules = {key[1] for index in (self._base, self._ours, self._theirs) for key in index if key[0] == "require"}
        self._own_path = {line.args[0] for line in ours.lines("module")}

    def update(self) -> None:
        """What both sides have."""
        for key, line in self._ours.items():
            if key in self._theirs and line.verb != "module":
                self._update(self._base.get(key), line, self._theirs[key])

    def add_and_remove(self, imports: Imports) -> None:
        """What one side has."""
        added = [key for key in self._theirs if key not in self._base and key not in self._ours]
        removed = [key for key in self._theirs if key in self._base and key not in self._ours]
        dropped = [key for key in self._ours if key in self._base and key not in self._theirs]
        for key in added:
            self._add(self._theirs[key])
        asks = any(key[0] == "require" for key in (*added, *removed, *dropped))
        imported = self._imported(imports()) if asks else set()
        for key in removed:
            self._leave_out(key, imported)
        for key in dropped:
            if key[0] != "require":
                self._drop(key)
        self._drop_requirements([key for key in dropped if key[0] == "require"], imported)
        direct = {key[1] for key in added if key[0] == "require" and not self._theirs[key].indirect}
        if not direct <= imported:
            self.notes.complete = False

    def settle(self) -> None:
        """Put all in its place."""
        self._drop_old_toolchain()
        if _directs(self._file).items() - self._directs.items():
            arrange(self._file)
        if _built_from(self._file) != _built_from(self._template):
            self.notes.complete = False

    def _update(self, base: Line | None, ours: Line, theirs: Line) -> None:
        before = ours.args
        ours.args = self._chosen(base, ours, theirs)
        if ours.verb == "require" and ours.args != before:
            self._mind_the_authors(ours, before[-1])
        if base is not None and ours.before == base.before:
            ours.before = theirs.before
        if base is not None and ours.suffix == base.suffix:
            ours.suffix = theirs.suffix
        elif base is None or base.indirect == ours.indirect:
            ours.indirect = theirs.indirect and (base is not None or ours.indirect)

    def _chosen(self, base: Line | None, ours: Line, theirs: Line) -> Key:
        if ours.args == theirs.args or (base is not None and theirs.args == base.args):
            return ours.args
        if base is not None and ours.args == base.args:
            self._mind_the_comment(base, ours, theirs)
            return theirs.args
        what, version, newer = " ".join(ours.args[:-1]) or ours.verb, ours.args[-1], theirs.args[-1]
        order = _PRECEDENCES.get(ours.verb)
        if order is None:
            self._warn(f"{ours.verb} {ours.args[0]} stays as you have it, though the template changed it too: {theirs}.")
            return ours.args
        mine, new = order(version), order(newer)
        if mine is None or new is None:
            self._warn(f"{what} stays at {version}, which cannot be compared with the template's {newer}.")
            return ours.args
        if mine >= new:
            return ours.args
        if base is not None and mine < (order(base.args[-1]) or ()):
            self._warn(f"{what} is {newer} now, which the template requires; you had lowered it to {version}.")
        else:
            self._mind_the_comment(base, ours, theirs)
        return theirs.args

    def _mind_the_comment(self, base: Line | None, ours: Line, theirs: Line) -> None:
        if _is_commented(base, ours):
            self._warn(f"{theirs} comes from the template; you had {ours} with a comment.")

    def _mind_the_authors(self, required: Line, before: str = "") -> None:
        path, version = required.args
        own = self._ours.keys() - self._base.keys()
        if ("replace", path) in own:
            self._warn(f"your replace of {path} stays; the template now requires {version}.")
        if ("replace", path, before) in own:
            self._warn(f"your replace of {path} {before} no longer applies: the template now requires {version}.")
        if ("exclude", path, version) in own:
            self._warn(f"you exclude {path} {version}, which the template now requires: Go ignores that requirement.")

    def _add(self, line: Line) -> None:
        if line.verb == "require":
            self._mind_the_authors(line)
        new = replace(line, before=tuple(filter(None, line.before)))
        self._file.add(new, self._template)

    def _imported(self, packages: Iterable[str]) -> set[str]:
        """The modules that packages come from, tools included: of those whose path begins the package's, the longest."""
        known = self._modules | self._own_path
        tools = (line.args[0] for line in self._file.lines("tool"))
        return {module for package in (*packages, *tools) if (module := _longest(package, known))}

    def _leave_out(self, key: Key, imported: set[str]) -> None:
        base, theirs = self._base[key], self._theirs[key]
        if key[0] == "require":
            # An indirect one may be needed for another reason than the one for which it no longer was.
            if key[1] in imported or (theirs.indirect and theirs.args != base.args):
                self._add(theirs)
        elif theirs.args != base.args:
            self._warn(f"{key[0]} stays out of go.mod, from which you removed it, though the template changed it: {theirs}.")

    def _drop(self, key: Key) -> None:
        base, ours = self._base[key], self._ours[key]
        if ours.args == base.args and not _is_commented(base, ours):
            self._file.remove(ours)
        elif key[0] != "toolchain":
            self._warn(f"{ours} stays, as you changed it, though the template no longer has it.")

    def _drop_requirements(self, keys: list[Key], imported: set[str]) -> None:
        used = [key for key in keys if key[1] in imported]
        noted = [key for key in keys if key not in used and _is_commented(self._base[key], self._ours[key])]
        novel = [key for key in self._ours if key[0] == "require" and key not in self._base]
        rest = [key for key in keys if key not in used and key not in noted]
        for key in used:
            self._ours[key].indirect = False
        for key in noted:
            self._warn(f"{key[1]} stays, as you wrote a comment to it, though the template no longer requires it.")
        for key in rest:
            # What other modules need of it, only Go can tell.
            if used or noted or novel:
                self._ours[key].indirect = True
            else:
                self._file.remove(self._ours[key])

    def _drop_old_toolchain(self) -> None:
        """Where the template no longer says anything, an older toolchain than `go` asks for means nothing."""
        go, toolchain = ([*self._file.lines(verb)] for verb in ("go", "toolchain"))
        is_the_templates = ("toolchain",) in self._base and ("toolchain",) not in self._theirs
        if not is_the_templates or not go or not toolchain or toolchain[0].comments:
            return
        needed, named = go_order(go[0].args[0]), go_order(toolchain[0].args[0])
        if needed is not None and named is not None and named <= needed:
            self._file.remove(toolchain[0])

    def _warn(self, sentence: str) -> None:
        self.notes.warnings.append(sentence)


def _index(file: File) -> Index:
    index: Index = {}
    for line in file.lines():
        key = _key(line)
        if key not in index or _is_higher(line, index[key]):
            index[key] = line
    return index


def _is_higher(line: Line, other: Line) -> bool:
    """Of two requirements of one module, the one that counts for Go."""
    return line.verb == "require" and (module_order(line.args[-1]) or ()) > (module_order(other.args[-1]) or ())


def _built_from(file: File) -> set[tuple[object, ...]]:
    """What the go command makes its choice of modules from."""
    return {(line.verb, *line.args, line.indirect) for line in file.lines(*_BUILD)}


def _directs(file: File) -> dict[str, bool]:
    """Of each module that is required, whether it is directly."""
    return {line.args[0]: not line.indirect for line in file.lines("require")}


def _key(line: Line) -> Key:
    """What a directive is about; what else it says, the sides may differ in."""
    if line.verb in {"module", "go", "toolchain"}:
        return (line.verb,)
    if line.verb == "require":
        return line.verb, line.args[0]
    if line.verb == "godebug":
        return line.verb, line.args[0].partition("=")[0]
    if line.verb == "replace" and "=>" in line.args:
        return line.verb, *line.args[: line.args.index("=>")]
    return line.verb, *line.args


def _is_commented(base: Line | None, ours: Line) -> bool:
    return not set(ours.comments) <= set(base.comments if base else ())


def _longest(package: str, modules: set[str]) -> str:
    while package and package not in modules:
        package = package.rpartition("/")[0]
    return package
