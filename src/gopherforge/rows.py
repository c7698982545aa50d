"""What is told of a directory, for programs and as a table that fits a terminal."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from gopherforge.wording import display, printable

COLUMNS = 80

_NAMES = 12  # files or questions in a row of the table
_VERSION, _TEMPLATE = 24, 16  # characters in the table


class Status(NamedTuple):
    """What is told of a directory. What cannot be told is None, or empty where it is text."""

    path: Path
    latest: str
    template: str = ""
    version: str = ""
    behind: int | None = None  # versions that are newer
    edited: tuple[str, ...] | None = None
    deleted: tuple[str, ...] | None = None
    unanswered: tuple[str, ...] | None = None
    problem: str = ""  # why it is no service that could be updated
    stranger: bool = False  # whether the problem is that it is something else, which may lie beside services
    unknown: str = ""  # why `edited` and `deleted` cannot be told


def data(row: Status) -> dict[str, object]:
    """A row for programs."""
    return {
        "path": row.path.as_posix(),
        "template": row.template,
        "version": row.version,
        "latest": row.latest,
        "behind": row.behind,
        **{key: None if names is None else list(names) for key, names in _lists(row)},
        "problem": row.problem,
        "unknown": row.unknown,
    }


def _lists(row: Status) -> list[tuple[str, tuple[str, ...] | None]]:
    return [("edited", row.edited), ("deleted", row.deleted), ("unanswered", row.unanswered)]


def table(rows: Sequence[Status], cwd: Path) -> str:
    """A row for each directory, and below it what does not fit into one."""
    head = ("SERVICE", "TEMPLATE", "VERSION", "BEHIND", "EDITED", "DELETED")
    cells = [head, *(_cells(row, cwd) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    widths[0] = min(widths[0], COLUMNS - sum(width + 2 for width in widths[1:]))
    lines = []
    for number, (name, *others) in enumerate(cells):
        beside = "  ".join(f"{cell:<{width}}" for cell, width in zip(others, widths[1:], strict=True)).rstrip()
        fits = len(name) <= widths[0]
        lines += [] if fits else [name]
        lines.append(f"{name if fits else '':<{widths[0]}}  {beside}")
        lines += _below(rows[number - 1]) if number else []
    behind = sum(bool(row.behind) for row in rows)
    return "\n".join([*lines, "", f"Behind {rows[0].latest}, the newest version: {behind} of {len(rows)}."])


def _cells(row: Status, cwd: Path) -> tuple[str, ...]:
    counts = ["?" if names is None else str(len(names)) for names in (row.edited, row.deleted)]
    return (
        printable(display(row.path, cwd)),
        _short(row.template, _TEMPLATE),
        _short(row.version, _VERSION),
        "?" if row.behind is None else str(row.behind),
        *counts,
    )


def _below(row: Status) -> list[str]:
    """What is told of a directory below its row."""
    parts = [row.problem, f"edited and deleted are unknown: {row.unknown}" if row.unknown else ""]
    for what, names in _lists(row):
        if names:
            more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
            parts.append(f"{what}: {', '.join(names[:_NAMES])}{more}")
    wrapped = (wrap(printable(part), COLUMNS, initial_indent="  ", subsequent_indent="    ") for part in parts)
    return [line for lines in wrapped for line in lines]


def _short(text: str, limit: int) -> str:
    shown = printable(text[: limit + 1]) or "?"
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"
