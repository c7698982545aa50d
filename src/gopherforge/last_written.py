"""Which commit wrote a service last: the newest one that changed its answers file to mean what it does now.

`new`, `update` and `set` change that file, and nobody else should.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import NamedTuple

from gopherforge import reader
from gopherforge.errors import ProgramFailed
from gopherforge.project import ANSWERS_FILE
from gopherforge.reader import Reader, Unknown

_LOG = (
    *("log", "HEAD", "--topo-order", "--root", "-c", "--raw", "-z", "--find-renames", "--no-abbrev", "--format=commit %H %P"),
    *("--no-show-signature", "--no-follow", "--no-ext-diff", "--no-textconv", "--no-color"),
    *("--", f":(top,glob)**/{ANSWERS_FILE}"),
)


class _Change(NamedTuple):
    """One commit's change of an answers file."""

    commit: str
    parentless: bool  # as far as git knows here
    before: tuple[str, ...]  # the file's blobs in the parents that have it
    after: str  # its blob; empty where it is deleted
    directory: str  # the service's
    old_directory: str  # the same, unless the commit moves it


class Versions(NamedTuple):
    """The trees of a service: when it was last written, and in HEAD."""

    written: str
    head: str


def find(repository: Reader, texts: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, Versions | Unknown]:
    """The versions of each service, given as its directory and the text of its answers file, or why they cannot be told.

    git is started twice for all of them. Raises Unknown where it has to be said of all, and ProgramFailed.
    """
    changes = _changes(repository, texts, environ)
    blobs = {oid for change in changes for oid in (*change.before, change.after)} - {""}
    roots = {change.commit for change in changes if change.parentless}
    committed = {directory: ("HEAD", str(PurePosixPath(directory, ANSWERS_FILE))) for directory in texts}
    places = {("HEAD", directory) for directory in texts} | {(change.commit, change.directory) for change in changes}
    contents, names = repository.objects(blobs | roots, places | set(committed.values()), environ)
    history = _by_directory(changes)
    found: dict[str, Versions | Unknown] = {}
    for directory, text in texts.items():
        try:
            head = _required(names["HEAD", directory])
            change = _last(text, contents.get(names[committed[directory]], ""), _story(directory, history), contents)
            found[directory] = Versions(names[change.commit, change.directory], head)
        except Unknown as unknown:
            found[directory] = unknown
    return found


def _changes(repository: Reader, directories: Iterable[str], environ: Mapping[str, str]) -> list[_Change]:
    """Every change of these services' answers files before HEAD, also from where they were moved. None before its parents."""
    try:
        said = repository.ask(environ, *_LOG)
    except ProgramFailed:
        repository.ask(environ, "rev-parse", "--git-dir")
        try:
            repository.ask(environ, "rev-parse", "--verify", "HEAD")  # which need not be readable for it
        except ProgramFailed:
            raise Unknown("nothing is committed yet") from None
        raise
    wanted = set(directories)
    changes = []
    for change in _parse(said):
        if change.directory in wanted:
            wanted.add(change.old_directory)
            changes.append(change)
    return changes


def _parse(said: str) -> Iterator[_Change]:
    """The changes in what _LOG writes: after the line of a commit a record for each file, and its path, or two."""
    commit, parents = "", 0
    words = (word.removeprefix("\n") for word in said.split("\0"))
    for word in words:
        if word.startswith("commit "):
            _, commit, *others = word.split()
            parents = len(others)
        elif word.startswith(":"):
            sides = len(word) - len(word.lstrip(":"))  # with how many parents the file is compared
            fields = word.lstrip(":").split(" ")
            *before, after = fields[sides + 1 : 2 * sides + 2]
            old = path = PurePosixPath(next(words))
            if sides == 1 and fields[-1].startswith("R"):
                path = PurePosixPath(next(words))
            yield _Change(
                commit=commit,
                parentless=parents == 0,
                before=tuple(filter(reader.exists, before)),
                after=after if reader.exists(after) else "",
                directory=reader.name(path.parent),
                old_directory=reader.name(old.parent),
            )


def _by_directory(changes: Iterable[_Change]) -> dict[str, list[tuple[int, _Change]]]:
    """The changes of each service, numbered in the order of all."""
    found: dict[str, list[tuple[int, _Change]]] = {}
    for number, change in enumerate(changes):
        found.setdefault(change.directory, []).append((number, change))
    return found


def _story(directory: str, changes: Mapping[str, Iterable[tuple[int, _Change]]]) -> Iterator[_Change]:
    """The changes of a service, those before a move under its old directory."""
    last = -1
    while True:
        for number, change in changes.get(directory, ()):
            if number > last:
                yield change
                if change.old_directory != directory:
                    last, directory = number, change.old_directory
                    break
        else:
            return


def _last(text: str, committed: str, story: Iterable[_Change], contents: Mapping[str, str]) -> _Change:
    """The change that brought these answers to HEAD.

    Raises Unknown where HEAD has others, also if they were there before, and where history may be cut off before it.
    """
    for change in story if _meaning(committed) == _meaning(text) else ():
        if _meaning(contents.get(change.after, "")) == _meaning(text) and all(
            _meaning(contents[oid]) != _meaning(text) for oid in change.before
        ):
            # The commit itself names its parents also where a shallow clone does not have them.
            if change.parentless and "\nparent " in contents[change.commit].partition("\n\n")[0]:
                raise Unknown("its history is cut off here, in a shallow clone")
            return change
    raise Unknown(f"{ANSWERS_FILE} is not committed as it is")


def _required(tree: str) -> str:
    if not tree:
        raise Unknown("it is not in the last commit")
    return tree


@cache
def _meaning(answers: str) -> frozenset[str]:
    """What an answers file says, without comments, order, and line ends of any kind."""
    lines = (line.strip() for line in answers.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))
