"""The judge of conflicts is itself judged."""

from pathlib import Path

import pytest

from tests.update.contested import is_real
from tests.update.files import numbered

BASE = numbered(1, 9)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "real"),
    [
        (BASE, numbered(1, 9, line5="mine\n"), numbered(1, 9, line5="its\n"), True),
        (BASE, numbered(1, 9, line5="mine\n"), numbered(1, 9, line6="its\n"), True),
        (BASE, numbered(1, 9, line5="mine\n"), numbered(1, 9, line7="its\n"), False),
        (BASE, numbered(1, 9, line5="line 5\nmine\n"), numbered(1, 9, line5="line 5\nits\n"), True),
        (BASE, numbered(1, 9, line5="line 5\nmine\n"), numbered(1, 9, line6=""), True),
        (BASE, numbered(1, 9, line5="line 5\nmine\n"), numbered(1, 9, line7=""), False),
        (BASE, numbered(1, 9, line5="same\n"), numbered(1, 9, line5="same\n"), False),
        (BASE, BASE, numbered(1, 9, line5="its\n"), False),
        (BASE, numbered(1, 9, line5="mine\n"), None, True),
        (BASE, BASE, None, False),
        (BASE, None, BASE, False),
        (None, "mine\n", "its\n", True),
        (None, "mine\n", None, False),
    ],
)
def test_only_what_both_sides_changed_is_contested(
    tmp_path: Path, base: str | None, ours: str | None, theirs: str | None, *, real: bool
) -> None:
    sides = [side if side is None else side.encode() for side in (base, ours, theirs)]
    assert is_real(tmp_path, *sides) is real
