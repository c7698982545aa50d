"""The only importer of copier: renders templates at a version with answers, and translates its errors."""

import os
import stat
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import copier
import yaml
from copier.errors import CopierError
from jinja2 import TemplateError
from plumbum import ProcessExecutionError, local

from gopherforge import bundle, git
from gopherforge.errors import CannotWrite, ForgeError, InvalidProject, ProgramFailed, RenderFailed
from gopherforge.process import ending, unwritable
from gopherforge.project import ANSWERS_FILE, read_record
from gopherforge.scratch import scratch_directory
from gopherforge.source import HEAD, Templates

_CACHE = "COPIER_CACHE_DIR"

# Asks git, for each file, whether a repository around it ignores what is executable: docs/decisions/0037.
_ASKS_GIT = "_sync_git_index_executable_bit"


@dataclass(frozen=True)
class Rendered:
    """A rendered service: every recorded answer, and its files as sorted POSIX paths."""

    answers: Mapping[str, object]
    files: tuple[str, ...]


def render(
    templates: Templates,
    answers: Mapping[str, object],
    directory: Path,
    environ: Mapping[str, str],
    *,
    recorded: Mapping[str, object] | None = None,
) -> Rendered:
    """Render into `directory`, which is absent and absolute, with the modes that the umask gives.

    What was `recorded` for another version stands for what is not answered, as in an update: a question takes it over while it
    is asked and would accept it, else its default, which may refer to any of it, so that a renamed question finds its old answer.
    All that is temporary lies beside `directory`, so that a kill leaves nothing elsewhere.
    Not for threads: it changes the process's working directory and environment while it runs.
    Raises RenderFailed, CannotWrite, ProgramMissing and ProgramFailed; `directory` may then be half full.
    """
    git.require(environ)
    with (
        scratch_directory(directory.parent) as scratch,
        _surroundings(templates, directory, scratch, environ),
        _in_no_repository(),
        _explained(templates),
    ):
        if recorded is not None:
            directory.mkdir()
            text = yaml.safe_dump(dict(recorded), allow_unicode=True)
            (directory / ANSWERS_FILE).write_text(text, encoding="utf-8")
        copier.run_copy(
            templates.url,
            directory,
            data=dict(answers),
            vcs_ref=templates.version,
            settings=copier.Settings(),
            cleanup_on_error=False,
            defaults=True,
            overwrite=recorded is not None,  # the answers file
            quiet=True,
        )
    files = [path for path in directory.rglob("*") if not path.is_dir()]
    _restrict(files, directory.stat().st_mode)
    return Rendered(_recorded(templates, directory), tuple(sorted(path.relative_to(directory).as_posix() for path in files)))


@contextmanager
def _surroundings(templates: Templates, directory: Path, scratch: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Where Copier's git finds the bundle at the canonical address, and nothing of the user's.

    Copier takes the environment of its programs from plumbum, its cache's place from this process's environment, and that
    of its clones from `tempfile`. A cache of our own, because runs that share one break each other's.
    """
    environment = git.pinned(environ, [(f"url.{templates.bundle}.insteadOf", templates.url)])
    environment["GIT_CEILING_DIRECTORIES"] = str(directory.parent)  # the service is not yet in any repository
    inherited, temporary = os.environ.get(_CACHE), tempfile.tempdir
    # A relative path could exist that looks like the address, and Copier would prefer it: none does in an empty directory.
    (empty := scratch / "empty").mkdir()
    with local.env(), local.cwd(empty):
        local.env.clear()
        local.env.update(environment)
        os.environ[_CACHE] = str(scratch / "cache")
        tempfile.tempdir = str(scratch)
        try:
            yield
        finally:
            tempfile.tempdir = temporary
            if inherited is None:
                del os.environ[_CACHE]
            else:
                os.environ[_CACHE] = inherited


@contextmanager
def _in_no_repository() -> Iterator[None]:
    """Keep Copier from asking git about each file, where there is no repository around. One that does not ask is left alone."""
    worker = getattr(getattr(copier, "_main", None), "Worker", None)
    asks = getattr(worker, _ASKS_GIT, None)
    if asks is None:
        yield
        return
    setattr(worker, _ASKS_GIT, lambda *_: None)
    try:
        yield
    finally:
        setattr(worker, _ASKS_GIT, asks)


@contextmanager
def _explained(templates: Templates) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:  # one of Copier's errors is an interrupt, too
        raise
    except ProcessExecutionError as error:
        raise _failure_of_git(error) from error
    # Before OSError, which Jinja's error for a missing include is, too.
    except (CopierError, TemplateError, TypeError, ValueError, yaml.YAMLError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise RenderFailed(f"the templates {templates.version} cannot be rendered: {reason}{_place(error)}") from error
    except OSError as error:
        raise CannotWrite(f"cannot write the service: {error.strerror or error}.") from error


def _failure_of_git(error: ProcessExecutionError) -> ForgeError:
    """What git complained of first: the rest follows from it."""
    said = (error.stderr or error.stdout or "").strip().splitlines() or [ending(int(error.retcode or 0))]
    complaint = next((line for line in said if line.startswith(("error: ", "fatal: "))), said[-1])
    if unwritten := unwritable(complaint):
        return CannotWrite(f"cannot write the service: {unwritten}.")
    return ProgramFailed(f"git failed while rendering: {complaint}")


def _place(error: Exception) -> str:
    """Where in the templates an error comes from, as far as its traceback tells."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        _, below, path = frame.filename.partition("/templates/")
        if below and not path.endswith(".py"):
            return f" (templates/{path}, line {frame.lineno})"
    return ""


def _recorded(templates: Templates, directory: Path) -> Mapping[str, object]:
    """The recorded answers, once it is certain that an update can start from them."""
    try:
        record = read_record(directory)
    except InvalidProject as error:
        raise RenderFailed(f"the templates {templates.version} leave no answers file that an update could start from.") from error
    version = bundle.WORK_TREE if templates.version == HEAD else templates.version
    if (record.url, record.version) != (templates.url, version):
        raise RenderFailed(f"the service records {record.version} of {record.url} instead of {version} of {templates.url}.")
    return record.answers


def _restrict(files: Iterable[Path], umasked: int) -> None:
    """Take from executables what the umask takes from directories: Copier makes them executable for everyone."""
    for file in files:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & ~umasked:
            file.chmod(mode & umasked)
