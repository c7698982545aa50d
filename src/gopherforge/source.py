"""Where templates come from: the release bundle in the wheel, a source checkout; versions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gopherforge import bundle
from gopherforge.errors import TemplatesMissing, UnknownRef
from gopherforge.scratch import scratch_directory
from gopherforge.wording import describe, suggest

HEAD = "HEAD"
"""The version of templates that were read from a work tree."""

CARRIED = "carried"
"""The directory in an installed package that holds the bundle and, beside it, its newest version's READABLE files."""

_SHOWN = 5  # versions in a hint

PACKAGE = Path(__file__).parent
"""The installed package, which has the templates or lies in their checkout."""


class Templates(NamedTuple):
    """One version of the templates, readable as files and renderable from git."""

    root: Path  # holds copier.yml, ownership.yml and questions/
    url: str  # the canonical address, which a service records as its source
    version: str  # what a service records, or HEAD
    bundle: Path  # git bundle or repository to render from


@contextmanager
def locate(ref: str | None, environ: Mapping[str, str], package: Path = PACKAGE) -> Iterator[Templates]:
    """The templates of this installation, at the version it carries or at `ref`: a release, or HEAD in a source checkout.

    What is made on the way is gone when the context ends. Without `ref`, an installed wheel needs no git here.
    Raises UnknownRef, UnusableHistory, TemplatesMissing, CannotWrite, ProgramMissing and ProgramFailed.
    """
    carried = package / CARRIED
    if carried.is_dir():
        current = bundle.versions(carried / bundle.NAME)[-1]
        if ref in (None, current):
            yield Templates(carried, canonical_url(), current, carried / bundle.NAME)
            return
    with scratch_directory() as scratch:
        yield _open(ref, scratch, environ, _origin(package))


class Source(NamedTuple):
    """All versions of this installation's templates, open to be read and rendered. Whatever is made of them is in `scratch`."""

    history: bundle.History
    scratch: Path
    environ: Mapping[str, str]

    @property
    def newest(self) -> str:
        """The version that a new service gets."""
        return self.history.versions[-1]

    def has(self, version: str) -> bool:
        """Whether it can be rendered: a release, or any commit of the history, named as `git describe` does."""
        return bundle.resolve(self.history, version, self.environ)

    def templates(self, version: str) -> Templates:
        """A version that it has."""
        files = self.scratch / f"files-{version}"
        if not files.exists():
            bundle.extract(self.history, version, files, self.environ)
        # The repository and not the bundle: it has tags for recorded versions, and objects that a clone need not unpack.
        return Templates(files, canonical_url(), version, self.history.repository)

    def read(self, version: str, path: str) -> str:
        """The text of one file of the project at a version."""
        return bundle.read(self.history, version, path, self.environ)

    def files(self, version: str) -> tuple[str, ...]:
        """The paths of all files of the templates at a version, such as `go-http-service/Makefile.jinja`, sorted."""
        return bundle.files(self.history, version, self.environ)


@contextmanager
def open_source(environ: Mapping[str, str], scratch: Path, package: Path = PACKAGE) -> Iterator[Source]:
    """All versions of this installation's templates, in a new directory in `scratch`. Raises as `locate`, but for UnknownRef."""
    with scratch_directory(scratch) as place:
        yield Source(bundle.open_history(_origin(package), place, environ), place, environ)


def versions(environ: Mapping[str, str], package: Path = PACKAGE) -> tuple[str, ...]:
    """The versions of this installation's templates, oldest first, the newest last. Raises as `open_source`.

    An installed wheel needs neither git nor a temporary directory for it.
    """
    carried = package / CARRIED
    if carried.is_dir():
        return bundle.versions(carried / bundle.NAME)
    with scratch_directory() as scratch:
        return bundle.open_history(_origin(package), scratch, environ).versions


def unknown(version: str, versions: Sequence[str]) -> UnknownRef:
    """The error where a version is none of these, which are sorted."""
    hint = f"the newest here: {', '.join(versions[: -_SHOWN - 1 : -1])}; a newer gopherforge has newer ones."
    meant = suggest(f"v{version.removeprefix('v')}", versions)
    return UnknownRef(f"there is no version {describe(version)} of the templates in this installation.{meant}", hint)


def canonical_url() -> str:
    """The one address of the templates, from the metadata of the installed package. Raises TemplatesMissing."""
    urls = _urls_beside(PACKAGE) or _urls_anywhere()
    return next(url for label, _, url in (entry.partition(", ") for entry in urls) if label == "Source")


def _urls_beside(package: Path) -> list[str]:
    """The addresses in the metadata that pip puts beside a package; none where they are elsewhere, as of an editable one."""
    found = list(package.parent.glob("gopherforge-*.dist-info/METADATA"))
    header = found[0].read_text(encoding="utf-8").partition("\n\n")[0] if len(found) == 1 else ""
    return re.findall(r"^Project-URL: (.+)$", header, re.MULTILINE)


def _urls_anywhere() -> list[str]:
    import importlib.metadata  # takes longer to import than `status` takes to read a service

    try:
        return importlib.metadata.metadata("gopherforge").get_all("Project-URL", [])
    except importlib.metadata.PackageNotFoundError as error:
        hint = "install it with pip."
        raise TemplatesMissing("gopherforge is not installed, so its templates have no address.", hint) from error


def _origin(package: Path) -> Path:
    """What an installation has its templates from: what it carries, or the checkout that it lies in."""
    carried = package / CARRIED
    return carried if carried.is_dir() else package.parents[1]


def _open(ref: str | None, scratch: Path, environ: Mapping[str, str], origin: Path) -> Templates:
    if ref == HEAD and (origin / ".git").exists():
        return Templates(origin, canonical_url(), HEAD, bundle.snapshot(origin, scratch, environ).source)
    history = bundle.open_history(origin, scratch, environ)
    version = _resolve(ref, history.versions)
    bundle.extract(history, version, scratch / "files", environ)
    return Templates(scratch / "files", canonical_url(), version, history.source)


def _resolve(ref: str | None, versions: tuple[str, ...]) -> str:
    if ref is None:
        return versions[-1]
    if ref in versions:
        return ref
    if ref == HEAD:
        hint = f"leave out --ref for {versions[-1]}."
        raise UnknownRef("only a source checkout of gopherforge has a work tree to render.", hint)
    raise unknown(ref, versions)
