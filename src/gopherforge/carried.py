"""What this installation carries, opened as far as a service needs it: an installed wheel tells its versions without git."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gopherforge import bundle, source
from gopherforge.project import Record
from gopherforge.scratch import scratch_directory
from gopherforge.source import Source

if TYPE_CHECKING:
    from gopherforge.catalog import Catalog
    from gopherforge.ownership import Ownership


class Carried:
    """What an installation carries. What is made to read it is gone when `stack` ends."""

    def __init__(self, package: Path, environ: Mapping[str, str], stack: ExitStack) -> None:
        self._package = package
        self._environ = environ
        self._stack = stack

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """All versions, oldest first. Raises as `source.versions`."""
        return source.versions(self._environ, self._package)

    @cached_property
    def _newest(self) -> Path:
        """The directory with copier.yml, the questions and ownership.yml of the newest version."""
        return self._stack.enter_context(source.locate(None, self._environ, self._package)).root

    @cached_property
    def _all(self) -> Source:
        scratch = self._stack.enter_context(scratch_directory())
        return self._stack.enter_context(source.open_source(self._environ, scratch, self._package))

    @cached_property
    def url(self) -> str:
        """The address of its templates. Raises TemplatesMissing."""
        return source.canonical_url()

    def has(self, version: str) -> bool:
        """Whether a service with this version can be updated from it."""
        return version in self.versions or (bundle.DESCRIBED.fullmatch(version) is not None and self._all.has(version))

    def newer(self, version: str) -> int:
        """How many versions are newer than one that it has."""
        return sum(bundle.order(each) > bundle.order(version) for each in self.versions)

    def managed(self, record: Record, paths: frozenset[str]) -> tuple[str, ...]:
        """Which of these files of a service are files of its template, and follow it."""
        if not paths:
            return ()
        from gopherforge.ownership import MANAGED

        files = paths & self._rendered(record.version, record.template)
        newest = self._ownership(self._newest)
        found = {path for path in files if newest.owner(path) == MANAGED}
        if unnamed := {path for path in found if not newest.rule(path)[0]}:
            older = self._ownership(self._all.templates(record.version).root)
            found -= {path for path in unnamed if older.owner(path) != MANAGED}
        return tuple(sorted(found))

    def unanswered(self, record: Record) -> tuple[str, ...]:
        """The new questions that the newest version asks of a service. Raises InvalidTemplates."""
        from gopherforge.answers import unanswered

        return tuple(sorted(unanswered(self._catalog, record.answers)))

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """The templates that the newest version has."""
        return self._catalog.templates

    @cached_property
    def _catalog(self) -> "Catalog":
        from gopherforge.catalog import load

        return load(self._newest)

    @cached_property
    def _ownership(self) -> "Callable[..., Ownership]":
        from gopherforge.ownership import load

        return cache(load)

    @cached_property
    def _rendered(self) -> Callable[[str, str], frozenset[str]]:
        """The files that a template renders at a version for some answers, but for its answers file."""

        def rendered(version: str, template: str) -> frozenset[str]:
            start = f"{template}/"
            found = (path for path in self._files(version) if path.startswith(start))
            return frozenset(path.removeprefix(start).removesuffix(".jinja") for path in found)

        return cache(rendered)

    def _files(self, version: str) -> Sequence[str]:
        listed = self._package / source.CARRIED / bundle.LISTS / version
        return listed.read_text(encoding="utf-8").splitlines() if listed.exists() else self._all.files(version)
