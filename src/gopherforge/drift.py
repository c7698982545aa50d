"""What authors changed of their services since these were last written by the tool, read from git by the repository.

What was committed since then counts, and what is not committed yet, as long as git tracks the file. However many services a
repository holds, git is started four times for it, or less; for a bare one once more for each service, and a few times more
where something cannot be read. It writes nothing. Nothing that a repository names is run to read its history, whoever owns
it; its work tree is compared as the author's git does it, filters and all.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from threading import Thread
from typing import Generic, NamedTuple, TypeVar

from gopherforge import differences, git, last_written, reader
from gopherforge.differences import ADDED, DELETED, EDITED
from gopherforge.errors import ProgramFailed
from gopherforge.last_written import Versions
from gopherforge.project import ANSWERS_FILE
from gopherforge.reader import Reader, Unknown

T = TypeVar("T")
Told = TypeVar("Told")


class Drift(NamedTuple):
    """The files that a service had when it was last written, and that are different or gone now. Paths are below the service."""

    edited: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    unknown: str = ""  # why it cannot be told; then both are empty


def drifts(services: Mapping[Path, str], environ: Mapping[str, str]) -> dict[Path, Drift]:
    """The drift of each service, given as its real path and the text of its answers file.

    Raises ProgramMissing where there is no git, and ProgramFailed where it is too old.
    """
    found = dict.fromkeys(services, Drift(unknown="it is in no git repository"))
    groups: dict[Reader, dict[str, Path]] = {}
    for service in services:
        if repository := reader.find(service):
            groups.setdefault(repository, {})[repository.directory(service)] = service

    def tell(repository: Reader) -> dict[str, Drift]:
        return _tell(repository, {name: services[path] for name, path in groups[repository].items()}, environ)

    for repository, told in _each(tell, groups):
        found |= {groups[repository][name]: drift for name, drift in told.items()}
    return found


def committed_answers(repository: Reader, directory: str, environ: Mapping[str, str]) -> str | None:
    """The text of the answers file that a directory has in HEAD, None where there is none.

    Raises Unknown where git cannot tell, ProgramMissing, and ProgramFailed where git is too old.
    """
    path = f"{directory}/{ANSWERS_FILE}" if directory else ANSWERS_FILE
    try:
        try:
            return repository.ask(environ, "cat-file", "blob", f"HEAD:{path}")
        except ProgramFailed:  # which would not tell apart what is not there and what cannot be read
            if repository.ask(environ, "ls-tree", "HEAD", "--", path):
                raise
            return None
    except ProgramFailed as error:
        git.require(environ)  # which may have more to say
        raise Unknown(error.message.removesuffix(".")) from error


def _each(tell: Callable[[T], Told], subjects: Collection[T]) -> Iterator[tuple[T, Told]]:
    """What is told of each subject, several at a time: most of it is waiting for git."""
    if len(subjects) == 1:
        yield from ((subject, tell(subject)) for subject in subjects)
        return
    from concurrent.futures import ThreadPoolExecutor  # takes as long to import as it takes to read one repository

    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as threads:
        yield from zip(subjects, threads.map(tell, subjects), strict=True)


class _Meanwhile(Thread, Generic[T]):
    """Work that is done in another thread, from now on."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self._work = work
        self._result: list[T] = []
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Do the work."""
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001  (whatever it is, who asks for the result gets it)
            self._error = error

    def result(self) -> T:
        """What the work returned, or raised, once it is done."""
        self.join()
        if self._error:
            raise self._error
        return self._result[0]


def _tell(repository: Reader, texts: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, Drift]:
    """The drift of each service of a repository, given as its directory there and the text of its answers file."""
    work_tree = _Meanwhile(lambda: differences.uncommitted(repository, texts, environ))
    try:
        found = last_written.find(repository, texts, environ)
        told = {name: Drift(unknown=str(why)) for name, why in found.items() if isinstance(why, Unknown)}
        known = {name: versions for name, versions in found.items() if isinstance(versions, Versions)}
        committed = differences.between(repository, set(known.values()), environ)
        uncommitted = work_tree.result() if known else {}
    except Unknown as unknown:
        return dict.fromkeys(texts, Drift(unknown=str(unknown)))
    except ProgramFailed as error:
        git.require(environ)  # which may have more to say
        return dict.fromkeys(texts, Drift(unknown=error.message.removesuffix(".")))
    finally:
        work_tree.join()
    return told | {name: _drift(committed[versions], uncommitted[name]) for name, versions in known.items()}


def _drift(committed: Mapping[str, str], uncommitted: Mapping[str, str]) -> Drift:
    """Both together. What was not there when the service was last written does not count."""
    states = dict(committed)
    for path, state in uncommitted.items():
        was_there = committed.get(path, state) != ADDED
        if was_there:
            states[path] = EDITED if state == ADDED else state
    edited = frozenset(path for path, state in states.items() if state == EDITED)
    return Drift(edited, frozenset(path for path, state in states.items() if state == DELETED))
