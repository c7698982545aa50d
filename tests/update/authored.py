"""A repository that an author made, with a service in it; and what changes there."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.core.observer import snapshot


class Link(str):
    """The target of a symbolic link."""

    __slots__ = ()


class Script(str):
    """The text of an executable."""

    __slots__ = ()


Files = Mapping[str, str]
"""POSIX path to text, `Link` or `Script`. What is not UTF-8 is there as surrogate escapes."""

# Everything that can become of a file, and names that need care.
OLD: Files = {
    ".gitignore": "*.out\n",
    "Makefile": "build:\n",
    "bin/run": Script("#!/bin/sh\n"),
    "bin/plain": "#!/bin/sh\n",
    "current": Link("Makefile"),
    "deep/down/below/only.txt": "gone\n",
    "file": "becomes a directory\n",
    "linked": Link("bin"),
    "directory/one": "1\n",
    "directory/more/two": "2\n",
    "text": "becomes a link\n",
    "names/*": "star\n",
    "names/:(top)": "magic\n",
    "names/new\nline": "newline\n",
    "names/\udcff": "no UTF-8\n",
    "untouched.go": "package main\n",
}
NEW: Files = {
    ".gitignore": "*.out\n",
    "Makefile": "build: test\n",
    "bin/run": "no script any more\n",
    "bin/plain": Script("#!/bin/sh\n"),
    "current": Link("bin/run"),
    "file/in/it": "was a file\n",
    "linked/in/it": "was a link to a directory\n",
    "directory": "was a directory\n",
    "text": Link("Makefile"),
    "names/*": "another star\n",
    "names/:(top)": "no magic\n",
    "names/new\nline": "line\nnew\n",
    "names/\udcff": "still no UTF-8\n",
    'names/tab\tquote"': "added\n",
    "names/added \udcfe": "added\n",
    "added/far/away.go": "package away\n",
    "untouched.go": "package main\n",
}


class Authored:
    """The author's side: a repository with one commit, in whose sub-folder `prefix` the service is."""

    def __init__(self, path: Path, files: Files = OLD, prefix: str = "") -> None:
        self.path = path
        self.prefix = prefix
        self.service.mkdir(parents=True)
        self.git("init", "--quiet")
        self.write(files)
        self.commit("first")

    @property
    def service(self) -> Path:
        return self.path / self.prefix

    def git(self, *arguments: str, input: str = "", **env: str) -> str:
        return git(self.path, *arguments, input=input, **env)

    def write(self, files: Files) -> None:
        """Write files of the service."""
        for name, content in files.items():
            path = self.service / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Link):
                path.symlink_to(content)
            else:
                path.write_text(content, encoding="utf-8", newline="")
                path.chmod(0o755 if isinstance(content, Script) else 0o644)

    def commit(self, title: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", title)
        return self.git("rev-parse", "HEAD")

    def blob(self, text: str) -> str:
        return self.git("hash-object", "-w", "--stdin", input=text)

    def tree(self, files: Files) -> str:
        """The tree of these files, in the repository."""
        modes = {Link: "120000", Script: "100755", str: "100644"}
        lines = [f"{modes[type(content)]} {self.blob(content)}\t{path}\0" for path, content in files.items()]
        index = {"GIT_INDEX_FILE": str(self.path.parent / "index of a tree")}
        self.git("read-tree", "--empty", **index)
        self.git("update-index", "-z", "--index-info", input="".join(lines), **index)
        return self.git("write-tree", **index)

    def state(self) -> dict[str, tuple[object, ...]]:
        """All that must be the same again: every file with its time and mode, every directory, the index and its surroundings."""
        return state(self.path)


@contextmanager
def git_directory_elsewhere(author: Authored) -> Iterator[Path]:
    """The git directory is on another file system than the service, where it is given; skips where there is none."""
    places = [place for place in map(Path, ("/dev/shm", "/var/tmp")) if place.is_dir()]
    others = [place for place in places if place.stat().st_dev != author.path.stat().st_dev]
    if not others:
        pytest.skip("there is no second file system at /dev/shm or /var/tmp.")
    away = others[0] / f"gopherforge-{os.getpid()}.git"
    try:
        shutil.move(author.path / ".git", away)
        (author.path / ".git").write_text(f"gitdir: {away}\n")
        yield away
    finally:
        shutil.rmtree(away, ignore_errors=True)


def state(directory: Path) -> dict[str, tuple[object, ...]]:
    """As `Authored.state`. Objects, which git adds at any time, and times of directories do not count."""
    return {
        path: (mode, content) if content is None else (mode, time, content)
        for path, (mode, time, content) in snapshot(directory).items()
        if not path.startswith(".git/objects")
    }


def files(directory: Path) -> dict[str, str]:
    """The files of a work tree, as they were written."""
    found: dict[str, str] = {}
    for path in directory.rglob("*"):
        name = path.relative_to(directory).as_posix()
        if name == ".git" or name.startswith(".git/") or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink():
            found[name] = Link(path.readlink())
        else:
            text = path.read_bytes().decode("utf-8", "surrogateescape")
            found[name] = Script(text) if path.stat().st_mode & 0o100 else text
    return found


def kinds(files: Files) -> dict[str, tuple[str, str]]:
    """Files so that a link or script is not equal to a file of the same text."""
    return {path: (type(content).__name__, str(content)) for path, content in files.items()}


def git(directory: Path, *arguments: str, input: str = "", **env: str) -> str:
    """What the author's git says."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env=os.environ | env,
        input=input.encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr.decode()}"
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")
