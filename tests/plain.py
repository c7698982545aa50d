"""Someone who has the templates from a public repository, and uses plain Copier."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from gopherforge import bundle
from gopherforge.source import canonical_url
from tests import source
from tests.core.history import git
from tests.support import Outcome, program, run

ANSWERS = {"template": "go-http-service", "name": "orders", "module": "example.com/orders", "license": "MIT"}


class Author:
    """Someone with git, Copier, and an address where the templates are."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        }

    def copier(self, *words: str, cwd: Path, **variables: str) -> Outcome:
        """A run of Copier with a cache of its own: runs that share one break each other's."""
        cache = {"COPIER_CACHE_DIR": f"{cwd}.cache"}
        return run([program("copier"), *words], cwd=cwd, env=self.env | cache | variables)

    def copy(self, place: Path, *words: str, address: str = "", version: str = "v0.1.0", **variables: str) -> Path:
        """A service of a release."""
        place.mkdir(parents=True)
        command = ["copy", "--defaults", "--vcs-ref", version, *data(ANSWERS), *words, address or canonical_url(), "orders"]
        copied = self.copier(*command, cwd=place, **variables)
        assert copied.status == 0, copied
        return place / "orders"

    def update(self, service: Path, *words: str, **variables: str) -> Outcome:
        return self.copier("update", "--defaults", *words, cwd=service, **variables)

    def commit(self, service: Path, message: str) -> None:
        for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", message]):
            done = run(["git", *words], cwd=service, env=self.env)
            assert done.status == 0, done


def settle(home: Path, history: Path, place: Path) -> Author:
    """Make the home of an author in `place`, which will be called `home`."""
    place.mkdir(parents=True)
    git(place, "clone", "--quiet", "--bare", str(history), "upstream.git")
    (place / ".gitconfig").write_text(
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
        f'[url "{home}/upstream.git"]\n\tinsteadOf = {canonical_url()}\n'
    )
    return Author(home)


def publish(history: Path, home: Path, releases: str) -> None:
    """As a release does: take the derived tags into the public repository."""
    scratch = home / "scratch"
    scratch.mkdir()
    carried = bundle.carry(history, scratch, os.environ) / bundle.NAME
    git(home / "upstream.git", "fetch", "--quiet", "--no-tags", str(carried), f"refs/tags/{releases}:refs/tags/{releases}")
    shutil.rmtree(scratch)


def make_upstream(place: Path) -> None:
    """The real releases, and after them the templates and the tool as they are in the work tree."""
    git(place.parent, "clone", "--quiet", str(source.ROOT), str(place))
    for part in (*source.PARTS, "src"):
        origin, copy = source.ROOT / part, place / part
        if origin.is_dir():
            shutil.rmtree(copy)
            shutil.copytree(origin, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(origin, copy)
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--allow-empty", "--message", "feat: the work tree")


def files(service: Path) -> dict[str, bytes]:
    found = ((path.relative_to(service), path) for path in service.rglob("*") if path.is_file())
    return {relative.as_posix(): path.read_bytes() for relative, path in found if relative.parts[0] != ".git"}


def data(answers: Mapping[str, str]) -> list[str]:
    return [word for key, value in answers.items() for word in ("--data", f"{key}={value}")]
