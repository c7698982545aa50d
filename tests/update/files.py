"""Trees written down as files, for tests of merges."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gopherforge.merge import Merged, merge
from gopherforge.ownership import Ownership
from gopherforge.trees import Entry, Store, Tree
from tests.support import run

LABELS = ("yours-since-v0.1.0", "v0.2.0")


@dataclass(frozen=True)
class Script:
    """An executable file."""

    content: str


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Submodule:
    """A commit of another repository."""

    oid: str = "1" * 40


Files = Mapping[str, str | bytes | Script | Link | Submodule]
"""Path to file. A file that is not UTF-8 is bytes."""


def write(store: Store, files: Files) -> dict[str, Entry]:
    plain = {path: file for path, file in files.items() if not isinstance(file, Submodule)}
    modes = (
        "100755" if isinstance(file, Script) else "120000" if isinstance(file, Link) else "100644" for file in plain.values()
    )
    oids = store.add([_bytes(file) for file in plain.values()])
    entries = {path: Entry(mode, oid) for path, mode, oid in zip(plain, modes, oids, strict=True)}
    return entries | {path: Entry("160000", file.oid) for path, file in files.items() if isinstance(file, Submodule)}


def read(store: Store, tree: Tree) -> dict[str, str | bytes | Script | Link | Submodule]:
    contents = store.contents(entry for entry in tree.values() if entry.mode != "160000")
    return {path: _file(entry, contents.get(entry.oid, b"")) for path, entry in tree.items()}


@dataclass(frozen=True)
class Merge:
    """A merge and its files; what is in conflict is `explained` in sentences."""

    merged: Merged
    files: Files
    explained: list[str]
    stages: Mapping[str, Files]

    @property
    def kept(self) -> tuple[str, ...]:
        return self.merged.kept

    @property
    def renamed(self) -> Mapping[str, str]:
        return self.merged.renamed


def merge_files(
    store: Store, base: Files, ours: Files, theirs: Files, rules: Mapping[str, str] | None = None, *, asked: bool = False
) -> Merge:
    """`rules` are pattern to owner, the more exact first. Whatever comes out can be written as a tree."""
    old, mine, new = (write(store, files) for files in (base, ours, theirs))
    merged = merge(store, old, mine, new, Ownership(tuple((rules or {}).items())), labels=LABELS, asked=asked)
    assert store.read(store.write(merged.tree)) == merged.tree
    assert merged.conflicts.keys() == {conflict.paths[0] for conflict in merged.explained}
    stages = {
        path: read(store, {str(stage): entry for stage, entry in found.items()}) for path, found in merged.conflicts.items()
    }
    return Merge(merged, read(store, merged.tree), [str(conflict) for conflict in merged.explained], stages)


def repository(path: Path) -> Path:
    """A new repository; its git directory."""
    path.mkdir(parents=True)
    done = run(["git", "init", "--quiet"], cwd=path)
    assert done.status == 0, done
    return path / ".git"


def numbered(first: int, last: int, **changes: str) -> str:
    """A text of lines `line 1`…; `line7="…"` changes one, and empty takes it away."""
    lines = [changes.get(f"line{number}", f"line {number}\n") for number in range(first, last + 1)]
    return "".join(lines)


def _bytes(file: str | bytes | Script | Link) -> bytes:
    if isinstance(file, bytes):
        return file
    text = file.content if isinstance(file, Script) else file.target if isinstance(file, Link) else file
    return text.encode()


def _file(entry: Entry, content: bytes) -> str | bytes | Script | Link | Submodule:
    if entry.mode == "160000":
        return Submodule(entry.oid)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content
    return Script(text) if entry.mode == "100755" else Link(text) if entry.mode == "120000" else text
