"""Where templates come from: the release bundle in the wheel, a source checkout; versions."""

import importlib.metadata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gopherforge import bundle
from gopherforge.errors import TemplatesMissing, UnknownRef
from gopherforge.scratch import scratch_directory

HEAD = "HEAD"
"""The version of templates that were read from a work tree."""

CARRIED = "carried"
"""The directory in an installed package that holds the bundle and, beside it, its newest version's READABLE files."""

_SHOWN = 5  # versions in a hint

_PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Templates:
    """One version of the templates, readable as files and renderable from git."""

    root: Path  # holds copier.yml, ownership.yml and questions/
    url: str  # the canonical address, which a service records as its source
    version: str  # what a service records, or HEAD
    bundle: Path  # git bundle or repository to render from


@contextmanager
def locate(ref: str | None, environ: Mapping[str, str], package: Path = _PACKAGE) -> Iterator[Templates]:
    """The templates of this installation, at the version it carries or at `ref`: a release, or HEAD in a source checkout.

    What is made on the way is gone when the context ends. Without `ref`, an installed wheel needs no git here.
    Raises UnknownRef, UnusableHistory, TemplatesMissing, CannotWrite, ProgramMissing and ProgramFailed.
    """
    checkout = package.parents[1]
    carried = package / CARRIED
    if carried.is_dir():
        current = bundle.versions(carried / bundle.NAME)[-1]
        if ref in (None, current):
            yield Templates(carried, canonical_url(), current, carried / bundle.NAME)
            return
    with scratch_directory() as scratch:
        yield _open(ref, scratch, environ, carried if carried.is_dir() else checkout)


def canonical_url() -> str:
    """The one address of the templates, from the metadata of the installed package."""
    try:
        urls = importlib.metadata.metadata("gopherforge").get_all("Project-URL", [])
    except importlib.metadata.PackageNotFoundError as error:
        hint = "install it with pip."
        raise TemplatesMissing("gopherforge is not installed, so its templates have no address.", hint) from error
    return str(next(url for label, _, url in (entry.partition(", ") for entry in urls) if label == "Source"))


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
    hint = f"the newest here: {', '.join(versions[: -_SHOWN - 1 : -1])}; a newer gopherforge has newer ones."
    raise UnknownRef(f"there is no version {ref} of the templates in this installation.", hint)
