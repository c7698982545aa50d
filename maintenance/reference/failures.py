"""The page of exit codes, from the failures that have them."""

from collections.abc import Iterator

from gopherforge import errors
from gopherforge.errors import ForgeError
from maintenance.reference.markdown import check_complete, code, page, table

MEANINGS = {
    0: "done",
    1: "an expected failure, also of a step of `verify`",
    2: "the command line or an answer is wrong",
    3: "`--check` found that there is something newer",
    4: "the author and the templates changed the same lines, whether that is only told or marked in the files, too",
    5: "a required program is missing or failed to run",
    70: "a bug of gopherforge",
    130: "interrupted by Ctrl-C",
}


def write() -> str:
    """Every exit code, and every code that a failure has in a JSON document."""
    failures = sorted(_below(ForgeError), key=lambda failure: (failure.exit_code, failure.code))
    statuses = {failure.exit_code for failure in failures}
    check_complete("failures.py", map(str, {0, 3, *statuses}), map(str, MEANINGS))
    return page(
        "Exit codes",
        "This page lists the exit codes of gopherforge, and the error codes in its [JSON documents](json.md).",
        table(["exit code", "meaning"], [(code(status), meaning) for status, meaning in MEANINGS.items()]),
        "## Error codes",
        table(
            ["error code", "exit code", "meaning"],
            [(code(failure.code), code(failure.exit_code), _meaning(failure)) for failure in failures],
        ),
    )


def _below(failure: type[ForgeError]) -> Iterator[type[ForgeError]]:
    for kind in failure.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from _below(kind)


def _meaning(failure: type[ForgeError]) -> str:
    """The first paragraph of its docstring."""
    return " ".join(str(failure.__doc__).partition("\n\n")[0].split())
