"""The only writer: a result to stdout, what went wrong to stderr, or both as one JSON document on stdout."""

import errno
import json
import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from gopherforge.errors import ForgeError, OutputFailed
from gopherforge.wording import printable

SCHEMA = 1
ERROR_LINES = 3  # the hint is the fourth

FOUND = 3
"""The exit code of a check that found something."""


@dataclass(frozen=True)
class Result:
    """What a command achieved: `data` for programs, `text` for people, and warnings for both.

    An `exit_code` other than 0 is no failure but an answer: that a check found something.
    """

    data: Mapping[str, object]
    text: str
    warnings: tuple[str, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True)
class Report:
    """Where and how one run of the program reports."""

    stdout: TextIO
    stderr: TextIO
    command: str
    as_json: bool
    dumb: bool = False  # whether a terminal can neither return to the start of a line nor show colours

    def result(self, result: Result) -> None:
        """Writes a result. Raises OutputFailed where stdout does not take it."""
        for warning in result.warnings:
            _write(self.stderr, f"warning: {printable(warning)}")
        self._output(self._envelope("ok", data=result.data) if self.as_json else result.text)

    def error(self, error: ForgeError) -> None:
        """Writes a failure: a sentence or a few, and what to do. Raises OutputFailed as `result` does."""
        if self.as_json and not isinstance(error, OutputFailed):
            explained = {"code": error.code, "message": " ".join(error.message.split("\n")), "hint": error.hint}
            found = {} if error.data is None else {"data": error.data}
            self._output(self._envelope("error", error=explained, **found))
            return
        if error.text:
            self._output(error.text)
        for sentence in _at_most(ERROR_LINES, error.message.split("\n")):
            _write(self.stderr, f"error: {printable(sentence)}")
        if error.hint:
            _write(self.stderr, f"hint: {printable(error.hint)}")

    @property
    def colours(self) -> bool:
        """Whether the result goes to a terminal that may show colours."""
        return self.stdout.isatty() and not self.dumb and not self.as_json

    def progress(self) -> "Progress":
        """Where a command tells what it is doing: nowhere, where programs read the result."""
        return Progress(self.stderr, live=self.stderr.isatty() and not self.dumb, quiet=self.as_json)

    def page(self, text: str) -> None:
        """Writes a page that was asked for, such as of --help."""
        self._output(text.rstrip("\n"))

    def usage(self, text: str) -> None:
        """Writes a help page that was not asked for."""
        _write(self.stderr, text)

    def traceback(self, error: BaseException) -> None:
        """Writes where an exception came from."""
        _write(self.stderr, "".join(traceback.format_exception(error)).rstrip("\n"))

    def _envelope(self, status: str, **content: object) -> str:
        document = {"schema": SCHEMA, "command": self.command, "status": status, **content}
        return json.dumps(document, indent=2, allow_nan=False)

    def _output(self, text: str) -> None:
        try:
            _write(self.stdout, text)
        except OSError as error:
            raise OutputFailed(f"the result could not be written: {error.strerror}.") from error


@dataclass
class Progress:
    """What is told on stderr while a command runs."""

    stderr: TextIO
    live: bool = False  # whether a line can be written again
    quiet: bool = False
    unfinished: str = ""  # the line that is being shown

    def warn(self, sentence: str) -> None:
        """Writes a warning."""
        _write(self.stderr, f"warning: {printable(sentence)}")

    def show(self, line: str) -> None:
        """Writes a line that stays; it replaces the last one that did not."""
        if not self.quiet:
            over = f"\r{' ' * len(self.unfinished)}\r" if self.unfinished else ""
            self.unfinished = ""
            _write(self.stderr, f"{over}{printable(line)}")

    def show_now(self, line: str) -> None:
        """Shows a line until the next one, on a terminal that can."""
        if self.live and not self.quiet:
            text = printable(line)
            _write(self.stderr, f"\r{text:<{len(self.unfinished)}}", end="")
            self.unfinished = text


def _write(stream: TextIO, text: str, end: str = "\n") -> None:
    """Writes a line. A reader that went away, as `head` does, is no failure."""
    try:
        stream.write(f"{text}{end}")
        stream.flush()
    except OSError as error:
        # What is still buffered would fail again when Python closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if error.errno != errno.EPIPE:
            raise


def _at_most(limit: int, sentences: list[str]) -> list[str]:
    if len(sentences) <= limit:
        return sentences
    return [*sentences[: limit - 1], f"{len(sentences) - limit + 1} more answers are wrong."]
