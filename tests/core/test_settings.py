"""Odd settings never spoil a new service, and making one touches no other repository."""

import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gopherforge import git as core_git
from gopherforge.create import Request, create, preview
from gopherforge.errors import CannotWrite
from gopherforge.source import locate
from tests.core import observer
from tests.core.history import ANSWERS, Project, git
from tests.core.installation import ANSWERS as ANSWERS_GIVEN
from tests.core.installation import Program
from tests.support import Shared, program, run

Contents = dict[str, tuple[int, bytes]]


def contents(service: Path) -> Contents:
    """Every file's permissions and bytes."""
    files = (path for path in service.rglob("*") if path.is_file() and ".git" not in path.relative_to(service).parts)
    return {path.relative_to(service).as_posix(): (path.stat().st_mode, path.read_bytes()) for path in files}


@pytest.fixture(scope="session")
def usual(shared: Shared, installed: Program) -> Contents:
    """What the program makes with no odd settings."""

    def make(place: Path) -> None:
        place.mkdir()
        outcome = installed.new(place / "service", env=os.environ)
        assert outcome.status == 0, outcome

    return contents(shared.directory("usual", make) / "service")


def whole(service: Path, usual: Contents) -> None:
    """The same bytes as ever, in a repository with one commit of all of them, and nothing else beside it."""
    assert contents(service) == usual
    assert git(service, "status", "--porcelain", "--ignored") == ""
    assert git(service, "rev-list", "--count", "--all") == "1"
    assert sorted(git(service, "-c", "core.quotePath=false", "ls-files").splitlines()) == sorted(usual)
    assert list(service.parent.iterdir()) == [service]


# The process.

COPIERS = "defaults:\n  database: postgres\n  description: Spoilt.\n  tracing: false\ntrust:\n  - https://\n"

PROCESS = {
    "the C locale": {"LC_ALL": "C"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii:strict"},
    "a locale that is not there": {"LC_ALL": "xx_YY.ISO-8859-1", "LANGUAGE": "xx"},
    "optimised": {"PYTHONOPTIMIZE": "2", "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1"},
    "warnings are errors": {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"},
    "TMPDIR nowhere": {"TMPDIR": "/nowhere"},
    "TMPDIR is the place": {"TMPDIR": "{place}"},
    "a home that is not there": {"HOME": "/nowhere", "XDG_CONFIG_HOME": "/nowhere", "XDG_CACHE_HOME": "/nowhere"},
    "settings for Copier": {"XDG_CONFIG_HOME": "{given}", "COPIER_SETTINGS_PATH": "{given}/copier/settings.yml"},
    "a cache for Copier that is a file": {"COPIER_CACHE_DIR": "{given}/copier/settings.yml"},
    "answers for Copier": {"COPIER_DATA": "x", "COPIER_ANSWERS_FILE": "x", "COPIER_TRUST": "1"},
    "traces of git": {"GIT_TRACE": "1", "GIT_TRACE2": "1", "GIT_TRACE_SETUP": "1"},
}


class TestProcess:
    @pytest.mark.parametrize("variables", PROCESS.values(), ids=PROCESS)
    def test_variables_change_nothing(
        self, installed: Program, usual: Contents, place: Path, tmp_path: Path, variables: dict[str, str]
    ) -> None:
        settings = tmp_path / "given/copier/settings.yml"
        settings.parent.mkdir(parents=True)
        settings.write_text(COPIERS)
        given = {key: value.format(place=place, given=tmp_path / "given") for key, value in variables.items()}

        outcome = installed.new(place / "user-service", env=os.environ | given)
        assert (outcome.status, "warning" in outcome.output) == (0, False), outcome
        whole(place / "user-service", usual)
        assert settings.read_text() == COPIERS

    def test_a_user_that_the_system_does_not_know(self, installed: Program, usual: Contents, place: Path) -> None:
        outcome = installed.new(place / "user-service", env=os.environ, wrapper=["unshare", "--user", "--map-user=12345"])
        assert outcome.status == 0, outcome
        whole(place / "user-service", usual)

    @pytest.mark.parametrize("redirected", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
    def test_closed_streams_change_nothing(self, installed: Program, usual: Contents, place: Path, redirected: str) -> None:
        outcome = installed.new(place / "user-service", env=os.environ, wrapper=["sh", "-c", f'exec "$@" {redirected}', "sh"])
        assert outcome.status == 0, outcome
        whole(place / "user-service", usual)

    @pytest.mark.parametrize(
        ("redirected", "output"),
        [
            (">/dev/full", "error: the result could not be written: No space left on device.\n"),
            (">/dev/full 2>/dev/full", ""),
        ],
    )
    def test_a_result_that_cannot_be_written_is_a_failure_and_the_service_is_whole(
        self, installed: Program, usual: Contents, place: Path, redirected: str, output: str
    ) -> None:
        outcome = installed.new(place / "user-service", env=os.environ, wrapper=["sh", "-c", f'exec "$@" {redirected}', "sh"])
        assert (outcome.status, outcome.output) == (1, output)
        whole(place / "user-service", usual)


# The disk.

MOUNTED = """
mount -t tmpfs -o "$1" none "$2" || exit 99
ulimit $3
cd "$2" && shift 3
"$@"
status=$?
echo "left: $(ls -A)"
exit $status
"""


def on_a_disk(options: str, place: Path, limit: str = "-n 1024") -> list[str]:
    """What runs a command with a file system of its own at `place`, and says at the end what is in it."""
    namespace = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    return [program("unshare"), *namespace[1:], "sh", "-c", MOUNTED, "sh", options, str(place), limit]


FULL = {
    "size=16k": "cannot write the service: write error: No space left on device.",
    "size=400k": "cannot write the service: ",
    "size=1m": "cannot write the service: ",
    "size=9m,nr_inodes=2": "cannot write {place}/.gopherforge-new-",
    "size=9m,nr_inodes=40": "cannot write the service: ",
    "ro": "{place} cannot be written.\nhint: ",
}

LIMITS = {
    "-f 64": r"git failed while rendering: error: index-pack died of signal 25",
    "-n 12": r"(cannot write the service|git could not be started): Too many open files\.",
}


class TestDisk:
    @pytest.mark.parametrize("options", FULL)
    def test_where_there_is_no_room_nothing_is_left(self, installed: Program, place: Path, options: str) -> None:
        outcome = installed.new(place / "user-service", env=os.environ, wrapper=on_a_disk(options, place))
        assert outcome.status == 1, outcome
        assert outcome.output.startswith(f"error: {FULL[options].format(place=place)}"), outcome
        assert outcome.output.endswith("\nleft: \n")
        assert len(outcome.output.splitlines()) <= 3

    @pytest.mark.parametrize("limit", LIMITS)
    def test_where_the_shell_sets_a_limit_nothing_is_left(self, installed: Program, place: Path, limit: str) -> None:
        outcome = installed.new(place / "user-service", env=os.environ, wrapper=on_a_disk("size=9m", place, limit))
        assert re.fullmatch(f"error: {LIMITS[limit]}\nleft: \n", outcome.output), outcome
        assert outcome.status == (5 if "error: git" in outcome.output else 1)

    @pytest.mark.parametrize("options", ["size=4k,nr_inodes=1", "ro"])
    def test_a_full_disk_for_temporary_files_changes_nothing(
        self, installed: Program, usual: Contents, place: Path, tmp_path: Path, options: str
    ) -> None:
        """The target is on another file system, too."""
        (tmp_path / "tmp").mkdir()
        env = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
        outcome = installed.new(place / "user-service", env=env, wrapper=on_a_disk(options, tmp_path / "tmp"))
        assert outcome.status == 0, outcome
        assert outcome.output.endswith("left: \n")
        whole(place / "user-service", usual)


# The user's git.


NOTHING = "/nowhere"

CHANGES_NOTHING = {
    "an editor": {"core.editor": "false", "sequence.editor": "false"},
    "a commit template": {"commit.template": NOTHING, "commit.verbose": "true", "commit.status": "true"},
    "messages cleaned up": {"commit.cleanup": "scissors", "core.commentChar": ";", "i18n.commitEncoding": "ISO-8859-1"},
    "line ends": {"core.autocrlf": "true", "core.eol": "crlf"},
    "line ends of input": {"core.autocrlf": "input"},
    "modes": {"core.fileMode": "false", "core.symlinks": "false", "core.ignoreCase": "true", "core.sharedRepository": "group"},
    "ignored files": {"core.excludesFile": "{given}/everything"},
    "a sparse checkout": {"core.sparseCheckout": "true", "core.sparseCheckoutCone": "true", "index.sparse": "true"},
    "another work tree": {"core.worktree": "{given}", "core.bare": "true"},
    "kinds of index": {
        "index.version": "4",
        "core.splitIndex": "true",
        "core.untrackedCache": "true",
        "feature.manyFiles": "true",
    },
    "a file system monitor": {"core.fsmonitor": "false"},
    "hooks nowhere": {"core.hooksPath": NOTHING},
    "ownership": {"safe.directory": NOTHING, "safe.bareRepository": "explicit"},
    "protocols": {"protocol.allow": "never", "protocol.file.allow": "never"},
    "other addresses": {"url.ssh://x@example.invalid/.insteadOf": "https://gopherforge.example/", "url./nowhere.insteadOf": "/"},
    "signed tags and pushes": {"tag.gpgSign": "true", "push.gpgSign": "true", "gpg.program": "false"},
    "colours and pagers": {"color.ui": "always", "core.pager": "false", "log.showSignature": "true", "log.date": "nonsense"},
    "aliases": {"alias.commit": "!false", "alias.init": "!false", "alias.add": "!false"},
    "rubbish at once": {"gc.auto": "1", "gc.autoDetach": "false"},
    "a template with hooks": {"init.templateDir": "{given}/template"},
    "a branch with an odd name": {"init.defaultBranch": "ада/@-1"},
}

UNCOMMITTED = {
    "no signing program": ({"commit.gpgSign": "true", "gpg.program": "false"}, "git commit failed (exit code 128): "),
    "no signing key": (
        {"commit.gpgSign": "true", "gpg.format": "ssh", "user.signingKey": NOTHING},
        "git commit failed (exit code 128): ",
    ),
    "a hook that fails": ({"core.hooksPath": "{given}/failing"}, "git commit failed (exit code 1): no, says the hook"),
    "a branch that cannot be": ({"init.defaultBranch": "..x"}, "git init failed (exit code 128): fatal: invalid initial branch"),
    "a filter that fails": (
        {"core.attributesFile": "{given}/filtered", "filter.x.clean": "false", "filter.x.required": "true"},
        "git add failed (exit code 128): fatal: ",
    ),
    "line ends that would change": (
        {"core.autocrlf": "true", "core.safecrlf": "true"},
        "git add failed (exit code 128): fatal: LF would be replaced by CRLF in ",
    ),
    "a setting that is nonsense": ({"core.abbrev": "nonsense"}, "git "),
}


@pytest.fixture(scope="session")
def small(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What is made of the small templates with no odd settings."""
    service = tmp_path_factory.mktemp("small") / "service"
    with locate(None, os.environ, package) as templates:
        create(Request(service, ANSWERS, templates), os.environ)
    return contents(service)


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """What the user's settings name."""
    given = tmp_path / "given"
    files = {
        "everything": "*\n",
        "filtered": "* filter=x\n",
        "failing/pre-commit": "#!/bin/sh\necho no, says the hook >&2\nexit 1\n",
        "template/hooks/post-commit": "#!/bin/sh\nexit 1\n",
        "template/info/exclude": "*\n",
    }
    for path, text in files.items():
        (given / path).parent.mkdir(parents=True, exist_ok=True)
        (given / path).write_text(text)
        (given / path).chmod(0o755)
    return given


def configured(environ: Mapping[str, str], given: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a user who has more settings than a name."""
    config = given / "gitconfig"
    config.write_text("[user]\n\tname = Ada Lovelace\n\temail = ada@example.com\n")
    for key, value in settings.items():
        git(given, "config", "--file", str(config), key, value.format(given=given))
    return {**environ, "GIT_CONFIG_GLOBAL": str(config)}


class TestGit:
    @pytest.mark.parametrize("settings", CHANGES_NOTHING.values(), ids=CHANGES_NOTHING)
    def test_settings_change_nothing(
        self, request_at: Request, small: Contents, given: Path, environ: dict[str, str], settings: dict[str, str]
    ) -> None:
        before = observer.snapshot(given)
        odd = configured(environ, given, settings)
        created = create(request_at, odd)

        assert (created.committed, created.warning) == (True, "")
        whole(request_at.target, small)
        assert git(request_at.target, "log", "--format=%an %s").startswith("Ada Lovelace Create user-service from ")
        assert git(request_at.target, "symbolic-ref", "--short", "HEAD") == settings.get("init.defaultBranch", "main")
        assert observer.changes(before, observer.snapshot(given)) == [".", "gitconfig"]

    @pytest.mark.parametrize("odd", UNCOMMITTED)
    def test_where_git_fails_the_service_is_whole_and_uncommitted(
        self, request_at: Request, small: Contents, given: Path, environ: dict[str, str], odd: str
    ) -> None:
        settings, reason = UNCOMMITTED[odd]
        created = create(request_at, configured(environ, given, settings))

        assert not created.committed
        assert created.warning.startswith(f"could not commit: {reason}")
        assert "\n" not in created.warning
        assert contents(request_at.target) == small
        assert list(request_at.target.parent.iterdir()) == [request_at.target]

    def test_what_a_hook_writes_stays_and_is_the_users(
        self, request_at: Request, small: Contents, given: Path, environ: dict[str, str]
    ) -> None:
        hook = given / "failing/pre-commit"
        hook.write_text("#!/bin/sh\necho added > added && git add added\necho left > left\n")

        assert create(request_at, configured(environ, given, {"core.hooksPath": "{given}/failing"})).committed
        assert git(request_at.target, "status", "--porcelain") == "?? left"
        assert contents(request_at.target).keys() - small.keys() == {"added", "left"}
        assert sorted(git(request_at.target, "ls-tree", "-r", "--name-only", "HEAD").splitlines()) == sorted([*small, "added"])


# Another repository.

EVERY_VARIABLE = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "{other}/.git/objects",
    "GIT_COMMON_DIR": "{other}/.git",
    "GIT_CONFIG": "{other}/.git/config",
    "GIT_DIR": "{other}/.git",
    "GIT_GRAFT_FILE": "{other}/.git/grafts",
    "GIT_IMPLICIT_WORK_TREE": "0",
    "GIT_INDEX_FILE": "{other}/.git/index",
    "GIT_INTERNAL_SUPER_PREFIX": "x/",
    "GIT_NAMESPACE": "x",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OBJECT_DIRECTORY": "{other}/.git/objects",
    "GIT_PREFIX": "x/",
    "GIT_QUARANTINE_PATH": "{other}/.git/objects",
    "GIT_REPLACE_REF_BASE": "refs/x",
    "GIT_SHALLOW_FILE": "{other}/.git/shallow",
    "GIT_WORK_TREE": "{other}",
}

# How git runs a program of the user's. `{run}` makes a service and compares every byte of `{other}` before and after.
WAYS = {
    "rebase --exec": "git rebase --quiet --exec {run} HEAD~1",
    "a hook of commit --all": "echo more >> README.md; printf '#!/bin/sh\n%s\n' {run} > .git/hooks/pre-commit;"
    " chmod +x .git/hooks/pre-commit; git commit --quiet --all --message more",
    "a hook of a linked work tree": "printf '#!/bin/sh\n%s\n' {run} > .git/hooks/post-commit; chmod +x .git/hooks/post-commit;"
    " git worktree add --quiet ../linked; cd ../linked; git commit --quiet --allow-empty --message more",
    "a hook of push": "git init --quiet --bare hub.git; printf '#!/bin/sh\n%s\n' {run} > hub.git/hooks/pre-receive;"
    " chmod +x hub.git/hooks/pre-receive; git push --quiet hub.git HEAD:refs/heads/main",
    "an alias": "git -c core.worktree=$PWD -c alias.run=!{run} --git-dir=$PWD/.git --work-tree=$PWD --namespace=x"
    " --literal-pathspecs --no-replace-objects run",
    "bisect run": "git bisect start HEAD HEAD~1 > /dev/null; git bisect run sh -c {run} > /dev/null",
}


class TestAnotherRepository:
    @pytest.fixture
    def other(self, tmp_path: Path) -> Path:
        project = Project(tmp_path / "other")
        project.commit("first", {"README.md": "x\n", "x/README.md": "x\n"})
        project.commit("second", {"README.md": "y\n"})
        return project.path

    def test_variables_that_name_it_lead_nowhere(
        self, request_at: Request, small: Contents, other: Path, environ: dict[str, str]
    ) -> None:
        before = observer.snapshot(other)
        created = create(request_at, environ | {key: value.format(other=other) for key, value in EVERY_VARIABLE.items()})

        assert observer.changes(before, observer.snapshot(other)) == []
        assert (created.committed, created.warning) == (True, "")
        whole(request_at.target, small)

    def test_no_variable_of_git_is_forgotten(self, tmp_path: Path) -> None:
        """Settings are not about a repository: `git -c` gives them to what it runs, and CI jobs their credentials."""
        settings = {"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"}
        named = set(git(tmp_path, "rev-parse", "--local-env-vars").split()) - settings
        assert named <= EVERY_VARIABLE.keys()
        assert not core_git.authors(dict.fromkeys(EVERY_VARIABLE, "x"))

    @pytest.mark.parametrize("way", WAYS)
    def test_inside_it_nothing_of_it_is_touched(
        self, installed: Program, usual: Contents, other: Path, place: Path, way: str
    ) -> None:
        report, run_it = place.with_name("report.json"), place.with_name("run")
        make = [str(installed.path), "new", *ANSWERS_GIVEN, "--", str(place / "user-service")]
        watched = shlex.join([sys.executable, observer.__file__, str(other), str(report), *make])
        run_it.write_text(f"#!/bin/sh\n{watched}\n")
        run_it.chmod(0o755)
        outcome = run(["sh", "-euc", WAYS[way].format(run=run_it)], cwd=other)
        assert report.exists(), outcome

        seen = json.loads(report.read_text())
        assert seen["variables"], seen
        assert (seen["status"], seen["changed"]) == (0, []), seen
        assert "warning" not in seen["output"], seen
        whole(place / "user-service", usual)


# Where the service is to be.

NAMES = [
    "a b",
    "ünïcode 日本",
    "a\nb",
    "co:lon",
    "quo\"te's",
    "[[ name ]]",
    "%s {0} $HOME",
    "-dash",
    "back\\slash",
    "\udcff",
]


class TestPlace:
    @pytest.mark.parametrize("name", NAMES, ids=ascii)
    def test_its_name_does_not_matter(
        self, request_at: Request, small: Contents, place: Path, environ: dict[str, str], name: str
    ) -> None:
        (place / name).mkdir()
        created = create(replace(request_at, target=place / name / name), environ)
        assert (created.committed, created.warning) == (True, "")
        whole(place / name / name, small)

    @pytest.mark.parametrize("name", ["lock", "service", "cache", "empty", ".git"])
    def test_nor_does_a_name_that_is_used_on_the_way(
        self, request_at: Request, small: Contents, place: Path, environ: dict[str, str], name: str
    ) -> None:
        preview(replace(request_at, target=place / name), environ)
        create(replace(request_at, target=place / name), environ)
        whole(place / name, small)

    def test_a_path_that_is_too_long_is_told(self, request_at: Request, place: Path, environ: dict[str, str]) -> None:
        deep = place
        while len(str(deep)) < 3800:
            deep /= "x" * 200
        deep.mkdir(parents=True)
        deep /= "y" * (3990 - len(str(deep)))
        deep.mkdir()
        with pytest.raises(CannotWrite) as caught:
            create(replace(request_at, target=deep / "user-service"), environ)
        assert caught.value.message.endswith("File name too long.")
        assert list(deep.iterdir()) == []

    def test_one_that_is_gone_when_the_service_is_ready_is_told(
        self, request_at: Request, place: Path, given: Path, environ: dict[str, str]
    ) -> None:
        moved = place.with_name("moved")
        (given / "failing/pre-commit").write_text(f"#!/bin/sh\nmv {shlex.quote(str(place))} {shlex.quote(str(moved))}\n")
        with pytest.raises(CannotWrite, match="No such file or directory") as caught:
            create(request_at, configured(environ, given, {"core.hooksPath": "{given}/failing"}))
        assert caught.value.exit_code == 1
        assert not place.exists()
