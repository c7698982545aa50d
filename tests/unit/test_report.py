"""report.py: one document or a few lines, each on its own stream."""

import io
import json
import os
from pathlib import Path

import pytest

from gopherforge.errors import InvalidAnswer, OutputFailed, ProgramMissing
from gopherforge.report import Progress, Report, Result


def report(*, as_json: bool = False) -> tuple[Report, io.StringIO, io.StringIO]:
    stdout, stderr = io.StringIO(), io.StringIO()
    return Report(stdout, stderr, "new", as_json), stdout, stderr


def test_a_result_is_text_and_its_warnings_go_to_stderr() -> None:
    to, stdout, stderr = report()
    to.result(Result({"key": "value"}, "done.", ("take care.",)))
    assert (stdout.getvalue(), stderr.getvalue()) == ("done.\n", "warning: take care.\n")


def test_a_result_is_one_document() -> None:
    to, stdout, stderr = report(as_json=True)
    to.result(Result({"path": "/tmp/é\udcff"}, "done."))
    assert json.loads(stdout.getvalue()) == {"schema": 1, "command": "new", "status": "ok", "data": {"path": "/tmp/é\udcff"}}
    assert stdout.getvalue().isascii()
    assert stderr.getvalue() == ""


def test_what_is_no_json_is_not_written() -> None:
    to, stdout, _ = report(as_json=True)
    with pytest.raises(ValueError, match="not JSON compliant"):
        to.result(Result({"key": float("nan")}, "done."))
    assert stdout.getvalue() == ""


def test_an_error_is_lines_on_stderr() -> None:
    to, stdout, stderr = report()
    to.error(InvalidAnswer("a is wrong.\nb is wrong.", "mend them."))
    assert (stdout.getvalue(), stderr.getvalue()) == ("", "error: a is wrong.\nerror: b is wrong.\nhint: mend them.\n")


def test_an_error_is_one_document() -> None:
    to, stdout, stderr = report(as_json=True)
    to.error(InvalidAnswer("a is wrong.\nb is wrong.", "mend them."))
    explained = {"code": "invalid-answer", "message": "a is wrong. b is wrong.", "hint": "mend them."}
    assert json.loads(stdout.getvalue()) == {"schema": 1, "command": "new", "status": "error", "error": explained}
    assert stderr.getvalue() == ""


def test_an_error_tells_what_was_found_out_all_the_same() -> None:
    error = ProgramMissing("it is not there.", "get it.", data={"tools": []}, text="a table")
    to, stdout, stderr = report()
    to.error(error)
    assert (stdout.getvalue(), stderr.getvalue()) == ("a table\n", "error: it is not there.\nhint: get it.\n")
    to, stdout, stderr = report(as_json=True)
    to.error(error)
    explained = {"code": "program-missing", "message": "it is not there.", "hint": "get it."}
    found = {"schema": 1, "command": "new", "status": "error", "error": explained, "data": {"tools": []}}
    assert (json.loads(stdout.getvalue()), stderr.getvalue()) == (found, "")


def test_an_error_has_at_most_four_lines() -> None:
    to, _, stderr = report()
    to.error(InvalidAnswer("\n".join(f"{number} is wrong." for number in range(9)), "mend them."))
    assert stderr.getvalue().splitlines() == [
        "error: 0 is wrong.",
        "error: 1 is wrong.",
        "error: 7 more answers are wrong.",
        "hint: mend them.",
    ]


def test_a_reader_that_went_away_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stdout:
        Report(stdout, io.StringIO(), "options", as_json=False).result(Result({}, "text"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full.")
def test_a_full_disk_is_a_failure() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as stdout, pytest.raises(OutputFailed, match="No space left on device"):
        Report(stdout, io.StringIO(), "options", as_json=True).result(Result({}, "text"))


def test_a_traceback_is_only_shown_on_request() -> None:
    to, stdout, stderr = report()
    try:
        int("x")
    except ValueError as error:
        to.traceback(error)
    assert stdout.getvalue() == ""
    assert stderr.getvalue().startswith("Traceback (most recent call last):\n")
    assert stderr.getvalue().endswith("ValueError: invalid literal for int() with base 10: 'x'\n")


def test_progress_is_a_line_at_a_time() -> None:
    stderr = io.StringIO()
    progress = Progress(stderr)
    progress.show_now("running")
    progress.show("done\x1b[2J")
    progress.warn("take care.")
    assert stderr.getvalue() == "done\\x1b[2J\nwarning: take care.\n"


def test_progress_on_a_terminal_replaces_the_line_that_is_unfinished() -> None:
    stderr = io.StringIO()
    progress = Progress(stderr, live=True)
    progress.show_now("running now")
    progress.show("done")
    progress.show("done too")
    assert stderr.getvalue() == "\rrunning now\r           \rdone\ndone too\n"


def test_where_programs_read_the_result_only_warnings_are_told() -> None:
    stderr = io.StringIO()
    progress = Progress(stderr, live=True, quiet=True)
    progress.show_now("running")
    progress.show("done")
    progress.warn("take care.")
    assert stderr.getvalue() == "warning: take care.\n"
