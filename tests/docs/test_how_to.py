"""What the how-to pages show is what the program prints."""

import re
import sys

import pytest

from tests.source import ROOT
from tests.support import run

PAGES = sorted((ROOT / "docs/how-to").glob("*.md"))


def test_the_shown_document_is_printed() -> None:
    page = (ROOT / "docs/how-to/without-a-terminal.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)

    printed = run([sys.executable, "-m", "gopherforge", "new", "--json"], cwd=ROOT)

    assert (printed.status, printed.output) == (2, shown)


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in PAGES])
def test_the_first_sentence_says_what_the_page_is_for(page: str) -> None:
    title, purpose, *_ = (ROOT / page).read_text(encoding="utf-8").split("\n\n")
    assert title.startswith("# ")
    assert purpose.startswith("This page ")
