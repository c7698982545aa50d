"""The error tree against the table of exit codes that releases freeze."""

import re

from gopherforge import errors
from gopherforge.errors import ForgeError

EXIT_CODES = {
    "branch-refused": 1,
    "bug": 70,
    "cancelled": 1,
    "cannot-recover": 1,
    "cannot-update": 1,
    "cannot-write": 1,
    "checks-failed": 1,
    "conflicts": 4,
    "failed": 1,
    "in-the-way": 1,
    "incomplete-clone": 1,
    "interrupted": 130,
    "invalid-answer": 2,
    "invalid-data-file": 2,
    "invalid-project": 1,
    "invalid-templates": 1,
    "missing-answer": 2,
    "output-failed": 1,
    "program-failed": 5,
    "program-missing": 5,
    "render-failed": 1,
    "repository-busy": 1,
    "target-refused": 1,
    "templates-missing": 1,
    "unclean-work-tree": 1,
    "unknown-ref": 2,
    "unusable-history": 1,
    "usage": 2,
}


def kinds() -> list[type[ForgeError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ForgeError)]


def test_codes_and_exit_codes_are_the_frozen_ones() -> None:
    assert {kind.code: kind.exit_code for kind in kinds()} == EXIT_CODES


def test_every_code_is_stable_text_and_belongs_to_one_kind() -> None:
    codes = [kind.code for kind in kinds()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", code) for code in codes)


def test_an_error_carries_its_sentence_and_hint() -> None:
    error = ForgeError("it is so.", "do this.")
    assert (str(error), error.message, error.hint) == ("it is so.", "it is so.", "do this.")
    assert (ForgeError("it is so.").hint, ForgeError("it is so.").data, ForgeError("it is so.").text) == ("", None, "")
