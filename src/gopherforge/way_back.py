"""The way back: `set` to answers that a service had before leads to what its author had made of them, and not to the template's.

What the author deleted, or raised a version of, in files that the answers in between do not have is remembered by history only.
"""

from collections.abc import Iterator
from dataclasses import replace

from gopherforge import merge
from gopherforge.errors import IncompleteClone, ProgramFailed
from gopherforge.merge import Merged
from gopherforge.ownership import Ownership
from gopherforge.project import ANSWERS_FILE
from gopherforge.reader import exists
from gopherforge.repository import Repository, split
from gopherforge.trees import Entry, Store, Tree

_LOG = (
    *("log", "HEAD", "--first-parent", "--diff-merges=first-parent", "--raw", "-z", "--no-renames", "--no-abbrev", "--format=%H"),
    *("--no-show-signature", "--no-follow", "--no-ext-diff", "--no-textconv", "--no-color", "--"),
)


def merge_back(
    store: Store, repository: Repository, sides: tuple[Tree, Tree, Tree], ownership: Ownership, *, labels: tuple[str, str]
) -> Merged | None:
    """Merge as the reverse of what `set` once made of these answers. `sides` are `base`, `ours` and `theirs` of `merge.merge`.

    Returns None where the service never had the answers at this version, as far as its history is here, or where that is a
    conflict, now or then. Raises ProgramMissing and ProgramFailed.
    """
    base, ours, theirs = sides
    try:
        former = _former(store, repository, theirs[ANSWERS_FILE])
        if not former:
            return None
        there = {**store.read(former), ANSWERS_FILE: theirs[ANSWERS_FILE]}
        left = merge.merge(store, theirs, there, base, ownership, labels=labels, asked=True)
        if left.conflicts:
            return None
        back = merge.merge(store, left.tree, ours, there, ownership, labels=labels, asked=True)
    except IncompleteClone:
        return None
    if back.conflicts:
        return None
    missing = {*left.missing, *back.missing} - back.tree.keys()
    return replace(back, missing=tuple(sorted(missing)))


def _former(store: Store, repository: Repository, answers: Entry) -> str:
    """The service's tree in the last commit before HEAD that had these answers; empty where none had. Raises IncompleteClone."""
    try:
        changes = list(_changes(repository))
        texts = store.contents([answers, *(before for _, before in changes)])
        for commit, before in changes:
            if _meaning(texts[before.oid]) == _meaning(texts[answers.oid]):
                return repository.git("rev-parse", "--verify", f"{commit}^1:{repository.prefix.rstrip('/')}").strip()
    except ProgramFailed:  # of a history that is not all there
        pass
    return ""


def _changes(repository: Repository) -> Iterator[tuple[str, Entry]]:
    """Each commit before HEAD that changed the answers file, the newest first, with what it was before."""
    fields = iter(split(repository.git(*_LOG, f"{repository.prefix}{ANSWERS_FILE}")))
    for commit, change, _ in zip(fields, fields, fields, strict=True):
        mode, _, oid, *_ = change.lstrip("\n:").split()
        if exists(oid):
            yield commit, Entry(mode, oid)


def _meaning(answers: bytes) -> set[bytes]:
    """What an answers file says, but for the module path: another one in go.mod is recorded later than it is there."""
    return {line for line in answers.splitlines() if not line.startswith((b"#", b"module:"))}
