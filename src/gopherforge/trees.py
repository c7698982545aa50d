"""Git trees as dictionaries, and the scratch repository in which they are read, written and merged."""

import io
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gopherforge import git
from gopherforge.errors import IncompleteClone
from gopherforge.process import decode, encode, run


@dataclass(frozen=True)
class Entry:
    """A file as git knows it. `mode` is 100644, 100755 (executable), 120000 (symbolic link) or 160000 (submodule)."""

    mode: str
    oid: str

    @property
    def is_file(self) -> bool:
        """Whether it is neither a link nor a submodule, so that its bytes can be merged."""
        return self.mode.startswith("100")

    @property
    def is_submodule(self) -> bool:
        """Whether it is a commit of another repository."""
        return self.mode == "160000"


Tree = Mapping[str, Entry]
"""POSIX path below the service's directory to entry; what is not UTF-8 in a path is there as surrogate escapes."""


@dataclass(frozen=True)
class Combined:
    """What git made of two trees: files in conflict are in `kinds`, with git's names for what is wrong, and hold markers."""

    tree: dict[str, Entry]
    kinds: dict[str, set[str]]


# Stands above the .gitattributes in every tree.
_NO_ATTRIBUTES = "* -text -ident -filter -working-tree-encoding !diff !merge\n"


class Store:
    """A bare repository that borrows a service's objects and has none of its configuration, attributes and hooks."""

    def __init__(self, directory: Path, env: Mapping[str, str]) -> None:
        self._directory = directory
        self._env = {**env, "GIT_DIR": str(directory)}

    def read(self, treeish: str) -> dict[str, Entry]:
        """The files of a tree, named as git does: `<commit>:<directory>`, where no directory is the top."""
        rows = (row.split("\t", 1) for row in self._git("ls-tree", "-r", "-z", "--full-tree", treeish).split("\0") if row)
        return {path: Entry(meta.split()[0], meta.split()[2]) for meta, path in rows}

    def write(self, tree: Tree) -> str:
        """The object id of a tree of these files, whose contents need not be here. No path lies below another."""
        rows = "".join(f"{entry.mode} {entry.oid}\t{path}\0" for path, entry in tree.items())
        with tempfile.TemporaryDirectory(dir=self._directory) as scratch:
            index = {"GIT_INDEX_FILE": f"{scratch}/index"}
            self._git("update-index", "-z", "--index-info", input=rows, env=index)
            return self._git("write-tree", "--missing-ok", env=index).strip()

    def snapshot(self, directory: Path) -> dict[str, Entry]:
        """The files below a directory, byte for byte, also what is ignored or has attributes there. Raises OSError."""
        paths = list(_files(directory))
        oids = self.add([os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() for path in paths])
        return {path.relative_to(directory).as_posix(): Entry(_mode(path), oid) for path, oid in zip(paths, oids, strict=True)}

    def contents(self, entries: Iterable[Entry]) -> dict[str, bytes]:
        """Object id to bytes. Raises IncompleteClone where the service's repository lacks some."""
        oids = sorted({entry.oid for entry in entries})
        if not oids:
            return {}
        output = io.BytesIO(encode(self._git("cat-file", "--batch", input=_lines(oids))))
        return {oid: _blob(output) for oid in oids}

    def add(self, contents: Sequence[bytes]) -> list[str]:
        """The object ids of files with these bytes, in this order."""
        if not contents:
            return []
        commands = (b"blob\nmark :1\ndata %d\n%b\nget-mark :1\n" % (len(content), content) for content in contents)
        return self._git("fast-import", "--quiet", input=decode(b"".join(commands))).split()

    def similar(self, old: Tree, new: Tree, percent: int) -> list[tuple[str, str]]:
        """Pairs of a file that is only in `old` and one only in `new`, alike by `percent` or more. No file is in two pairs.

        Empty files are never alike. Of more than 7,000 by 7,000 files only identical ones are found, as in git's own merges.
        Raises IncompleteClone.
        """
        gone, come = (
            {path: entry for path, entry in one.items() if path not in other} for one, other in ((old, new), (new, old))
        )
        if not gone or not come:
            return []
        self._require(entry.oid for tree in (gone, come) for entry in tree.values() if entry.is_file)
        alike = ["-l7000", f"--find-renames={percent}%", "--no-rename-empty", "--diff-filter=R"]
        fields = iter(self._git("diff-tree", "-r", "-z", *alike, self.write(gone), self.write(come)).split("\0")[:-1])
        return [(left, right) for _, left, right in zip(fields, fields, fields, strict=True)]

    def combine(self, base: Tree, ours: Tree, theirs: Tree, labels: tuple[str, str]) -> Combined:
        """The three-way merge of files that `ours` and `theirs` both have, so that git finds no renames to guess at.

        `labels`, for the markers, are two names that could be branches'.
        """
        commits = (
            _commit("refs/merge/base", base),
            *(_commit(f"refs/heads/{label}", tree) for label, tree in zip(labels, (ours, theirs), strict=True)),
        )
        self._git("fast-import", "--quiet", "--force", input="".join(commits))
        tree, *fields = self._git("merge-tree", "--write-tree", "-z", "--messages", *labels, expected=(0, 1)).split("\0")
        return Combined(self.read(tree), _kinds(fields))

    def check_out(self, tree: str, directory: Path) -> None:
        """Write the files of a tree into an existing directory, as they are in it."""
        with tempfile.TemporaryDirectory(dir=self._directory) as scratch:
            index = {"GIT_INDEX_FILE": f"{scratch}/index", "GIT_WORK_TREE": str(directory)}
            self._git("read-tree", tree, env=index)
            self._git("checkout-index", "--all", env=index)

    def diff(self, old: str, new: str, *, colour: bool) -> str:
        """What differs between two trees, for people, as git shows it."""
        how = ["--no-ext-diff", "--no-textconv", "--find-renames", f"--color={'always' if colour else 'never'}"]
        return self._git("diff", *how, old, new)

    def publish(self, tree: str, into: Path, known: Iterable[str] = (), besides: Iterable[str] = ()) -> None:
        """Copy a tree, and blobs besides, into the repository of another git directory, without what `known` trees there hold."""
        wanted = _lines([tree, *besides, *(f"^{oid}" for oid in known)])
        pack = self._git("pack-objects", "--stdout", "--revs", "--quiet", input=wanted)
        self._git("unpack-objects", "-q", input=pack, env={"GIT_DIR": str(into)})

    def _require(self, oids: Iterable[str]) -> None:
        said = self._git("cat-file", "--batch-check", input=_lines(oids))
        if any(line.endswith(" missing") for line in said.splitlines()):
            raise IncompleteClone

    def _git(self, *arguments: str, input: str = "", env: Mapping[str, str] | None = None, expected: Sequence[int] = (0,)) -> str:
        return run(
            ["git", *arguments],
            cwd=self._directory,
            env={**self._env, **(env or {})},
            input=input,
            expected=expected,
            timeout=None,
        ).stdout


def store(scratch: Path, service: Path, environ: Mapping[str, str]) -> Store:
    """A new store in `scratch`, an existing directory. It borrows the objects of the service's git directory.

    Raises ProgramMissing and ProgramFailed, as do all methods.
    """
    env = git.pinned(environ)
    asked = ["rev-parse", "--path-format=absolute", "--show-object-format", "--git-path", "objects"]
    form, objects = git.call(*asked, cwd=service, env=env | {"GIT_DIR": str(service)}).split("\n", 1)
    directory = Path(tempfile.mkdtemp(prefix="store-", dir=scratch))
    git.call("init", "--quiet", "--bare", f"--object-format={form}", cwd=directory, env=env)
    (directory / "objects" / "info" / "alternates").write_bytes(encode(f"{_quote(objects)}\n"))
    (directory / "info").mkdir(exist_ok=True)
    (directory / "info" / "attributes").write_text(_NO_ATTRIBUTES, encoding="utf-8")
    return Store(directory, env)


def above(path: str) -> Iterator[str]:
    """The directories that a path lies in, the nearest first, without the top."""
    return (str(parent) for parent in PurePosixPath(path).parents if parent.name)


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        else:
            yield path


def _mode(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "120000"
    return "100755" if mode & stat.S_IXUSR else "100644"


def _lines(words: Iterable[str]) -> str:
    return "".join(f"{word}\n" for word in words)


def _blob(output: io.BytesIO) -> bytes:
    """The next file in what `git cat-file --batch` printed."""
    header = output.readline().split()
    if header[1] == b"missing":
        raise IncompleteClone
    return output.read(int(header[2]) + 1)[:-1]


def _commit(ref: str, tree: Tree) -> str:
    """What makes `git fast-import` commit a tree, on top of refs/merge/base if it is not that itself."""
    start = "" if ref == "refs/merge/base" else "from refs/merge/base\ndeleteall\n"
    files = "".join(f"M {entry.mode} {entry.oid} {_quote(path)}\n" for path, entry in tree.items())
    return f"commit {ref}\ncommitter gopherforge <gopherforge@localhost> 0 +0000\ndata 0\n{start}{files}\n"


def _kinds(fields: Sequence[str]) -> dict[str, set[str]]:
    """What is wrong with which path, from what `git merge-tree -z` printed after the tree: stages, nothing, notes.

    A note is a count, that many paths, its kind and a sentence. Kinds have one name in every version and language of git.
    """
    start = fields.index("")
    kinds: dict[str, set[str]] = {row.split("\t", 1)[1]: set() for row in fields[:start]}
    notes = iter(fields[start + 1 : -1])
    for count in notes:
        paths = [next(notes) for _ in range(int(count))]
        kind, _sentence = next(notes), next(notes)
        for path in paths:
            if path in kinds:
                kinds[path].add(kind)
    return kinds


def _quote(path: str) -> str:
    """A path as git reads it where a line's end would end it, quoted as in C."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
