"""Makes a new service: staging beside the target, rename, first commit."""

import errno
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gopherforge import git
from gopherforge.errors import CannotWrite, ProgramFailed, TargetRefused
from gopherforge.scratch import scratch_directory
from gopherforge.source import HEAD, Templates
from gopherforge.staging import is_staging, staging

if TYPE_CHECKING:
    from gopherforge.engine import Rendered

_TREE = "service"
"""What a service is called before it has its name, which could be that of something else there."""


@dataclass(frozen=True)
class Request:
    """What to make, and where. `target` is absolute; `answers` are validated, and may leave out what has a default."""

    target: Path
    answers: Mapping[str, object]
    templates: Templates
    git: bool = True


@dataclass(frozen=True)
class Created:
    """A new service. `warning` is empty, or says what the author must know although all went well."""

    path: Path
    template: str
    version: str
    answers: Mapping[str, object]
    files: tuple[str, ...]
    committed: bool
    warning: str


def create(request: Request, environ: Mapping[str, str]) -> Created:
    """Make the service: wholly or not at all, even when the process is killed, except while an existing directory is filled.

    Raises TargetRefused, CannotWrite, RenderFailed, ProgramMissing and ProgramFailed.
    """
    from gopherforge.engine import render

    target = _settled(request.target)
    place, publish = (target, _fill) if target.is_dir() else (target.parent, _rename)
    with _writing(target), staging(place) as hidden:
        tree = hidden / _TREE
        rendered = render(request.templates, request.answers, tree, environ)
        uncommitted = _commit(tree, target, _message(rendered, request.templates.version), environ) if request.git else ""
        publish(tree, target)
    return _created(request, rendered, committed=request.git and not uncommitted, warning=uncommitted)


def preview(request: Request, environ: Mapping[str, str]) -> Created:
    """What `create` would make, rendered elsewhere and thrown away. Raises as `create` does."""
    from gopherforge.engine import render

    check_target(request.target)
    with scratch_directory() as scratch:
        rendered = render(request.templates, request.answers, scratch / _TREE, environ)
    return _created(request, rendered, committed=False, warning="")


def check_target(target: Path) -> None:
    """Raise TargetRefused unless `target` is an empty directory, or is absent in a directory that can be written."""
    _settled(target)


def _settled(target: Path) -> Path:
    """The target below its parent's real path."""
    try:
        if target.is_symlink():
            raise TargetRefused(f"{target} is a symbolic link.", "name the directory itself, or a new one.")
        settled = _real_parent(target) / target.name
        if settled.is_dir():
            _check_empty(settled, [entry for entry in settled.iterdir() if not is_staging(entry)])
        elif settled.exists():
            raise TargetRefused(f"{target} is a file.", "name a new directory.")
    except OSError as error:
        raise TargetRefused(f"{target} cannot be used: {error.strerror}.", "name another directory.") from error
    writable = settled if settled.is_dir() else settled.parent
    if not os.access(writable, os.W_OK | os.X_OK):
        raise TargetRefused(f"{writable} cannot be written.", "name a directory elsewhere, or change its permissions.")
    return settled


def _real_parent(target: Path) -> Path:
    try:
        parent = target.parent.resolve(strict=True)
    except FileNotFoundError as error:
        raise TargetRefused(f"{target.parent} does not exist.", f"mkdir -p {shlex.quote(str(target.parent))}") from error
    except RuntimeError as error:  # what Python raises for this before 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
    if not parent.is_dir():
        raise TargetRefused(f"{target.parent} is a file.", "name another directory.")
    return parent


def _check_empty(directory: Path, content: list[Path]) -> None:
    if content:
        first = min(content).name
        raise TargetRefused(f"{directory} is not empty: it contains {first}.", "name a new directory, or empty this one.")


def _message(rendered: "Rendered", version: str) -> str:
    return f"Create {rendered.answers['name']} from {rendered.answers['template']} {version}"


def _commit(tree: Path, target: Path, message: str, environ: Mapping[str, str]) -> str:
    """Make the first commit. Returns why there is none, which is no failure; empty where there is one."""
    if (around := git.work_tree_around(target, environ)) is not None:
        return f"{target} is part of the git work tree {around}: no repository was made, commit the service there."
    try:
        git.commit_everything(tree, message, environ)
    except (CannotWrite, ProgramFailed) as error:
        return f"could not commit: {error.message}"
    return ""


def _rename(tree: Path, target: Path) -> None:
    try:
        tree.rename(target)
    except OSError as error:
        if not os.path.lexists(target):
            raise
        raise TargetRefused(f"{target} was made by somebody else in the meantime.", "name another directory.") from error


def _fill(tree: Path, target: Path) -> None:
    """Move everything from `tree`, which is in a hidden directory of `target`, up to `target`; all back on a failure.

    A kill in these milliseconds leaves a part of the service: there is no rename for the content of a directory.
    """
    _check_empty(target, [entry for entry in target.iterdir() if entry != tree.parent])
    entries = sorted(tree.iterdir())
    try:
        for entry in entries:
            entry.rename(target / entry.name)
    except BaseException:
        for entry in entries:
            if not os.path.lexists(entry):
                (target / entry.name).rename(entry)
        raise


def _created(request: Request, rendered: "Rendered", *, committed: bool, warning: str) -> Created:
    answers, version = rendered.answers, request.templates.version
    if version == HEAD:
        unversioned = "these templates were rendered from a work tree, which has no version: the service cannot be updated."
        warning = f"{unversioned} {warning}".strip()
    return Created(request.target, str(answers["template"]), version, answers, rendered.files, committed, warning)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"cannot write {error.filename or target}: {error.strerror or error}.") from error
