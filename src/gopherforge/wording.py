"""How messages show values: short, printable, on one line."""

import difflib
import re
from collections.abc import Collection, Iterable
from pathlib import Path

_SHOWN = 60  # characters of a value
_LISTED = 5  # of many names
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_WORD = 100  # characters; nothing longer is a misspelling


def printable(text: str) -> str:
    """Text with what could move a cursor, and what is not Unicode, shown as an escape sequence."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def plain(text: str) -> str:
    """What a terminal would have shown of a program's output, without colours."""
    lines = [line.rpartition("\r")[2] for line in _STYLE.sub("", text).replace("\r\n", "\n").split("\n")]
    return "\n".join(line.expandtabs(4).rstrip() for line in lines)


def describe(value: object) -> str:
    """A given value, whatever it is."""
    if isinstance(value, str):
        return f'"{printable(value[:_SHOWN])}{"…" if len(value) > _SHOWN else ""}"'
    if isinstance(value, bool):
        return str(value).lower()
    kinds = {type(None): "nothing", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def display(path: Path, cwd: Path) -> str:
    """A path as the user would type it in a directory."""
    if not path.is_relative_to(cwd):
        return str(path)
    shown = str(path.relative_to(cwd))
    return f"./{shown}" if shown.startswith("-") else shown


def join_or(values: Iterable[str]) -> str:
    """Values as a sentence lists them: `a, b or c`."""
    return _join("or", values)


def join_and(values: Iterable[str]) -> str:
    """Values as a sentence lists them: `a, b and c`."""
    return _join("and", values)


def listed(names: Collection[str]) -> str:
    """Names, such as paths, as a sentence lists them: in order, and of many the first."""
    more = len(names) - _LISTED
    shown = [printable(name) for name in sorted(names)[:_LISTED]]
    return join_and([*shown, f"{more} more"] if more > 0 else shown)


def _join(word: str, values: Iterable[str]) -> str:
    *first, last = values
    return f"{', '.join(first)} {word} {last}" if first else last


def suggest(word: object, known: Iterable[str]) -> str:
    """` Did you mean …?`, or nothing where no known word is near."""
    if not isinstance(word, str) or not 0 < len(word) <= _WORD:
        return ""
    folded = {candidate.casefold(): candidate for candidate in known}
    begun = [candidate for candidate in folded if candidate.startswith(word.casefold())]
    near = begun or difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.7)
    return f' Did you mean "{folded[near[0]]}"?' if near else ""
