"""Which files of services are different: between two trees, and between HEAD, index and work tree.

What is different is told as path to state, the paths below the service.
"""

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from gopherforge import git, reader
from gopherforge.process import run
from gopherforge.reader import Reader, Unknown

ADDED, EDITED, DELETED = "A", "M", "D"

FEW = 20
"""Services of one repository up to which git is told which they are: it compares every path with each of them."""

_TREES = ("diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv")
_STATUS = ("status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all")

States = dict[str, str]


def between(repository: Reader, pairs: Collection[tuple[str, str]], environ: Mapping[str, str]) -> dict[tuple[str, str], States]:
    """What happened from the first tree of each pair to the second. git is started once, or not at all. Raises ProgramFailed."""
    found: dict[tuple[str, str], States] = {pair: {} for pair in pairs}
    different = sorted((old, new) for old, new in pairs if old != new)
    if not different:
        return found
    said = repository.ask(environ, *_TREES, input="".join(f"{old} {new}\n" for old, new in different))
    states: States = {}
    words = iter(said.split("\0"))
    for word in words:
        *headings, record = word.split("\n")
        for heading in headings:
            old, new = heading.split(" ")
            states = found[old, new]
        if record:
            letter = record[-1]
            states[next(words)] = letter if letter in {ADDED, DELETED} else EDITED
    return found


def uncommitted(repository: Reader, directories: Collection[str], environ: Mapping[str, str]) -> dict[str, States]:
    """What happened in each directory since HEAD, in the index and in the work tree, as the author's git sees it.

    git is started once. Raises Unknown where it refuses the work tree, and ProgramMissing.
    """
    found: dict[str, States] = {directory: {} for directory in directories}
    if repository.top is None:
        return found
    within = [f":(top,literal){directory}" for directory in directories if len(directories) <= FEW and "" not in found]
    env = git.authors(environ) | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    done = run(
        ["git", "-c", "core.fsmonitor=false", *_STATUS, "--", *within], cwd=repository.top, env=env, check=False, timeout=None
    )
    if done.returncode != 0:
        fatal = (line.removeprefix("fatal: ") for line in done.stderr.splitlines() if line.startswith("fatal: "))
        raise Unknown(f"git refuses its work tree: {next(fatal, 'it does not say why')}")
    for record in done.stdout.split("\0"):
        if record[:1] not in {"1", "u"}:
            continue
        # 1 XY sub mH mI mW hH hI path, and unmerged: u XY sub m1 m2 m3 mW h1 h2 h3 path
        fields = record.split(" ", 8 if record[0] == "1" else 10)
        in_work_tree = fields[5 if record[0] == "1" else 6]
        before = fields[3] if record[0] == "1" else ""
        state = EDITED if reader.exists(in_work_tree) else DELETED
        if before and not reader.exists(before):
            state = ADDED
        path = PurePosixPath(fields[-1])
        for parent in path.parents:
            if (directory := reader.name(parent)) in found:
                found[directory][str(path.relative_to(parent))] = state
    return found
