"""wording.py: values of any kind in messages."""

import pytest

from gopherforge.wording import describe, join_or, suggest


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("mysql", '"mysql"'),
        ("two\nlines\x1b[31m", r'"two\nlines\x1b[31m"'),
        ("x" * 61, '"' + "x" * 60 + '…"'),
        (b"\xff".decode("utf-8", "surrogateescape"), r'"\udcff"'),
        (True, "true"),
        (None, "nothing"),
        (3, "a number"),
        (1.5, "a number"),
        ([1] * 1000, "a list"),
        ({}, "a mapping"),
        (b"bytes", "a bytes"),
    ],
)
def test_any_value_is_shown_on_one_short_line(value: object, shown: str) -> None:
    assert describe(value) == shown


def test_values_are_listed_as_in_a_sentence() -> None:
    assert [join_or(["a"]), join_or(["a", "b"]), join_or(("a", "b", "c"))] == ["a", "a or b", "a, b or c"]


@pytest.mark.parametrize(
    ("word", "suggestion"),
    [
        ("tracign", "tracing"),
        ("TRACING", "tracing"),
        ("mit", "MIT"),
        ("apache", "Apache-2.0"),
        ("data", "database"),
        ("gitlab", ""),
        ("", ""),
        ("t" * 101, ""),
        (7, ""),
    ],
)
def test_a_near_word_is_suggested(word: object, suggestion: str) -> None:
    known = ["tracing", "MIT", "Apache-2.0", "database", "github"]
    assert suggest(word, known) == (f' Did you mean "{suggestion}"?' if suggestion else "")
