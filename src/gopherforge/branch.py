"""A service's new state as a commit on a new branch of its author's."""

from gopherforge import git
from gopherforge.errors import BranchRefused, ProgramFailed
from gopherforge.process import encode, run
from gopherforge.repository import Repository
from gopherforge.wording import describe

_LONGEST = 250  # bytes of a file's name, without git's `.lock`


def check_branch(repository: Repository, branch: str) -> None:
    """Raise BranchRefused unless a new branch can have this name, and ProgramFailed where git does not know who commits."""
    ref = f"refs/heads/{branch}"
    asked = ["git", "check-ref-format", ref]
    valid = run(asked, cwd=repository.git_dir, env=repository.environ, check=False).returncode == 0
    if not valid or branch.startswith(("-", "refs/")) or branch == "HEAD":
        hint = "git check-ref-format --help says what names can be."
        raise BranchRefused(f"a branch cannot be called {describe(branch)}.", hint)
    if any(len(encode(part)) > _LONGEST for part in branch.split("/")):
        hint = f"each part of its name, between slashes, can have {_LONGEST} bytes."
        raise BranchRefused(f"a branch cannot be called {describe(branch)}, which is too long.", hint)
    listing = repository.git("for-each-ref", "--format=%(refname)", "refs/heads").split()
    taken = {name.removeprefix("refs/heads/") for name in listing}
    if branch in taken:
        raise BranchRefused(f"there is a branch {branch} already.", "name another one, or delete it with git branch -D.")
    for other in sorted(taken):
        if other.startswith(f"{branch}/") or branch.startswith(f"{other}/"):
            raise BranchRefused(f"a branch {branch} cannot be beside the branch {other}.", "name another one.")
    try:
        for identity in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            git.call("var", identity, cwd=repository.git_dir, env=repository.environ)
    except ProgramFailed as error:
        raise ProgramFailed(error.message, "git config user.name and git config user.email say who commits.") from error


def commit_on_branch(repository: Repository, tree: str, branch: str, message: str) -> str:
    """Make a new branch whose one commit after HEAD has `tree` as the service's directory. Returns the commit.

    The author's identity and signature are in it. It touches neither index nor work tree, so hooks of commits do not run;
    those that watch references do. The objects of `tree` are in the repository.
    Raises as `check_branch`, and ProgramFailed where git cannot commit or sign.
    """
    check_branch(repository, branch)
    signing = ["--gpg-sign"] if _wants_signature(repository) else []  # which this command leaves to its caller
    whole = repository.graft(tree)
    try:
        commit = repository.git("commit-tree", *signing, "-p", repository.head, "-F", "-", whole, input=message).strip()
    except ProgramFailed as error:
        hint = "commit.gpgSign has git sign commits: mend what signs, or set it to false." if signing else ""
        raise ProgramFailed(error.message, hint) from error
    nothing = "0" * len(commit)
    update = ["update-ref", "-m", "branch: made by gopherforge", f"refs/heads/{branch}", commit, nothing]
    git.call(*update, cwd=repository.git_dir, env=repository.environ)
    return commit


def _wants_signature(repository: Repository) -> bool:
    asked = ["git", "config", "--type=bool", "--get", "commit.gpgSign"]
    return run(asked, cwd=repository.git_dir, env=repository.environ, check=False).stdout.strip() == "true"
