"""The templates' history: a bare repository whose tags are the releases, and the bundle that an installation carries.

A release is a commit titled `release: vX.Y.Z`. Its tag is derived from it, the same on every machine, so tags that
happen to be in the checkout do not count. A history that goes on after its last release ends in one more tag, shaped
like the output of `git describe`, which every repository with that commit resolves.
"""

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gopherforge import git
from gopherforge.errors import ProgramFailed, TemplatesMissing, UnusableHistory
from gopherforge.process import run

NAME = "templates.bundle"

WORK_TREE = "work-tree"
"""The tag of a snapshot: recorded by a service that was rendered from it, it resolves nowhere else."""

READABLE = ("copier.yml", "ownership.yml", "questions")
"""What is read of the templates without rendering them."""

LISTS = "files"
"""The directory beside a bundle that has for each version a list of the templates' files, so that they are told without git."""

RELEASE = re.compile(r"release: (v(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*))(?: \(#\d+\))?")
"""The title of a release commit. Squashing a pull request adds its number."""

DESCRIBED = re.compile(r"v(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-(\d{1,9})-g([0-9a-f]{4,64}))?", re.ASCII)
"""A version that a service may record: a release, or as `git describe` names a commit after one, abbreviated in any way."""

_TAGGER = "gopherforge <gopherforge@localhost>"
_SIGNATURE = "# v2 git bundle\n"

# Nothing is taken over from how the objects are packed now, and threads would share the work out by chance.
_PACKING = [
    "--quiet",
    "--revs",
    "--threads=1",
    "--compression=9",
    "--window=10",
    "--depth=50",
    "--no-reuse-delta",
    "--no-reuse-object",
    "--delta-base-offset",
]


class History(NamedTuple):
    """A bare repository. `versions` are its tags, oldest first; the last one is that of HEAD."""

    repository: Path
    versions: tuple[str, ...]
    source: Path  # what a clone is made from: the bundle that it was unpacked from, or the repository


def carry(origin: Path, scratch: Path, environ: Mapping[str, str]) -> Path:
    """What an installation carries: a new directory in `scratch` with the bundle, LISTS and its newest version's READABLE files.

    Raises as `open_history`.
    """
    history = open_history(origin, scratch, environ)
    directory = scratch / "carried"
    extract(history, history.versions[-1], directory, environ)
    if history.source == history.repository:
        write(history, directory / NAME, environ)
    else:
        shutil.copyfile(history.source, directory / NAME)
    (directory / LISTS).mkdir()
    for version in history.versions:
        (directory / LISTS / version).write_text(_lines(files(history, version, environ)), encoding="utf-8")
    return directory


def open_history(origin: Path, scratch: Path, environ: Mapping[str, str]) -> History:
    """The history of a checkout, or of a directory that holds a bundle, in a new repository in `scratch`.

    Raises TemplatesMissing where `origin` is neither, and UnusableHistory, ProgramMissing and ProgramFailed.
    """
    if (origin / ".git").exists():
        return borrow(origin, scratch, environ)
    if (origin / NAME).is_file():
        return unpack(origin / NAME, scratch, environ)
    raise TemplatesMissing(
        f"{origin} is neither a git checkout of gopherforge nor a directory with {NAME}.",
        "install a released gopherforge, or clone its repository with git.",
    )


def borrow(checkout: Path, scratch: Path, environ: Mapping[str, str]) -> History:
    """The history of a checkout's HEAD, in a new repository in `scratch` that borrows the checkout's objects.

    The checkout may belong to another user, be a linked work tree or a clone without old blobs (they are fetched).
    Raises UnusableHistory where it is shallow, has no commit, or has two commits for one release.
    """
    env = git.pinned(environ)
    if git.call("rev-parse", "--is-shallow-repository", cwd=checkout, env=env) == "true":
        raise UnusableHistory(
            f"{checkout} is a shallow clone, and the templates' releases are in its history.", "run git fetch --unshallow there."
        )
    if not (head := _head(checkout, env)):
        raise UnusableHistory(f"{checkout} has no commit yet, so its templates have no version.")
    _fetch_missing(checkout, head, environ)
    repository = _borrowing_repository(checkout, scratch, env)
    git.call("update-ref", "refs/heads/main", head, cwd=repository, env=env)
    return History(repository, _tag(repository, env), repository)


def snapshot(checkout: Path, scratch: Path, environ: Mapping[str, str]) -> History:
    """The templates as they lie in the checkout's work tree, as one commit in a new repository in `scratch`."""
    env = git.pinned(environ)
    repository = _borrowing_repository(checkout, scratch, env)
    files = env | {"GIT_DIR": str(repository), "GIT_WORK_TREE": str(checkout), "GIT_INDEX_FILE": str(repository / "index")}
    if head := _head(checkout, env):  # what is tracked counts, also where it is ignored
        git.call("read-tree", head, cwd=repository, env=files)
    git.call("add", "--all", "--", *READABLE, "templates", cwd=checkout, env=files)
    tree = git.call("write-tree", cwd=repository, env=files)
    commit = git.call("commit-tree", "-m", WORK_TREE, tree, cwd=repository, env=env)
    git.call("update-ref", "refs/heads/main", commit, cwd=repository, env=env)
    git.call("update-ref", f"refs/tags/{WORK_TREE}", commit, cwd=repository, env=env)
    return History(repository, (WORK_TREE,), repository)


def unpack(bundle: Path, scratch: Path, environ: Mapping[str, str]) -> History:
    """The history that a bundle holds, in a new repository in `scratch`."""
    repository = scratch / "history.git"
    git.call("clone", "--quiet", "--bare", "--", str(bundle), str(repository), cwd=scratch, env=git.pinned(environ))
    return History(repository, versions(bundle), bundle)


def extract(history: History, version: str, directory: Path, environ: Mapping[str, str]) -> None:
    """Write the READABLE files of a version into `directory`, which is made."""
    directory.mkdir()
    env = git.pinned(environ) | {"GIT_DIR": str(history.repository), "GIT_WORK_TREE": str(directory)}
    git.call("checkout", "--force", version, "--", *READABLE, cwd=directory, env=env)


def read(history: History, version: str, path: str, environ: Mapping[str, str]) -> str:
    """The text of one file at a version. Raises ProgramFailed where it has none of this name."""
    return git.call("cat-file", "blob", f"{version}:{path}", cwd=history.repository, env=git.pinned(environ))


def files(history: History, version: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The paths of all files of the templates at a version, such as `go-http-service/Makefile.jinja`, sorted."""
    listing = ["ls-tree", "-r", "-z", "--name-only", version, "--", "templates/"]
    listed = git.call(*listing, cwd=history.repository, env=git.pinned(environ))
    return tuple(path.removeprefix("templates/") for path in listed.split("\0") if path)


def resolve(history: History, name: str, environ: Mapping[str, str]) -> bool:
    """Whether the history has the version that a service records, which can then be rendered under this name.

    A release goes by its name. What `git describe` wrote, here or in any other repository, goes by the hash at its end.
    """
    if name in history.versions:
        return True
    found = DESCRIBED.fullmatch(name)
    if found is None or found[5] is None:
        return False
    env = git.pinned(environ)
    asked = ["git", "log", "-1", "--format=%H %ct", "--end-of-options", f"{found[5]}^{{commit}}"]
    commit, _, date = run(asked, cwd=history.repository, env=env, check=False).stdout.strip().partition(" ")
    within = ["git", "merge-base", "--is-ancestor", commit, "main"]
    if not commit or run(within, cwd=history.repository, env=env, check=False).returncode != 0:
        return False
    _write_tags(history.repository, {name: (commit, date)}, env)
    return True


def order(version: str) -> tuple[int, ...]:
    """What versions of one history are compared by: the release, and the number of commits since. Raises ValueError."""
    found = DESCRIBED.fullmatch(version)
    if found is None:
        raise ValueError(f"{version} is no version")
    return tuple(int(number or 0) for number in found.groups()[:4])


def versions(bundle: Path) -> tuple[str, ...]:
    """The versions in a bundle, oldest first, read without git; the last one is the one that it was made for."""
    found = []
    with bundle.open("rb") as file:
        while line := file.readline().strip():
            _, _, name = line.decode("ascii").partition(" refs/tags/")
            found.append(name)
    return tuple(filter(None, found))


def write(history: History, target: Path, environ: Mapping[str, str]) -> None:
    """Write a history as a bundle: the same bytes from every repository with these commits, however it is packed.

    `git bundle create` would copy what deltas it finds.
    """
    env = git.pinned(environ)
    names = ["HEAD", "refs/heads/main", *(f"refs/tags/{version}" for version in history.versions)]
    tips = git.call("rev-parse", *names, cwd=history.repository, env=env).splitlines()
    packed = history.repository / "packed"
    digest = git.call("pack-objects", *_PACKING, str(packed), cwd=history.repository, env=env, input=_lines(tips))
    header = _SIGNATURE + "".join(f"{tip} {name}\n" for tip, name in zip(tips, names, strict=True)) + "\n"
    with Path(f"{packed}-{digest}.pack").open("rb") as pack, target.open("wb") as bundle:
        bundle.write(header.encode("ascii"))
        shutil.copyfileobj(pack, bundle)


def _head(checkout: Path, env: Mapping[str, str]) -> str:
    """The commit of HEAD; empty before the first."""
    return run(["git", "rev-parse", "--verify", "--quiet", "HEAD^{commit}"], cwd=checkout, env=env, check=False).stdout.strip()


def _borrowing_repository(checkout: Path, scratch: Path, env: Mapping[str, str]) -> Path:
    repository = scratch / "history.git"
    objects = git.call("rev-parse", "--path-format=absolute", "--git-path", "objects", cwd=checkout, env=env)
    git.call("init", "--quiet", "--bare", str(repository), cwd=scratch, env=env)
    (repository / "objects/info/alternates").write_bytes(os.fsencode(objects) + b"\n")
    return repository


def _fetch_missing(checkout: Path, head: str, environ: Mapping[str, str]) -> None:
    """Complete a clone without old blobs, such as pip makes of a git URL, with the user's own access to where it came from."""
    listed = git.call("rev-list", "--objects", "--missing=print", head, cwd=checkout, env=git.pinned(environ))
    missing = [line[1:] for line in listed.splitlines() if line.startswith("?")]
    if not missing:
        return
    fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none", "--stdin", "origin"]
    # Told which commits are here, the other side would take their files for present, too.
    silently = ["-c", "fetch.negotiationAlgorithm=noop"]
    try:
        git.call(*silently, *fetch, cwd=checkout, env=git.authors(environ), input=_lines(missing))
    except ProgramFailed as error:
        raise UnusableHistory(f"{checkout} was cloned without old files, and they cannot be fetched: {error.message}") from error


def _lines(items: Iterable[str]) -> str:
    return "".join(f"{item}\n" for item in items)


def _tag(repository: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Tag the release commits and, where it is none of them, HEAD. Returns the tags, oldest first, HEAD's last."""
    log = git.call("log", "--format=%H %ct %s", "main", cwd=repository, env=env)
    commits = [line.split(" ", 2) for line in log.split("\n")]
    tags: dict[str, tuple[str, str]] = {}
    for commit, date, title in commits:
        if release := RELEASE.fullmatch(title):
            if release[1] in tags:
                raise UnusableHistory(f"two commits are titled release: {release[1]}.")
            tags[release[1]] = (commit, date)
    _write_tags(repository, tags, env)
    releases = sorted(tags, key=_order)
    head, date, _ = commits[0]
    version = next((name for name in releases if tags[name][0] == head), None)
    if version is None:
        version = _described(repository, head, releases, env)
        _write_tags(repository, {version: (head, date)}, env)
    return (*(name for name in releases if name != version), version)


def _described(repository: Path, head: str, releases: Sequence[str], env: Mapping[str, str]) -> str:
    """The highest release before HEAD, the number of commits since, and HEAD's name: `git describe` would go by dates."""
    last = releases[-1] if releases else "v0.0.0"
    since = f"{last}..main" if releases else "main"
    return f"{last}-{git.call('rev-list', '--count', since, cwd=repository, env=env)}-g{head[:12]}"


def _order(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.removeprefix("v").split(".")))


def _write_tags(repository: Path, tags: Mapping[str, tuple[str, str]], env: Mapping[str, str]) -> None:
    """Write annotated tags, given as name: (commit, seconds since 1970)."""
    stream = "".join(
        f"tag {name}\nfrom {commit}\ntagger {_TAGGER} {date} +0000\ndata {len(name) + 1}\n{name}\n\n"
        for name, (commit, date) in tags.items()
    )
    git.call("fast-import", "--quiet", cwd=repository, env=env, input=stream)
