"""wording.py: values of any kind in messages."""

from pathlib import Path

import pytest

from gopherforge.wording import describe, display, join_and, join_or, listed, plain, suggest


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
    assert [join_and(["a"]), join_and(["a", "b"]), join_and(("a", "b", "c"))] == ["a", "a and b", "a, b and c"]


def test_of_many_names_the_first_are_listed() -> None:
    assert listed({"b", "a"}) == "a and b"
    assert listed(["e", "d", "c", "b", "a"]) == "a, b, c, d and e"
    assert listed(list("gfedcba")) == "a, b, c, d, e and 2 more"
    assert listed(["a\nb"]) == r"a\nb"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/work/orders", "orders"),
        ("/work/a/b", "a/b"),
        ("/work", "."),
        ("/elsewhere", "/elsewhere"),
        ("/work/-x", "./-x"),
        ("/workshop", "/workshop"),
    ],
)
def test_a_path_is_shown_as_it_would_be_typed(path: str, shown: str) -> None:
    assert display(Path(path), Path("/work")) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a\r\nb\n", "a\nb\n"),
        ("10 %\r50 %\r100 %\n", "100 %\n"),
        ("\x1b[1;31mFAIL\x1b[0m\x1b[K", "FAIL"),
        ("a\tb  \n", "a   b\n"),
        ("\x1b]0;title\x07", "\x1b]0;title\x07"),
    ],
)
def test_output_of_programs_is_shown_without_colours_and_cursor_movements(written: str, shown: str) -> None:
    assert plain(written) == shown


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
