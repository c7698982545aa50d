"""guard.py: the lock that keeps other runs out."""

from pathlib import Path

import pytest

from gopherforge.errors import RepositoryBusy
from gopherforge.guard import alone


def test_only_one_holds_it(tmp_path: Path) -> None:
    with alone(tmp_path / "lock"), pytest.raises(RepositoryBusy, match="another gopherforge"), alone(tmp_path / "lock"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_the_author_removed_is_no_failure(tmp_path: Path) -> None:
    with alone(tmp_path / "lock"):
        (tmp_path / "lock").unlink()
    with alone(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()
