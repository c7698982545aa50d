"""git's two environments (pinned; the author's) and the few plumbing calls."""

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from gopherforge.errors import CannotWrite, ProgramFailed
from gopherforge.process import run

OLDEST = (2, 38)
"""The first git that merges trees without a work tree, which updates need."""

# What a git that we start may still hear of the user's variables when it must not depend on the user.
_KEPT = {"GIT_EXEC_PATH"}

# Variables that make git work on another repository, or read paths in another way, than it would by itself.
_REPOSITORY = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
}

# No configuration file is read, so these stand against git's own defaults and the files that git reads besides.
_PINS = {
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "init.defaultBranch": "main",
    "init.templateDir": "",
    "protocol.allow": "never",
    "protocol.file.allow": "always",
    "safe.directory": "*",
}

_PINNED = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_AUTHOR_EMAIL": "gopherforge@localhost",
    "GIT_AUTHOR_NAME": "gopherforge",
    "GIT_COMMITTER_EMAIL": "gopherforge@localhost",
    "GIT_COMMITTER_NAME": "gopherforge",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def pinned(environ: Mapping[str, str], settings: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """An environment in which git does the same for everyone: no configuration but `settings`, no hooks, no network."""
    inherited = {key: value for key, value in environ.items() if not key.startswith("GIT_") or key in _KEPT}
    env = {"PATH": os.defpath} | inherited | _PINNED
    for number, (key, value) in enumerate(pairs := [*_PINS.items(), *settings]):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env | {"GIT_CONFIG_COUNT": str(len(pairs))}


def authors(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which git is the user's own (identity, signing, hooks, credentials), in the directory it runs in."""
    return {key: value for key, value in environ.items() if key not in _REPOSITORY}


def call(*arguments: str, cwd: Path, env: Mapping[str, str], input: str | None = None) -> str:
    """What git says, without the last line's end. Raises ProgramMissing and ProgramFailed."""
    return run(["git", *arguments], cwd=cwd, env=env, input=input, timeout=None).stdout.removesuffix("\n")


def require(environ: Mapping[str, str]) -> None:
    """Raise ProgramMissing where there is no git, and ProgramFailed where it is too old."""
    said = call("version", cwd=Path("/"), env=pinned(environ))
    found = re.search(r"(\d+)\.(\d+)[.\w]*", said)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        oldest, present = ".".join(map(str, OLDEST)), said.removeprefix("git version ")
        raise ProgramFailed(f"git {oldest} or newer is required, and this is {present}.", "upgrade git.")


def work_tree_around(directory: Path, environ: Mapping[str, str]) -> Path | None:
    """The top of the work tree that a directory, empty or still absent, would be part of.

    None where there is none, or where its repository ignores the directory.
    """
    # Whose repository it is does not matter for being asked where it is.
    asked = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false"]
    cwd = directory if directory.is_dir() else directory.parent
    env = authors(environ)
    top = run([*asked, "rev-parse", "--show-toplevel"], cwd=cwd, env=env, check=False)
    if top.returncode != 0:
        return None
    ignored = run([*asked, "check-ignore", "--quiet", "--no-index", f"{directory}/"], cwd=cwd, env=env, check=False)
    return None if ignored.returncode == 0 else Path(top.stdout.removesuffix("\n"))


def commit_everything(directory: Path, message: str, environ: Mapping[str, str]) -> None:
    """Make `directory` a repository with one commit of all its files, by the user's git. Raises ProgramFailed and CannotWrite.

    Where only the commit fails, the files stay staged.
    """
    env = authors(environ)
    branch = run(["git", "config", "--get", "init.defaultBranch"], cwd=directory, env=env, check=False).stdout.strip() or "main"
    try:
        call("init", "--quiet", f"--initial-branch={branch}", cwd=directory, env=env)
    except (CannotWrite, ProgramFailed):
        shutil.rmtree(directory / ".git", ignore_errors=True)
        raise
    # Named, so that nothing found in the new repository could make git go on to one further up.
    env |= {"GIT_DIR": str(directory / ".git"), "GIT_WORK_TREE": str(directory)}
    call("add", "--all", "--force", cwd=directory, env=env)
    call("commit", "--quiet", f"--message={message}", cwd=directory, env=env)
