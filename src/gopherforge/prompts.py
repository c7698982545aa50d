"""Prompts on a terminal: by questionary, which only this module imports, or in plain lines where the cursor cannot move."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

import questionary
from prompt_toolkit.application import create_app_session
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output

from gopherforge.dialogue import Asker, Back, Prompt, Reply

KEYS = "Enter accepts, arrow keys choose, Esc goes back, Ctrl-C leaves nothing behind."
LINE_KEYS = "Enter accepts what is in brackets, < goes back, Ctrl-C leaves nothing behind."
ESCAPE_DELAY = 0.05  # seconds in which the rest of an arrow key's sequence has to follow its Esc


@contextmanager
def open_terminal(environ: Mapping[str, str], stdin: TextIO, stderr: TextIO) -> Iterator[Asker]:
    """The asker that fits the terminal. Everything is shown on stderr, so that stdout holds the result alone."""
    if environ.get("TERM", "") in {"", "dumb", "unknown"}:
        stderr.write(f"{LINE_KEYS}\n")
        yield LineAsker(stdin, stderr)
        return
    output = create_output(stdout=stderr)
    if isinstance(output, Vt100_Output):
        output.enable_cpr = False  # a terminal that does not answer where its cursor is would be warned about
    with create_app_session(output=output):
        stderr.write(f"{KEYS}\n")
        yield ScreenAsker(stderr)


@dataclass(frozen=True)
class ScreenAsker:
    """Asks by questionary."""

    stderr: TextIO

    def show(self, text: str) -> None:
        """Shows lines of text."""
        _write(self.stderr, f"{text}\n")

    def text(self, prompt: Prompt) -> str | Back:
        """Asks for a line, which starts as the prompt's draft."""
        reply: str | Back = self._ask(questionary.text(f"{_message(prompt)} [{prompt.default}]:", default=prompt.draft))
        return reply if isinstance(reply, Reply) else reply.strip() or str(prompt.default)

    def choose(self, prompt: Prompt) -> str | Back:
        """Asks for one of the prompt's choices, by the arrow keys."""
        choices = [questionary.Choice(_title(label, value), value) for label, value in prompt.choices.items()]
        reply: str | Back = self._ask(
            questionary.select(f"{_message(prompt)}:", choices, default=str(prompt.default), instruction=" ")
        )
        return reply

    def confirm(self, prompt: Prompt) -> bool | Back:
        """Asks for yes or no."""
        reply: bool | Back = self._ask(questionary.confirm(_message(prompt), default=bool(prompt.default)))
        return reply

    def _ask(self, question: questionary.Question) -> Any:
        bindings = KeyBindings()

        @bindings.add("escape", eager=True)
        def _go_back(event: KeyPressEvent) -> None:
            event.app.erase_when_done = True
            event.app.exit(result=Reply.BACK)

        application = question.application
        application.key_bindings = merge_key_bindings([application.key_bindings or KeyBindings(), bindings])
        application.ttimeoutlen = ESCAPE_DELAY
        try:
            return question.unsafe_ask()
        except EOFError:  # Ctrl-D
            raise KeyboardInterrupt from None


@dataclass(frozen=True)
class LineAsker:
    """Asks by writing lines and reading lines."""

    stdin: TextIO
    stderr: TextIO

    def show(self, text: str) -> None:
        """Shows lines of text."""
        _write(self.stderr, f"{text}\n")

    def text(self, prompt: Prompt) -> str | Back:
        """Asks for a line."""
        self.show(prompt.help)
        return self._line(prompt.key, str(prompt.default))

    def choose(self, prompt: Prompt) -> str | Back:
        """Asks for one of the prompt's choices, by its number or value."""
        values = list(prompt.choices.values())
        self.show(prompt.help)
        for number, (label, value) in enumerate(prompt.choices.items(), start=1):
            self.show(f"  {number}  {_title(label, value)}")
        reply = self._line(prompt.key, str(values.index(str(prompt.default)) + 1))
        if isinstance(reply, Reply) or not reply.isdecimal() or not 1 <= int(reply) <= len(values):
            return reply
        return values[int(reply) - 1]

    def confirm(self, prompt: Prompt) -> bool | Back:
        """Asks for yes or no until one of them is answered."""
        words = {"y": True, "yes": True, "n": False, "no": False}
        if prompt.key:
            self.show(prompt.help)
        while True:
            reply = self._line(prompt.key or prompt.help, "yes" if prompt.default else "no")
            if isinstance(reply, Reply):
                return reply
            if reply.lower() in words:
                return words[reply.lower()]
            self.show("  yes or no, please.")

    def _line(self, label: str, default: str) -> str | Back:
        _write(self.stderr, f"{label} [{default}]: ")
        try:
            line = self.stdin.readline()
        except KeyboardInterrupt:
            self.show("")  # what follows does not belong to the line of the prompt
            raise
        if not line:
            raise KeyboardInterrupt  # the terminal is gone
        reply = line.strip()
        return Reply.BACK if reply == "<" else reply or default


def _message(prompt: Prompt) -> str:
    return f"{prompt.help}\n  {prompt.key}" if prompt.key else prompt.help


def _title(label: str, value: str) -> str:
    return label if label == value else f"{label} ({value})"


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()
