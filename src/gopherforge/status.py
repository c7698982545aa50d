"""What `gopherforge status` tells: how far services are behind, and what their authors changed of the template's files."""

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from gopherforge import drift, reader, rows, source
from gopherforge.carried import Carried
from gopherforge.drift import Drift
from gopherforge.errors import CannotUpdate, InvalidProject
from gopherforge.process import encode
from gopherforge.project import ANSWERS_FILE, Record, check_origin, check_version, parse_record
from gopherforge.reader import Reader, Unknown
from gopherforge.report import FOUND, Result
from gopherforge.rows import Status
from gopherforge.wording import describe, display

_LIMIT = 1 << 20  # bytes of an answers file

_PLAN = "gopherforge/plan.json"  # of a change that a killed run has begun, in the git directory

_NO_SERVICE = f"it is no service of gopherforge: it has no {ANSWERS_FILE}."


class Place(NamedTuple):
    """Where the command runs."""

    environ: Mapping[str, str]
    cwd: Path
    package: Path = source.PACKAGE  # whose templates count


def status(directories: Sequence[str], place: Place, *, check: bool = False) -> Result:
    """The status of every directory, each once, in order. It reads, and writes nothing.

    A directory of which something cannot be told is told of all the same. With `check` the exit code tells whether a service is
    behind, and InvalidProject is raised, with all that was found, where that cannot be said.
    Raises ProgramMissing and ProgramFailed where there is no git that is new enough.
    """
    paths = sorted({Path(os.path.realpath(place.cwd / directory)) for directory in directories})
    with ExitStack() as stack:
        found = _survey(paths, Carried(place.package, place.environ, stack), place.environ)
    data = {"services": [rows.data(row) for row in found]}
    text = rows.table(found, place.cwd)
    if not check:
        return Result(data, text)
    if any(row.behind for row in found):
        return Result(data, text, exit_code=FOUND)
    if doubtful := [row for row in found if row.problem and not row.stranger]:
        sentence = f"{display(doubtful[0].path, place.cwd)} cannot be checked: {doubtful[0].problem}"
        others = f"{len(doubtful) - 1} more cannot be checked, either." if doubtful[1:] else ""
        raise InvalidProject("\n".join(filter(None, [sentence, others])), "leave it out, or mend it.", data=data, text=text)
    return Result(data, text)


class _Problem(Exception):
    """Why nothing can be told of a directory, as a sentence."""


class _NoService(_Problem):
    """The same, where nothing need be told: something else that lies beside services."""


def _survey(paths: Iterable[Path], carried: Carried, environ: Mapping[str, str]) -> list[Status]:
    """One look at many directories, which are real paths."""
    found: list[Status] = []
    records: dict[Path, Record] = {}
    texts: dict[Path, str] = {}
    for path in paths:
        row = Status(path, carried.versions[-1])
        try:
            content = _read(path, environ)
            record = parse_record(content, Path(ANSWERS_FILE))
            row = _recorded(row, record, carried)
        except (_Problem, InvalidProject) as error:
            row = row._replace(problem=str(error), stranger=isinstance(error, _NoService))
        else:
            if not row.problem:
                records[path], texts[path] = record, content.decode("utf-8")
        found.append(row)
    drifts = drift.drifts(texts, environ)
    return [_drifted(row, records[row.path], drifts[row.path], carried) if row.path in drifts else row for row in found]


def _recorded(row: Status, record: Record, carried: Carried) -> Status:
    """The row with what the record says, and why it cannot be updated, if so."""
    row = row._replace(template=record.template, version=record.version)
    if not row.template:
        return row._replace(problem=f"{ANSWERS_FILE} does not say which template the service was made with.")
    try:
        check_origin(record, carried.url)
        check_version(record, known=carried.has(record.version), newest=row.latest)
    except CannotUpdate as error:
        return row._replace(problem=error.message)
    behind = carried.newer(record.version)
    if not behind:  # so there is no question that is newer than its answers
        return row._replace(behind=0, unanswered=())
    if row.template not in carried.templates:
        return row._replace(problem=f"there is no template {describe(row.template)} in {row.latest}.")
    return row._replace(behind=behind, unanswered=carried.unanswered(record))


def _drifted(row: Status, record: Record, found: Drift, carried: Carried) -> Status:
    """The row with what git tells of the service's files."""
    if found.unknown:
        return row._replace(unknown=f"{found.unknown}.")
    edited, deleted = (carried.managed(record, paths) for paths in (found.edited, found.deleted))
    return row._replace(edited=edited, deleted=deleted)


def _read(directory: Path, environ: Mapping[str, str]) -> bytes:
    """The answers file of a service, of a bare repository that in HEAD. Raises _Problem, and _NoService where there is none."""
    path = directory / ANSWERS_FILE
    try:
        if (bare := reader.find_bare(directory)) is not None:
            return _committed(bare, bare.directory(directory), environ)
        _require_there(directory, _Problem("there is no such directory."))
        if not stat.S_ISDIR(directory.stat().st_mode):
            raise _NoService("it is no directory.")
        _require_there(path, _NoService(_NO_SERVICE))
        if not stat.S_ISREG(path.stat().st_mode):
            raise _Problem(f"{ANSWERS_FILE} is no file.")
        with path.open("rb") as file:
            content = file.read(_LIMIT + 1)
        _require_whole(directory)
    except OSError as error:
        raise _Problem(f"it cannot be read: {error.strerror}.") from error
    if len(content) > _LIMIT:
        raise _Problem(f"{ANSWERS_FILE} is larger than 1 MiB.")
    return content


def _require_there(path: Path, otherwise: _Problem) -> None:
    """Raise the problem where there is no such file, and OSError where nobody may look."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise otherwise from error


def _require_whole(directory: Path) -> None:
    """Raise _Problem where a killed run left a service half changed, and OSError."""
    repository = reader.find(directory)
    if repository is None or not (path := repository.private() / _PLAN).exists():
        return
    from gopherforge import plan

    with suppress(ValueError):  # a plan of another version
        if plan.read(path).prefix.rstrip("/") != repository.directory(directory):
            return
    raise _Problem("an update or set is at work there, or was interrupted: run it again, and it will be undone or finished.")


def _committed(repository: Reader, directory: str, environ: Mapping[str, str]) -> bytes:
    """The answers file of a service in HEAD. Raises _Problem, and _NoService where there is none."""
    try:
        text = drift.committed_answers(repository, directory, environ)
    except Unknown as unknown:
        raise _Problem(f"it cannot be read: {unknown}.") from unknown
    if text is None:
        if directory:  # which somebody named, since no shell lists what is in there
            raise _Problem(f"the last commit has no {ANSWERS_FILE} there.")
        raise _NoService(_NO_SERVICE)
    return encode(text)
