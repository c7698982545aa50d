"""A service of any release that nobody touched becomes, by an update, what `new` makes today."""

from pathlib import Path

import pytest

from gopherforge.source import PACKAGE, Source
from tests.core.history import git
from tests.support import Shared
from tests.update.authored import files, kinds
from tests.update.releases import CHOSEN, starts, updated
from tests.update.ways import rendering
from tests.variants import Variant, landmarks


@pytest.mark.parametrize("variant", CHOSEN, ids=str)
def test_it_is_a_fresh_rendering_byte_for_byte(variant: Variant, releases: Source, shared: Shared, tmp_path: Path) -> None:
    """From every release. What a release does not ask for is answered by its default."""
    for version, answers in starts(releases, variant).items():
        told = updated(shared, version, answers, tmp_path / version)
        fresh = rendering(shared, PACKAGE, releases.newest, answers)
        assert kinds(files(tmp_path / version)) == kinds(files(fresh)), version
        assert [told[key] for key in ("conflicts", "kept", "left_out", "warnings")] == [[], [], [], []], version
        assert git(tmp_path / version, "diff", "--name-only") == "", version
        assert git(tmp_path / version, "ls-files", "--others") == "", version


def test_every_release_is_started_from(releases: Source) -> None:
    full = [variant for variant in landmarks() if variant.label == "full"]
    assert {version for variant in full for version in starts(releases, variant)} == set(releases.history.versions[:-1])
