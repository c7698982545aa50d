import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from gopherforge.errors import ForgeError, ProgramFailed
from maintenance.release import release
from tests import source
from tests.core.history import Project

TODAY = date(2026, 11, 21)

CHANGELOG = """\
# Changelog

Versions are those of the tool and of the templates alike.

## Unreleased

### Tool

- `gopherforge new` makes a service.

### Generated services

- An HTTP service.
"""


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    """A project before its first release."""
    project = Project(tmp_path / "project")
    files = {"CHANGELOG.md": CHANGELOG, "src/gopherforge/__init__.py": '"""X."""\n\n__version__ = "0.0.0"\n'}
    project.commit("feat: first", files)
    return project


def test_it_bumps_dates_and_commits(repository: Project) -> None:
    assert release(repository.path, "0.1.0", TODAY, os.environ) == "Committed release: v0.1.0."

    assert repository.git("log", "-1", "--format=%an %s") == "Ada Lovelace release: v0.1.0"
    assert repository.git("status", "--porcelain") == ""
    assert repository.git("show", "--format=", "--name-only") == "CHANGELOG.md\nsrc/gopherforge/__init__.py"
    assert (repository.path / "src/gopherforge/__init__.py").read_text() == '"""X."""\n\n__version__ = "0.1.0"\n'
    assert (repository.path / "CHANGELOG.md").read_text() == CHANGELOG.replace(
        "## Unreleased\n", "## Unreleased\n\n## v0.1.0 (2026-11-21)\n"
    )


@pytest.mark.parametrize("version", ["0.1.1", "0.2.0", "1.0.0"])
def test_the_next_release_follows_the_last_and_leaves_its_entries_alone(repository: Project, version: str) -> None:
    release(repository.path, "0.1.0", TODAY, os.environ)
    released = (repository.path / "CHANGELOG.md").read_text()
    entries = "## Unreleased\n\n### Tool\n\n- Faster.\n"
    repository.commit("perf: faster", {"CHANGELOG.md": released.replace("## Unreleased\n", entries)})

    release(repository.path, version, TODAY, os.environ)
    assert (repository.path / "CHANGELOG.md").read_text() == released.replace(
        "## Unreleased\n", entries.replace("## Unreleased\n", f"## Unreleased\n\n## v{version} (2026-11-21)\n")
    )


@pytest.mark.parametrize("version", ["0.0.0", "0.0.2", "0.2.0", "2.0.0", "v0.1.0", "0.1", "0.01.0", "0.1.0rc1", ""])
def test_a_version_that_does_not_follow_is_refused(repository: Project, version: str) -> None:
    refused(repository, version, f"{version} does not follow 0.0.0.")


def test_a_release_cannot_be_made_twice(repository: Project) -> None:
    release(repository.path, "0.1.0", TODAY, os.environ)
    refused(repository, "0.1.0", "0.1.0 does not follow 0.1.0.")
    refused(repository, "0.2.0", "CHANGELOG.md has nothing under ## Unreleased.")


def test_a_work_tree_that_is_not_clean_is_refused(repository: Project) -> None:
    repository.write({"new.txt": "x\n"})
    refused(repository, "0.1.0", "the work tree is not clean: ?? new.txt.")


def without_entries(changelog: str) -> str:
    return changelog.replace("- An HTTP service.\n", "")


def without_headings(changelog: str) -> str:
    return re.sub("### .*\n", "", changelog)


def with_another_heading(changelog: str) -> str:
    return changelog.replace("### Tool", "### Added")


def without_the_section(changelog: str) -> str:
    return changelog.replace("## Unreleased", "## Soon")


def without_anything(changelog: str) -> str:
    return changelog[: changelog.index("### Tool")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_entries, "CHANGELOG.md has no entry under ### Generated services."),
        (without_headings, "CHANGELOG.md has unreleased entries outside ### Tool and ### Generated services."),
        (with_another_heading, "CHANGELOG.md has ### Added under ## Unreleased."),
        (without_the_section, "CHANGELOG.md has no section ## Unreleased."),
        (without_anything, "CHANGELOG.md has nothing under ## Unreleased."),
    ],
)
def test_a_changelog_that_says_too_little_is_refused(repository: Project, change: Callable[[str], str], message: str) -> None:
    repository.commit("docs: changelog", {"CHANGELOG.md": change(CHANGELOG)})
    refused(repository, "0.1.0", message)


def test_a_module_with_another_version_is_refused(repository: Project) -> None:
    repository.commit("feat: bump by hand", {"src/gopherforge/__init__.py": '__version__ = "0.1.0"\n'})
    refused(repository, "0.1.0", "src/gopherforge/__init__.py says 0.1.0, but the last release is 0.0.0.")


def test_a_hook_that_refuses_the_commit_leaves_everything_as_it_was(repository: Project) -> None:
    hook = repository.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not green >&2\nexit 1\n")
    hook.chmod(0o755)
    refused(repository, "0.1.0", "git commit failed (exit code 1): not green", ProgramFailed)


def refused(repository: Project, version: str, message: str, kind: type[ForgeError] = ForgeError) -> None:
    """The release is refused with this sentence, and nothing has changed."""
    before = repository.git("rev-parse", "HEAD"), repository.git("status", "--porcelain")
    with pytest.raises(kind) as caught:
        release(repository.path, version, TODAY, os.environ)
    assert caught.value.message == message
    assert (repository.git("rev-parse", "HEAD"), repository.git("status", "--porcelain")) == before


def test_the_program_says_what_is_wrong_in_a_sentence() -> None:
    program = source.ROOT / "maintenance/release.py"
    done = subprocess.run([sys.executable, str(program)], capture_output=True, encoding="utf-8", check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: a release needs its version.\nhint: make release VERSION=0.1.0\n"


def test_the_real_changelog_can_be_released(repository: Project) -> None:
    """Whatever is unreleased now is written so that a release can be made of it; right after a release there is nothing."""
    shutil.copy2(source.ROOT / "CHANGELOG.md", repository.path)
    repository.commit("docs: the real changelog", {})
    try:
        release(repository.path, "0.1.0", TODAY, os.environ)
    except ForgeError as error:
        assert error.message == "CHANGELOG.md has nothing under ## Unreleased."  # noqa: PT017
