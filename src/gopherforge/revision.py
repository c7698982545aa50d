"""The core of `update` and `set`: renders both versions of a service, merges them with HEAD, and delivers the result."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gopherforge import goimports, merge, ownership, tidy, trees, way_back
from gopherforge.catalog import load
from gopherforge.change import Target
from gopherforge.errors import CannotUpdate, InvalidProject
from gopherforge.forked import beside
from gopherforge.gocopy import surroundings
from gopherforge.merge import Merged
from gopherforge.project import ANSWERS_FILE
from gopherforge.service import Service
from gopherforge.source import Source, Templates
from gopherforge.trees import Entry, Store, Tree
from gopherforge.wording import describe, join_and, listed

_FORWARDER = re.compile(rb"^//go:fix inline\n(.*)$", re.MULTILINE)
"""Above a name that only leads to its successor, and that name."""


@dataclass(frozen=True)
class Revision:
    """A service as it would be. Paths are those of the service, sorted; `tree` is in `store`, with markers in conflicts."""

    service: Service
    target: Target
    answers_changed: Mapping[str, tuple[object, object]]  # None where there was, or is, no answer
    added: tuple[str, ...]
    changed: tuple[str, ...]
    deleted: tuple[str, ...]
    renamed: Mapping[str, str]  # old path to new
    conflicts: Mapping[str, Mapping[int, Entry]]  # by stage: 1 the old template's, 2 the author's, 3 the new template's
    explained: tuple[str, ...]  # a sentence or more on each conflict
    kept: tuple[str, ...]
    left_out: tuple[str, ...]  # managed files of the new template that the author deleted
    warnings: tuple[str, ...]
    tree: str
    store: Store
    forwards: bool  # whether its code has old names that `go fix` replaces by the new ones

    @property
    def template(self) -> str:
        """The name of the template."""
        return str(self.service.record.answers.get("template", ""))

    @property
    def nothing(self) -> bool:
        """Whether the service is that already."""
        return self.tree == self.service.repository.tree

    def with_new_names(self, files: Tree) -> "Revision":
        """The same, once `go fix` has been run, which left some of the files like this."""
        ours, after = self.store.read(self.service.repository.tree), {**self.store.read(self.tree), **files}
        return replace(self, tree=self.store.write(after), changed=_edited(ours, after), forwards=False)


def revise(service: Service, source: Source, target: Target, scratch: Path, environ: Mapping[str, str]) -> Revision:
    """Work out the revision in `scratch`, which it needs from then on; the service's directory is not touched.

    Raises CannotUpdate where the target has no such template any more, InvalidProject where the recorded answers cannot be what
    the service was made with, InvalidAnswer, RenderFailed,
    IncompleteClone, CannotWrite, ProgramMissing and ProgramFailed.
    """
    from gopherforge import engine  # once for both processes  # noqa: F401

    store = trees.store(scratch, service.repository.git_dir, environ)
    renderer = _Renderer(store, scratch, environ)
    old, new = source.templates(service.record.version), source.templates(target.version)
    _require_template(service, target, new)
    with beside(lambda: renderer.render("old", old, service.answers, {})) as old_rendering:
        theirs = renderer.render("new", new, service.answers, target.answers)
        ours = store.read(service.repository.tree)
        base = old_rendering()
    _check_answers(service, base.answers)
    labels = (f"yours-since-{service.record.version}", target.label)
    owners, asked = ownership.load(new.root, old.root), bool(target.answers)
    sides = base.tree, ours, theirs.tree
    merged = way_back.merge_back(store, service, sides, owners, environ, labels=labels) if asked else None
    merged = merged or merge.merge(store, *sides, owners, labels=labels, asked=asked)
    stranded = _stranded(service, store, ours, merged.tree)
    around = surroundings(service.repository)
    completed = tidy.complete(store, ours, merged, scratch, environ, around=around, stranded=bool(stranded))
    completed = replace(completed, warnings=(*stranded, *completed.warnings))
    forwards = bool(_forwarders(store, theirs.tree) - _forwarders(store, base.tree))
    return _revision(service, target, store=store, ours=ours, theirs=theirs, merged=completed, forwards=forwards)


@dataclass(frozen=True)
class _Rendering:
    tree: Tree
    answers: Mapping[str, object]


@dataclass(frozen=True)
class _Renderer:
    store: Store
    scratch: Path
    environ: Mapping[str, str]

    def render(self, name: str, templates: Templates, recorded: Mapping[str, object], given: Mapping[str, object]) -> _Rendering:
        from gopherforge.engine import render

        (place := self.scratch / name).mkdir()
        rendered = render(templates, given, place / "service", self.environ, recorded=recorded)
        return _Rendering(self.store.snapshot(place / "service"), rendered.answers)


def _require_template(service: Service, target: Target, templates: Templates) -> None:
    """Raise CannotUpdate where the service would become another one: the default template takes the place of one that is gone."""
    template, known = service.record.answers.get("template"), load(templates.root).templates
    if template is not None and template not in known:
        message = f"the service was made with the template {describe(template)}, which {target.version} does not have."
        raise CannotUpdate(message, f"it has {join_and(known)}; --to names an older version.")


def _check_answers(service: Service, used: Mapping[str, object]) -> None:
    """Raise InvalidProject unless the recorded version took every recorded answer that it asks for as it is."""
    wrong = sorted(key for key, value in used.items() if key in service.answers and service.answers[key] != value)
    if wrong == ["module"] and service.moved:
        message = f"go.mod calls the module {service.module}, which {service.record.version} of the templates does not accept."
        raise InvalidProject(message, "give it another path in go.mod and in the imports, and commit that.")
    if wrong:
        raise InvalidProject(
            f"{ANSWERS_FILE} records what {service.record.version} does not accept for {join_and(wrong)}.",
            "put back what the service was made with, and commit it.",
        )


def _revision(
    service: Service, target: Target, *, store: Store, ours: Tree, theirs: _Rendering, merged: Merged, forwards: bool
) -> Revision:
    after = merged.tree
    moved = {old: new for old, new in merged.renamed.items() if new in after and old not in after}
    return Revision(
        service=service,
        target=target,
        answers_changed=_changed(service.record.answers, theirs.answers),
        added=tuple(sorted(after.keys() - ours.keys() - set(moved.values()))),
        changed=_edited(ours, after),
        deleted=tuple(sorted(ours.keys() - after.keys() - moved.keys())),
        renamed=dict(sorted(moved.items())),
        conflicts=dict(sorted(merged.conflicts.items())),
        explained=tuple(map(str, merged.explained)),
        kept=merged.kept,
        left_out=tuple(path for path in merged.missing if path in theirs.tree),
        warnings=(*_notices(service), *_lacking(target, theirs.tree.keys() & set(merged.kept) - ours.keys()), *merged.warnings),
        tree=store.write(after),
        store=store,
        forwards=forwards,
    )


def _forwarders(store: Store, tree: Tree) -> set[bytes]:
    """The lines that declare names which only lead to their successors."""
    sources = [entry for path, entry in tree.items() if path.endswith(".go")]
    return {line for content in store.contents(sources).values() for line in _FORWARDER.findall(content)}


def _edited(ours: Tree, after: Tree) -> tuple[str, ...]:
    return tuple(sorted(path for path in after.keys() & ours.keys() if after[path] != ours[path]))


def _notices(service: Service) -> tuple[str, ...]:
    if not service.moved:
        return ()
    recorded = service.record.answers.get("module")
    return (f"go.mod calls the module {service.module}, and the service records {recorded}: what is new follows go.mod.",)


def _lacking(target: Target, declined: Collection[str]) -> tuple[str, ...]:
    """What to say where other answers bring code that is not taken over, and that the service does not have."""
    sources = [path for path in declined if path.endswith(".go") and not path.endswith("_test.go")]
    if not target.answers or not sources:
        return ()
    what = f"{listed(sources)} {'belongs' if len(sources) == 1 else 'belong'} to what you replaced, and did not come"
    return (f"{what}: what starts the service, in cmd/, may call what your code lacks.",)


def _stranded(service: Service, store: Store, ours: Tree, after: Tree) -> tuple[str, ...]:
    """What to say where files that stay import packages of the service that go."""
    gone = _packages(ours) - _packages(after)
    if not gone:
        return ()
    paths = {f"{service.module}/{directory}": directory for directory in gone}
    files = _sources(after)
    texts = store.contents(after[path] for path in files)
    needed = {path: found for path in files if (found := goimports.imports([texts[after[path].oid]]) & paths.keys())}
    if not needed:
        return ()
    packages = {paths[path] for found in needed.values() for path in found}
    what = f"{listed(needed)} {'imports' if len(needed) == 1 else 'import'} {listed(packages)}"
    return (f"{what}, which the service no longer has: remove or change what does not build without.",)


def _packages(tree: Tree) -> set[str]:
    """The directories that hold Go source which others may import."""
    return {path.rpartition("/")[0] for path in _sources(tree) if not path.endswith("_test.go")}


def _sources(tree: Tree) -> list[str]:
    """The Go source of the service's own module."""
    return goimports.sources({path for path, entry in tree.items() if entry.is_file})


def _changed(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    keys = sorted(old.keys() | new.keys())
    return {key: (old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)}
