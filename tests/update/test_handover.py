"""Renovate and plain Copier go on with what gopherforge wrote, and gopherforge with what they wrote."""

import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.version import Version

from gopherforge.source import canonical_url
from tests import source
from tests.core.history import git
from tests.handover import CHANGED, COMMANDS, LAST, Handover, hand_over
from tests.plain import ANSWERS, data, files
from tests.rendering import ANSWERS_FILE
from tests.support import Shared

RENOVATE = "44.121.2"
"""Whose copier manager is meant below."""

MANAGER_FILE_PATTERN = re.compile(r"(^|/)\.copier-answers(\..+)?\.ya?ml")
"""Its `managerFilePatterns`. What it takes of the file is asked by `test_renovate_reads_its_answers`."""


TEMPLATE = next(template for template, last in LAST.items() if last == COMMANDS[-1])
"""Its service is one that all commands wrote."""


@pytest.fixture(scope="session")
def handover(shared: Shared) -> Handover:
    return hand_over(shared)


@pytest.mark.parametrize("command", COMMANDS)
def test_renovate_reads_its_answers(command: str, handover: Handover) -> None:
    """`_src_path` is a URL of HTTP, and `_commit` a string that its versioning, `pep440`, takes for a stable release."""
    since = len(COMMANDS) - 1 - COMMANDS.index(command)
    answers = yaml.safe_load(git(handover.service(TEMPLATE), "show", f"HEAD~{since}:{ANSWERS_FILE}"))

    assert MANAGER_FILE_PATTERN.search(ANSWERS_FILE)
    address = answers["_src_path"]
    assert (address, urlsplit(address).scheme, bool(urlsplit(address).hostname)) == (canonical_url(), "https", True)
    assert answers["_commit"] == (handover.made if command == "new" else handover.updated)
    assert not Version(answers["_commit"]).is_prerelease
    assert Version(answers["_commit"]) < Version(handover.offered)


def test_plain_copier_updates_it_and_then_gopherforge_does(handover: Handover, tmp_path: Path) -> None:
    before, taken = handover.service(TEMPLATE), tmp_path / "taken"
    shutil.copytree(before, taken)
    done = handover.author.update(taken)
    assert done.status == 0, done
    assert f"_commit: {handover.offered}\n" in (taken / ANSWERS_FILE).read_text(encoding="utf-8")
    assert (taken / CHANGED).read_text(encoding="utf-8").endswith("# 2 releases later.\n")
    handover.author.commit(taken, "Update with Copier")

    handover.check_goes_on(taken, before, tmp_path / "without")


def test_gopherforge_goes_on_with_what_plain_copier_copied(handover: Handover, tmp_path: Path) -> None:
    """At the first release. Each command makes of it, and tells of it, the same as of a service of `new`."""
    copied, made = handover.author.copy(tmp_path / "copied", version="v0.1.0"), tmp_path / "made/orders"
    made.parent.mkdir()
    new = handover.gopherforge("new", "orders", "--defaults", "--no-git", "--ref", "v0.1.0", *data(ANSWERS), cwd=made.parent)
    assert new.status == 0, new
    for command in ("update",), ("set", "database=postgres"), ("status",):
        for service in (copied, made):
            handover.author.commit(service, f"Before {command[0]}")
        for words in ("status",), command:
            assert said(handover, copied, *words) == said(handover, made, *words)
        assert git(copied, "write-tree") == git(made, "write-tree")
        assert files(copied) == files(made)
    answers = yaml.safe_load((copied / ANSWERS_FILE).read_text(encoding="utf-8"))
    assert (answers["_commit"], answers["database"]) == (handover.carried, "postgres")


def said(handover: Handover, service: Path, *words: str) -> str:
    """All that a command says of a service, wherever it is."""
    done = handover.gopherforge(*words, "--json", cwd=service)
    assert done.status == 0, done
    return done.output.replace(str(service), "orders")


def test_its_rules_are_those_of_the_renovate_that_we_run() -> None:
    pinned = re.search(r"(?m)^RENOVATE_VERSION=(\S+)", (source.ROOT / "maintenance/renovate.sh").read_text(encoding="utf-8"))
    assert pinned is not None
    assert f"Renovate {pinned[1]}" in (source.ROOT / "docs/how-to/renovate.md").read_text(encoding="utf-8")
    assert pinned[1] == RENOVATE
