"""Every link leads somewhere: between the pages as Sphinx finds, and from the documents beside them."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

from tests.source import ROOT
from tests.support import run

DOCUMENTS = ["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"]

ELSEWHERE = re.compile(r"[a-z]+:")
"""What tests without a network cannot follow."""


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    built = run(
        [sys.executable, "-m", "sphinx", "--nitpicky", "--fail-on-warning", "--keep-going", "--quiet", "docs", tmp_path], cwd=ROOT
    )
    assert (built.status, built.output) == (0, "")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_of_the_documents_lead_somewhere(name: str) -> None:
    assert [link for link in links(ROOT / name) if not exists(ROOT / name, link)] == []


def links(document: Path) -> list[str]:
    """Where the links and pictures of a document in this repository lead to in it."""
    targets = [str(token.attrs[key]) for token in tokens(document) for key in ("href", "src") if key in token.attrs]
    return [target for target in targets if not ELSEWHERE.match(target)]


def exists(document: Path, link: str) -> bool:
    """Whether there is a file or directory of this name, with a heading of that name."""
    path, _, heading = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    return target.exists() and (not heading or heading in {token.attrs.get("id") for token in tokens(target)})


def tokens(document: Path) -> Iterator[Token]:
    """What a document consists of. Headings have the ids that GitHub gives them."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table").use(anchors_plugin, max_level=6)
    for token in parser.parse(document.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text(
        "# A heading\n\n[1](#a-heading) [2](#b) [3](README.md#a-heading) [4](NONE.md) ![5](none.png) [6](https://example.com)\n"
    )
    assert [link for link in links(document) if not exists(document, link)] == ["#b", "NONE.md", "none.png"]
