"""The settings of a generated service: those that its code reads, and those that its README names."""

import re

from tests.rendering import Rendering

CODE = re.compile(r"internal/platform/config/\w+(?<!_test)\.go")
READ = re.compile(r'\b(?:e\.(?!getenv)\w+\(|read\(e, )"([A-Z_]+)"')
ROW = re.compile(r"(?m)^\| (`[A-Z].*?) \|")
NAME = re.compile(r"`([A-Z_*]+)`")


def settings_of(rendering: Rendering) -> set[str]:
    """The variables that the service reads itself, but for GOMEMLIMIT, which is the Go runtime's."""
    return {name for path, text in rendering.texts.items() if CODE.fullmatch(path) for name in READ.findall(text)}


def documented(rendering: Rendering) -> set[str]:
    """The variables in the table of the README's section on configuration; `*` stands for the rest of a name."""
    section = rendering.texts["README.md"].partition("\n## Configuration\n")[2].partition("\n## ")[0]
    return {name for cell in ROW.findall(section) for name in NAME.findall(cell)}
