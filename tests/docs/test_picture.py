"""The picture of the README shows what the program shows."""

import html
import re

import pytest

from maintenance.recording import PICTURE, picture

pytestmark = pytest.mark.terminal


def test_the_picture_is_up_to_date() -> None:
    """`make recording` takes it again. It may show an older version's number: a release needs no new picture."""
    assert texts(PICTURE.read_text(encoding="utf-8")) == texts(picture())


def texts(svg: str) -> list[str]:
    """What is written in a picture."""
    written = [html.unescape(text).replace("\N{NO-BREAK SPACE}", " ") for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg)]
    return [re.sub(r"\bv\d+\.\d+\.\d+\b", "VERSION", text) for text in written]
