"""The reference says what the code says now."""

import pytest

from maintenance.reference.__main__ import DIRECTORY, pages


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return pages()


def test_the_pages_are_those_that_are_written(written: dict[str, str]) -> None:
    assert written.keys() == {path.name for path in DIRECTORY.iterdir()}


@pytest.mark.parametrize("name", sorted(path.name for path in DIRECTORY.iterdir()))
def test_a_page_is_up_to_date(written: dict[str, str], name: str) -> None:
    """`make reference` writes them again."""
    assert (DIRECTORY / name).read_text(encoding="utf-8") == written[name]
