"""The conversation of `gopherforge new`: which question comes next, what Esc returns to, when it is complete."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from textwrap import fill
from typing import Literal, Protocol

from gopherforge.answers import context, unasked
from gopherforge.catalog import Answers, Catalog, Question, Value
from gopherforge.errors import Cancelled

LEADING = ("template", "name", "module")
SHORTCUT = "Use the recommended defaults for the rest?"
CONFIRM = "Create it?"


class Reply(Enum):
    """What a prompt can return instead of an answer."""

    BACK = "back"


Back = Literal[Reply.BACK]


@dataclass(frozen=True)
class Prompt:
    """What one prompt shows. A text prompt takes its default for an empty line."""

    key: str
    help: str
    default: Value
    choices: Mapping[str, str] = field(default_factory=dict)  # label to value
    draft: str = ""  # a refused answer, to be mended


class Asker(Protocol):
    """A terminal that shows lines and asks for one answer at a time. Ctrl-C raises KeyboardInterrupt."""

    def show(self, text: str) -> None:
        """Shows lines of text."""

    def text(self, prompt: Prompt) -> str | Back:
        """Asks for a line."""

    def choose(self, prompt: Prompt) -> str | Back:
        """Asks for one of the prompt's choices."""

    def confirm(self, prompt: Prompt) -> bool | Back:
        """Asks for yes or no."""


@dataclass(frozen=True)
class Setting:
    """What a conversation starts from, and the caller's part in it."""

    given: Answers  # not asked again
    suggested: Answers  # replace the defaults of the questions
    objection: Callable[[str, Value], str]  # the caller's sentence against an answer, or nothing
    where: Callable[[Answers], str]  # the directory that these answers lead to


def converse(catalog: Catalog, setting: Setting, asker: Asker) -> dict[str, Value]:
    """All answers, the given ones included, that are not left to the defaults. Raises Cancelled after a No to the summary."""
    return _Conversation(catalog, setting, asker).run()


@dataclass
class _Conversation:
    catalog: Catalog
    setting: Setting
    asker: Asker
    replies: dict[str, Value] = field(default_factory=dict)  # in the order of the prompts, SHORTCUT and CONFIRM among them
    recalled: dict[str, Value] = field(default_factory=dict)  # what was replied before Esc
    subject: str = ""

    def run(self) -> dict[str, Value]:
        while (step := self._next()) is not None:
            reply = self._ask(step)
            if not isinstance(reply, Reply):
                self.replies[step] = reply
            elif self.replies:
                self._go_back()
        self.asker.show("")
        if not self.replies[CONFIRM]:
            raise Cancelled("cancelled: nothing was written.")
        return self._known()

    def _go_back(self) -> None:
        """Takes the last reply back; what was more than its prompt's default is offered again."""
        step, reply = self.replies.popitem()
        self.recalled.pop(step, None)
        if step not in self.catalog or reply != self._default(self.catalog[step]):
            self.recalled[step] = reply

    def _next(self) -> str | None:
        """The question that comes next, SHORTCUT, CONFIRM, or nothing after that."""
        unanswered = self._unanswered()
        for key in LEADING:
            if key in unanswered:
                return key
        if unanswered and SHORTCUT not in self.replies:
            return SHORTCUT
        if unanswered and not self.replies[SHORTCUT]:
            return unanswered[0]
        return None if CONFIRM in self.replies else CONFIRM

    def _unanswered(self) -> list[str]:
        known = self._known()
        values = context(self.catalog, known)
        asked = (question.key for question in self.catalog.askable if self.catalog.asks(question, values))
        return [key for key in asked if key not in known]

    def _known(self) -> dict[str, Value]:
        replies = {key: value for key, value in self.replies.items() if key in self.catalog}
        return {**self.setting.given, **replies}

    def _ask(self, step: str) -> Value | Back:
        if step == SHORTCUT:
            return self.asker.confirm(Prompt("", SHORTCUT, self.recalled.get(SHORTCUT, True)))
        if step == CONFIRM:
            self.asker.show(self._summary())
            return self.asker.confirm(Prompt("", CONFIRM, default=True))
        return self._ask_question(self.catalog[step])

    def _ask_question(self, question: Question) -> Value | Back:
        if question.key not in LEADING and question.subject != self.subject:
            self.asker.show(f"\n{question.subject.capitalize()}")
            self.subject = question.subject
        draft = ""
        while True:
            reply = self._prompt(question, draft)
            if isinstance(reply, Reply):
                return reply
            sentence = self._objection(question, reply)
            if not sentence:
                return reply
            self.asker.show(fill(sentence, 78, initial_indent="  ", subsequent_indent="  "))
            draft = str(reply)

    def _prompt(self, question: Question, draft: str) -> Value | Back:
        default = self.recalled.get(question.key, self._default(question))
        prompt = Prompt(question.key, question.help, default, question.choices, draft)
        if question.type == "bool":
            return self.asker.confirm(prompt)
        return self.asker.choose(prompt) if question.choices else self.asker.text(prompt)

    def _default(self, question: Question) -> Value:
        return self.setting.suggested.get(question.key, context(self.catalog, self._known())[question.key])

    def _objection(self, question: Question, reply: Value) -> str:
        try:
            value = question.parse(reply)
        except ValueError as error:
            return str(error)
        if question.key == "template":
            refused = (unasked(self.catalog, key, str(value)) for key in self.setting.given)
            return next(filter(None, refused), "")
        values = context(self.catalog, self._known())
        return self.catalog.problem(question, value, values) or self.setting.objection(question.key, value)

    def _summary(self) -> str:
        values = context(self.catalog, self._known())
        shown = {question.key: values[question.key] for question in self.catalog.askable if self.catalog.asks(question, values)}
        shown["directory"] = self.setting.where(values)
        width = max(map(len, shown))
        return "\n" + "\n".join(f"  {key:<{width}}  {_plain(value)}" for key, value in shown.items()) + "\n"


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else ("no", "yes")[value]
